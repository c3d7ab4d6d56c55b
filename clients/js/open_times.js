// @ts-check
/**
 * Open times, live: read by REST, less what is taken meanwhile by everybody, and read again when hours change or time is free
 * again.
 *
 * @typedef {{ start: string, end: string, date: string, time: string, practitioners: number[] }} OpenTime
 * @typedef {{ practitioner: number, start: string, end: string }} Taken
 * @typedef {{ before: number, after: number }} Buffers Minutes that a visit needs beside its own.
 * @typedef {{ start: string, practitioner: number }} Place
 * @typedef {{ taken: Taken[], schedule: string }} Availability `schedule` differs when hours, closures or services changed.
 */

import { Feed } from "./live.js";

const MINUTE_MS = 60_000;
const AGAIN_MS = 15_000;
const SPREAD_MS = 2_000;

/**
 * Times as they are free now: a person whose time is taken is out, and a time without anybody is gone. The visitor's own
 * hold takes nothing from them.
 * @param {OpenTime[]} times @param {Taken[]} taken @param {Buffers} buffers @param {Place | null} own @returns {OpenTime[]}
 */
export function withoutTaken(times, taken, buffers, own) {
  const by = byPractitioner(taken, own);
  if (by.size === 0) return times;
  const free = [];
  for (const time of times) {
    const from = Date.parse(time.start) - buffers.before * MINUTE_MS;
    const until = Date.parse(time.end) + buffers.after * MINUTE_MS;
    const practitioners = time.practitioners.filter((id) => !by.get(id)?.some((span) => span.from < until && from < span.until));
    if (practitioners.length === time.practitioners.length) free.push(time);
    else if (practitioners.length) free.push({ ...time, practitioners });
  }
  return free;
}

/** @param {Taken[]} taken @param {Place | null} own */
function byPractitioner(taken, own) {
  /** @type {Map<number, { from: number, until: number }[]>} */
  const by = new Map();
  const held = own ? Date.parse(own.start) : 0;
  for (const { practitioner, start, end } of taken) {
    const span = { from: Date.parse(start), until: Date.parse(end) };
    if (own && practitioner === own.practitioner && span.from <= held && held < span.until) continue;
    by.set(practitioner, [...(by.get(practitioner) ?? []), span]);
  }
  return by;
}

/**
 * Whether time that was taken is free again: the open times have to be read anew to know them all.
 * @param {Taken[]} before @param {Taken[]} after
 */
export function hasFreed(before, after) {
  const still = new Set(after.map(keyOf));
  return before.some((span) => !still.has(keyOf(span)));
}

/** @param {Taken} span */
const keyOf = ({ practitioner, start, end }) => `${practitioner} ${Date.parse(start)} ${Date.parse(end)}`;

/**
 * Of rows of one person and day, as the stream keeps them. An interval over midnight stands on both days.
 * @param {{ practitioner: number, taken: { start: string, end: string }[] }[]} days @param {Record<string, any>} facts
 * @returns {Availability}
 */
export function availabilityOf(days, facts) {
  const spans = days.flatMap(({ practitioner, taken }) => taken.map((span) => ({ practitioner, ...span })));
  return { taken: [...new Map(spans.map((span) => [keyOf(span), span])).values()], schedule: String(facts.schedule_version ?? "") };
}

/** The taken time of a clinic: a public stream. */
export class LiveTaken {
  /**
   * @param {{ stream: string, query: Record<string, string>, onchange: (now: Availability) => void, onaway: () => void,
   *   onstate: (isLive: boolean) => void, load?: (address: string) => Promise<any> }} options
   *   `query` names a `clinic` or a `service`. While the stream is away, `onaway` asks to read the open times again now and then.
   */
  constructor({ stream, query, onchange, onaway, onstate, load }) {
    this._onaway = onaway;
    this._onstate = onstate;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._timer = undefined;
    this._isLive = false;
    this._feed = new Feed({
      stream,
      query,
      load,
      list: "LiveAvailability",
      onrows: (days, _, { facts }) => onchange(availabilityOf(days, facts)),
      onstate: (state) => this._say(state === "live"),
    });
  }

  start() {
    this._timer = setInterval(() => this._check(), AGAIN_MS);
    this._feed.start();
  }

  stop() {
    clearInterval(this._timer);
    this._feed.stop();
  }

  _check() {
    if (!this._isLive && document.visibilityState === "visible") this._onaway();
  }

  /** @param {boolean} isLive */
  _say(isLive) {
    if (isLive === this._isLive) return;
    this._isLive = isLive;
    this._onstate(isLive);
  }
}

/** The open times of a few days, as one list that keeps itself right. */
export class LiveOpenTimes {
  /**
   * @param {{ read: () => Promise<OpenTime[]>, buffers?: Buffers, taken: (options: { onchange: (now: Availability) => void,
   *   onaway: () => void, onstate: (isLive: boolean) => void }) => { start: () => void, stop: () => void },
   *   onchange: (times: OpenTime[]) => void, onstate?: (state: "live" | "offline") => void, onproblem?: (problem: unknown) => void,
   *   spreadMs?: number }} options `spreadMs`: not all visitors read anew at once.
   */
  constructor(options) {
    this._options = options;
    this._buffers = options.buffers ?? { before: 0, after: 0 };
    /** @type {OpenTime[] | null} */
    this._times = null;
    /** @type {Availability} */
    this._now = { taken: [], schedule: "" };
    /** @type {Place | null} */
    this._own = null;
    this._isOver = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._reading = undefined;
    this._stream = options.taken({
      onchange: (now) => this._take(now),
      onaway: () => this.read(),
      onstate: (isLive) => this._options.onstate?.(isLive ? "live" : "offline"),
    });
  }

  start() {
    this._stream.start();
    return this.read();
  }

  stop() {
    this._isOver = true;
    clearTimeout(this._reading);
    this._stream.stop();
  }

  /** One's own hold takes nothing from the list. @param {Place | null} own */
  keep(own) {
    this._own = own;
    this._tell();
  }

  /** Read the open times anew. */
  async read() {
    try {
      this._times = await this._options.read();
    } catch (problem) {
      this._options.onproblem?.(problem);
      return;
    }
    this._tell();
  }

  _readSoon() {
    clearTimeout(this._reading);
    this._reading = setTimeout(() => this.read(), Math.random() * (this._options.spreadMs ?? SPREAD_MS));
  }

  /** @param {Availability} now */
  _take(now) {
    const former = this._now;
    this._now = now;
    const isOther = former.schedule !== "" && former.schedule !== now.schedule;
    if (isOther || hasFreed(former.taken, now.taken)) this._readSoon();
    this._tell();
  }

  _tell() {
    if (this._isOver || this._times === null) return;
    this._options.onchange(withoutTaken(this._times, this._now.taken, this._buffers, this._own));
  }
}
