// @ts-check
/**
 * Live appointments and notifications in a browser, as keyed lists that keep themselves right.
 *
 *     import { LiveAppointments } from "https://stream.example/chairside-live.js";
 *
 *     const live = new LiveAppointments({
 *       url: "https://stream.example/api/v1/sse/appointments",
 *       token: async ({ refresh }) => (refresh ? await refreshToken() : currentToken()),
 *       onchange: (rows, { upserts, removes }) => draw(rows),
 *       onstate: (state) => show(state),
 *     });
 *     live.start();
 *
 * `LiveHolds`, with ".../api/v1/sse/holds", is the same for the holds of a clinic, for those who work there.
 * `LiveNotifications`, with ".../api/v1/sse/notifications", is the same for a user's notifications: the newest first, and
 * `unreadCount` of all.
 *
 * Without `token`, for those who are not signed in: `LiveVisit` (".../sse/visit") and `LiveQueue` (".../sse/queue") show one
 * visit to whoever has its reference, with `ticket`; `LiveAvailability` (".../sse/availability") needs neither. What is told
 * beside the rows is in `facts`: `ahead` and `number`, or `schedule_version` and `practitioners`.
 *
 * Show `state` beside the rows: they are current only while it is "live".
 *
 * A list connects again by itself after everything but a sign-out, with the id of the last event, so that it receives only
 * what it missed, also after a reload of the page. It is "stale" and connects again at once after 2.5 heartbeats of silence;
 * and when a page becomes visible, a laptop wakes up or the network returns, after more than one.
 *
 * All tabs of a user share one connection a list: one tab leads and tells the others. A leader that is closed, or stands
 * still (a dialog, the debugger, a long script), is replaced by another tab, which goes on from the same id: see `tabs.js`.
 *
 * Tabs share by Web Locks and BroadcastChannel, and not by a SharedWorker, as a worker's script must be of the page's own
 * origin (MDN, SharedWorker()), and this module is served by the stream's. A blob: address would be another worker in each
 * tab, and a data: one has no origin that the stream could allow. A page that serves this module itself would win
 * nothing: tokens are the page's to give, so a tab has to be there anyway. Web Locks are for https and localhost alone;
 * on plain http, as in a clinic's own network, the tabs agree over a BroadcastChannel. Without it a browser's six
 * connections to one server would be gone with the sixth tab.
 *
 * @typedef {import("./chairside-live/lists.js").Row} Row
 * @typedef {import("./chairside-live/lists.js").Kind} Kind
 * @typedef {import("./chairside-live/lists.js").Change} Change
 * @typedef {import("./chairside-live/parser.js").Block} Block
 * @typedef {"connecting" | "live" | "stale" | "offline" | "signed out"} State
 *   `live`: the rows are current. `stale`: they may be old, the connection, the leading tab or the database is silent.
 *   `offline`: there is no connection; it is tried again, unless `reason` says `replaced` or `refused`.
 *   `signed out`: over, until `start` is called again.
 * @typedef {object} Options
 * @property {string} url The stream's address.
 * @property {(wanted: { refresh: boolean }) => Promise<string | null>} [token] An access token; with `refresh` a new one,
 *   because the last is refused or about to expire. `null`: nobody is signed in. After ten seconds without an answer it
 *   counts as failed, and another tab tries.
 * @property {() => Promise<string | null>} [ticket] A stream ticket, where only EventSource is available, or no `token`.
 *   A new one for each call. `null`: it is over.
 * @property {Record<string, string>} [query] `from`, `to`, `practitioner`, `status`, `clinic`, `service`.
 * @property {(rows: Row[], change: Change) => void} [onchange] All rows in order, and what is different.
 * @property {(state: State, reason: string) => void} [onstate]
 * @property {boolean} [share] One connection for all tabs; default true.
 * @property {"fetch" | "eventsource"} [transport] Default: fetch, where the browser can read a body as it comes.
 * @property {number} [heartbeatSeconds] As the service is set; default 15. Silence of 2.5 of them is a lost connection.
 */
import { APPOINTMENTS, DAYS, HOLDS, KeyedList, NOTIFICATIONS } from "./chairside-live/lists.js";
import { Clock, JumpDetector, Silence, TooSlow, within } from "./chairside-live/silence.js";
import { Tabs, randomId } from "./chairside-live/tabs.js";
import { Refusal, bestTransport, readEventSource, readFetched } from "./chairside-live/transport.js";

export { BlockReader } from "./chairside-live/parser.js";
export { KeyedList };

const SLOWEST_RETRY_MS = 30_000;
const FIRST_RETRY_MS = 1_000;
const KEPT_OVER_RELOAD_MS = 10 * 60_000;
const TOKEN_TIMEOUT_MS = 10_000;
const SLOWEST_TICK_MS = 1_000;

class LiveList {
  /** @param {Options} options @param {Kind} kind */
  constructor(options, kind) {
    this._kind = kind;
    const share = options.token !== undefined; // The token says whose it is.
    this._options = { share, heartbeatSeconds: 15, query: {}, transport: bestTransport(), ...options };
    this._heartbeatMs = this._options.heartbeatSeconds * 1000;
    this._tokenTimeoutMs = Math.min(TOKEN_TIMEOUT_MS, 2 * this._heartbeatMs);
    this._list = new KeyedList(kind);
    /** @type {State} */
    this.state = "connecting";
    this._reason = "";
    this._run = new AbortController();
    this._run.abort();
    this._clock = new Clock();
    this._silence = new Silence(this._heartbeatMs, this._clock);
    /** @type {Tabs | null} */
    this._tabs = null;
    /** @type {AbortController | null} The connection, while there is one or is about to be. */
    this._attempt = null;
    this._key = "";
    this._wake = () => {};
    this._tries = 0;
    this._guesses = 0; // Of these, the pauses that the server has not asked for.
    /** @type {number | null} */
    this._retryMs = null;
    this._isDatabaseAway = false;
    this._wasOffline = false;
    /** @type {string | null} Asked of the leading tab and not answered yet: all it says until then may be old. */
    this._question = null;
    this._isInStep = false; // As a follower: its rows are the leader's.
  }

  /** @returns {Row[]} */
  get rows() {
    return this._list.rows;
  }

  /** Whether this tab has the connection, rather than hearing of it from another. */
  get isLeading() {
    return !this._run.signal.aborted && (this._tabs === null || this._tabs.isLeading);
  }

  /** Connect, or connect again after an end for good. Resolves with the first token, not with the end. */
  async start() {
    if (!this._run.signal.aborted) return;
    const { signal } = (this._run = new AbortController());
    this._forgetTries();
    this._tell("connecting", "");
    const token = await this._firstToken(signal);
    if (signal.aborted) return;
    if (token === null) return this._end("signed out", "no token");
    if (this._options.token) this._key = `chairside-live ${this._address()} ${userOf(token)}`;
    this._restore();
    this._listen(signal);
    if (this._options.share && "BroadcastChannel" in globalThis) this._shareOne(signal);
    else this._leadAlone(signal);
  }

  /** Close the connection and forget the rows. */
  stop() {
    this._run.abort();
    this._forget();
  }

  /** Id of the last event or heartbeat: it moves with every change of the clinic, also with those of no row here. */
  get lastId() {
    return this._list.lastId;
  }

  /** Facts beside the rows. */
  get facts() {
    return this._list.facts;
  }

  /** @param {AbortSignal} signal @returns {Promise<string | null>} Empty: none is needed. */
  async _firstToken(signal) {
    const { token } = this._options;
    if (!token) return "";
    while (!signal.aborted) {
      try {
        return await within(token({ refresh: false }), this._tokenTimeoutMs, signal);
      } catch {
        if (signal.aborted) break;
        this._tell("offline", "token");
        await this._pause(signal);
      }
    }
    return null;
  }

  // Signs that something may be wrong

  /** @param {AbortSignal} signal */
  _listen(signal) {
    addEventListener("pagehide", () => this._save(), { signal });
    addEventListener("pageshow", () => this._woke(), { signal });
    addEventListener("offline", () => this._lostNetwork(), { signal });
    addEventListener("online", () => this._woke(), { signal });
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this._woke(), { signal });
    const tickMs = Math.min(SLOWEST_TICK_MS, this._heartbeatMs / 4);
    const jumps = new JumpDetector(tickMs, this._clock);
    const timer = setInterval(() => this._tick(jumps), tickMs);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  /** @param {JumpDetector} jumps */
  _tick(jumps) {
    if (jumps.rang()) this._woke();
    if (!this.isLeading) this._tabs?.check();
    else if (this._attempt !== null && this._silence.isTooLong) this._reconnect("silent");
    this._say({});
  }

  /** The page, the machine or the network was away, perhaps. */
  _woke() {
    if (!this.isLeading) {
      if (!this._tabs?.isLate) return;
      this._tell("stale", "woke up");
      this._ask();
    } else if (this._attempt === null) this._wake();
    else if (this._silence.isLate || this._wasOffline) this._reconnect("woke up");
  }

  _lostNetwork() {
    this._wasOffline = true;
    if (this.state === "live") this._tell("stale", "no network");
  }

  /** Give up the connection, and make the next one at once. @param {string} reason */
  _reconnect(reason) {
    this._tell("stale", reason);
    this._retryMs = 0;
    this._attempt?.abort();
  }

  // Sharing

  /** @param {AbortSignal} signal */
  _shareOne(signal) {
    this._tabs = new Tabs(this._key, {
      heartbeatMs: this._heartbeatMs,
      clock: this._clock,
      lead: (turn) => this._lead(turn),
      onmessage: (message) => this._hear(message),
      onask: (question) => this._answer(question),
      onlost: (message) => this._follow(message),
      onsilence: () => this._tell("stale", "silent"),
    });
    this._tabs.run(signal);
    this._ask();
  }

  /** Another tab leads from now on. @param {any} [message] Its first: an answer to this tab's question needs no second. */
  _follow(message) {
    if (this._question !== null && message?.answers === this._question) return;
    this._isInStep = false;
    this._question = null;
    this._ask();
  }

  /** The rows of the leader, unless it has the same. */
  _ask() {
    this._question ??= randomId();
    this._tabs?.ask({ question: this._question, lastId: this._list.lastId });
  }

  /** @param {{ question: string, lastId: string | null }} asked */
  _answer({ question, lastId }) {
    const isInStep = lastId !== null && lastId === this._list.lastId;
    const rows = isInStep || this._list.lastId === null ? {} : { whole: this._list.whole, lastId: this._list.lastId };
    this._say({ answers: question, isInStep, ...rows });
  }

  /** @param {any} message */
  _hear(message) {
    if (message.end) return this._end(message.end, message.reason);
    if (message.answers !== undefined && message.answers === this._question) {
      this._question = null;
      this._isInStep = message.isInStep;
    }
    if (this._question !== null) return;
    if (message.whole) {
      this._isInStep = true;
      this._changed(this._list.replace(message.whole));
    }
    if (this._isInStep && message.change) this._changed(this._list.apply(message.change));
    if (this._isInStep && message.lastId) this._list.lastId = message.lastId;
    if (this._isInStep || message.state !== "live") this._tell(message.state, message.reason);
  }

  /** @param {object} message */
  _say(message) {
    this._tabs?.say({ state: this.state, reason: this._reason, ...message });
  }

  // The connection

  /** Without other tabs: a token that comes too late is asked for again here. @param {AbortSignal} signal */
  async _leadAlone(signal) {
    while (!signal.aborted) await this._lead(signal);
  }

  /** Connect again and again, until `turn` is aborted or another tab should try. @param {AbortSignal} turn */
  async _lead(turn) {
    let refresh = false;
    if (this._tries > 0) await this._pause(turn);
    while (!turn.aborted) {
      const attempt = (this._attempt = new AbortController());
      const abort = () => attempt.abort();
      turn.addEventListener("abort", abort, { once: true });
      this._silence.heard();
      try {
        refresh = await this._connect(attempt, refresh);
        if (!turn.aborted) this._ended();
      } catch (problem) {
        if (problem instanceof TooSlow) {
          this._tries += 1;
          this._tell("offline", "token");
          return;
        }
        refresh = !turn.aborted && this._failed(problem, refresh);
      } finally {
        turn.removeEventListener("abort", abort);
        attempt.abort();
        this._attempt = null;
      }
      if (!turn.aborted) await this._pause(turn);
    }
    if (this.state === "live") this._tell("stale", "another tab");
  }

  /**
   * One connection, from its request to its end.
   * @param {AbortController} attempt @param {boolean} refresh
   * @returns {Promise<boolean>} Whether the next needs a new token.
   */
  async _connect({ signal }, refresh) {
    const isFetch = this._options.transport === "fetch";
    const pass = await within(this._askForPass(isFetch, refresh), this._tokenTimeoutMs, signal);
    if (pass === null) {
      this._end("signed out", "no token");
      return false;
    }
    this._retryMs = null;
    this._isDatabaseAway = false;
    let isExpired = false;
    const { lastId } = this._list;
    const onbytes = () => this._hearBytes();
    const onblock = (/** @type {Block} */ block) => {
      if (signal.aborted) return;
      if (block.event === "expired") isExpired = true;
      this._take(block);
    };
    const inHeader = isFetch && this._options.token !== undefined;
    /** @type {Record<string, string>} */
    const query = inHeader || pass === "" ? {} : { ticket: pass };
    if (isFetch) {
      await readFetched(this._address(query), { token: inHeader ? pass : null, lastId, signal, onbytes, onblock });
    } else {
      const address = this._address(lastId ? { ...query, last_event_id: lastId } : query);
      await readEventSource(address, { signal, onbytes, onblock });
    }
    return isExpired;
  }

  /** @param {boolean} isFetch @param {boolean} refresh @returns {Promise<string | null>} Empty: none is needed. */
  async _askForPass(isFetch, refresh) {
    const { token, ticket } = this._options;
    if (token && (isFetch || !ticket)) return token({ refresh });
    return ticket ? ticket() : "";
  }

  /** Bytes that waited while the page stood still are old, and another tab may lead. */
  _hearBytes() {
    if (this._silence.isTooLong) this._reconnect("woke up");
    else this._silence.heard();
  }

  /** @param {Block} block */
  _take(block) {
    if (block.retry !== undefined) this._retryMs = block.retry;
    /** @type {Record<string, unknown>} */
    const news = {};
    if (block.data !== undefined) this._act(block.event, JSON.parse(block.data), news);
    if (block.id === undefined) return;
    this._list.lastId = news.lastId = block.id;
    this._wasOffline = false;
    this._forgetTries();
    this._say(news);
    if (!this._isDatabaseAway) this._tell("live", "");
  }

  /** @param {string} event @param {any} data @param {Record<string, unknown>} news For the other tabs. */
  _act(event, data, news) {
    if (event === "snapshot" || event === "message") {
      news.whole = data;
      this._changed(this._list.replace(data));
    } else if (event === "change") {
      news.change = data;
      this._changed(this._list.apply(data));
    } else if (event === "token-expiring") {
      this._renew(data.renew);
    } else if (event === "revoked") {
      this._end("signed out", "revoked");
    } else if (event === "replaced") {
      this._end("offline", "replaced");
    } else if (event === "stale" || event === "fresh") {
      this._isDatabaseAway = event === "stale";
      this._tell(event === "stale" ? "stale" : "live", data.detail);
    } else if (event === "drain" && this._options.transport === "eventsource") {
      this._attempt?.abort(); // Before it comes back by itself.
    }
  }

  /** Extend the open stream. If that fails, it ends with `expired`, and the next one has a new token. @param {string} path */
  async _renew(path) {
    const token = await this._options.token?.({ refresh: true }).catch(() => null);
    if (!token) return;
    const headers = { Authorization: `Bearer ${token}` };
    await fetch(new URL(path, this._address()), { method: "POST", headers }).catch(() => {});
  }

  /** A gateway without its service, and a full service, end a stream before its first id. */
  _ended() {
    if (this.state === "live") this._tell("connecting", "ended");
    else if (this._tries > (this.state === "stale" ? 1 : 0)) this._tell("offline", "away");
  }

  /** @param {unknown} problem @param {boolean} hasRefreshed @returns {boolean} Whether a new token could help. */
  _failed(problem, hasRefreshed) {
    if (problem instanceof Refusal) {
      if (problem.status === 401 && !hasRefreshed) {
        this._retryMs = 0;
        return true;
      }
      if (problem.status === 401 || problem.status === 204) this._end("signed out", String(problem.status));
      else if (problem.status < 500 && problem.status !== 429) this._end("offline", "refused");
      else this._retryMs = problem.retryMs;
    }
    if (this.state !== "stale" || this._tries > 1) this._tell(this._tries > 0 ? "offline" : "connecting", "lost");
    return !(problem instanceof Refusal) && hasRefreshed;
  }

  /** As long as the server asked for, else twice as long as the last guess; never all readers at once. @param {AbortSignal} signal */
  async _pause(signal) {
    const longest = this._retryMs ?? Math.min(SLOWEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this._guesses);
    if (this._retryMs === null) this._guesses += 1;
    this._retryMs = null;
    this._tries += 1;
    const pause = longest === 0 ? 0 : longest * (0.5 + Math.random() / 2);
    await new Promise((resolve) => {
      this._wake = () => resolve(undefined);
      setTimeout(resolve, pause);
      signal.addEventListener("abort", resolve, { once: true });
    });
  }

  _forgetTries() {
    this._tries = this._guesses = 0;
  }

  // The page

  /** @param {Change} change */
  _changed(change) {
    this._options.onchange?.(this.rows, change);
  }

  /** @param {State} state @param {string} reason */
  _tell(state, reason) {
    if (this._run.signal.aborted || (state === this.state && state !== "connecting")) return;
    this.state = state;
    this._reason = reason;
    this._say({});
    this._options.onstate?.(state, reason);
  }

  /** For good: nothing more is tried. @param {State} state @param {string} reason */
  _end(state, reason) {
    this._tell(state, reason);
    this._say({ end: state, reason });
    this._run.abort();
    if (state === "signed out") this._forget();
  }

  /** The next user of this browser must not find them. */
  _forget() {
    this._list = new KeyedList(this._kind);
    this._tabs = null;
    if (this._key) sessionStorage.removeItem(this._key);
  }

  // Over a reload of the page

  _save() {
    const { lastId } = this._list;
    if (lastId && this._key) sessionStorage.setItem(this._key, JSON.stringify({ lastId, whole: this._list.whole, at: Date.now() }));
  }

  _restore() {
    if (!this._key) return;
    const saved = JSON.parse(sessionStorage.getItem(this._key) ?? "null");
    sessionStorage.removeItem(this._key);
    if (!saved?.whole || Date.now() - saved.at > KEPT_OVER_RELOAD_MS) return;
    this._list.lastId = saved.lastId;
    this._changed(this._list.replace(saved.whole));
  }

  /** @param {Record<string, string>} [more] */
  _address(more = {}) {
    const address = new URL(this._options.url, location.href);
    for (const [name, value] of Object.entries({ ...this._options.query, ...more, mode: "delta" })) {
      address.searchParams.set(name, value);
    }
    return address.href;
  }
}

export class LiveAppointments extends LiveList {
  /** @param {Options} options */
  constructor(options) {
    super(options, APPOINTMENTS);
  }
}

export class LiveHolds extends LiveList {
  /** @param {Options} options */
  constructor(options) {
    super(options, HOLDS);
  }
}

export class LiveNotifications extends LiveList {
  /** @param {Options} options */
  constructor(options) {
    super(options, NOTIFICATIONS);
  }

  /** How many of all are not read, also of those that are too old to be listed. */
  get unreadCount() {
    return this._list.facts.unread_count ?? 0;
  }
}

/** One visit, and in `facts` its place in the line. */
export class LiveVisit extends LiveList {
  /** @param {Options} options */
  constructor(options) {
    super(options, APPOINTMENTS);
  }

  get visit() {
    return this.rows[0];
  }
}

/** No rows: `facts` has the place in the line. */
export class LiveQueue extends LiveVisit {}

/** The taken time of a clinic, or of all who offer a service. */
export class LiveAvailability extends LiveList {
  /** @param {Options} options */
  constructor(options) {
    super(options, DAYS);
  }
}

/** The user whose rows may be kept and shared. @param {string} token */
function userOf(token) {
  try {
    return String(JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).user_id);
  } catch {
    return randomId(); // No token that could be read: then nothing is shared.
  }
}
