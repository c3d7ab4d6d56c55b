// @ts-check
/**
 * The one place that knows `@event-calendar/build`: its options, its events, its dates and its roles.
 * @typedef {import("./grid.js").Block} Block
 * @typedef {import("./grid.js").Column} Column
 */
import { SLOT_HEIGHT, SLOT_MINUTES, SNAP_MINUTES } from "./layers.js";
import { DAY_MINUTES, clockOf } from "./spans.js";

const DAY_MS = 86_400_000;

const OPTIONS = {
  timeZone: "UTC", // Times are wall-clock times of the clinic: the library must not shift them.
  events: [], // Once it has measured itself: it would draw each of them three times.
  eventTimeFormat: () => "", // The blocks say it; the library would format each time twice.
  firstDay: 1,
  allDaySlot: false,
  headerToolbar: { start: "", center: "", end: "" },
  height: "100%",
  slotDuration: { minutes: SLOT_MINUTES },
  slotLabelInterval: { minutes: 60 },
  slotHeight: SLOT_HEIGHT,
  snapDuration: { minutes: SNAP_MINUTES },
  slotEventOverlap: false,
  nowIndicator: false,
  editable: true,
  dragScroll: true,
  eventStartEditable: true,
  eventDurationEditable: true,
};

/** The library is a classic script with one global. @param {HTMLElement} host @param {object} options @returns {any} */
export const createGrid = (host, options) => /** @type {any} */ (globalThis).EventCalendar.create(host, { ...OPTIONS, ...options });

/** @param {Block} block @param {Column} column @param {{ kind: string, first: number }} grid `first`: its first minute. */
export function eventOf(block, column, { kind, first }) {
  return {
    id: block.id,
    ...(kind === "people" ? { resourceIds: [column.key] } : {}),
    start: instantOf(column.date, Math.max(block.from, first)),
    end: instantOf(column.date, block.to),
    editable: block.isMovable,
    startEditable: block.isMovable,
    durationEditable: block.isMovable,
  };
}

/** @param {any} event @param {Column[]} columns @param {string} kind @returns {import("./grid.js").Spot | null} `null`: outside of all columns. */
export function spotOf(event, columns, kind) {
  const date = dateOf(event.start);
  const column = kind === "people" ? columns.findIndex(({ key }) => key === String(event.resourceIds[0])) : columns.findIndex((one) => one.date === date);
  if (column < 0 || date !== columns[column].date) return null;
  const from = event.start.getHours() * 60 + event.start.getMinutes();
  return { column, from, to: from + Math.round((event.end - event.start) / 60_000) };
}

/** Its own roles fit no tree of accessibility. @param {HTMLElement} host */
export function dropRoles(host) {
  const calendar = /** @type {HTMLElement} */ (host.querySelector(".ec"));
  for (const one of [calendar, ...calendar.querySelectorAll(":is(.ec-header, .ec-body) [role]:not(.ec-event, .ec-event *), .ec-body[role]")]) {
    one.removeAttribute("role");
    one.removeAttribute("aria-colindex");
  }
}

/** @param {string} date @param {number} minutes */
function instantOf(date, minutes) {
  if (minutes < DAY_MINUTES) return `${date}T${clockOf(minutes)}:00`;
  return `${new Date(Date.parse(`${date}T00:00:00Z`) + DAY_MS).toISOString().slice(0, 10)}T00:00:00`;
}

/** @param {Date} at As the library gives it: its wall-clock parts are what counts. */
export function dateOf(at) {
  return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, "0")}-${String(at.getDate()).padStart(2, "0")}`;
}
