// The year: a range of days is chosen by dragging, by two clicks with Shift, or with Shift and the arrows; it goes into
// the form below. Without this script each day is a link to that form.
// @ts-check
import { dayByKey, endsOf, isWithin } from "./days.js";

const year = document.getElementById("year");
const form = document.getElementById("close");
/** @type {Map<string, HTMLElement>} */
const days = new Map();
/** @type {import("./days.js").Range | null} */
let range = null;
let drags = false;

/** @param {string} name @returns {HTMLInputElement | null} */
const field = (name) => form?.querySelector(`[name="${name}"]`) ?? null;

function show() {
  for (const [day, cell] of days) cell.classList.toggle("is-chosen", isWithin(range, day));
}

/** @param {string} day @param {boolean} extends_it */
function choose(day, extends_it) {
  range = extends_it && range ? { ...range, head: day } : { anchor: day, head: day };
  const [first, last] = endsOf(range);
  const [start, end] = [field("start_date"), field("end_date")];
  if (start) start.value = first;
  if (end) end.value = last;
  show();
}

/** @param {string} day */
function walkTo(day) {
  for (const cell of days.values()) cell.tabIndex = -1;
  const cell = days.get(day);
  if (!cell) return;
  cell.tabIndex = 0;
  cell.focus();
}

/** @param {EventTarget | null} target */
function dayOf(target) {
  const cell = target instanceof Element ? target.closest("[data-date]") : null;
  return cell instanceof HTMLElement ? (cell.dataset.date ?? null) : null;
}

function toForm() {
  form?.scrollIntoView({ block: "nearest" });
  field("reason")?.focus({ preventScroll: true });
}

function start() {
  if (!year) return;
  for (const cell of year.querySelectorAll("[data-date]")) {
    if (!(cell instanceof HTMLElement) || !cell.dataset.date) continue;
    days.set(cell.dataset.date, cell);
    cell.tabIndex = -1;
    cell.draggable = false;
  }
  const today = year.querySelector("[aria-current='date']") ?? year.querySelector("[data-date]");
  if (today instanceof HTMLElement) today.tabIndex = 0;

  year.addEventListener("pointerdown", (event) => {
    const day = dayOf(event.target);
    if (!day || event.button !== 0 || event.pointerType === "touch") return;
    drags = true;
    choose(day, event.shiftKey);
  });
  year.addEventListener("pointerover", (event) => {
    const day = dayOf(event.target);
    if (drags && day) choose(day, true);
  });
  addEventListener("pointerup", () => {
    drags = false;
  });
  year.addEventListener("click", (event) => {
    const day = dayOf(event.target);
    if (!day || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const by_touch = event instanceof PointerEvent && event.pointerType === "touch";
    // With a finger: the first tap begins a range, the second ends it.
    if (by_touch) choose(day, range !== null && range.anchor === range.head && day !== range.anchor);
    if (event.detail === 0) {
      // By the keyboard: Enter in a chosen range keeps it.
      if (!isWithin(range, day)) choose(day, false);
      toForm();
    }
  });
  year.addEventListener("keydown", (event) => {
    const day = dayOf(event.target);
    const next = day ? dayByKey(day, event.key) : null;
    if (!day || !next) return;
    event.preventDefault();
    if (event.shiftKey) {
      if (!range || range.head !== day) choose(day, false);
      choose(next, true);
    }
    walkTo(next);
  });
  const [first, last] = [field("start_date")?.value, field("end_date")?.value];
  if (first) {
    range = { anchor: first, head: last || first };
    show();
  }
}

start();
