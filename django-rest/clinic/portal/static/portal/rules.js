// @ts-check
/**
 * Rules of the board that need no page. Pure: `now` is always an argument, in milliseconds.
 *
 * @typedef {{ id: number, patient: number, patient_name: string, patient_phone: string, patient_phone_extension: string,
 *   patient_email: string, practitioner: number,
 *   practitioner_name: string, service?: number | null, service_name: string | null, service_color?: string | null,
 *   patient_alert?: string, start: string, end: string, date: string, time: string,
 *   status: string, attendance_confirmed_at: string | null, checked_in_at: string | null, arrived_at: string | null, called_at: string | null,
 *   requested_start: string | null, room: string, reference: string, request_note: string, notes: string,
 *   cancel_reason: string, source: string, series?: number | null, allow_overlap: boolean, version: number, created_at: string,
 *   undo_until?: string | null }} Row As the REST API shows it.
 * @typedef {{ id: number, name: string, specialisation: string }} Practitioner
 * @typedef {{ name: string, from: string[], to: string, moment: "any" | "ahead" | "on the day" | "here" | "begun", label: string,
 *   icon: string, asksReason: boolean }} Action
 * @typedef {{ practitioner: Practitioner, rows: Row[] }} Column
 */

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Days that the stream shows by default: today and the next seven. */
const DAYS_OF_THE_WEEK_STREAM = 7;
/** Days that the stream can show: yesterday to 31 days ahead. */
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
 * Source of a day's rows: the stream that is open anyway, another one for that day, or a list from REST.
 * @param {string} date @param {string} today @returns {"week" | "day" | "list"}
 */
export function sourceOf(date, today) {
  const ahead = daysBetween(today, date);
  if (ahead >= 0 && ahead <= DAYS_OF_THE_WEEK_STREAM) return "week";
  return ahead >= -LIVE_DAYS.behind && ahead <= LIVE_DAYS.ahead ? "day" : "list";
}

/**
 * Actions that the lifecycle allows the clinic on an appointment at this moment.
 * @param {Action[]} actions @param {Row} row @param {{ now: number, today: string }} at @returns {Action[]}
 */
export function allowedActions(actions, row, { now, today }) {
  return actions.filter((action) => {
    if (!action.from.includes(row.status)) return false;
    if (action.moment === "on the day") return row.date === today;
    if (action.moment === "here") return row.date === today && !row.called_at && Boolean(row.arrived_at ?? row.checked_in_at);
    if (action.moment === "ahead") return now < Date.parse(row.start);
    return action.moment !== "begun" || now >= Date.parse(row.start);
  });
}

/** @param {string} text Without case and accents. */
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** @param {Row} row @param {string} wanted @returns {boolean} Whether name, phone or treatment contain each of the words. */
export function isLike(row, wanted) {
  const words = plain(wanted).split(/\s+/).filter(Boolean);
  const text = plain(`${row.patient_name} ${row.patient_phone} ${row.service_name ?? ""}`);
  return words.every((word) => text.includes(word) || text.includes(word.replace(/^0/, "")) && /^\d+$/.test(word));
}

/** @param {Row} row Nothing will come of it any more. */
export function isOver(row) {
  return OVER.includes(row.status);
}

/** @param {Row} row Whether the clinic has to answer it: a request, or a move that the patient asks for. */
export function awaitsAnswer(row) {
  return row.status === "pending" || (row.status === "confirmed" && Boolean(row.requested_start));
}

/** @param {Row[]} rows @param {Row} called @returns {string} Into which the same practitioner called last on that day; empty: none. */
export function lastRoomOf(rows, called) {
  const before = rows.filter((row) => row.practitioner === called.practitioner && row.date === called.date && row.called_at);
  before.sort((one, other) => Date.parse(other.called_at ?? "") - Date.parse(one.called_at ?? ""));
  return before[0]?.room ?? "";
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
 * Whole minutes somebody is late; has been waiting for their time; or, from then on, has been here.
 * @param {Row} row @param {number} now @returns {{ kind: "late" | "waiting" | "here", minutes: number } | null}
 */
export function delayOf(row, now) {
  const start = Date.parse(row.start);
  if (row.status === "confirmed" && now - start >= MINUTE_MS && now < Date.parse(row.end)) {
    return { kind: "late", minutes: Math.floor((now - start) / MINUTE_MS) };
  }
  if (row.status === "checked_in" && row.checked_in_at) {
    const minutes = Math.max(0, Math.floor((now - Date.parse(row.checked_in_at)) / MINUTE_MS));
    return { kind: now < start ? "waiting" : "here", minutes };
  }
  return null;
}

/**
 * Difference between two states of one appointment, in one word.
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

/** @param {string} expires An instant. @param {number} now @returns {number} Whole seconds until then, never below zero. */
export const secondsLeft = (expires, now) => Math.max(0, Math.ceil((Date.parse(expires) - now) / 1000));

/** @param {number} seconds @returns {string} As 4:58 or 1:02:03. */
export function sayCountdown(seconds) {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
