// @ts-check
/** Time without news, also across a laptop's sleep and a corrected clock. Pure: the clocks are arguments. */

const SILENT_HEARTBEATS = 2.5;
// A heartbeat that is a little late is no sign of a sleep.
const LATE_HEARTBEATS = 1.1;

/** Never runs backwards, and counts a sleep: `performance.now` may stand still in one, `Date.now` may be set back. */
export class Clock {
  /** @param {() => number} wall @param {() => number} steady */
  constructor(wall = () => Date.now(), steady = () => performance.now()) {
    this._wall = wall;
    this._steady = steady;
    this._lastWall = wall();
    this._lastSteady = steady();
    this._now = 0;
  }

  /** Milliseconds since this clock was made. */
  now() {
    const wall = this._wall();
    const steady = this._steady();
    this._now += Math.max(0, wall - this._lastWall, steady - this._lastSteady);
    this._lastWall = wall;
    this._lastSteady = steady;
    return this._now;
  }
}

/** The time since something was heard. */
export class Silence {
  /** @param {number} heartbeatMs @param {Clock} clock */
  constructor(heartbeatMs, clock) {
    this._heartbeatMs = heartbeatMs;
    this._clock = clock;
    this._heardAt = clock.now();
  }

  heard() {
    this._heardAt = this._clock.now();
  }

  /** More than a heartbeat is missing: after a sleep or a change of network, reason enough to connect anew. */
  get isLate() {
    return this._clock.now() - this._heardAt > LATE_HEARTBEATS * this._heartbeatMs;
  }

  /** Long enough to call the other side lost. */
  get isTooLong() {
    return this._clock.now() - this._heardAt > SILENT_HEARTBEATS * this._heartbeatMs;
  }
}

/** Notices that a timer rang much later than it was set for: the page, or the machine, stood still. */
export class JumpDetector {
  /** @param {number} intervalMs @param {Clock} clock */
  constructor(intervalMs, clock) {
    this._intervalMs = intervalMs;
    this._clock = clock;
    this._rangAt = clock.now();
  }

  /** Call on each ring. */
  rang() {
    const now = this._clock.now();
    const hasJumped = now - this._rangAt > 3 * this._intervalMs;
    this._rangAt = now;
    return hasJumped;
  }
}

/**
 * The promise's outcome; rejects with `TooSlow` after `ms`, and at once when `signal` is aborted.
 * @template T @param {Promise<T>} promise @param {number} ms @param {AbortSignal} signal @returns {Promise<T>}
 */
export function within(promise, ms, signal) {
  const ended = new AbortController();
  /** @type {Promise<never>} */
  const failed = new Promise((_, reject) => {
    const timer = setTimeout(() => reject(new TooSlow()), ms);
    ended.signal.addEventListener("abort", () => clearTimeout(timer));
    signal.addEventListener("abort", () => reject(signal.reason), { signal: ended.signal });
    if (signal.aborted) reject(signal.reason);
  });
  return Promise.race([promise, failed]).finally(() => ended.abort());
}

export class TooSlow extends Error {}
