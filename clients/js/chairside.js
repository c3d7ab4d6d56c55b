// @ts-check
/**
 * Both services of Chairside, for a front end of your own: REST calls, live lists, holds, and tokens that renew themselves.
 *
 *     import { Chairside } from "https://clinic.example/clients/js/1.0.1/chairside.js";
 *
 *     const clinic = new Chairside({ api: "https://clinic.example", stream: "https://stream.example" });
 *     await clinic.signIn("paula@mail.example", "…");
 *     clinic.liveAppointments({ onchange: (rows) => draw(rows), onstate: (state) => show(state) });
 *     const { slots } = await clinic.call("GET /slots/soonest", { query: { service: 5 } });
 *     const held = await clinic.hold({ practitioner: slots[0].practitioners[0].id, start: slots[0].start });
 *     await held.book();
 *
 * @typedef {import("./rest.js").RestOperations} RestOperations
 * @typedef {import("./stream.js").StreamOperations} StreamOperations
 * @typedef {import("./rest.js").RestSchemas} RestSchemas
 * @typedef {RestSchemas["AppointmentOutput"]} Appointment
 * @typedef {import("./live.js").State} State
 * @typedef {{ access: string, refresh: string }} TokenPair
 */
import { ChairsideError } from "./error.js";
import { Feed } from "./live.js";
import { LiveOpenTimes, LiveTaken } from "./open_times.js";
import { exchange, queryOf, randomKey, sendAgain, withToken } from "./sending.js";
import { TokenKeeper, claimsOf, lifeMsOf } from "./tokens.js";

export { ChairsideError };

/** Sent again when no answer came. Of the others, the second could not tell what the first has done. */
const SENT_AGAIN = new Set(["GET", "POST", "PUT"]);

/**
 * Parts of a request beside `path`, `query` and `body`. `key` is the `Idempotency-Key` of a POST: by default each has one of
 * its own.
 * @typedef {{ headers?: Record<string, string>, key?: string, signal?: AbortSignal }} Extras
 */
/**
 * @template {{ given: object }} Operation
 * @typedef {{} extends Operation["given"] ? [given?: Operation["given"] & Extras] : [given: Operation["given"] & Extras]} Given
 */
/**
 * @template Row
 * @typedef {{ query?: Record<string, string>, onchange: (rows: Row[], change: { upserts: Row[], removes: number[], isSnapshot: boolean }) => void,
 *   onstate?: (state: State, reason: string) => void, heartbeatSeconds?: number }} LiveOptions
 */

export class Chairside {
  /**
   * @param {object} options
   * @param {string} options.api The REST service, without a path.
   * @param {string} [options.stream] The stream, without a path; by default at the same address, as behind a gateway.
   * @param {string} [options.language] Of sentences in answers, as `de`.
   * @param {TokenPair | null} [options.tokens] Of an earlier sign-in.
   * @param {(tokens: TokenPair | null) => void} [options.ontokens] New tokens, to be kept; `null`: signed out.
   * @param {typeof globalThis.fetch} [options.fetch]
   * @param {(address: string) => Promise<any>} [options.load] Imports the stream's module.
   */
  constructor({ api, stream = api, language, tokens = null, ontokens, fetch, load }) {
    this.api = api.replace(/\/+$/, "");
    this.stream = stream.replace(/\/+$/, "");
    this.language = language;
    this._fetch = fetch;
    this._load = load;
    this._ontokens = ontokens;
    this._pair = tokens;
    this._tokens = new TokenKeeper(() => this._refresh());
    if (tokens) this._tokens.keep({ access: tokens.access, lifeMs: claimsOf(tokens.access).exp * 1000 - Date.now() });
  }

  // Signing in

  /** @param {string} username An e-mail address or a phone number. @param {string} password */
  async signIn(username, password) {
    const pair = await this._send("rest", "POST", "/api/v1/token", { body: { username, password } }, false);
    this._keep(pair);
    return claimsOf(pair.access);
  }

  /** Ends the sign-in here and at the server. */
  async signOut() {
    const refresh = this._pair?.refresh;
    this._keep(null);
    if (refresh) await this._send("rest", "POST", "/api/v1/auth/logout", { body: { refresh } }, false);
  }

  get isSignedIn() {
    return this._pair !== null;
  }

  /** An access token; `null`: nobody is signed in. @param {{ refresh?: boolean }} [wanted] With `refresh` a new one. */
  async token(wanted) {
    return this._pair === null ? null : this._tokens.token(wanted);
  }

  /** For a browser that can only stream by EventSource. @returns {Promise<string | null>} */
  async ticket() {
    return this.isSignedIn ? (await this.call("POST /auth/stream-ticket")).ticket : null;
  }

  // Calls

  /**
   * Of the REST service, by method and path as its document has them, without `/api/v1`.
   * @template {keyof RestOperations} Name
   * @param {Name} name @param {Given<RestOperations[Name]>} given
   * @returns {Promise<RestOperations[Name]["answer"]>} Throws ChairsideError.
   */
  call(name, ...given) {
    return this._call("rest", name, given[0]);
  }

  /**
   * Of the stream: who is connected, whom a token is. Its lists are `liveAppointments` and the like.
   * @template {keyof StreamOperations} Name
   * @param {Name} name @param {Given<StreamOperations[Name]>} given
   * @returns {Promise<StreamOperations[Name]["answer"]>} Throws ChairsideError.
   */
  callStream(name, ...given) {
    return this._call("stream", name, given[0]);
  }

  /**
   * Keep a time, with whoever is free unless a practitioner is named. Whoever is not signed in books it as a guest.
   * @param {RestOperations["POST /holds"]["given"]["body"]} wanted @param {Extras} [extras]
   */
  async hold(wanted, extras) {
    return new HeldTime(this, await this.call("POST /holds", { body: wanted, ...extras }));
  }

  // Live lists

  /** @param {LiveOptions<Appointment>} options @returns {Feed} Already started; `stop` ends it. */
  liveAppointments(options) {
    return this._live("LiveAppointments", options);
  }

  /** Of a clinic, for those who work there. @param {LiveOptions<any>} options @returns {Feed} */
  liveHolds(options) {
    return this._live("LiveHolds", options);
  }

  /** One's own, the newest first. @param {LiveOptions<any>} options @returns {Feed} */
  liveNotifications(options) {
    return this._live("LiveNotifications", options);
  }

  /**
   * Times that can be booked: of a day, of one person or of anybody, less what is taken meanwhile. For everybody.
   * @param {{ service: number, practitioner?: number, date?: string, from?: string, to?: string,
   *   onchange: (times: import("./open_times.js").OpenTime[]) => void, onstate?: (state: "live" | "offline") => void,
   *   onproblem?: (problem: unknown) => void, spreadMs?: number }} wanted
   * @returns {Promise<LiveOpenTimes>} Already started; `stop` ends it.
   */
  async liveOpenTimes({ service, practitioner, date, from, to, onchange, onstate, onproblem, spreadMs }) {
    const shown = await this.call("GET /services/{service_id}", { path: { service_id: service } });
    const first = from ?? date ?? "";
    const span = { from: first, to: to ?? first };
    const times = new LiveOpenTimes({
      read: async () => {
        return (await this.call("GET /slots", { query: { service, ...span } })).slots;
      },
      buffers: { before: shown.buffer_before_minutes ?? 0, after: shown.buffer_after_minutes ?? 0 },
      taken: (heard) => new LiveTaken({ stream: this.stream, query: { service: String(service), ...span }, load: this._load, ...heard }),
      onchange: (all) =>
        onchange(practitioner ? all.filter(({ practitioners }) => practitioners.includes(practitioner)) : all),
      onstate,
      onproblem,
      spreadMs,
    });
    await times.start();
    return times;
  }

  /** @param {"LiveAppointments" | "LiveHolds" | "LiveNotifications"} list @param {LiveOptions<any>} options */
  _live(list, { onchange, ...options }) {
    const feed = new Feed({ ...options, list, stream: this.stream, session: this, onrows: onchange, load: this._load });
    feed.start();
    return feed;
  }

  // Inside

  /** @param {import("./error.js").Service} service @param {string} name @param {any} given @returns {Promise<any>} */
  _call(service, name, { path = {}, query = {}, body, headers = {}, key, signal } = {}) {
    const [method = "", template = ""] = name.split(" ");
    const filled = template.replace(/\{(\w+)\}/g, (_, part) => encodeURIComponent(path[part]));
    const keyed = method === "POST" ? { "Idempotency-Key": key ?? randomKey() } : {};
    const asked = { body: method === "POST" ? (body ?? {}) : body, headers: { ...keyed, ...headers }, signal };
    return this._send(service, method, `/api/v1${filled}${queryOf(query)}`, asked, true);
  }

  /**
   * @param {import("./error.js").Service} service @param {string} method @param {string} path
   * @param {{ body?: object, headers?: Record<string, string>, signal?: AbortSignal }} asked @param {boolean} isSigned
   * @returns {Promise<any>}
   */
  _send(service, method, path, asked, isSigned) {
    const address = (service === "rest" ? this.api : this.stream) + path;
    const request = { ...asked, method, address, service, language: this.language, fetch: this._fetch };
    const send = () =>
      isSigned ? withToken({ token: (wanted) => this.token(wanted) }, (token) => exchange({ ...request, token })) : exchange(request);
    return SENT_AGAIN.has(method) ? sendAgain(send, { signal: asked.signal }) : send();
  }

  /** A token that is used twice, as its answer was lost, is accepted again. @returns {Promise<import("./tokens.js").Fresh | null>} */
  async _refresh() {
    const pair = this._pair;
    if (pair === null) return null;
    try {
      this._keep(await this._send("rest", "POST", "/api/v1/token/refresh", { body: { refresh: pair.refresh } }, false));
    } catch (problem) {
      if (!(problem instanceof ChairsideError && problem.status === 401)) throw problem;
      this._keep(null);
    }
    return this._pair && { access: this._pair.access, lifeMs: lifeMsOf(this._pair.access) };
  }

  /** @param {TokenPair | null} pair */
  _keep(pair) {
    this._pair = pair && { access: pair.access, refresh: pair.refresh };
    if (pair) this._tokens.keep({ access: pair.access, lifeMs: lifeMsOf(pair.access) });
    else this._tokens.forget();
    this._ontokens?.(this._pair);
  }
}

/** A time that is kept until `expiresAt`. Its token books it. */
export class HeldTime {
  /** @param {Chairside} client @param {RestOperations["POST /holds"]["answer"]} hold */
  constructor(client, hold) {
    this._client = client;
    this.id = hold.id;
    this.token = hold.token;
    this.practitioner = hold.practitioner;
    this.service = hold.service;
    this.start = hold.start;
    this.end = hold.end;
    this._take(hold);
  }

  /** @param {RestOperations["POST /holds"]["answer"]} hold */
  _take(hold) {
    this.expiresAt = hold.expires_at;
    this.isRenewable = hold.renewable;
  }

  /** Once, for as long again. */
  async renew() {
    this._take(await this._client.call("POST /holds/{hold_id}/renew", { path: { hold_id: this.id }, headers: this._authority }));
  }

  /** For whoever is signed in. @param {Omit<RestSchemas["AppointmentInputRequest"], "hold">} [details] */
  book(details = {}) {
    return this._client.call("POST /appointments", { body: { ...details, hold: this.token } });
  }

  /** Without an account. @param {Omit<RestSchemas["GuestBookingInputRequest"], "hold">} details */
  bookAsGuest(details) {
    return this._client.call("POST /public/bookings", { body: { ...details, hold: this.token } });
  }

  release() {
    return this._client.call("DELETE /holds/{hold_id}", { path: { hold_id: this.id }, headers: this._authority });
  }

  get _authority() {
    return { "X-Hold-Token": this.token };
  }
}
