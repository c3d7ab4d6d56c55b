// @ts-check
/**
 * Behind and above the blocks: closed hours, breaks, buffers, the present time, the cursor of the keyboard, the ghost of a
 * move. Nothing here measures the page while it draws: heights follow from minutes.
 *
 * @typedef {import("./spans.js").Span} Span
 * @typedef {Span & { className: string, label: string }} Ground
 * @typedef {Span & { column: number, isFree: boolean, text: string }} Ghost
 */

export const SLOT_MINUTES = 15;
export const SLOT_HEIGHT = 24;
export const SNAP_MINUTES = 5;
const SLIDE_MS = 350;

export class Layers {
  /** @param {HTMLElement} host */
  constructor(host) {
    this._host = host;
    /** The hours of the grid. @type {Span} */
    this.shown = { from: 480, to: 1080 };
    /** @type {HTMLElement} */
    this.cursor = document.createElement("button");
    this.cursor.setAttribute("type", "button");
    this.cursor.className = "grid-cursor";
    /** @type {HTMLElement} */
    this._ghost = hidden("grid-ghost");
    /** The line of the present time, a part in each column. @type {HTMLElement[]} */
    this._now = [];
  }

  /** @returns {HTMLElement[]} One for each column. */
  cells() {
    return [.../** @type {NodeListOf<HTMLElement>} */ (this._host.querySelectorAll(".ec-body .ec-day"))];
  }

  /** @param {number} minute @returns {number} Pixels from the first hour. */
  topOf(minute) {
    return ((Math.min(Math.max(minute, this.shown.from), this.shown.to) - this.shown.from) / SLOT_MINUTES) * SLOT_HEIGHT;
  }

  /** @param {number} minute */
  scrollTo(minute) {
    const body = /** @type {HTMLElement | null} */ (this._host.querySelector(".ec-main"));
    if (body) body.scrollTop = Math.max(0, this.topOf(minute) - 2 * SLOT_HEIGHT * (60 / SLOT_MINUTES));
  }

  /** The cell under a point of the screen. @param {number} x @param {number} y @returns {{ column: number, minute: number } | null} */
  spotAt(x, y) {
    const cells = this.cells();
    const column = cells.findIndex((cell) => {
      const { left, right, top, bottom } = cell.getBoundingClientRect();
      return left <= x && x < right && top <= y && y < bottom;
    });
    if (column < 0) return null;
    const minute = this.shown.from + ((y - cells[column].getBoundingClientRect().top) / SLOT_HEIGHT) * SLOT_MINUTES;
    return { column, minute: Math.floor(minute / SNAP_MINUTES) * SNAP_MINUTES };
  }

  /** @param {Ground[][]} grounds Of each column. */
  drawGrounds(grounds) {
    this.cells().forEach((cell, column) => {
      const signature = JSON.stringify([grounds[column] ?? [], this.shown]);
      const former = /** @type {HTMLElement | null} */ (cell.querySelector(":scope > .grid-ground"));
      if (former?.dataset.signature === signature) return;
      former?.remove();
      const layer = hidden("grid-ground");
      layer.dataset.signature = signature;
      layer.append(...(grounds[column] ?? []).map((ground) => this._partOf(ground)));
      cell.append(layer);
    });
  }

  /** @param {Ground} ground */
  _partOf({ from, to, className, label }) {
    const part = document.createElement("div");
    part.className = className;
    this._stretch(part, from, to);
    if (label) part.append(Object.assign(document.createElement("span"), { textContent: label }));
    return part;
  }

  /** @param {{ column: number, minute: number } | null} now @param {boolean} isInAll Of a day it goes over all columns. */
  drawNow(now, isInAll) {
    const isIn = now !== null && this.shown.from <= now.minute && now.minute <= this.shown.to;
    const cells = now && isIn ? this.cells().filter((_, column) => isInAll || column === now.column) : [];
    for (const line of this._now.splice(cells.length)) line.remove();
    cells.forEach((cell, index) => {
      const line = (this._now[index] ??= hidden(index ? "grid-now" : "grid-now is-first"));
      if (line.parentElement !== cell) cell.append(line);
      line.style.top = `${this.topOf(/** @type {{ minute: number }} */ (now).minute)}px`;
    });
  }

  /** @param {Ghost | null} ghost */
  placeGhost(ghost) {
    const cell = ghost && this.cells()[ghost.column];
    if (!ghost || !cell) return this._ghost.remove();
    if (this._ghost.parentElement !== cell) cell.append(this._ghost);
    this._ghost.classList.toggle("is-taken", !ghost.isFree);
    this._stretch(this._ghost, ghost.from, ghost.to);
    if (this._ghost.textContent !== ghost.text) this._ghost.textContent = ghost.text;
    this._ghost.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** @param {HTMLElement} cell @param {Span} span @param {string} label */
  placeCursor(cell, { from, to }, label) {
    if (this.cursor.parentElement !== cell) cell.append(this.cursor);
    this._stretch(this.cursor, from, to);
    if (this.cursor.getAttribute("aria-label") !== label) this.cursor.setAttribute("aria-label", label);
  }

  /** @param {HTMLElement} element @param {DOMRect} from Where it was before. */
  slide(element, from) {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const to = element.getBoundingClientRect();
    element.animate([{ transform: `translate(${from.x - to.x}px, ${from.y - to.y}px)`, zIndex: 5 }, { transform: "none", zIndex: 5 }], {
      duration: SLIDE_MS,
      easing: "cubic-bezier(.2, .9, .3, 1)",
    });
  }

  /** @param {HTMLElement} element @param {number} from @param {number} to */
  _stretch(element, from, to) {
    element.style.top = `${this.topOf(from)}px`;
    element.style.height = `${this.topOf(to) - this.topOf(from)}px`;
  }
}

/** @param {string} className */
function hidden(className) {
  const element = document.createElement("div");
  element.className = className;
  element.setAttribute("aria-hidden", "true");
  return element;
}
