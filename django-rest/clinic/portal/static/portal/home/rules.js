// @ts-check
/**
 * Rules of the home pages that need no page. Pure: `now` is always an argument, in milliseconds.
 * @typedef {import("../rules.js").Row} Row
 * @typedef {{ key: string, title: string, value: number, before: number | null }} Trend
 */
import { awaitsAnswer, shiftDate } from "../rules.js";

const MINUTE_MS = 60_000;
const URGENT_MS = 24 * 60 * MINUTE_MS;

/** @param {Row[]} rows @returns {Row[]} Those that start soonest first; of equal starts the one that waits longest. */
export function requestsByUrgency(rows) {
  return rows.filter(awaitsAnswer).sort((one, other) => Date.parse(one.start) - Date.parse(other.start) || Date.parse(one.created_at) - Date.parse(other.created_at));
}

/** @param {Row} row @param {number} now */
export const isUrgent = (row, now) => Date.parse(row.start) - now < URGENT_MS;

/** @param {Row[]} rows @param {string} today @param {number} now @returns {{ row: Row, minutes: number }[]} The latest first. */
export function latePatients(rows, today, now) {
  return rows
    .filter((row) => row.status === "confirmed" && row.date === today && Date.parse(row.start) < now)
    .map((row) => ({ row, minutes: minutesBetween(Date.parse(row.start), now) }))
    .filter(({ minutes }) => minutes > 0)
    .sort((one, other) => other.minutes - one.minutes || one.row.id - other.row.id);
}

/** @param {Row[]} rows @param {string} today @param {number} now @returns {{ row: Row, minutes: number, overdue: number }[]} Who waits longest first. */
export function waitingPatients(rows, today, now) {
  return rows
    .filter((row) => row.status === "checked_in" && row.date === today)
    .map((row) => ({
      row,
      minutes: Math.max(0, minutesBetween(Date.parse(row.checked_in_at ?? row.start), now)),
      overdue: Math.max(0, minutesBetween(Date.parse(row.start), now)),
    }))
    .sort((one, other) => other.minutes - one.minutes || one.row.id - other.row.id);
}

/**
 * The visit under way and the next one, of one practitioner.
 * @param {Row[]} rows @param {string} today @param {number} now @returns {{ current: Row | null, next: Row | null }}
 */
export function currentAndNext(rows, today, now) {
  const ahead = rows
    .filter((row) => row.date === today && ["confirmed", "checked_in"].includes(row.status))
    .sort((one, other) => Date.parse(one.start) - Date.parse(other.start) || one.id - other.id);
  const begun = ahead.filter((row) => Date.parse(row.start) <= now);
  const current = begun.find((row) => row.status === "checked_in") ?? begun.find((row) => now < Date.parse(row.end)) ?? null;
  return { current, next: ahead.find((row) => row !== current && (row.status === "checked_in" || now < Date.parse(row.end))) ?? null };
}

/** @param {Row[]} rows @param {string} today @returns {{ date: string, rows: Row[] }[]} Seven days from today. */
export function weekOf(rows, today) {
  return Array.from({ length: 7 }, (_, day) => {
    const date = shiftDate(today, day);
    const own = rows.filter((row) => row.date === date && !["cancelled", "rejected", "no_show"].includes(row.status));
    return { date, rows: own.sort((one, other) => Date.parse(one.start) - Date.parse(other.start)) };
  });
}

/** @param {string} preset @param {string} today @returns {{ from: string, to: string }} Days of the clinic, both included. */
export function daysOf(preset, today) {
  const first = `${today.slice(0, 8)}01`;
  if (preset === "last-month") {
    const to = shiftDate(first, -1);
    return { from: `${to.slice(0, 8)}01`, to };
  }
  if (preset === "week") return { from: shiftDate(today, -((new Date(`${today}T00:00:00Z`).getUTCDay() + 6) % 7)), to: today };
  if (preset === "quarter") return { from: shiftDate(today, -89), to: today };
  if (preset === "year") return { from: shiftDate(today, -364), to: today };
  return { from: first, to: today };
}

/** @param {number[][]} map @returns {{ first: number, last: number, most: number }} Hours that have visits, at least from 8 to 18. */
export function hoursOf(map) {
  const used = Array.from({ length: 24 }, (_, hour) => hour).filter((hour) => map.some((day) => day[hour] > 0));
  return { first: Math.min(8, ...used), last: Math.max(17, ...used), most: Math.max(1, ...map.flat()) };
}

/** @param {number} count @param {number} most @returns {number} From 0, nothing, to 5. */
export const heatOf = (count, most) => (count === 0 ? 0 : Math.max(1, Math.ceil((count / most) * 5)));

/** @param {number} from @param {number} to */
const minutesBetween = (from, to) => Math.floor((to - from) / MINUTE_MS);

/** @param {import("../rules.js").Row} row @param {string} today Whether the patient is here and has not been called. */
export function canCall(row, today) {
  return row.date === today && !row.called_at && (row.status === "checked_in" || (row.status === "confirmed" && Boolean(row.arrived_at)));
}
