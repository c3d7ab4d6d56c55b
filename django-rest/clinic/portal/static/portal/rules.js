// @ts-check
/**
 * What the board knows without a page. Pure: `now` is always an argument, in milliseconds.
 *
 * @typedef {{ id: number, patient_name: string, patient_phone: string, patient_email: string, practitioner: number,
 *   practitioner_name: string, service_name: string | null, start: string, end: string, date: string, time: string,
 *   status: string, attendance_confirmed_at: string | null, checked_in_at: string | null, notes: string,
 *   cancel_reason: string, source: string, version: number, created_at: string }} Row As the REST API shows it.
 * @typedef {{ id: number, name: string, specialisation: string }} Practitioner
 * @typedef {{ name: string, from: string[], to: string, moment: "any" | "on the day" | "begun", label: string,
 *   icon: string, asksReason: boolean }} Action
 * @typedef {{ practitioner: Practitioner, rows: Row[] }} Column
 */

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** What the stream shows without being asked for days: today and the next seven. */
const DAYS_OF_THE_WEEK_STREAM = 7;
/** What the stream keeps at all: yesterday to 31 days ahead. */
const LIVE_DAYS = { behind: 1, ahead: 31 };
const OVER = ["completed", "cancelled", "rejected", "no_show"];

/** To make one costs more than all that it writes. @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {string} locale @param {Intl.DateTimeFormatOptions} how */
export function formatOf(locale, how) {
  const key = JSON.stringify([locale, how]);
  const format = formats.get(key) ?? new Intl.DateTimeFormat(locale, how);
  formats.set(key, format);
  return format;
}

/** @param {string} timezone @param {number} now @returns {string} The clinic's date, as 2026-11-20. */
export function dateIn(timezone, now) {
  const how = /** @type {const} */ ({ timeZone: timezone, year: "numeric", month: "2-digit", day: "2-digit" });
  const parts = formatOf("en", how).formatToParts(now);
  const part = (/** @type {string} */ type) => parts.find((one) => one.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")}`;
}

/** @param {string} timezone @param {number} now @returns {string} The clinic's clock, as 09:05. */
export function clockIn(timezone, now) {
  return formatOf("en-GB", { timeZone: timezone, hour: "2-digit", minute: "2-digit" }).format(now);
}

/** @param {string | null | undefined} text @returns {string | null} The date, if it is one of the calendar. */
export function readDate(text) {
  if (!text || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return null;
  const at = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== text ? null : text;
}

/** @param {string} date @param {number} days @returns {string} */
export function shiftDate(date, days) {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** @param {string} from @param {string} to @returns {number} */
export function daysBetween(from, to) {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / DAY_MS);
}

/**
 * Where a day's rows come from: the stream that is open anyway, another one for that day, or a list from REST.
 * @param {string} date @param {string} today @returns {"week" | "day" | "list"}
 */
export function sourceOf(date, today) {
  const ahead = daysBetween(today, date);
  if (ahead >= 0 && ahead <= DAYS_OF_THE_WEEK_STREAM) return "week";
  return ahead >= -LIVE_DAYS.behind && ahead <= LIVE_DAYS.ahead ? "day" : "list";
}

/**
 * What the lifecycle lets the clinic do with an appointment at this moment.
 * @param {Action[]} actions @param {Row} row @param {{ now: number, today: string }} at @returns {Action[]}
 */
export function allowedActions(actions, row, { now, today }) {
  return actions.filter((action) => {
    if (!action.from.includes(row.status)) return false;
    if (action.moment === "on the day") return row.date === today;
    return action.moment !== "begun" || now >= Date.parse(row.start);
  });
}

/** @param {Row} row Nothing will come of it any more. */
export function isOver(row) {
  return OVER.includes(row.status);
}

/** @param {Row} row @param {number} now Its time is now, whoever is there. */
export function isUnderWay(row, now) {
  return !isOver(row) && Date.parse(row.start) <= now && now < Date.parse(row.end);
}

/**
 * One column for each practitioner who has somebody, in the practitioners' order; who is not listed any more comes last.
 * @param {Row[]} rows In their order. @param {Practitioner[]} practitioners
 * @returns {{ columns: Column[], free: Practitioner[] }}
 */
export function columnsOf(rows, practitioners) {
  /** @type {Map<number, Column>} */
  const byId = new Map(practitioners.map((practitioner) => [practitioner.id, { practitioner, rows: [] }]));
  for (const row of rows) {
    const former = { practitioner: { id: row.practitioner, name: row.practitioner_name, specialisation: "" }, rows: [] };
    const column = byId.get(row.practitioner) ?? former;
    byId.set(row.practitioner, column);
    column.rows.push(row);
  }
  const every = [...byId.values()];
  return {
    columns: every.filter((column) => column.rows.length > 0),
    free: every.filter((column) => column.rows.length === 0).map((column) => column.practitioner),
  };
}

/** @param {Column[]} columns @returns {Column[]} Whose day is over makes room for who still expects somebody. */
export function doneLast(columns) {
  const isDone = (/** @type {Column} */ { rows }) => rows.every(isOver);
  return [...columns.filter((column) => !isDone(column)), ...columns.filter(isDone)];
}

/** @param {Row[]} rows @param {string[]} statuses @returns {[string, number][]} In the order of the statuses. */
export function countsOf(rows, statuses) {
  return statuses.map((status) => [status, rows.filter((row) => row.status === status).length]);
}

/** @param {Row[]} rows @param {number} now @returns {number} Before which row the line of the present time stands. */
export function placeOfNow(rows, now) {
  const place = rows.findIndex((row) => Date.parse(row.start) > now);
  return place < 0 ? rows.length : place;
}

/**
 * Whole minutes somebody is late, or has been waiting beyond their time.
 * @param {Row} row @param {number} now @returns {{ kind: "late" | "waiting", minutes: number } | null}
 */
export function delayOf(row, now) {
  const start = Date.parse(row.start);
  if (row.status === "confirmed" && now - start >= MINUTE_MS && now < Date.parse(row.end)) {
    return { kind: "late", minutes: Math.floor((now - start) / MINUTE_MS) };
  }
  if (row.status === "checked_in" && row.checked_in_at && now < start) {
    return { kind: "waiting", minutes: Math.max(0, Math.floor((now - Date.parse(row.checked_in_at)) / MINUTE_MS)) };
  }
  return null;
}

/**
 * What differs between two states of one appointment, in one word.
 * @param {Row | undefined} before @param {Row} after
 * @returns {"new" | "status" | "moved" | "edited" | null}
 */
export function differenceOf(before, after) {
  if (!before) return "new";
  if (before.status !== after.status) return "status";
  if (before.start !== after.start || before.practitioner !== after.practitioner) return "moved";
  return before.version !== after.version ? "edited" : null;
}

/** @template T @param {T[]} rows @param {number} most @returns {{ shown: T[], more: number }} */
export function firstOf(rows, most) {
  return { shown: rows.slice(0, most), more: Math.max(0, rows.length - most) };
}
