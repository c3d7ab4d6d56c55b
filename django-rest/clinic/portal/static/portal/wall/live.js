// @ts-check
/** The stream of a wall, day and night: each connection has a ticket of its own, and a lost one is tried again for ever. */

const SPARE_BEATS = 2.5;
const LONGEST_PAUSE_MS = 60_000;
const ENDS = ["expired", "revoked", "replaced", "drain"];

/**
 * @typedef {"connecting" | "live" | "stale" | "offline"} State
 * @typedef {{ stream: string, heartbeatSeconds: number, tickets: string, token: string, onevent: (name: string, told: any) => void,
 *   onstate: (state: State) => void, onrevoked: () => void }} Options
 */

export class LiveWall {
  /** @param {Options} options */
  constructor(options) {
    this._options = options;
    /** @type {EventSource | null} */
    this._source = null;
    this._tries = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._silence = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._again = undefined;
    this._isConnecting = false;
  }

  start() {
    this._connect();
    addEventListener("online", () => this._now());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this._now());
    addEventListener("pagehide", () => this._close());
    addEventListener("pageshow", ({ persisted }) => persisted && this._now());
  }

  _now() {
    if (this._source || this._isConnecting) return;
    clearTimeout(this._again);
    this._connect();
  }

  async _connect() {
    this._isConnecting = true;
    const ticket = await this._ticket();
    this._isConnecting = false;
    if (ticket === null) return this._lost();
    this._close();
    const { stream, onevent, onstate } = this._options;
    const source = new EventSource(`${stream}/api/v1/sse/wall?mode=delta&ticket=${encodeURIComponent(ticket)}`);
    this._source = source;
    for (const name of ["snapshot", "change"]) {
      source.addEventListener(name, (event) => {
        this._hear();
        this._tries = 0;
        onevent(name, JSON.parse(event.data));
        if (name === "snapshot") onstate("live");
      });
    }
    source.addEventListener("heartbeat", () => this._hear());
    source.addEventListener("stale", () => onstate("stale"));
    source.addEventListener("fresh", () => onstate("live"));
    for (const name of ENDS) source.addEventListener(name, () => this._lost());
    // A ticket opens one stream: EventSource's own next try would be refused.
    source.onerror = () => this._lost();
    this._hear();
  }

  /** @returns {Promise<string | null>} */
  async _ticket() {
    const { tickets, token, onrevoked } = this._options;
    try {
      const response = await fetch(tickets, {
        method: "POST",
        headers: { Accept: "application/json", "Content-Type": "application/json" },
        body: JSON.stringify({ token }),
        credentials: "omit",
        cache: "no-store",
      });
      if (response.status === 404) onrevoked();
      return response.ok ? (await response.json()).ticket : null;
    } catch {
      return null;
    }
  }

  _hear() {
    clearTimeout(this._silence);
    this._silence = setTimeout(() => this._lost(), this._options.heartbeatSeconds * SPARE_BEATS * 1000);
  }

  _lost() {
    this._close();
    this._options.onstate("offline");
    clearTimeout(this._again);
    const pause = Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** Math.min(this._tries++, 10)) * (0.5 + Math.random() / 2);
    this._again = setTimeout(() => this._now(), pause);
  }

  _close() {
    clearTimeout(this._silence);
    this._source?.close();
    this._source = null;
  }
}
