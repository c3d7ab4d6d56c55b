// @ts-check
/**
 * Open times, as days and people show them. Pure: `now` is always an argument, in milliseconds, and dates are the
 * clinic's, as 2026-11-20.
 *
 * @typedef {import("../../../client/open_times.js").OpenTime} OpenTime
 */

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * Times as a page brings them: starts with their people, all of one length.
 * @param {[string, number[]][]} starts @param {number} minutes @returns {OpenTime[]}
 */
export function timesFrom(starts, minutes) {
  return starts.map(([start, practitioners]) => {
    const end = new Date(Date.parse(start) + minutes * MINUTE_MS).toISOString();
    return { start, end, date: start.slice(0, 10), time: start.slice(11, 16), practitioners };
  });
}

/** @param {string} date @param {number} days @returns {string} */
export const shifted = (date, days) => new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);

/**
 * Days of the strip, with the number of their open times.
 * @param {OpenTime[]} times @param {string} first @param {number} count @returns {{ date: string, count: number }[]}
 */
export function daysOf(times, first, count) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { date } of times) counts.set(date, (counts.get(date) ?? 0) + 1);
  return Array.from({ length: count }, (_, index) => shifted(first, index)).map((date) => ({ date, count: counts.get(date) ?? 0 }));
}

/**
 * Times that this person has; 0 is anybody.
 * @param {OpenTime[]} times @param {number} practitioner @returns {OpenTime[]}
 */
export const timesOf = (times, practitioner) =>
  practitioner ? times.filter(({ practitioners }) => practitioners.includes(practitioner)) : times;

/**
 * Times that were there and are not any more.
 * @param {OpenTime[]} before @param {OpenTime[]} after @returns {OpenTime[]}
 */
export function lostAmong(before, after) {
  const still = new Set(after.map(({ start }) => start));
  return before.filter(({ start }) => !still.has(start));
}

/**
 * The open times nearest to one that is lost, in order of the day.
 * @param {OpenTime[]} times @param {string} start @param {number} [count] @returns {OpenTime[]}
 */
export function nearestTo(times, start, count = 3) {
  const wanted = Date.parse(start);
  const distance = (/** @type {OpenTime} */ time) => Math.abs(Date.parse(time.start) - wanted);
  return times
    .filter((time) => time.start !== start)
    .sort((a, b) => distance(a) - distance(b))
    .slice(0, count)
    .sort((a, b) => Date.parse(a.start) - Date.parse(b.start));
}

/**
 * The times of a day as people look for them.
 * @param {OpenTime[]} times @returns {{ part: "morning" | "afternoon" | "evening", times: OpenTime[] }[]} Without empty parts.
 */
export function partsOf(times) {
  const part = (/** @type {OpenTime} */ { time }) => (time < "12:00" ? "morning" : time < "17:00" ? "afternoon" : "evening");
  return /** @type {const} */ (["morning", "afternoon", "evening"])
    .map((name) => ({ part: name, times: times.filter((time) => part(time) === name) }))
    .filter((one) => one.times.length > 0);
}

/**
 * The day to show: the wanted one if it has times, else the first that has, else the wanted one.
 * @param {{ date: string, count: number }[]} days @param {string} wanted
 */
export function dayToShow(days, wanted) {
  const is = days.find(({ date }) => date === wanted);
  return is?.count ? wanted : (days.find(({ count }) => count > 0)?.date ?? (is ? wanted : (days[0]?.date ?? wanted)));
}
