// @ts-check
/** The page's session: an access token whenever one is needed, and the REST API with it. */

const SPARE_MS = 20_000;

/** What the server said no to. `current` is the row as it stands, where it told. */
export class Refusal extends Error {
  /** @param {number} status @param {any} body */
  constructor(status, body) {
    const error = body?.errors?.[0] ?? {};
    super(error.detail ?? `The server answered ${status}.`);
    this.status = status;
    /** @type {string} */
    this.code = error.code ?? "error";
    /** @type {import("./rules.js").Row | null} */
    this.current = body?.current ?? null;
  }
}

/** The question got no answer: nobody knows whether it was done. */
export class NoAnswer extends Error {}

export class Session {
  /** @param {{ tokenUrl: string, csrf: string }} options */
  constructor({ tokenUrl, csrf }) {
    this._tokenUrl = tokenUrl;
    this._csrf = csrf;
    /** @type {{ access: string, until: number } | null} */
    this._token = null;
    /** @type {Promise<string | null> | null} */
    this._asking = null;
  }

  /** An access token; with `refresh` a new one. `null`: the session has ended. @param {{ refresh?: boolean }} [wanted] */
  async token({ refresh = false } = {}) {
    if (!refresh && this._token && Date.now() < this._token.until) return this._token.access;
    this._asking ??= this._ask().finally(() => (this._asking = null));
    return this._asking;
  }

  /** For a browser that can only stream by EventSource. @returns {Promise<string | null>} */
  async ticket() {
    try {
      return (await this.post("/api/v1/auth/stream-ticket")).ticket;
    } catch (problem) {
      if (problem instanceof Refusal && problem.status === 401) return null;
      throw problem;
    }
  }

  /** @param {string} path @param {Record<string, string>} [query] */
  get(path, query = {}) {
    return this._send("GET", `${path}?${new URLSearchParams(query)}`);
  }

  /** @param {string} path @param {object} [body] */
  post(path, body = {}) {
    return this._send("POST", path, body);
  }

  /** @returns {Promise<string | null>} */
  async _ask() {
    const headers = { "X-CSRFToken": this._csrf, Accept: "application/json" };
    const response = await fetch(this._tokenUrl, { method: "POST", headers, cache: "no-store" });
    // 403: another tab has signed in as somebody else, or nobody may look here any more.
    if (response.status === 401 || response.status === 403) return null;
    if (!response.ok) throw new Refusal(response.status, null);
    const { access, expires_in } = await response.json();
    // Half of a life that is shorter than what we would spare.
    const lifeMs = expires_in * 1000;
    this._token = { access, until: Date.now() + Math.max(lifeMs - SPARE_MS, lifeMs / 2) };
    return access;
  }

  /** @param {string} method @param {string} path @param {object} [body] @returns {Promise<any>} */
  async _send(method, path, body) {
    let response = await this._fetch(method, path, body, await this._anyToken(false));
    if (response.status === 401) response = await this._fetch(method, path, body, await this._anyToken(true));
    const answer = await response.json().catch(() => null);
    if (!response.ok) throw new Refusal(response.status, answer);
    return answer;
  }

  /** @param {boolean} refresh */
  async _anyToken(refresh) {
    const token = await this.token({ refresh }).catch((problem) => {
      throw problem instanceof Refusal ? problem : new NoAnswer();
    });
    if (token === null) throw new Refusal(401, { errors: [{ code: "not_authenticated", detail: "You are signed out." }] });
    return token;
  }

  /** @param {string} method @param {string} path @param {object | undefined} body @param {string} token */
  async _fetch(method, path, body, token) {
    /** @type {Record<string, string>} */
    const headers = { Authorization: `Bearer ${token}`, Accept: "application/json" };
    if (body) headers["Content-Type"] = "application/json";
    try {
      return await fetch(path, { method, headers, cache: "no-store", body: body && JSON.stringify(body) });
    } catch {
      throw new NoAnswer();
    }
  }
}
