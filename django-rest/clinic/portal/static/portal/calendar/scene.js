// @ts-check
/** Shared by the calendar's modules: the page's facts, the practitioners and days shown, and the data of these days. */
import { News } from "../news.js";
import { frame, now, session } from "../page.js";
import { clockIn, dateIn, readDate, shiftDate } from "../rules.js";
import { CalendarData } from "./data.js";
import { isCalledOff, leftWithVisits, minutesOf, mondayOf, obstacleAt, readAddress } from "./spans.js";
import { sayings } from "./words.js";

/**
 * @typedef {import("../rules.js").Row} Row
 * @typedef {import("./spans.js").Place} Place
 * @typedef {import("./grid.js").Spot} Spot
 * @typedef {{ id: number, name: string, specialisation: string, isGone?: boolean }} Practitioner
 */

const LIST_KEY = "chairside-calendar-list";

/** @param {string} id */
export const place = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @type {{ practitioners: Practitioner[], actions: import("../rules.js").Action[], words: Record<string, string> }} */
export const page = JSON.parse(place("calendar-data").textContent ?? "");
export const { clinic, statuses } = frame;
export const { timezone, slotMinutes, undoSeconds } = clinic;
export const say = sayings(page.words, clinic);
export const { t } = say;
export const today = () => dateIn(timezone, now());
export const nowMinutes = () => minutesOf(`${today()}T${clockIn(timezone, now())}`);
export const isNarrow = matchMedia("(max-width: 720px)");
export const news = new News({ heard: place("heard"), toasts: place("toasts") });

/** Listeners to changes of these days. @type {{ change: import("./data.js").Options["onchange"], schedule: () => void, state: import("./data.js").Options["onstate"] }} */
export const listeners = { change: () => {}, schedule: () => {}, state: () => {} };
export const data = new CalendarData({
  stream: frame.stream,
  heartbeatSeconds: frame.heartbeatSeconds,
  session,
  today,
  onchange: (differences) => listeners.change(differences),
  onschedule: () => listeners.schedule(),
  onstate: (state, reason) => listeners.state(state, reason),
});

/**
 * The choices of the reader. `alone`: on a narrow screen one practitioner is seen.
 * @type {{ asked: ReturnType<typeof readAddress>, alone: number | null, isList: boolean, showsCalledOff: boolean }}
 */
export const state = { asked: askedFor(), alone: null, isList: readIsList(), showsCalledOff: false };

/** @type {Map<number, string>} Which step of an appointment is under way. */
export const busy = new Map();

/** The wishes of the address. */
export function askedFor() {
  return readAddress(location.search, { practitioners: page.practitioners.map(({ id }) => id), readDate });
}

export const date = () => state.asked.date ?? today();

function readIsList() {
  try {
    return localStorage.getItem(LIST_KEY) === "on";
  } catch {
    return false;
  }
}

export function toggleIsList() {
  state.isList = !state.isList;
  try {
    localStorage.setItem(LIST_KEY, state.isList ? "on" : "off");
  } catch {} // A browser that keeps nothing begins with the grid.
}

/** The practitioners, as last told. */
let practitioners = page.practitioners;

/** @returns {Practitioner[]} In their order, and those who have left and still have visits. */
export function everybody() {
  practitioners = data.answer?.practitioners ?? practitioners;
  return [...practitioners, ...leftWithVisits(practitioners, data.rows ?? []).map((one) => ({ ...one, specialisation: t("left_practitioner"), isGone: true }))];
}

/** @returns {Practitioner[]} */
export function chosen() {
  const all = everybody();
  return state.asked.who ? all.filter(({ id }) => state.asked.who?.includes(id)) : all;
}

/** @returns {Practitioner[]} Those with a column: on a narrow screen one. */
export function shownPeople() {
  const people = chosen();
  if (!isNarrow.matches || state.asked.view !== "day" || state.isList) return people;
  const one = people.find(({ id }) => id === state.alone) ?? people[0];
  return one ? [one] : [];
}

/** @returns {{ column: import("./grid.js").Column, people: Practitioner[] }[]} */
export function columns() {
  const people = shownPeople();
  if (state.asked.view === "day") {
    return people.map((one) => ({ column: { key: String(one.id), date: date(), title: one.name, subtitle: subtitleOf(one), isToday: false }, people: [one] }));
  }
  const monday = mondayOf(date());
  return Array.from({ length: 7 }, (_, day) => {
    const on = shiftDate(monday, day);
    return { column: { key: on, date: on, title: say.date(on, { weekday: "short", day: "numeric" }), subtitle: countOf(on, people), isToday: on === today() }, people };
  });
}

/** @param {Practitioner} one */
export function subtitleOf(one) {
  const schedule = scheduleOf(one.id, date());
  if (schedule?.exceptional) return [t("other_hours"), schedule.exceptional_reason].filter(Boolean).join(": ");
  return one.specialisation;
}

/** @param {string} on @param {Practitioner[]} people */
export function countOf(on, people) {
  const ids = new Set(people.map(({ id }) => id));
  const count = (data.rows ?? []).filter((row) => row.date === on && ids.has(row.practitioner) && !isCalledOff(row)).length;
  return data.rows === null ? "" : count === 1 ? t("one_visit") : t("visits", { count });
}

/** @param {number} practitioner @param {string} on */
export const scheduleOf = (practitioner, on) => data.answer?.schedules.find((one) => one.practitioner === practitioner && one.date === on);

export const services = () => new Map((data.answer?.services ?? []).map((service) => [service.id, service]));

/** @param {number} id */
export const nameOf = (id) => everybody().find((one) => one.id === id)?.name ?? "";

export const shownRows = () => (data.rows ?? []).filter((row) => state.showsCalledOff || !isCalledOff(row));

/** @param {number} practitioner @param {string} on */
export function columnOf(practitioner, on) {
  return columns().findIndex(({ column, people }) => column.date === on && people.some(({ id }) => id === practitioner));
}

/** @param {Spot} spot @param {Row | null} moved @returns {Place} In a week of several people a visit stays with its own. */
export function placeOf({ column, from, to }, moved) {
  const { column: at, people } = columns()[column] ?? {};
  const practitioner = state.asked.view === "day" || people?.length === 1 ? people?.[0]?.id : moved?.practitioner;
  return { date: at?.date ?? "", practitioner: practitioner ?? 0, from, to };
}

/** @param {Place} at @param {Row | null} moved */
export const obstacle = (at, moved) => obstacleAt(at, { rows: data.rows ?? [], holds: data.holds(now()), schedules: data.answer?.schedules ?? [], services: services(), moved, today: today(), nowMinutes: nowMinutes() });
