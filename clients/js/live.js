// @ts-check
/** Live rows, however long the stream itself is away: the module that keeps them is the stream's own. */

const LONGEST_PAUSE_MS = 15_000;

/**
 * @typedef {{ id: number | string, [field: string]: any }} Row
 * @typedef {{ upserts: Row[], removes: (number | string)[], isSnapshot: boolean }} Change
 * @typedef {"connecting" | "live" | "stale" | "offline" | "signed out"} State
 * @typedef {{ token: (wanted: { refresh: boolean }) => Promise<string | null>, ticket: () => Promise<string | null> }} Session
 */

/** By the class of the stream's module that keeps the list. */
const PATHS = {
  LiveAppointments: "appointments",
  LiveAvailability: "availability",
  LiveHolds: "holds",
  LiveNotifications: "notifications",
};

export class Feed {
  /**
   * @param {{ stream: string, heartbeatSeconds?: number, session?: Session, list?: keyof typeof PATHS,
   *   query?: Record<string, string>, onrows: (rows: any[], change: any, live: any) => void,
   *   onstate?: (state: State, reason: string) => void, load?: (address: string) => Promise<any> }} options
   *   Without a session, a list that is public. `load` imports a module; by default the browser does.
   */
  constructor(options) {
    this._options = options;
    this._load = options.load ?? ((address) => import(address));
    this._isWanted = false;
    /** @type {any} */
    this._live = null;
  }

  async start() {
    if (this._isWanted) return;
    this._isWanted = true;
    this._options.onstate?.("connecting", "");
    const module = await this._import();
    if (!module || !this._isWanted) return;
    const { stream, heartbeatSeconds = 15, session, query, onrows, onstate, list = "LiveAppointments" } = this._options;
    const live = new module[list]({
      url: `${stream}/api/v1/sse/${PATHS[list]}`,
      query: query ?? {},
      heartbeatSeconds,
      ...(session && { token: (/** @type {{ refresh: boolean }} */ wanted) => session.token(wanted), ticket: () => session.ticket() }),
      onchange: (/** @type {Row[]} */ rows, /** @type {Change} */ change) => this._isWanted && onrows(rows, change, live),
      onstate: (/** @type {State} */ state, /** @type {string} */ reason) => this._isWanted && onstate?.(state, reason),
    });
    this._live = live;
    live.start();
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
        return await this._load(`${this._options.stream}/chairside-live.js${tries ? `?try=${tries}` : ""}`);
      } catch {
        this._options.onstate?.("offline", "lost");
        const pause = Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** tries) * (0.5 + Math.random() / 2);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
    return null;
  }
}
