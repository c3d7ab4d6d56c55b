// @ts-check
/** Time that is left, pure. */

/** @param {number} until @param {number} now Both in milliseconds. @returns {number} Whole seconds, never below 0. */
export const leftUntil = (until, now) => Math.max(0, Math.ceil((until - now) / 1000));

/** @param {number} seconds @returns {string} As 1:04:09 or 4:09. */
export function sayLeft(seconds) {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
