// @ts-check
/** A board on a wall turns its pages by itself: nobody is there to scroll. */

export const PAGE_MS = 12_000;
/** "and 3 more", with its distance. */
const LINE_REMS = 2.25;

/**
 * Pure: which of so many columns are seen, if a page has room for `room` of them.
 * @param {number} count @param {number} room @param {number} turn Counts pages since the beginning.
 * @returns {{ from: number, to: number, page: number, pages: number }}
 */
export function pageOf(count, room, turn) {
  const pages = Math.max(1, Math.ceil(count / Math.max(1, room)));
  // Pages of about the same size: a last one with a single column would be an empty wall.
  const size = Math.ceil(count / pages);
  const page = turn % pages;
  return { from: page * size, to: Math.min(count, (page + 1) * size), page, pages };
}

/**
 * Pure: how many entries of a list stand whole above the foot, at least one; where some do not, a line follows that says so.
 * @param {number[]} bottoms Of each entry. @param {number} foot @param {number} line Height of that line.
 */
export function wholeAbove(bottoms, foot, line) {
  const within = (/** @type {number} */ limit) => bottoms.filter((bottom) => bottom <= limit).length;
  return within(foot) === bottoms.length ? bottoms.length : Math.max(1, within(foot - line));
}

/** How many entries of a list stand whole above the foot, with the padding of its panel. @param {HTMLElement} list @param {number} foot */
export function entriesAbove(list, foot) {
  const bottoms = [...list.children].map((one) => one.getBoundingClientRect().bottom);
  const padding = Number.parseFloat(getComputedStyle(/** @type {HTMLElement} */ (list.parentElement)).paddingBottom);
  return wholeAbove(bottoms, foot - padding, LINE_REMS * Number.parseFloat(getComputedStyle(document.documentElement).fontSize));
}

/** The lower end of the screen for the content of a block with this padding. @param {HTMLElement} block */
export const footWithin = (block) => innerHeight - Number.parseFloat(getComputedStyle(block).paddingBottom);

/**
 * How many columns stand whole above the foot of the screen, at least those of the first row.
 * @param {HTMLElement} columns @param {number} foot
 */
export function roomIn(columns, foot) {
  const every = /** @type {HTMLElement[]} */ ([...columns.querySelectorAll(":scope > .column")]);
  const boxes = every.map((column) => column.getBoundingClientRect());
  const first = boxes.filter(({ top }) => Math.abs(top - (boxes[0]?.top ?? 0)) < 1).length;
  const whole = boxes.findIndex(({ bottom }) => bottom > foot);
  return Math.max(first, whole < 0 ? boxes.length : whole - (whole % Math.max(1, first)));
}
