// @ts-check
/** A search as one types: the newest text wins, whatever comes back first. */

export const PAUSE_MS = 120;

/**
 * @typedef {{ ask: (text: string, signal: AbortSignal) => Promise<string>, show: (text: string, answer: string) => void,
 *   fail: () => void, pause?: number }} Options
 */

export class Search {
  /** @param {Options} options */
  constructor({ ask, show, fail, pause = PAUSE_MS }) {
    this._ask = ask;
    this._show = show;
    this._fail = fail;
    this._pause = pause;
    /** @type {string | null} */
    this._text = null;
    /** @type {AbortController | null} */
    this._asking = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
  }

  /** @param {string} text */
  typed(text) {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this.now(text), this._pause);
  }

  /** @param {string} text */
  async now(text) {
    clearTimeout(this._timer);
    if (text === this._text) return;
    this._text = text;
    this._asking?.abort();
    const asking = new AbortController();
    this._asking = asking;
    try {
      const answer = await this._ask(text, asking.signal);
      if (this._asking === asking) this._show(text, answer);
    } catch {
      if (this._asking !== asking) return; // Overtaken.
      this._text = null;
      this._fail();
    }
  }
}
