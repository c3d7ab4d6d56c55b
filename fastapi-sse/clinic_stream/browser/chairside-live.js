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
 * `LiveNotifications`, with ".../api/v1/sse/notifications", is the same for what the user was told: the newest first, and
 * `unreadCount` of all.
 *
 * A list comes back by itself after everything but a sign-out, with the id of what it knows, so that it is only told what it
 * missed, also after the page was loaded again. All tabs of a user share one connection a list: whoever holds the lock
 * has it and tells the others; when that tab goes, the next one goes on from the same id.
 *
 * Tabs share by Web Locks and BroadcastChannel, and not by a SharedWorker, as a worker's script must be of the page's own
 * origin (MDN, SharedWorker()), and this module is served by the stream's. A blob: address would be another worker in each
 * tab, and a data: one has no origin that the stream could allow. A page that serves this module itself would win
 * nothing: tokens are the page's to give, so a tab has to be there anyway. Web Locks are for https and localhost alone;
 * on plain http, as in a clinic's own network, the tabs agree over a BroadcastChannel. Without it a browser's six
 * connections to one server would be gone with the sixth tab.
 *
 * @typedef {{ id: number, [field: string]: any }} Row An appointment or notification, with the fields of the REST API.
 * @typedef {{ of: "appointments" | "notifications", inOrder: (a: Row, b: Row) => number }} Kind
 * @typedef {{ upserts: Row[], removes: number[], isSnapshot: boolean }} Change
 * @typedef {"connecting" | "live" | "stale" | "offline" | "signed out"} State
 *   `live`: what is shown is current. `stale`: it may be old, the connection or the database is silent.
 *   `offline`: there is no connection; it is tried again, unless `reason` says `replaced` or `refused`.
 *   `signed out`: over, until `start` is called again.
 * @typedef {object} Options
 * @property {string} url The stream's address.
 * @property {(wanted: { refresh: boolean }) => Promise<string | null>} token An access token; with `refresh` a new one,
 *   because the last is refused or about to expire. `null`: nobody is signed in.
 * @property {() => Promise<string | null>} [ticket] A stream ticket, where only EventSource is to be had.
 * @property {Record<string, string>} [query] `from`, `to`, `practitioner`, `status`.
 * @property {(rows: Row[], change: Change) => void} [onchange] All rows in order, and what is different.
 * @property {(state: State, reason: string) => void} [onstate]
 * @property {boolean} [share] One connection for all tabs; default true.
 * @property {"fetch" | "eventsource"} [transport] Default: fetch, where the browser can read a body as it comes.
 * @property {number} [heartbeatSeconds] As the service is set; default 15. Silence of 2.5 of them is a lost connection.
 */

const SLOWEST_RETRY_MS = 30_000;
const FIRST_RETRY_MS = 1_000;
const SILENT_HEARTBEATS = 2.5;
const KEPT_OVER_RELOAD_MS = 10 * 60_000;
// How long a tab without Web Locks waits for another to say that it leads, and how often it asks again.
const ANSWER_MS = 300;
const CLAIM_MS = 2_000;
const CONTROL_EVENTS = ["token-expiring", "expired", "revoked", "replaced", "stale", "fresh", "drain"];

/** What a server said instead of a stream. */
class Refusal extends Error {
  /** @param {number} status @param {number | null} retryMs */
  constructor(status, retryMs) {
    super(`the stream answered ${status}`);
    this.status = status;
    this.retryMs = retryMs;
  }
}

/** Takes text as it comes, gives blocks: WHATWG HTML, section 9.2.6. */
export class BlockReader {
  /** @param {(block: { id?: string, event: string, data?: string, retry?: number }) => void} onblock */
  constructor(onblock) {
    this._onblock = onblock;
    this._rest = "";
  }

  /** @param {string} text */
  feed(text) {
    // A carriage return at the end may be half of a line end.
    const all = this._rest + text;
    const held = all.endsWith("\r") ? "\r" : "";
    const parts = all.slice(0, all.length - held.length).replace(/\r\n?/g, "\n").split("\n\n");
    this._rest = (parts.pop() ?? "") + held;
    for (const part of parts) this._read(part);
  }

  /** @param {string} part */
  _read(part) {
    /** @type {{ id?: string, event: string, data?: string, retry?: number }} */
    const block = { event: "message" };
    for (const line of part.split("\n")) {
      const colon = line.indexOf(":");
      if (colon === 0) continue;
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "data") block.data = block.data === undefined ? value : `${block.data}\n${value}`;
      else if (name === "id") block.id = value;
      else if (name === "event") block.event = value || "message";
      else if (name === "retry" && /^\d+$/.test(value)) block.retry = Number(value);
    }
    this._onblock(block);
  }
}

/** @type {Kind} */
const APPOINTMENTS = {
  of: "appointments",
  inOrder: (a, b) => Date.parse(a.start) - Date.parse(b.start) || a.id - b.id,
};

/** @type {Kind} */
const NOTIFICATIONS = {
  of: "notifications",
  inOrder: (a, b) => Date.parse(b.created_at) - Date.parse(a.created_at) || b.id - a.id,
};

/** Rows by id, and how far they reach. */
export class KeyedList {
  constructor(kind = APPOINTMENTS) {
    this._kind = kind;
    /** @type {Map<number, Row>} */
    this.byId = new Map();
    this.unreadCount = 0;
    /** @type {string | null} */
    this.lastId = null;
  }

  get rows() {
    return [...this.byId.values()].sort(this._kind.inOrder);
  }

  /** As a snapshot holds it. */
  get whole() {
    return { [this._kind.of]: this.rows, unread_count: this.unreadCount };
  }

  /** @param {any} whole @returns {Change} */
  replace(whole) {
    /** @type {Row[]} */
    const rows = whole[this._kind.of];
    const former = this.byId;
    this.byId = new Map(rows.map((row) => [row.id, row]));
    this.unreadCount = whole.unread_count ?? 0;
    const upserts = rows.filter((row) => JSON.stringify(former.get(row.id)) !== JSON.stringify(row));
    return { upserts, removes: [...former.keys()].filter((id) => !this.byId.has(id)), isSnapshot: true };
  }

  /** @param {{ upserts: Row[], removes: number[], unread_count?: number }} change @returns {Change} */
  apply({ upserts, removes, unread_count }) {
    for (const id of removes) this.byId.delete(id);
    for (const row of upserts) this.byId.set(row.id, row);
    this.unreadCount = unread_count ?? 0;
    return { upserts, removes, isSnapshot: false };
  }
}

/** What `navigator.locks` does, for pages that have none: one of all tabs at a time. */
class Election {
  constructor() {
    this._id = randomId();
    this._isLeading = false;
    this._mustWait = false;
    this._stepDown = () => {};
    this._hurry = () => {};
  }

  /**
   * Call `lead` whenever it is this tab's turn, until `signal`. A tab claims, and leads if no other says within a moment
   * that it does. A frozen tab says nothing, so another takes over; when it hears of that, the one with the higher id
   * gives way. Messages wake a tab in the background, whose timers may ring once a minute.
   * @param {string} name @param {AbortSignal} signal @param {(signal: AbortSignal) => Promise<void>} lead
   */
  async run(name, signal, lead) {
    this._channel = new BroadcastChannel(`${name} lead`);
    this._channel.onmessage = ({ data }) => this._hear(data);
    addEventListener("pagehide", () => this._leave(), { signal });
    while (!signal.aborted) {
      this._mustWait = false;
      this._channel.postMessage({ claims: this._id });
      await this._rest(ANSWER_MS, signal);
      if (signal.aborted) break;
      if (this._mustWait) await this._rest(CLAIM_MS * (0.5 + Math.random()), signal);
      else await this._lead(signal, lead);
    }
    this._leave();
    this._channel.close();
  }

  /** @param {AbortSignal} signal @param {(signal: AbortSignal) => Promise<void>} lead */
  async _lead(signal, lead) {
    const turn = new AbortController();
    const end = () => turn.abort();
    signal.addEventListener("abort", end, { once: true });
    this._stepDown = end;
    this._isLeading = true;
    this._channel?.postMessage({ leads: this._id });
    await lead(turn.signal);
    this._isLeading = false;
    signal.removeEventListener("abort", end);
  }

  /** @param {{ claims?: string, leads?: string, leaves?: string }} message */
  _hear({ claims, leads, leaves }) {
    const other = claims ?? leads ?? "";
    if (leaves !== undefined) this._hurry();
    else if (this._isLeading && leads !== undefined && leads < this._id) this._stepDown();
    else if (this._isLeading) this._channel?.postMessage({ leads: this._id });
    else if (leads !== undefined || other < this._id) this._mustWait = true;
  }

  /** Whoever waits need not wait any longer. */
  _leave() {
    this._channel?.postMessage({ leaves: this._id });
  }

  /** @param {number} ms @param {AbortSignal} signal */
  _rest(ms, signal) {
    return new Promise((resolve) => {
      this._hurry = () => resolve(undefined);
      setTimeout(resolve, ms);
      signal.addEventListener("abort", resolve, { once: true });
    });
  }
}

class LiveList {
  /** @param {Options} options @param {Kind} kind */
  constructor(options, kind) {
    this._kind = kind;
    this._options = { share: true, heartbeatSeconds: 15, query: {}, transport: bestTransport(), ...options };
    this._list = new KeyedList(kind);
    /** @type {State} */
    this.state = "connecting";
    this._run = new AbortController();
    this._run.abort();
    this._tries = 0;
    this._guesses = 0; // Of these, the pauses that the server has not asked for.
    /** @type {number | null} */
    this._retryMs = null;
    /** @type {BroadcastChannel | null} */
    this._channel = null;
    this._isLeading = false;
    this._key = "";
    this._isDatabaseAway = false;
    this._wake = () => {};
    this._save = this._save.bind(this);
    this._hurry = this._hurry.bind(this);
  }

  /** @returns {Row[]} */
  get rows() {
    return this._list.rows;
  }

  /** Whether this tab has the connection, rather than hearing of it from another. */
  get isLeading() {
    return this._isLeading;
  }

  /** Connect, or connect again after an end for good. */
  async start() {
    if (!this._run.signal.aborted) return;
    const run = (this._run = new AbortController());
    this._tries = this._guesses = 0;
    this._tell("connecting", "");
    const token = await this._firstToken(run.signal);
    if (run.signal.aborted) return;
    if (token === null) return this._end("signed out", "no token");
    this._key = `chairside-live ${this._address()} ${userOf(token)}`;
    this._restore();
    addEventListener("pagehide", this._save);
    addEventListener("online", this._hurry);
    if (this._options.share && "BroadcastChannel" in globalThis) this._shareOne(run.signal);
    else this._lead(run.signal);
  }

  /** Close the connection and forget the rows. */
  stop() {
    this._run.abort();
    this._leave();
    this._forget();
  }

  /** @param {AbortSignal} signal @returns {Promise<string | null>} */
  async _firstToken(signal) {
    while (!signal.aborted) {
      try {
        return await this._options.token({ refresh: false });
      } catch {
        this._tell("offline", "token");
        await this._pause(signal);
      }
    }
    return null;
  }

  // Sharing

  /** @param {AbortSignal} signal */
  _shareOne(signal) {
    this._channel = new BroadcastChannel(this._key);
    this._channel.onmessage = ({ data }) => this._hear(data);
    this._channel.postMessage({ ask: true });
    if (!("locks" in navigator)) new Election().run(this._key, signal, (turn) => this._lead(turn));
    else navigator.locks.request(this._key, { signal }, () => this._lead(signal)).catch(() => {}); // Stopped meanwhile.
  }

  /** @param {any} message */
  _hear(message) {
    if (message.ask) {
      if (this._isLeading) this._say({ whole: this._list.whole, lastId: this._list.lastId, state: this.state });
      return;
    }
    if (this._isLeading) return;
    if ("lastId" in message) this._list.lastId = message.lastId;
    if (message.whole) this._changed(this._list.replace(message.whole));
    if (message.change) this._changed(this._list.apply(message.change));
    if (message.end) this._end(message.end, message.reason);
    else if (message.state) this._tell(message.state, message.reason ?? "");
  }

  /** @param {object} message */
  _say(message) {
    if (this._isLeading) this._channel?.postMessage(message);
  }

  // The connection

  /** Connect again and again until the end. @param {AbortSignal} signal */
  async _lead(signal) {
    const run = this._run;
    this._isLeading = true;
    let refresh = false;
    while (!signal.aborted) {
      const attempt = new AbortController();
      signal.addEventListener("abort", () => attempt.abort(), { once: true });
      try {
        refresh = await this._connect(attempt, refresh);
        if (!signal.aborted) this._ended();
      } catch (problem) {
        refresh = !signal.aborted && this._failed(problem, refresh);
      } finally {
        attempt.abort();
      }
      if (!signal.aborted) await this._pause(signal);
    }
    if (this._run !== run) return;
    this._isLeading = false;
    this._channel?.postMessage({ ask: true }); // Another tab leads now.
  }

  /**
   * One connection, from its request to its end.
   * @param {AbortController} attempt @param {boolean} refresh
   * @returns {Promise<boolean>} Whether the next needs a new token.
   */
  async _connect(attempt, refresh) {
    const isFetch = this._options.transport === "fetch";
    const pass = await (isFetch || !this._options.ticket ? this._options.token({ refresh }) : this._options.ticket());
    if (attempt.signal.aborted) return false;
    if (pass === null) {
      this._end("signed out", "no token");
      return false;
    }
    this._retryMs = null;
    let isExpired = false;
    const onblock = (/** @type {any} */ block) => {
      if (block.event === "expired") isExpired = true;
      this._take(block, attempt);
    };
    await (isFetch ? this._readFetched(pass, attempt, onblock) : this._readEventSource(pass, attempt, onblock));
    return isExpired;
  }

  /** @param {string} token @param {AbortController} attempt @param {(block: any) => void} onblock */
  async _readFetched(token, attempt, onblock) {
    /** @type {Record<string, string>} */
    const headers = { Authorization: `Bearer ${token}`, Accept: "text/event-stream" };
    if (this._list.lastId) headers["Last-Event-ID"] = this._list.lastId;
    let watchdog = this._watch(attempt, undefined);
    try {
      const response = await fetch(this._address(), { headers, signal: attempt.signal, cache: "no-store" });
      if (response.status !== 200 || !response.body) throw refusalOf(response);
      const blocks = new BlockReader(onblock);
      const body = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await body.read(); !part.done; part = await body.read()) {
        watchdog = this._watch(attempt, watchdog);
        blocks.feed(part.value);
      }
    } finally {
      clearTimeout(watchdog);
    }
  }

  /**
   * EventSource tells nothing of heartbeats, so it is not watched; and it asks the same address again and again, with a
   * ticket that has long expired, so each connection has one of its own.
   * @param {string} ticket @param {AbortController} attempt @param {(block: any) => void} onblock
   */
  _readEventSource(ticket, attempt, onblock) {
    /** @type {Record<string, string>} */
    const lastId = this._list.lastId ? { last_event_id: this._list.lastId } : {};
    const source = new EventSource(this._address({ ticket, ...lastId }));
    return new Promise((resolve, reject) => {
      source.onopen = () => onblock({ event: "message", id: this._list.lastId ?? undefined });
      for (const event of ["snapshot", "change", ...CONTROL_EVENTS]) {
        source.addEventListener(event, ({ data, lastEventId }) =>
          onblock({ event, data, id: lastEventId || undefined }),
        );
      }
      source.onerror = () => reject(new Error("EventSource has failed"));
      attempt.signal.addEventListener("abort", () => resolve(undefined));
    }).finally(() => source.close());
  }

  /** @param {{ id?: string, event: string, data?: string, retry?: number }} block @param {AbortController} attempt */
  _take(block, attempt) {
    if (block.retry !== undefined) this._retryMs = block.retry;
    if (block.data !== undefined) this._act(block.event, JSON.parse(block.data), attempt);
    if (block.id === undefined) return;
    this._list.lastId = block.id;
    this._tries = this._guesses = 0;
    this._say({ lastId: block.id });
    if (this.state !== "live" && !(this.state === "stale" && this._isDatabaseAway)) this._tell("live", "");
  }

  /** @param {string} event @param {any} data @param {AbortController} attempt */
  _act(event, data, attempt) {
    if (event === "snapshot" || event === "message") {
      this._say({ whole: data });
      this._changed(this._list.replace(data));
    } else if (event === "change") {
      this._say({ change: data });
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
      attempt.abort(); // Before it comes back by itself.
    }
  }

  /** Extend the open stream. If that fails, it ends with `expired`, and the next one has a new token. @param {string} path */
  async _renew(path) {
    const token = await this._options.token({ refresh: true }).catch(() => null);
    if (token === null) return;
    const headers = { Authorization: `Bearer ${token}` };
    await fetch(new URL(path, this._address()), { method: "POST", headers }).catch(() => {});
  }

  /** A gateway without its service, and a full service, end a stream before it has told anything. */
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

  /** @param {AbortController} attempt @param {ReturnType<typeof setTimeout> | undefined} former */
  _watch(attempt, former) {
    clearTimeout(former);
    return setTimeout(
      () => {
        this._tell("stale", "silent");
        attempt.abort();
      },
      SILENT_HEARTBEATS * this._options.heartbeatSeconds * 1000,
    );
  }

  /** As long as the server asked for, else twice as long as the last guess; never all readers at once. @param {AbortSignal} signal */
  async _pause(signal) {
    const longest = this._retryMs ?? Math.min(SLOWEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this._guesses);
    if (this._retryMs === null) this._guesses += 1;
    this._tries += 1;
    const pause = longest === 0 ? 0 : longest * (0.5 + Math.random() / 2);
    await new Promise((resolve) => {
      this._wake = () => resolve(undefined);
      setTimeout(resolve, pause);
      signal.addEventListener("abort", resolve, { once: true });
    });
  }

  /** The network is back: do not wait any longer. */
  _hurry() {
    this._wake();
  }

  // What the page is told

  /** @param {Change} change */
  _changed(change) {
    this._options.onchange?.(this.rows, change);
  }

  /** @param {State} state @param {string} reason */
  _tell(state, reason) {
    if (this._run.signal.aborted || (state === this.state && state !== "connecting")) return;
    this.state = state;
    this._say({ state, reason });
    this._options.onstate?.(state, reason);
  }

  /** For good: nothing more is tried. @param {State} state @param {string} reason */
  _end(state, reason) {
    this._tell(state, reason);
    this._say({ end: state, reason });
    this._run.abort();
    this._leave();
    if (state === "signed out") this._forget();
  }

  _leave() {
    removeEventListener("pagehide", this._save);
    removeEventListener("online", this._hurry);
    this._channel?.close();
    this._channel = null;
    this._isLeading = false;
  }

  /** Whoever comes after this user must not find them. */
  _forget() {
    this._list = new KeyedList(this._kind);
    if (this._key) sessionStorage.removeItem(this._key);
  }

  // Over a reload of the page

  _save() {
    const { lastId } = this._list;
    if (lastId) sessionStorage.setItem(this._key, JSON.stringify({ lastId, whole: this._list.whole, at: Date.now() }));
  }

  _restore() {
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

export class LiveNotifications extends LiveList {
  /** @param {Options} options */
  constructor(options) {
    super(options, NOTIFICATIONS);
  }

  /** How many of all are not read, also of those that are too old to be listed. */
  get unreadCount() {
    return this._list.unreadCount;
  }
}

/** @returns {"fetch" | "eventsource"} */
function bestTransport() {
  return "body" in Response.prototype && "TextDecoderStream" in globalThis ? "fetch" : "eventsource";
}

/** @param {Response} response */
function refusalOf(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  return new Refusal(response.status, seconds > 0 ? seconds * 1000 : null);
}

/** Whose rows may be kept and shared: never another user's. @param {string} token */
function userOf(token) {
  try {
    return String(JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).user_id);
  } catch {
    return randomId(); // No token that could be read: then nothing is shared.
  }
}

/** `crypto.randomUUID` is for https and localhost alone. */
function randomId() {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(16).padStart(8, "0")).join("");
}
