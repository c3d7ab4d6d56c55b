// @ts-check
/** The calendar: reads the address, draws grid, month and lists, and takes clicks and keys. */
import { element, statusBadge } from "../cards.js";
import { letGo } from "../ended.js";
import { openBooking } from "../frame.js";
import { areOn, listenForKeys } from "../keys.js";
import { now, session } from "../page.js";
import { readDate, secondsLeft, shiftDate } from "../rules.js";
import { drawAgenda } from "./agenda.js";
import { drawBar, drawPeople } from "./bar.js";
import { blocksOf, groundOf } from "./blocks.js";
import { Connection } from "./connection.js";
import { Grid } from "./grid.js";
import { agendaParts, drawPaper } from "./lists.js";
import { Months, drawMonth } from "./month.js";
import { Moving } from "./moving.js";
import { Opened } from "./opened.js";
import { askedFor, columns, data, date, isNarrow, listeners, news, nowMinutes, page, place, placeOf, say, services, shownPeople, shownRows, slotMinutes, state, statuses, t, timezone, today, toggleIsList } from "./scene.js";
import { addressOf, instantAt, mondayOf, shiftMonth, shownSpan } from "./spans.js";
import { Steps } from "./steps.js";
import { sayCell, sayChanges } from "./telling.js";
import { turnBySwipes } from "./turning.js";

/**
 * @typedef {import("../rules.js").Row} Row
 * @typedef {import("./scene.js").Practitioner} Practitioner
 * @typedef {typeof state.asked} Asked
 */

const TICK_MS = 1_000;
/** By when the month is read again: where it is the view, and beside a day. */
const [MONTH_SHOWN_MS, MONTH_BESIDE_MS] = [500, 15_000];

const months = new Months({ session, onchange: drawMonths });
/** The month beside the grid, if it is not that of the date. @type {string | null} */
let month = null;
let hasScrolled = "";

const steps = new Steps({ draw, ongone: (id) => opened.gone(id) });
const moving = new Moving({ grid: () => grid, steps, draw, drawNow });
const grid = new Grid(place("grid"), { label: t("calendar"), sayTime: say.time }, {
  onopen: openBlock,
  ongap: bookAt,
  ondrop: (block, spot) => moving.dropped(block, spot),
  canDrop: (block, spot) => moving.canDrop(block, spot),
  oncursor: sayCell,
  onrelease: () => {
    draw();
    connection.draw();
  },
});
const opened = new Opened({
  steps,
  draw,
  onmove: (row) => moving.pickUp(row),
  onclose: (id) => {
    if (document.activeElement === document.body && !state.isList && state.asked.view !== "month") grid.focusOn(`v${id}`);
  },
  ongo: (row) => go({ date: row.date, view: "day" }),
});
const connection = new Connection({ isHeld: () => grid.isHeld });

// The address

/** @param {Partial<Asked>} changes */
const hrefOf = (changes) => addressOf({ ...state.asked, ...changes }, today()) || location.pathname;

/** @param {Partial<Asked>} changes */
function go(changes) {
  const address = hrefOf(changes);
  if (address !== (location.search || location.pathname)) history.pushState(null, "", address);
  arrive();
}

function arrive() {
  if (isEnded) return;
  state.asked = askedFor();
  month = null;
  moving.forget();
  const [from, to] = rangeOf();
  data.show(from, to);
  draw();
}

/** @returns {[string, string]} What the screen shows, both dates included. */
function rangeOf() {
  if (state.asked.view === "week") return [mondayOf(date()), shiftDate(mondayOf(date()), 6)];
  return [date(), date()];
}

// Drawing

let [isDrawing, isEnded] = [false, false];

/** At most once a frame, however many changes come. */
function draw() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    if (!grid.isHeld) drawNow();
  });
}

function drawNow() {
  if (isEnded) return;
  const main = place("main");
  main.dataset.view = state.asked.view;
  main.dataset.list = String(state.isList && state.asked.view !== "month");
  drawBar({ hrefOf, stepDate, month: shownMonth() });
  drawPeople();
  drawMonths();
  const isMonth = state.asked.view === "month";
  place("grid-place").hidden = isMonth || state.isList;
  place("agenda").hidden = isMonth || !state.isList;
  place("month-large").hidden = !isMonth;
  place("list-toggle").hidden = isMonth;
  if (!isMonth) {
    const isKnown = data.rows !== null && data.answer !== null;
    const people = shownPeople();
    place("loading").hidden = isKnown;
    place("nobody").hidden = people.length > 0;
    place("nobody").textContent = page.practitioners.length ? t("nobody_shown") : t("nothing_here");
    if (isKnown && people.length > 0) {
      if (state.isList) {
        drawAgenda(place("agenda"), agendaParts(), say);
        countDown();
      } else drawGrid();
    } else {
      place("grid").hidden = true;
      if (state.isList) place("agenda").replaceChildren();
    }
  } else {
    place("loading").hidden = true;
    place("nobody").hidden = true;
  }
  opened.draw();
}

/** @param {number} by @returns {string} */
function stepDate(by) {
  if (state.asked.view === "week") return shiftDate(date(), 7 * by);
  return state.asked.view === "month" ? `${shiftMonth(date().slice(0, 7), by)}-01` : shiftDate(date(), by);
}

const shownMonth = () => month ?? date().slice(0, 7);

function drawMonths() {
  const only = state.asked.who?.length === 1 ? state.asked.who[0] : null;
  months.show(shownMonth(), only);
  const scene = { month: shownMonth(), chosen: date(), today: today(), days: months.days, say };
  drawMonth(place("month"), { ...scene, hrefOf: (day) => hrefOf({ date: day, ...(state.asked.view === "month" && { view: "day" }) }) }, { isLarge: false });
  if (state.asked.view === "month") drawMonth(place("month-large"), { ...scene, hrefOf: (day) => hrefOf({ date: day, view: "day" }) }, { isLarge: true });
}

function drawGrid() {
  place("grid").hidden = false;
  const all = columns();
  const rows = byPractitioner(shownRows());
  const holds = byPractitioner(data.holds(now()));
  const ofPeople = (/** @type {Practitioner[]} */ people, /** @type {Map<number, any[]>} */ by) => people.flatMap(({ id }) => by.get(id) ?? []);
  const blocks = all.flatMap(({ column, people }, index) => blocksOf(index, column.date, ofPeople(people, rows), ofPeople(people, holds), { isMixed: people.length > 1, openId: opened.id }));
  const schedules = (data.answer?.schedules ?? []).filter((one) => all.some(({ column, people }) => column.date === one.date && people.some(({ id }) => id === one.practitioner)));
  const shown = shownSpan(schedules, blocks);
  const at = nowMinutes();
  grid.show({ columns: all.map(({ column }) => column), kind: state.asked.view === "day" ? "people" : "days", shown, step: Math.max(5, slotMinutes), locale: say.locale }, blocks);
  const nowColumn = all.findIndex(({ column }) => column.date === today());
  const known = services();
  const grounds = all.map(({ column, people }) => groundOf(column.date, people, shown, ofPeople(people, rows), known));
  grid.setGrounds(grounds, nowColumn < 0 ? null : { column: nowColumn, minute: at });
  const key = `${data.range.from} ${state.asked.view}`;
  if (hasScrolled !== key) {
    hasScrolled = key;
    const first = blocks.length ? Math.min(...blocks.map(({ from }) => from)) : shown.from;
    const minute = nowColumn >= 0 ? at : first;
    requestAnimationFrame(() => grid.scrollTo(minute));
    if (grid.cursor.minute < 0) grid.cursor.minute = Math.floor(minute / slotMinutes) * slotMinutes;
  }
}

/** @template {{ practitioner: number }} T @param {T[]} all @returns {Map<number, T[]>} */
function byPractitioner(all) {
  /** @type {Map<number, T[]>} */
  const by = new Map();
  for (const one of all) {
    const theirs = by.get(one.practitioner);
    if (theirs) theirs.push(one);
    else by.set(one.practitioner, [one]);
  }
  return by;
}

/** Seconds count down without another drawing of the grid. */
function countDown() {
  let isOver = false;
  for (const one of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-expires]"))) {
    const seconds = secondsLeft(/** @type {string} */ (one.dataset.expires), now());
    const text = say.left(seconds);
    if (one.textContent !== text) one.textContent = text;
    isOver ||= seconds === 0;
  }
  return isOver;
}

// Changes from the streams

/** @param {{ row: Row, difference: "new" | "status" | "moved" | "edited" }[]} differences */
function take(differences) {
  if (differences.length) {
    months.refresh(state.asked.view === "month" ? MONTH_SHOWN_MS : 3_000);
    news.changed(differences, sayChanges);
  }
  moving.followCarried();
  draw();
}

function refreshMonth() {
  months.refresh(state.asked.view === "month" ? MONTH_SHOWN_MS : MONTH_BESIDE_MS);
}

/** Nothing brings this page back but signing in. */
function end() {
  isEnded = true;
  letGo(["grid", "agenda", "month-large", "drawer", "refusal", "paper", "heard", "toasts"], [".calendar-body"]);
}

// Blocks and gaps

/** @param {string} block */
function openBlock(block) {
  const row = moving.isCarrying || !block.startsWith("v") ? undefined : data.find(Number(block.slice(1)));
  if (row) opened.open(row);
}

/** The booking dialog opens with the time that was clicked. @param {{ column: number, minute: number }} spot */
function bookAt({ column, minute }) {
  if (moving.isCarrying) return;
  const at = placeOf({ column, from: minute, to: minute + slotMinutes }, null);
  if (!at.date || at.date < today()) return;
  openBooking({ start: instantAt(timezone, at.date, minute), ...(at.practitioner && { practitioner: at.practitioner }) });
}

// Clicks and keys

for (const [id, changes] of /** @type {[string, () => Partial<Asked>][]} */ ([
  ["earlier", () => ({ date: stepDate(-1) })],
  ["later", () => ({ date: stepDate(1) })],
  ["to-today", () => ({ date: null })],
])) {
  onPlainClick(place(id), () => go(changes()));
}
for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("[data-view-link]"))) {
  onPlainClick(link, () => go({ view: /** @type {"day" | "week" | "month"} */ (link.dataset.viewLink) }));
}
for (const id of ["month", "month-large"]) {
  place(id).addEventListener("click", (event) => {
    const link = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-date]"));
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go({ date: link.dataset.date ?? null, ...(state.asked.view === "month" && { view: "day" }) });
  });
}
place("month-earlier").addEventListener("click", () => turnMonth(-1));
place("month-later").addEventListener("click", () => turnMonth(1));

/** @param {number} by */
function turnMonth(by) {
  if (state.asked.view === "month") return go({ date: stepDate(by) });
  month = shiftMonth(shownMonth(), by);
  draw();
}

place("date").addEventListener("change", (event) => {
  const day = readDate(/** @type {HTMLInputElement} */ (event.target).value);
  if (day) go({ date: day });
});
place("people-list").addEventListener("change", () => {
  const boxes = /** @type {HTMLInputElement[]} */ ([...place("people-list").querySelectorAll("input")]);
  const who = boxes.filter(({ checked }) => checked).map(({ value }) => Number(value));
  // Without anybody the address would mean everybody: the last one stays.
  go({ who: who.length === boxes.length || who.length === 0 ? null : who });
});
place("everybody").addEventListener("click", () => go({ who: null }));
place("called-off").addEventListener("change", (event) => {
  state.showsCalledOff = /** @type {HTMLInputElement} */ (event.target).checked;
  draw();
});
place("list-toggle").addEventListener("click", toggleList);
place("print").addEventListener("click", () => print());
addEventListener("beforeprint", () => isEnded || drawPaper());
addEventListener("popstate", arrive);
isNarrow.addEventListener("change", () => draw());

function toggleList() {
  toggleIsList();
  drawNow();
}

place("agenda").addEventListener("click", (event) => {
  const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("button[data-entry]"));
  if (button?.dataset.block) openBlock(button.dataset.block);
  else if (button) bookAt({ column: Number(button.dataset.column), minute: Number(button.dataset.minute) });
});

/** A link stays one: for a new tab, and to be copied. @param {HTMLElement} link @param {() => void} action */
function onPlainClick(link, action) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    action();
  });
}

// Before the grid's own keys: what is carried has them all.
place("grid").addEventListener(
  "keydown",
  (event) => {
    if (moving.carry(event)) {
      event.preventDefault();
      event.stopPropagation();
    }
  },
  { capture: true },
);
// A visit is put down when the focus leaves the grid.
place("grid").addEventListener("focusout", (event) => {
  if (moving.isCarrying && event.relatedTarget && !place("grid").contains(/** @type {Node} */ (event.relatedTarget))) moving.putDown();
});

function pickUpFocused() {
  if (!areOn()) return;
  const id = /** @type {HTMLElement | null} */ (document.activeElement?.closest("[data-block]"))?.dataset.block;
  const row = id?.startsWith("v") ? data.find(Number(id.slice(1))) : place("drawer").contains(document.activeElement) ? opened.row : undefined;
  if (row) moving.pickUp(row);
}

listenForKeys({
  m: pickUpFocused,
  p: () => go({ date: stepDate(-1) }),
  n: () => go({ date: stepDate(1) }),
  t: () => go({ date: null }),
  "1": () => go({ view: "day" }),
  "2": () => go({ view: "week" }),
  "3": () => go({ view: "month" }),
});

turnBySwipes(place("grid-place"), drawNow);

// Time passes without anybody's doing: holds expire, the line of the present time moves, a day ends.
let lastMinute = nowMinutes();
let lastToday = today();
/** @type {string | null} */
let lastPosition = null;
setInterval(() => {
  // The month counts visits of all its days, and the streams tell of those shown.
  if (lastPosition !== null && data.position !== lastPosition) refreshMonth();
  lastPosition = data.position;
  const isOver = countDown();
  const minute = nowMinutes();
  if (today() !== lastToday) {
    lastToday = today();
    arrive();
  } else if (isOver || minute !== lastMinute) draw();
  lastMinute = minute;
}, TICK_MS);

place("legend").append(...Object.entries(statuses).filter(([status]) => status !== "rejected").map(([status, name]) => element("li", {}, statusBadge(status, name))));
listeners.change = take;
listeners.schedule = () => months.refresh(MONTH_SHOWN_MS);
listeners.state = (state, reason) => {
  connection.show(state, reason);
  if (state === "signed out") end();
};
arrive();
data.start();
