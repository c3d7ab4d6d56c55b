// @ts-check
/** Access tokens: one question at a time, and a new one before the last expires. */

const SPARE_MS = 20_000;

/** @typedef {{ access: string, lifeMs: number }} Fresh */

export class TokenKeeper {
  /** @param {() => Promise<Fresh | null>} ask For a new token; `null`: nobody is signed in. */
  constructor(ask) {
    this._ask = ask;
    /** @type {{ access: string, until: number } | null} */
    this._kept = null;
    /** @type {Promise<string | null> | null} */
    this._asking = null;
  }

  /** With `refresh` a new one. `null`: nobody is signed in. @param {{ refresh?: boolean }} [wanted] @returns {Promise<string | null>} */
  async token({ refresh = false } = {}) {
    if (!refresh && this._kept && Date.now() < this._kept.until) return this._kept.access;
    this._asking ??= this._renew().finally(() => (this._asking = null));
    return this._asking;
  }

  /** @param {Fresh} fresh */
  keep({ access, lifeMs }) {
    // Half of a life that is shorter than what we would spare.
    this._kept = { access, until: Date.now() + Math.max(lifeMs - SPARE_MS, lifeMs / 2) };
  }

  forget() {
    this._kept = null;
  }

  /** @returns {Promise<string | null>} */
  async _renew() {
    const fresh = await this._ask();
    if (fresh === null) this.forget();
    else this.keep(fresh);
    return fresh && fresh.access;
  }
}

/** By the token itself. @param {string} access @returns {{ user_id: number, role: string, iat: number, exp: number, [claim: string]: any }} */
export function claimsOf(access) {
  const part = access.split(".")[1] ?? "";
  const bytes = Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** Of a token that has just been issued: the device's clock may be wrong. @param {string} access @returns {number} */
export function lifeMsOf(access) {
  const { iat, exp } = claimsOf(access);
  return (exp - iat) * 1000;
}
