// @ts-check
/** The one error of this client: a refusal of either service, or no answer at all. */

/** @typedef {"rest" | "stream"} Service */

export class ChairsideError extends Error {
  /**
   * @param {{ service?: Service, status: number, endpoint?: string, body?: any, retryAfterMs?: number | null, cause?: unknown }} answer
   */
  constructor({ service = "rest", status, endpoint = "", body = null, retryAfterMs = null, cause }) {
    const error = body?.errors?.[0] ?? {};
    super(error.detail ?? (status === 0 ? "There is no answer." : `The server answered ${status}.`), { cause });
    this.name = "ChairsideError";
    /** The service that refused. @type {Service} */
    this.service = service;
    /** The HTTP status; 0: no answer came, and nobody knows whether it was done. @type {number} */
    this.status = status;
    /** Method and path of the request. @type {string} */
    this.endpoint = endpoint;
    /** Stable, as the documents of both services list them; `no_answer` with status 0. @type {string} */
    this.code = error.code ?? (status === 0 ? "no_answer" : "error");
    /** The input at fault, where one is. @type {string | null} */
    this.attr = error.attr ?? null;
    /** The row as it stands, with `stale_version`. @type {any} */
    this.current = body?.current ?? null;
    /** The whole answer: what to do next, where it says so. @type {any} */
    this.body = body;
    /** How long to wait before another try, where the server says so. @type {number | null} */
    this.retryAfterMs = retryAfterMs;
  }

  get hasNoAnswer() {
    return this.status === 0;
  }
}
