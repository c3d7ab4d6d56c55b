// Pure: days of a year that are walked with arrows and chosen as a range. A day is `YYYY-MM-DD`.
// @ts-check

const MS = 86_400_000;

/** @typedef {{ anchor: string, head: string }} Range */

/** @param {string} day @param {number} count */
export function daysLater(day, count) {
  return new Date(Date.parse(`${day}T00:00:00Z`) + count * MS).toISOString().slice(0, 10);
}

/** The same day of another month; of a shorter one, its last day.
 * @param {string} day @param {number} count */
export function monthsLater(day, count) {
  const [year, month, date] = day.split("-").map(Number);
  const first = new Date(Date.UTC(year, month - 1 + count, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  return new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth(), Math.min(date, last))).toISOString().slice(0, 10);
}

/** The day to which a key leads, within the year; null for other keys.
 * @param {string} day @param {string} key */
export function dayByKey(day, key) {
  const year = day.slice(0, 4);
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };
  let next = null;
  if (key in steps) next = daysLater(day, steps[/** @type {keyof typeof steps} */ (key)]);
  else if (key === "PageUp" || key === "PageDown") next = monthsLater(day, key === "PageUp" ? -1 : 1);
  else if (key === "Home") next = `${year}-01-01`;
  else if (key === "End") next = `${year}-12-31`;
  if (next === null) return null;
  return next < `${year}-01-01` ? `${year}-01-01` : next > `${year}-12-31` ? `${year}-12-31` : next;
}

/** @param {Range} range @returns {[string, string]} */
export function endsOf({ anchor, head }) {
  return anchor <= head ? [anchor, head] : [head, anchor];
}

/** @param {Range | null} range @param {string} day */
export function isWithin(range, day) {
  if (range === null) return false;
  const [first, last] = endsOf(range);
  return first <= day && day <= last;
}
