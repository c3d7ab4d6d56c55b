// @ts-check
/**
 * The calendar's geometry. Pure: wall-clock minutes of a clinic's day, free time, and steps over the grid.
 *
 * @typedef {import("../rules.js").Row} Row
 * @typedef {{ start: string, end: string }} Interval Instants in the clinic's zone, as the REST API writes them.
 * @typedef {{ from: number, to: number }} Span Minutes from the day's midnight, by the wall clock.
 * @typedef {{ date: string, practitioner: number, hours: Interval[], breaks: Interval[],
 *   closures: (Interval & { whole_clinic: boolean, reason: string })[], exceptional: boolean,
 *   exceptional_reason: string }} Schedule
 * @typedef {Interval & { id: number, practitioner: number, blocked_from: string, blocked_until: string,
 *   expires_at: string, kind?: "hold" | "offer" | "undo", mine?: boolean }} Hold
 * @typedef {Interval & { id: number, hold: number, practitioner: number, service_name: string | null,
 *   patient: number | null, patient_name: string | null, told_at: string | null, expires_at: string }} Offer
 * @typedef {{ id: number, name: string, color: string, duration_minutes: number, buffer_before_minutes: number,
 *   buffer_after_minutes: number }} Service
 * @typedef {Span & { kind: "closed" | "break" | "closure", label: string, isWhole: boolean }} Ground
 * @typedef {{ date: string, practitioner: number, from: number, to: number }} Place
 */

import { clockIn, dateIn } from "../rules.js";

export const DAY_MINUTES = 1440;
const STEP = 5;
/** Statuses that claim time: the same as the server's ACTIVE_STATUSES. */
const ACTIVE = ["pending", "confirmed", "checked_in"];
const CALLED_OFF = ["cancelled", "rejected"];
const EARLIEST_SHOWN = 8 * 60;
const LATEST_SHOWN = 18 * 60;

/** @param {string} instant @returns {number} */
export const minutesOf = (instant) => Number(instant.slice(11, 13)) * 60 + Number(instant.slice(14, 16));

/** @param {number} minutes @returns {string} As 09:05; the midnight that ends a day is 24:00. */
export const clockOf = (minutes) => `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;

/**
 * The instant of a wall-clock time. In the hour that the clocks skip, a time after it.
 * @param {string} timezone @param {string} date @param {number} minute @returns {string} In UTC.
 */
export function instantAt(timezone, date, minute) {
  const wall = Date.parse(`${date}T${clockOf(minute)}:00Z`);
  let offset = 0;
  // Twice: near a change of the clocks the first guess may stand on the other side of it.
  for (let tries = 0; tries < 2; tries++) {
    const at = wall - offset;
    offset = Date.parse(`${dateIn(timezone, at)}T${clockIn(timezone, at)}:00Z`) - at;
  }
  return new Date(wall - offset).toISOString();
}

/** @param {Interval} interval @param {string} date @returns {Span | null} The part on this date of the clinic's. */
export function spanOn({ start, end }, date) {
  const first = start.slice(0, 10);
  const last = end.slice(0, 10);
  if (first > date || last < date) return null;
  const from = first < date ? 0 : minutesOf(start);
  const to = last > date ? DAY_MINUTES : minutesOf(end);
  // The second of two equal wall-clock hours ends before it begins.
  return to > from ? { from, to } : last === date && first === date ? { from, to: Math.min(DAY_MINUTES, from + STEP) } : null;
}

/** @param {Row} row */
export const claimsTime = (row) => ACTIVE.includes(row.status);

/** @param {Row} row Nothing of it takes place. */
export const isCalledOff = (row) => CALLED_OFF.includes(row.status);

/** @param {{ id: number }[]} practitioners @param {Row[]} rows @returns {{ id: number, name: string }[]} Whoever is none of them and is still expected. */
export function leftWithVisits(practitioners, rows) {
  const known = new Set(practitioners.map(({ id }) => id));
  const left = rows.filter((row) => !known.has(row.practitioner) && !isCalledOff(row));
  return [...new Map(left.map((row) => [row.practitioner, { id: row.practitioner, name: row.practitioner_name }])).values()];
}

/** @param {Row} row @param {number} now Only these move; the past stays. */
export const canMove = (row, now) => (row.status === "pending" || row.status === "confirmed") && Date.parse(row.end) > now;

/** @param {Span} one @param {Span} other */
export const overlap = (one, other) => one.from < other.to && other.from < one.to;

/** @param {Row} row @param {Map<number, Service>} services @param {string} date @returns {Span | null} With the buffers around it. */
export function blockedSpan(row, services, date) {
  const span = spanOn(row, date);
  const service = span && services.get(row.service ?? 0);
  if (!span || !service) return span;
  return { from: Math.max(0, span.from - service.buffer_before_minutes), to: Math.min(DAY_MINUTES, span.to + service.buffer_after_minutes) };
}

/**
 * The ground behind the visits: closed time, breaks, and named closures.
 * @param {Schedule | undefined} schedule @param {Span} shown @returns {Ground[]} In order; together with the hours it fills what is shown.
 */
export function groundsOf(schedule, shown) {
  if (!schedule) return [{ ...shown, kind: "closed", label: "", isWhole: false }];
  /** @type {Ground[]} */
  const named = [];
  for (const one of schedule.closures) {
    const span = spanOn(one, schedule.date);
    if (span) named.push({ ...span, kind: "closure", label: one.reason, isWhole: one.whole_clinic });
  }
  for (const one of schedule.breaks) {
    const span = spanOn(one, schedule.date);
    if (span) named.push({ ...span, kind: "break", label: "", isWhole: false });
  }
  const taken = [...named, ...hoursOf(schedule)].sort((a, b) => a.from - b.from);
  /** @type {Ground[]} */
  const closed = [];
  let from = shown.from;
  for (const one of taken) {
    if (one.from > from) closed.push({ from, to: Math.min(one.from, shown.to), kind: "closed", label: "", isWhole: false });
    from = Math.max(from, one.to);
    if (from >= shown.to) break;
  }
  if (from < shown.to) closed.push({ from, to: shown.to, kind: "closed", label: "", isWhole: false });
  return [...named, ...closed]
    .map((one) => ({ ...one, from: Math.max(one.from, shown.from), to: Math.min(one.to, shown.to) }))
    .filter((one) => one.from < one.to)
    .sort((a, b) => a.from - b.from);
}

/** @param {Schedule} schedule @returns {Span[]} */
export const hoursOf = (schedule) => schedule.hours.flatMap((one) => spanOn(one, schedule.date) ?? []);

/**
 * From which to which hour the grid goes: all working hours and all visits, on whole hours.
 * @param {Schedule[]} schedules @param {Span[]} spans Of visits and holds. @returns {Span}
 */
export function shownSpan(schedules, spans) {
  const every = [...schedules.flatMap(hoursOf), ...spans];
  if (every.length === 0) return { from: EARLIEST_SHOWN, to: LATEST_SHOWN };
  const from = Math.floor(Math.min(...every.map((one) => one.from)) / 60) * 60;
  const to = Math.ceil(Math.max(...every.map((one) => one.to)) / 60) * 60;
  return { from, to: Math.min(DAY_MINUTES, Math.max(to, from + 60)) };
}

/**
 * Why a visit cannot be dropped on a place; `null`: the time is free.
 * @param {Place} place @param {{ rows: Row[], holds: Hold[], schedules: Schedule[], services: Map<number, Service>,
 *   moved: Row | null, today: string, nowMinutes: number }} scene
 * @returns {{ kind: "visit", row: Row } | { kind: "hold", hold: Hold } | { kind: "closed" | "past" } | null}
 */
export function obstacleAt(place, { rows, holds, schedules, services, moved, today, nowMinutes }) {
  if (place.date < today || (place.date === today && place.from < nowMinutes - STEP)) return { kind: "past" };
  const schedule = schedules.find((one) => one.date === place.date && one.practitioner === place.practitioner);
  const hours = schedule ? joined(hoursOf(schedule)) : [];
  if (!hours.some((one) => one.from <= place.from && place.to <= one.to)) return { kind: "closed" };
  const wanted = withBuffers(place, moved, services);
  const ours = rows.filter((row) => row.practitioner === place.practitioner && row.id !== moved?.id && claimsTime(row));
  for (const row of ours) {
    const span = blockedSpan(row, services, place.date);
    if (span && overlap(wanted, span)) return { kind: "visit", row };
  }
  for (const hold of holds) {
    // The desk may book a time that is only held for an undo.
    if (hold.practitioner !== place.practitioner || hold.kind === "undo") continue;
    const span = spanOn({ start: hold.blocked_from, end: hold.blocked_until }, place.date);
    if (span && overlap(wanted, span)) return { kind: "hold", hold };
  }
  return null;
}

/** @param {Span} span @param {Row | null} row @param {Map<number, Service>} services @returns {Span} */
function withBuffers(span, row, services) {
  const service = row && services.get(row.service ?? 0);
  return service ? { from: span.from - service.buffer_before_minutes, to: span.to + service.buffer_after_minutes } : span;
}

/** @param {Span[]} spans @returns {Span[]} Those that touch are one. */
export function joined(spans) {
  /** @type {Span[]} */
  const all = [];
  for (const one of [...spans].sort((a, b) => a.from - b.from)) {
    const last = all.at(-1);
    if (last && one.from <= last.to) last.to = Math.max(last.to, one.to);
    else all.push({ ...one });
  }
  return all;
}

/**
 * The free stretches of a column, of at least a slot: for the agenda, and to click.
 * @param {Schedule | undefined} schedule @param {Span[]} taken @param {number} least @param {number} from Not before this minute.
 * @returns {Span[]}
 */
export function gapsOf(schedule, taken, least, from) {
  if (!schedule) return [];
  const busy = joined(taken);
  return joined(hoursOf(schedule)).flatMap((hours) => {
    const gaps = [];
    let at = Math.max(hours.from, from);
    for (const one of busy) {
      if (one.to <= at) continue;
      if (one.from >= hours.to) break;
      if (one.from > at) gaps.push({ from: at, to: Math.min(one.from, hours.to) });
      at = Math.max(at, one.to);
    }
    if (at < hours.to) gaps.push({ from: at, to: hours.to });
    return gaps.filter((gap) => gap.to - gap.from >= least);
  });
}

/**
 * The place to which an arrow leads. Up and down go to the next edge: a step of the grid, or what lies there.
 * @param {{ column: number, minute: number }} at @param {string} key
 * @param {{ columns: number, shown: Span, step: number, spans: (Span & { id: number })[][] }} grid Spans of each column, in order.
 * @returns {{ column: number, minute: number }}
 */
export function stepFrom({ column, minute }, key, { columns, shown, step, spans }) {
  const last = Math.max(shown.from, shown.to - step);
  const inside = (/** @type {number} */ value) => Math.min(Math.max(value, shown.from), last);
  if (key === "ArrowLeft" || key === "ArrowRight") {
    return { column: Math.min(Math.max(column + (key === "ArrowLeft" ? -1 : 1), 0), columns - 1), minute };
  }
  if (key === "Home") return { column, minute: shown.from };
  if (key === "End") return { column, minute: last };
  const here = spanAt(spans[column] ?? [], minute);
  if (key === "ArrowDown") {
    const next = here ? here.to : (Math.floor(minute / step) + 1) * step;
    const between = (spans[column] ?? []).find((one) => one.from > minute && one.from < next);
    return { column, minute: inside(between && !here ? between.from : next) };
  }
  const before = here ? Math.min(here.from, minute) : minute;
  const previous = (Math.ceil(before / step) - 1) * step;
  const above = spanAt(spans[column] ?? [], Math.max(previous, 0)) ?? [...(spans[column] ?? [])].reverse().find((one) => one.to <= before && one.to > previous);
  return { column, minute: inside(above ? above.from : previous) };
}

/** @param {(Span & { id: number })[]} spans @param {number} minute @returns {(Span & { id: number }) | null} */
export const spanAt = (spans, minute) => spans.find((one) => one.from <= minute && minute < one.to) ?? null;

/** @param {string} date @returns {string} The Monday of its week. */
export function mondayOf(date) {
  const at = new Date(`${date}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() - ((at.getUTCDay() + 6) % 7));
  return at.toISOString().slice(0, 10);
}

/**
 * The weeks that a month's page shows, from Monday to Sunday.
 * @param {string} month As 2026-11. @returns {string[][]}
 */
export function weeksOf(month) {
  const at = new Date(`${mondayOf(`${month}-01`)}T00:00:00Z`);
  const weeks = [];
  do {
    const week = [];
    for (let day = 0; day < 7; day++) {
      week.push(at.toISOString().slice(0, 10));
      at.setUTCDate(at.getUTCDate() + 1);
    }
    weeks.push(week);
  } while (at.toISOString().slice(0, 7) === month);
  return weeks;
}

/** @param {string} month As 2026-11. @param {number} by @returns {string} */
export function shiftMonth(month, by) {
  const count = Number(month.slice(0, 4)) * 12 + Number(month.slice(5, 7)) - 1 + by;
  return `${String(Math.floor(count / 12)).padStart(4, "0")}-${String((count % 12) + 1).padStart(2, "0")}`;
}

/**
 * The wishes of the address. Anything wrong is left out.
 * @param {string} search @param {{ practitioners: number[], readDate: (text: string | null) => string | null }} known
 * @returns {{ date: string | null, view: "day" | "week" | "month", who: number[] | null }} `who` of null: everybody.
 */
export function readAddress(search, { practitioners, readDate }) {
  const query = new URLSearchParams(search);
  const view = query.get("view");
  const who = (query.get("who") ?? "").split(",").map(Number).filter((id) => practitioners.includes(id));
  return {
    date: readDate(query.get("date")),
    view: view === "week" || view === "month" ? view : "day",
    who: who.length && who.length < practitioners.length ? who : null,
  };
}

/** @param {{ date: string | null, view: string, who: number[] | null }} asked @param {string} today @returns {string} The address's query, without what goes without saying. */
export function addressOf({ date, view, who }, today) {
  const query = [];
  if (date && date !== today) query.push(`date=${date}`);
  if (view !== "day") query.push(`view=${view}`);
  if (who) query.push(`who=${who.join(",")}`);
  return query.length ? `?${query.join("&")}` : "";
}
