// @ts-check
/** The page's session: an access token whenever one is needed, and the REST API with it. */
import { ChairsideError } from "../client/error.js";
import { exchange, queryOf, withToken } from "../client/sending.js";
import { TokenKeeper } from "../client/tokens.js";

/** A refusal of the server. `current` is the row as it stands, if the server sent it. */
export class Refusal extends ChairsideError {
  /** @param {number} status @param {any} body @param {number | null} [retryAfterMs] */
  constructor(status, body, retryAfterMs = null) {
    super({ status, body, retryAfterMs });
  }
}

/** The question got no answer: nobody knows whether it was done. */
export class NoAnswer extends ChairsideError {
  /** @param {unknown} [cause] */
  constructor(cause) {
    super({ status: 0, cause });
  }
}

export class Session {
  /** @param {{ tokenUrl: string, csrf: string }} options */
  constructor({ tokenUrl, csrf }) {
    this._tokenUrl = tokenUrl;
    this._csrf = csrf;
    this._tokens = new TokenKeeper(() => this._ask());
  }

  /** An access token; with `refresh` a new one. `null`: the session has ended. @param {{ refresh?: boolean }} [wanted] */
  token(wanted) {
    return this._tokens.token(wanted);
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
    return this.send("GET", path + queryOf(query));
  }

  /** @param {string} path @param {object} [body] */
  post(path, body = {}) {
    return this.send("POST", path, body);
  }

  /** @returns {Promise<import("../client/tokens.js").Fresh | null>} */
  async _ask() {
    try {
      const answer = await exchange({ method: "POST", address: this._tokenUrl, headers: { "X-CSRFToken": this._csrf } });
      return { access: answer.access, lifeMs: answer.expires_in * 1000 };
    } catch (problem) {
      // 403: another tab has signed in as somebody else, or nobody may look here any more.
      if (problem instanceof ChairsideError && (problem.status === 401 || problem.status === 403)) return null;
      throw problem;
    }
  }

  /**
   * @param {string} method @param {string} path @param {object} [body] @param {Record<string, string>} [headers]
   * @param {AbortSignal} [signal] @returns {Promise<any>} `null` for an answer without a body.
   */
  async send(method, path, body, headers, signal) {
    return asOfPage(() =>
      withToken(this, (token) => {
        if (token === null) throw new Refusal(401, SIGNED_OUT);
        return exchange({ method, address: path, body, headers, signal, token, language: document.documentElement.lang });
      }),
    );
  }
}

/**
 * With the two kinds of problem that pages know.
 * @template Answer
 * @param {() => Promise<Answer>} send @returns {Promise<Answer>}
 */
export async function asOfPage(send) {
  try {
    return await send();
  } catch (problem) {
    if (!(problem instanceof ChairsideError)) throw problem;
    throw problem.hasNoAnswer ? new NoAnswer(problem) : new Refusal(problem.status, problem.body, problem.retryAfterMs);
  }
}

const SIGNED_OUT = { errors: [{ code: "not_authenticated", detail: "You are signed out." }] };
