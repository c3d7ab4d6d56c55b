// @ts-check
/**
 * Keeps a part of a page current: it is read again when something changed, when the page is looked at again, and every few
 * seconds. The page says when it was last read, never more; and since when it could not be.
 */

export const EVERY_MS = 15_000;
// Changes that come together are read together.
export const TOGETHER_MS = 30;

/**
 * @typedef {{ load: () => Promise<void>, onstate: (state: "fresh" | "old", at: number) => void, now?: () => number,
 *   later?: (job: () => void, ms: number) => any, cancel?: (timer: any) => void }} Options
 */

export class Keeping {
  /** @param {Options} options */
  constructor({ load, onstate, now = Date.now, later = (job, ms) => setTimeout(job, ms), cancel = (timer) => clearTimeout(timer) }) {
    this._load = load;
    this._onstate = onstate;
    this._now = now;
    this._later = later;
    this._cancel = cancel;
    this._isLoading = false;
    this._isWanted = false;
    this._isHidden = false;
    this._isOver = false;
    this._readAt = now();
    /** @type {any} */
    this._timer = null;
    this._wait(EVERY_MS);
  }

  /** Something may have changed: read it soon. */
  changed() {
    if (this._isOver) return;
    if (this._isLoading) {
      this._isWanted = true; // What is being read may be from before.
      return;
    }
    this._wait(TOGETHER_MS);
  }

  /** A page that nobody looks at is read again when it is looked at. @param {boolean} hidden */
  hidden(hidden) {
    this._isHidden = hidden;
    if (!hidden) this.changed();
  }

  /** The row is gone: there is nothing more to read. */
  stop() {
    this._isOver = true;
    this._cancel(this._timer);
  }

  /** @param {number} ms */
  _wait(ms) {
    this._cancel(this._timer);
    this._timer = this._later(() => this._read(), ms);
  }

  async _read() {
    if (this._isOver) return;
    if (this._isHidden) return this._wait(EVERY_MS);
    this._isLoading = true;
    this._isWanted = false;
    const asked = this._now();
    try {
      await this._load();
      this._readAt = asked;
      this._onstate("fresh", asked);
    } catch {
      this._onstate("old", this._readAt);
    }
    this._isLoading = false;
    if (!this._isOver) this._wait(this._isWanted ? TOGETHER_MS : EVERY_MS);
  }
}
