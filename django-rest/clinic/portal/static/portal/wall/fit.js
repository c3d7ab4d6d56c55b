// @ts-check
/** How much of a grid fits onto the screen. */

/** Narrower or lower screens scroll: somebody has them in hand. */
const PAGED = "(min-width: 48rem) and (min-height: 30rem)";

/**
 * @param {HTMLElement} grid Its children are of one height. @returns {{ columns: number, rows: number, all: number }} At least one of each.
 */
export function capacityOf(grid) {
  const first = /** @type {HTMLElement | null} */ (grid.firstElementChild);
  const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  if (!first || !matchMedia(PAGED).matches) return { columns, rows: Infinity, all: Infinity };
  const rows = rowsWithin(grid.clientHeight, first.getBoundingClientRect().height, gapOf(grid));
  return { columns, rows, all: columns * rows };
}

/** @param {number} height @param {number} row @param {number} gap */
export const rowsWithin = (height, row, gap) => Math.max(1, Math.floor((height + gap) / Math.max(1, row + gap)));

/** @param {HTMLElement} grid */
export const gapOf = (grid) => Number.parseFloat(getComputedStyle(grid).rowGap) || 0;
