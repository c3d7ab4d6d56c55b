// @ts-check
/**
 * Rows by id, as snapshots and changes make them. Pure.
 *
 * @typedef {{ id: number, [field: string]: any }} Row An appointment or notification, with the fields of the REST API.
 * @typedef {{ of: "appointments" | "notifications", inOrder: (a: Row, b: Row) => number }} Kind
 * @typedef {{ upserts: Row[], removes: number[], isSnapshot: boolean }} Change
 */

/** @type {Kind} */
export const APPOINTMENTS = {
  of: "appointments",
  inOrder: (a, b) => Date.parse(a.start) - Date.parse(b.start) || a.id - b.id,
};

/** @type {Kind} */
export const NOTIFICATIONS = {
  of: "notifications",
  inOrder: (a, b) => Date.parse(b.created_at) - Date.parse(a.created_at) || b.id - a.id,
};

/** Rows by id, and the event id up to which they are known. */
export class KeyedList {
  constructor(kind = APPOINTMENTS) {
    this._kind = kind;
    /** @type {Map<number, Row>} */
    this.byId = new Map();
    this.unreadCount = 0;
    /** @type {string | null} */
    this.lastId = null;
  }

  get rows() {
    return [...this.byId.values()].sort(this._kind.inOrder);
  }

  /** As a snapshot holds it. */
  get whole() {
    return { [this._kind.of]: this.rows, unread_count: this.unreadCount };
  }

  /** @param {any} whole @returns {Change} */
  replace(whole) {
    /** @type {Row[]} */
    const rows = whole[this._kind.of];
    const former = this.byId;
    this.byId = new Map(rows.map((row) => [row.id, row]));
    this.unreadCount = whole.unread_count ?? 0;
    const upserts = rows.filter((row) => JSON.stringify(former.get(row.id)) !== JSON.stringify(row));
    return { upserts, removes: [...former.keys()].filter((id) => !this.byId.has(id)), isSnapshot: true };
  }

  /** @param {{ upserts: Row[], removes: number[], unread_count?: number }} change @returns {Change} */
  apply({ upserts, removes, unread_count }) {
    for (const id of removes) this.byId.delete(id);
    for (const row of upserts) this.byId.set(row.id, row);
    this.unreadCount = unread_count ?? 0;
    return { upserts, removes, isSnapshot: false };
  }
}
