// @ts-check
/**
 * The REST API for every page: a change is sent again when no answer came, with a key under which the server does it once;
 * and a refusal becomes a sentence for people.
 */
import { queryOf, randomKey, sendAgain } from "../client/sending.js";
import { NoAnswer, Refusal } from "./session.js";
import { say } from "./translate.js";

export { NoAnswer, Refusal, randomKey };

/**
 * @typedef {{ send: (method: string, path: string, body?: object, headers?: Record<string, string>, signal?: AbortSignal) => Promise<any> }} Sender
 * @typedef {string | number | boolean | null | undefined} Value
 */

export class Api {
  /** @param {Sender} session @param {{ pause?: (ms: number) => Promise<void> }} [options] */
  constructor(session, { pause } = {}) {
    this._session = session;
    this._pause = pause;
  }

  /** @param {string} path @param {Record<string, Value>} [query] Values of null and undefined are left out. @param {AbortSignal} [signal] */
  get(path, query = {}, signal) {
    return this._session.send("GET", path + queryOf(query), undefined, {}, signal);
  }

  /** @param {string} path @param {object} [body] @param {Record<string, string>} [headers] */
  post(path, body = {}, headers = {}) {
    const keyed = { "Idempotency-Key": randomKey(), ...headers };
    return this._sendAgain("POST", path, body, keyed);
  }

  /** @param {string} path @param {object} body With `version`: sent twice, it does nothing the second time. */
  patch(path, body) {
    return this._session.send("PATCH", path, body);
  }

  /** @param {string} path @param {object} body */
  put(path, body) {
    return this._sendAgain("PUT", path, body);
  }

  /** @param {string} path @param {Record<string, string>} [headers] */
  delete(path, headers = {}) {
    return this._session.send("DELETE", path, undefined, headers);
  }

  /** @param {string} method @param {string} path @param {object} body @param {Record<string, string>} [headers] */
  _sendAgain(method, path, body, headers) {
    return sendAgain(() => this._session.send(method, path, body, headers), { pause: this._pause });
  }
}

/** @param {unknown} problem @returns {string} What a person reads. */
export function sentenceOf(problem) {
  if (problem instanceof NoAnswer) return say("There is no answer. Check the connection, and try again.");
  if (!(problem instanceof Refusal)) return say("Something went wrong. Load the page again.");
  if (problem.status === 401) return say("Your session has ended. Sign in again.");
  if (problem.status >= 500) return say("The clinic’s server cannot do this now. Try again in a moment.");
  const known = SENTENCES[problem.code];
  return known ? known() : problem.message;
}

/** Of refusals that say the same of every row. @type {Record<string, () => string>} */
const SENTENCES = {
  permission_denied: () => say("Your account may not do this."),
  not_found: () => say("This is not there any more."),
  stale_version: () => say("Somebody else has changed this meanwhile. Look at it again."),
  slot_taken: () => say("This time has just been taken."),
  hold_expired: () => say("The time was kept for you too long ago. Choose it again."),
  throttled: () => say("Too many tries in a short time. Wait a minute."),
  too_many_holds: () => say("Too many times are kept already. Book one of them, or let one go."),
};
