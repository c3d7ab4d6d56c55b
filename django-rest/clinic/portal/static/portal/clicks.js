// @ts-check
/** Clicks that were meant for a card that has just gone from under the pointer. Pure: the time is an argument. */

export const GONE_FOR_MS = 500;

/** @typedef {{ left: number, right: number, top: number, bottom: number }} Box */
/** `detail` counts clicks in a row, and is 0 for keys. @typedef {{ detail: number, clientX: number, clientY: number }} Click */

export class LateClicks {
  constructor() {
    /** @type {{ box: Box, until: number }[]} */
    this._gone = [];
  }

  /** @param {Box} box Where a card was. @param {number} now */
  cardHasGone(box, now) {
    this._gone = [...this._gone.filter(({ until }) => until > now), { box, until: now + GONE_FOR_MS }];
  }

  /** @param {Click} click @param {number} now @returns {boolean} The second click of two, or one on what came in place of another card. */
  isLate({ detail, clientX: x, clientY: y }, now) {
    if (detail === 0) return false;
    if (detail > 1) return true;
    return this._gone.some(({ box, until }) => now < until && box.left <= x && x <= box.right && box.top <= y && y <= box.bottom);
  }
}
