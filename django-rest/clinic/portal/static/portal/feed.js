// @ts-check
/** Live rows, however long the stream itself is away: its client is a module of the stream's own. */

const LONGEST_PAUSE_MS = 15_000;

/**
 * @typedef {import("./rules.js").Row} Row
 * @typedef {{ upserts: Row[], removes: number[], isSnapshot: boolean }} Change
 */

export class Feed {
  /**
   * @param {{ stream: string, heartbeatSeconds: number, session: import("./session.js").Session,
   *   query?: Record<string, string>, onrows: (rows: Row[], change: Change) => void,
   *   onstate: (state: string, reason: string) => void }} options
   */
  constructor(options) {
    this._options = options;
    this._isWanted = false;
    /** @type {any} */
    this._live = null;
  }

  async start() {
    if (this._isWanted) return;
    this._isWanted = true;
    this._options.onstate("connecting", "");
    const module = await this._import();
    if (!module || !this._isWanted) return;
    const { stream, heartbeatSeconds, session, query, onrows, onstate } = this._options;
    this._live = new module.LiveAppointments({
      url: `${stream}/api/v1/sse/appointments`,
      query: query ?? {},
      heartbeatSeconds,
      token: (/** @type {{ refresh: boolean }} */ wanted) => session.token(wanted),
      ticket: () => session.ticket(),
      onchange: (/** @type {Row[]} */ rows, /** @type {Change} */ change) => this._isWanted && onrows(rows, change),
      onstate: (/** @type {string} */ state, /** @type {string} */ reason) => this._isWanted && onstate(state, reason),
    });
    this._live.start();
  }

  /** After an end for good. */
  again() {
    if (this._live) this._live.start();
    else this.start();
  }

  stop() {
    this._isWanted = false;
    this._live?.stop();
    this._live = null;
  }

  /** @returns {Promise<any>} */
  async _import() {
    for (let tries = 0; this._isWanted; tries++) {
      try {
        // A browser may remember for good that an address has failed, so each try has its own.
        return await import(`${this._options.stream}/chairside-live.js${tries ? `?try=${tries}` : ""}`);
      } catch {
        this._options.onstate("offline", "lost");
        const pause = Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** tries) * (0.5 + Math.random() / 2);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
    return null;
  }
}
