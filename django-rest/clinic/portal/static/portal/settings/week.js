// The week as it is painted. The rows of the form below are what is saved: painting writes them, and shows what they say.
// @ts-check
import { blockOf, clockOf, coverage, DAY, erased, painted } from "./hours.js";

const STEP = 30;
const FIRST_SHOWN = 7 * 60;
const words = JSON.parse(document.getElementById("week-words")?.textContent ?? "{}");
const rows = /** @type {HTMLElement} */ (document.getElementById("rows"));
const empty = /** @type {HTMLTemplateElement} */ (document.getElementById("empty-row"));
const total = /** @type {HTMLInputElement} */ (document.querySelector("[name='form-TOTAL_FORMS']"));
const grid = /** @type {HTMLElement} */ (document.getElementById("paint"));
const said = /** @type {HTMLElement} */ (document.getElementById("paint-said"));
const twelve = Boolean(words.twelveHours);
const brush = ["weeks", "from", "until"].map((name) => /** @type {HTMLInputElement} */ (document.getElementById(`brush-${name}`)));
/** @type {HTMLElement[][]} */
const cells = [];
/** @type {{ day: number, from: number, to: number, adds: boolean } | null} */
let chosen = null;
let current = { day: 0, step: FIRST_SHOWN / STEP };

/** A time as the clinic reads it. @param {number} minutes */
function say(minutes) {
  const clock = clockOf(minutes);
  if (!twelve) return clock;
  const hour = Number(clock.slice(0, 2));
  return `${hour % 12 || 12}${clock.slice(2)} ${hour < 12 ? "AM" : "PM"}`;
}

/** @param {Element} row @param {string} name @returns {HTMLInputElement} */
const part = (row, name) => /** @type {HTMLInputElement} */ (row.querySelector(`[name$="-${name}"]`));

/** Rows that count, with their block and the weeks in which they hold. */
function blockRows() {
  return [...rows.querySelectorAll("[data-row]")].flatMap((row) => {
    const [start, end] = [part(row, "start_local").value, part(row, "end_local").value];
    if (!start || !end || part(row, "DELETE")?.checked) return [];
    const weeks = [part(row, "every_weeks").value || "1", part(row, "valid_from").value, part(row, "valid_until").value];
    return [{ row, weeks: weeks.join(" "), block: blockOf(Number(part(row, "weekday").value), start, end) }];
  });
}

const brushWeeks = () => [brush[0].value || "1", brush[1].value, brush[2].value].join(" ");

function show() {
  const all = blockRows();
  const own = all.filter((one) => one.weeks === brushWeeks()).map((one) => one.block);
  const others = all.filter((one) => one.weeks !== brushWeeks()).map((one) => one.block);
  cells.forEach((column, day) =>
    column.forEach((cell, step) => {
      const [from, until] = [step * STEP, (step + 1) * STEP];
      const kind = coverage(own, day, from, until) || (coverage(others, day, from, until) && "other");
      const isChosen = chosen !== null && chosen.day === day && step >= chosen.from && step <= chosen.to;
      cell.dataset.kind = kind;
      cell.classList.toggle("is-chosen", isChosen);
      const state = kind === "other" ? words.other : kind ? words.working : words.free;
      cell.setAttribute("aria-label", `${words.days[day]} ${say(from)}, ${state}`);
      cell.setAttribute("aria-selected", String(isChosen || kind === "own"));
    }),
  );
}

function addRow() {
  const number = Number(total.value);
  const made = /** @type {DocumentFragment} */ (empty.content.cloneNode(true));
  for (const element of made.querySelectorAll("[name], [id], label[for]")) {
    for (const name of ["name", "id", "for"]) {
      const value = element.getAttribute(name);
      if (value) element.setAttribute(name, value.replace("__prefix__", String(number)));
    }
  }
  total.value = String(number + 1);
  rows.append(made);
  return /** @type {HTMLElement} */ (rows.lastElementChild);
}

/** Write the blocks of the brush's weeks into rows: rows that say them stay, others are removed, missing ones added.
 * @param {import("./hours.js").Block[]} blocks */
function write(blocks) {
  const missing = [...blocks];
  for (const { row, weeks, block } of blockRows()) {
    if (weeks !== brushWeeks()) continue;
    const at = missing.findIndex((one) => one.weekday === block.weekday && one.start === block.start && one.end === block.end);
    if (at >= 0) missing.splice(at, 1);
    else removeRow(row);
  }
  for (const block of missing) {
    const row = [...rows.querySelectorAll("[data-row]")].find(isUnused) ?? addRow();
    part(row, "weekday").value = String(block.weekday);
    part(row, "start_local").value = clockOf(block.start);
    part(row, "end_local").value = clockOf(block.end);
    const weeks = row.querySelector("details");
    if (weeks) weeks.open = brushWeeks().trim() !== "1";
    [part(row, "every_weeks").value, part(row, "valid_from").value, part(row, "valid_until").value] = [brush[0].value || "1", brush[1].value, brush[2].value];
  }
}

/** @param {Element} row */
const isUnused = (row) => !part(row, "start_local").value && !part(row, "end_local").value && !part(row, "DELETE").checked;

/** @param {Element} row */
function removeRow(row) {
  const number = Number(part(row, "weekday").name.split("-")[1]);
  const initial = Number(/** @type {HTMLInputElement} */ (document.querySelector("[name='form-INITIAL_FORMS']")).value);
  if (number < initial) part(row, "DELETE").checked = true;
  else for (const name of ["start_local", "end_local", "valid_from", "valid_until"]) part(row, name).value = "";
}

/** @param {number} day @param {number} first @param {number} last @param {boolean} adds */
function paint(day, first, last, adds) {
  const own = blockRows().filter((one) => one.weeks === brushWeeks()).map((one) => one.block);
  const [from, until] = [Math.min(first, last) * STEP, (Math.max(first, last) + 1) * STEP];
  write((adds ? painted : erased)(own, day, from, until));
  chosen = null;
  show();
  const sentence = adds ? words.painted : words.erased;
  said.textContent = sentence.replace("%(day)s", words.days[day]).replace("%(from)s", say(from)).replace("%(until)s", until === DAY ? words.midnight : say(until));
}

/** @param {number} day @param {number} step */
const isOwn = (day, step) => cells[day][step].dataset.kind === "own";

/** @param {number} day @param {number} step */
function focusOn(day, step) {
  cells[current.day][current.step].tabIndex = -1;
  current = { day: (day + 7) % 7, step: Math.min(Math.max(step, 0), DAY / STEP - 1) };
  const cell = cells[current.day][current.step];
  cell.tabIndex = 0;
  cell.focus();
}

/** @param {EventTarget | null} target */
function placeOf(target) {
  const cell = target instanceof Element ? target.closest("[role='gridcell']") : null;
  return cell instanceof HTMLElement ? { day: Number(cell.dataset.day), step: Number(cell.dataset.step) } : null;
}

function build() {
  const head = document.createElement("div");
  head.setAttribute("role", "row");
  head.append(header("columnheader", words.time, "", true), ...words.short.map((/** @type {string} */ name, /** @type {number} */ day) => header("columnheader", name, words.days[day])));
  grid.append(head);
  for (let day = 0; day < 7; day += 1) cells.push([]);
  for (let step = 0; step < DAY / STEP; step += 1) {
    const row = document.createElement("div");
    row.setAttribute("role", "row");
    row.append(header("rowheader", say(step * STEP), "", step % 2 === 1));
    for (let day = 0; day < 7; day += 1) {
      const cell = document.createElement("div");
      cell.setAttribute("role", "gridcell");
      cell.tabIndex = -1;
      Object.assign(cell.dataset, { day: String(day), step: String(step) });
      if (step % 2 === 0) cell.dataset.hour = "";
      cells[day].push(cell);
      row.append(cell);
    }
    grid.append(row);
  }
  cells[current.day][current.step].tabIndex = 0;
}

/** @param {string} role @param {string} text @param {string} [label] @param {boolean} [heard] Not shown. */
function header(role, text, label, heard = false) {
  const made = document.createElement("div");
  made.setAttribute("role", role);
  const words_of_it = document.createElement("span");
  words_of_it.textContent = text;
  if (heard) words_of_it.className = "heard";
  made.append(words_of_it);
  if (label) made.setAttribute("aria-label", label);
  return made;
}

grid.addEventListener("pointerdown", (event) => {
  const place = placeOf(event.target);
  if (!place || event.button !== 0) return;
  if (event.pointerType === "touch") return;
  event.preventDefault();
  focusOn(place.day, place.step);
  chosen = { day: place.day, from: place.step, to: place.step, adds: !isOwn(place.day, place.step) };
  const first = place.step;
  /** @param {PointerEvent} moved */
  const follow = (moved) => {
    const over = placeOf(document.elementFromPoint(moved.clientX, moved.clientY));
    if (!over || !chosen) return;
    chosen = { ...chosen, from: Math.min(first, over.step), to: Math.max(first, over.step) };
    show();
  };
  const end = () => {
    removeEventListener("pointermove", follow);
    if (chosen) paint(chosen.day, chosen.from, chosen.to, chosen.adds);
  };
  addEventListener("pointermove", follow);
  addEventListener("pointerup", end, { once: true });
  show();
});

// A finger scrolls by dragging: it taps the beginning, then the end.
grid.addEventListener("click", (event) => {
  const place = placeOf(event.target);
  if (!place || !(event instanceof PointerEvent) || event.pointerType !== "touch") return;
  if (chosen && chosen.day === place.day) paint(place.day, chosen.from, place.step, chosen.adds);
  else {
    chosen = { day: place.day, from: place.step, to: place.step, adds: !isOwn(place.day, place.step) };
    show();
  }
});

/** @type {Record<string, [number, number]>} */
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], PageUp: [0, -8], PageDown: [0, 8] };

grid.addEventListener("keydown", (event) => {
  const { day, step } = current;
  if (event.key === " " || event.key === "Enter") {
    event.preventDefault();
    if (chosen) paint(day, chosen.from, chosen.to, chosen.adds);
    else paint(day, step, step, !isOwn(day, step));
    return;
  }
  if (event.key === "Escape" && chosen) {
    chosen = null;
    return show();
  }
  const move = STEPS[event.key];
  if (!move) return;
  event.preventDefault();
  if (event.shiftKey && move[1]) {
    const next = Math.min(Math.max(step + move[1], 0), DAY / STEP - 1);
    const anchor = chosen ? (chosen.from === step && chosen.to !== step ? chosen.to : chosen.from) : step;
    chosen = { day, from: Math.min(anchor, next), to: Math.max(anchor, next), adds: chosen ? chosen.adds : !isOwn(day, step) };
    focusOn(day, next);
  } else {
    chosen = null;
    focusOn(day + move[0], step + move[1]);
  }
  show();
});

// A screen reader puts the focus where it likes.
grid.addEventListener("focusin", (event) => {
  const place = placeOf(event.target);
  if (!place) return;
  cells[current.day][current.step].tabIndex = -1;
  current = place;
  cells[place.day][place.step].tabIndex = 0;
});
rows.addEventListener("change", show);
for (const input of brush) input.addEventListener("change", show);
document.getElementById("more-rows")?.addEventListener("click", (event) => {
  event.preventDefault();
  part(addRow(), "weekday").focus();
});

build();
/** @type {HTMLElement} */ (document.getElementById("painter")).hidden = false;
show();
const scroller = /** @type {HTMLElement} */ (grid.parentElement);
scroller.scrollTop = (cells[0][FIRST_SHOWN / STEP].offsetTop ?? 0) - cells[0][0].offsetTop;
