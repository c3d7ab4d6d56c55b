// @ts-check
/**
 * A held time: how long it is kept, and its copy that outlives a reload of the page. `now` is always an argument, in
 * milliseconds.
 *
 * @typedef {{ id: number, token: string, practitioner: number, service: number | null, start: string, end: string,
 *   expires_at: string, renewable: boolean }} Hold As the REST API shows it.
 */

/** @param {string} expires An instant. @param {number} now @returns {number} Whole seconds that a time is still kept. */
export const secondsLeft = (expires, now) => Math.max(0, Math.floor((Date.parse(expires) - now) / 1000));

/** @param {number} seconds @returns {string} As 4:58. */
export const clockOf = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

/** Seconds that are said aloud: each whole minute, and the last half. @param {number} seconds */
export const isSaid = (seconds) => seconds === 30 || (seconds > 0 && seconds % 60 === 0);

/** In this tab alone: two tabs hold two times. A browser that keeps nothing still books. */
export class KeptHold {
  /** @param {string} key @param {() => Pick<Storage, "getItem" | "setItem" | "removeItem">} [storage] */
  constructor(key, storage = () => sessionStorage) {
    this._key = `chairside-hold:${key}`;
    this._storage = storage;
  }

  /** @param {number} now @returns {Hold | null} */
  read(now) {
    try {
      const hold = JSON.parse(this._storage().getItem(this._key) ?? "null");
      return hold && secondsLeft(hold.expires_at, now) > 0 ? hold : null;
    } catch {
      return null;
    }
  }

  /** @param {Hold} hold */
  write(hold) {
    try {
      this._storage().setItem(this._key, JSON.stringify(hold));
    } catch {}
  }

  clear() {
    try {
      this._storage().removeItem(this._key);
    } catch {}
  }
}
