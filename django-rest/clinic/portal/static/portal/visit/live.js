// @ts-check
/** Changes of one visit, as the stream tells them; while it is away, the page asks again by itself. */

const SPARE_BEATS = 2.5;
const LONGEST_PAUSE_MS = 30_000;
const POLL_MS = 30_000;

/**
 * @typedef {{ stream: string, heartbeatSeconds: number, api: string, version: () => string, onchange: () => void, onahead: (ahead: number | null) => void,
 *   onstate: (state: "connecting" | "live" | "offline") => void }} Options
 */

export class LiveVisit {
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
    this._seen = "";
  }

  start() {
    this._connect();
    addEventListener("online", () => this._reconnect());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this._reconnect());
    addEventListener("pagehide", () => this._close());
    addEventListener("pageshow", ({ persisted }) => persisted && this._reconnect());
    setInterval(() => this._source === null && document.visibilityState === "visible" && this._options.onchange(), POLL_MS);
  }

  _reconnect() {
    if (this._source) return;
    clearTimeout(this._again);
    this._connect();
  }

  async _connect() {
    const { api, stream, onstate } = this._options;
    const ticket = await this._ticket(`${api}/stream-ticket`);
    if (ticket === null) return this._later();
    this._close();
    const source = new EventSource(`${stream}/api/v1/sse/visit?ticket=${encodeURIComponent(ticket)}`);
    this._source = source;
    source.onmessage = ({ data }) => this._read(data);
    source.addEventListener("heartbeat", () => this._hear());
    for (const name of ["stale", "drain"]) source.addEventListener(name, () => onstate("offline"));
    source.addEventListener("fresh", () => onstate("live"));
    for (const name of ["expired", "revoked", "replaced"]) source.addEventListener(name, () => this._lost());
    // A ticket opens one stream: the next one has a ticket of its own.
    source.onerror = () => this._lost();
    this._hear();
  }

  /** @param {string} url @returns {Promise<string | null>} */
  async _ticket(url) {
    try {
      const response = await fetch(url, { method: "POST", headers: { Accept: "application/json" }, credentials: "omit", cache: "no-store" });
      if (response.status === 404) this._options.onchange(); // Another link now, or gone.
      return response.ok ? (await response.json()).ticket : null;
    } catch {
      return null;
    }
  }

  /** @param {string} data */
  _read(data) {
    this._tries = 0;
    this._hear();
    const told = JSON.parse(data);
    const row = told.appointments?.[0] ?? told.visit ?? null;
    const seen = JSON.stringify(row);
    // At first the page shows what the server drew, which is the same unless something has changed in between.
    const isShown = this._seen === "" ? String(row?.version) === this._options.version() : this._seen === seen;
    this._seen = seen;
    if (!isShown) this._options.onchange();
    this._options.onahead(told.ahead ?? null);
    this._options.onstate("live");
  }

  _hear() {
    clearTimeout(this._silence);
    this._silence = setTimeout(() => this._lost(), this._options.heartbeatSeconds * SPARE_BEATS * 1000);
  }

  _lost() {
    this._close();
    this._options.onstate("offline");
    this._later();
  }

  _later() {
    clearTimeout(this._again);
    const pause = Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** this._tries++) * (0.5 + Math.random() / 2);
    this._again = setTimeout(() => this._connect(), pause);
  }

  _close() {
    clearTimeout(this._silence);
    this._source?.close();
    this._source = null;
  }
}
