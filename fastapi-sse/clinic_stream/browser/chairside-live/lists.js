// @ts-check
/**
 * Rows by id, as snapshots and changes make them. Pure.
 *
 * @typedef {number | string} RowId
 * @typedef {{ id: RowId, [field: string]: any }} Row An appointment, notification or hold, with the fields of the REST
 *   API; or a day of somebody's taken time.
 * @typedef {{ of: string, inOrder: (a: Row, b: Row) => number }} Kind The member of a snapshot that has the rows.
 * @typedef {{ upserts: Row[], removes: RowId[], isSnapshot: boolean }} Change
 */

/** @type {Kind} */
export const APPOINTMENTS = {
  of: "appointments",
  inOrder: (a, b) => Date.parse(a.start) - Date.parse(b.start) || Number(a.id) - Number(b.id),
};

/** @type {Kind} */
export const NOTIFICATIONS = {
  of: "notifications",
  inOrder: (a, b) => Date.parse(b.created_at) - Date.parse(a.created_at) || Number(b.id) - Number(a.id),
};

/** @type {Kind} */
export const HOLDS = { of: "holds", inOrder: APPOINTMENTS.inOrder };

/** @type {Kind} */
export const DAYS = { of: "days", inOrder: (a, b) => (a.date < b.date ? -1 : Number(a.date > b.date)) || a.practitioner - b.practitioner };

/** Rows by id, and the event id up to which they are known. */
export class KeyedList {
  constructor(kind = APPOINTMENTS) {
    this._kind = kind;
    /** @type {Map<RowId, Row>} */
    this.byId = new Map();
    /** Facts beside the rows. @type {Record<string, any>} */
    this.facts = {};
    /** @type {string | null} */
    this.lastId = null;
  }

  get rows() {
    return [...this.byId.values()].sort(this._kind.inOrder);
  }

  /** As a snapshot holds it. */
  get whole() {
    return { ...this.facts, [this._kind.of]: this.rows };
  }

  /** @param {any} whole @returns {Change} */
  replace(whole) {
    /** @type {Row[]} */
    const rows = whole[this._kind.of] ?? [];
    const former = this.byId;
    this.byId = new Map(rows.map((row) => [row.id, row]));
    this.facts = factsOf(whole, this._kind.of);
    const upserts = rows.filter((row) => JSON.stringify(former.get(row.id)) !== JSON.stringify(row));
    return { upserts, removes: [...former.keys()].filter((id) => !this.byId.has(id)), isSnapshot: true };
  }

  /** @param {{ upserts: Row[], removes: RowId[], seq?: number, [fact: string]: any }} change @returns {Change} */
  apply(change) {
    const { upserts, removes } = change;
    for (const id of removes) this.byId.delete(id);
    for (const row of upserts) this.byId.set(row.id, row);
    this.facts = factsOf(change, "upserts");
    return { upserts, removes, isSnapshot: false };
  }
}

/** @param {Record<string, any>} data @param {string} rows @returns {Record<string, any>} */
function factsOf(data, rows) {
  const others = [rows, "removes", "seq", "as_of"];
  return Object.fromEntries(Object.entries(data).filter(([name]) => !others.includes(name)));
}
