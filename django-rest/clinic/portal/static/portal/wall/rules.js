// @ts-check
/**
 * Content of a wall, from the rows of its stream. Pure: `now` is always an argument, in milliseconds.
 *
 * @typedef {{ id: number, name: string | null, number: number | null, waiting_since: string, called_at: string | null, room: string }} WaitingRow
 * @typedef {{ id: number, patient_name: string, practitioner: number, practitioner_name: string, service_name: string | null,
 *   service_color: string | null, start: string, end: string, status: string, arrived_at: string | null, checked_in_at: string | null,
 *   called_at: string | null, room: string }} TeamRow
 * @typedef {{ id: number, name: string, rows: TeamRow[], over: number }} TeamColumn
 * @typedef {{ from: number, to: number, turn: number }} TeamPage Columns from `from` to `to`, and the page of rows within them.
 */

/** How long somebody is asked to come in; then they are in the room, or are called again. */
export const CALL_SHOWN_MS = 5 * 60_000;
/** A call that was made while the wall was not live is still announced for so long. */
export const CALL_IS_NEW_MS = 90_000;
export const MESSAGE_MS = 12_000;
/** A page that would load itself again and again would show nothing. */
export const RELOAD_AT_MOST_EVERY_MS = 10 * 60_000;

const OVER = ["completed", "cancelled", "rejected", "no_show"];

/**
 * @template {{ id: number }} Row
 * @param {Map<number, Row>} rows @param {string} event @param {any} told @returns {Map<number, Row>} A new map.
 */
export function applyEvent(rows, event, told) {
  if (event === "snapshot") return new Map(told.visits.map((/** @type {Row} */ row) => [row.id, row]));
  const next = new Map(rows);
  for (const id of told.removes) next.delete(id);
  for (const row of told.upserts) next.set(row.id, row);
  return next;
}

/** @param {Iterable<WaitingRow>} rows @param {number} now @returns {WaitingRow[]} Newest first. */
export function callsOf(rows, now) {
  const called = [...rows].filter(({ called_at: at }) => at !== null && now - Date.parse(at) < CALL_SHOWN_MS);
  return called.sort((one, other) => Date.parse(other.called_at ?? "") - Date.parse(one.called_at ?? "") || one.id - other.id);
}

/** @param {Iterable<WaitingRow>} rows @returns {WaitingRow[]} Longest waiting first. */
export function queueOf(rows) {
  const waiting = [...rows].filter((row) => row.called_at === null);
  return waiting.sort((one, other) => Date.parse(one.waiting_since) - Date.parse(other.waiting_since) || one.id - other.id);
}

/**
 * Calls to announce. None when the wall has just been switched on.
 * @param {Map<number, WaitingRow> | null} before @param {Map<number, WaitingRow>} rows @param {number} now
 */
export function newCalls(before, rows, now) {
  if (before === null) return [];
  return callsOf(rows.values(), now).filter(
    ({ id, called_at: at }) => at !== before.get(id)?.called_at && now - Date.parse(at ?? "") < CALL_IS_NEW_MS,
  );
}

/** @param {Iterable<TeamRow>} rows @returns {TeamColumn[]} By the practitioners' names; each with what is still to come. */
export function columnsOf(rows) {
  /** @type {Map<number, TeamColumn>} */
  const byId = new Map();
  const inOrder = [...rows].sort((one, other) => Date.parse(one.start) - Date.parse(other.start) || one.id - other.id);
  for (const row of inOrder) {
    const column = byId.get(row.practitioner) ?? { id: row.practitioner, name: row.practitioner_name, rows: [], over: 0 };
    byId.set(row.practitioner, column);
    if (OVER.includes(row.status)) column.over += 1;
    else column.rows.push(row);
  }
  return [...byId.values()].sort((one, other) => one.name.localeCompare(other.name));
}

/**
 * @param {number[]} counts Rows of each column. @param {{ columns: number, rows: number }} room Of one page.
 * @returns {TeamPage[]} At least one; columns of a page as even as possible.
 */
export function teamPages(counts, room) {
  const groups = Math.max(1, Math.ceil(counts.length / Math.max(1, room.columns)));
  const size = Math.ceil(counts.length / groups);
  return Array.from({ length: groups }, (_, group) => {
    const [from, to] = [group * size, Math.min(counts.length, (group + 1) * size)];
    const turns = Math.max(1, ...counts.slice(from, to).map((count) => Math.ceil(count / Math.max(1, room.rows))));
    return Array.from({ length: turns }, (_each, turn) => ({ from, to, turn }));
  }).flat();
}

/**
 * @template Row
 * @param {Row[]} rows @param {number} room @param {number} turn @returns {Row[]} A column with fewer pages begins again.
 */
export function rowsOnPage(rows, room, turn) {
  const size = Math.max(1, room);
  const pages = Math.max(1, Math.ceil(rows.length / size));
  return rows.slice((turn % pages) * size, ((turn % pages) + 1) * size);
}

/** @param {string} at An instant. @param {number} now */
export const minutesSince = (at, now) => Math.max(0, Math.floor((now - Date.parse(at)) / 60_000));

/** @param {string[]} messages @param {number} now @returns {string} The one whose turn it is; empty without any. */
export const messageAt = (messages, now) => messages[Math.floor(now / MESSAGE_MS) % Math.max(1, messages.length)] ?? "";

/** @param {string} own @param {string} served @param {number} now @param {number} reloadedAt 0: never. */
export const shouldReload = (own, served, now, reloadedAt) => own !== served && now - reloadedAt >= RELOAD_AT_MOST_EVERY_MS;
