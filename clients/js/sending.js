// @ts-check
/** Requests: one, one with a token, and one that is sent again until it is known what became of it. */
import { ChairsideError } from "./error.js";

const MAX_TRIES = 3;
const FIRST_PAUSE_MS = 400;
const MAX_PAUSE_MS = 10_000;
const PASSING = new Set([0, 502, 503, 504]);
const SECRET = /(\/(?:public\/bookings|waitlist\/offers|a|offer|wall)\/)[^/]+/;

/**
 * @typedef {import("./error.js").Service} Service
 * @typedef {string | number | boolean | null | undefined} Value
 * @typedef {{ method: string, address: string, service?: Service, body?: object, headers?: Record<string, string>,
 *   token?: string | null, language?: string, signal?: AbortSignal, credentials?: RequestCredentials,
 *   fetch?: typeof globalThis.fetch }} Asked
 * @typedef {{ token: (wanted: { refresh: boolean }) => Promise<string | null> }} Tokens
 */

/** One request. @param {Asked} asked @returns {Promise<any>} `null` for an answer without a body. Throws ChairsideError. */
export async function exchange({ method, address, service = "rest", body, headers = {}, token, language, signal, ...own }) {
  const all = /** @type {Record<string, string>} */ ({ Accept: "application/json" });
  if (token) all.Authorization = `Bearer ${token}`;
  if (language) all["Accept-Language"] = language;
  if (body) all["Content-Type"] = "application/json";
  const endpoint = `${method} ${pathOf(address)}`;
  const send = own.fetch ?? fetch;
  /** @type {Response} */
  let response;
  try {
    response = await send(address, {
      method,
      headers: { ...all, ...headers },
      cache: "no-store",
      credentials: own.credentials ?? "same-origin",
      body: body && JSON.stringify(body),
      signal: signal ?? null,
    });
  } catch (problem) {
    if (signal?.aborted) throw problem;
    throw new ChairsideError({ service, status: 0, endpoint, cause: problem });
  }
  const answer = await response.json().catch(() => null);
  signal?.throwIfAborted();
  if (response.ok) return answer;
  throw new ChairsideError({ service, status: response.status, endpoint, body: answer, retryAfterMs: retryAfterOf(response) });
}

/**
 * With a token, and once more with a new one where it is refused.
 * @template Answer
 * @param {Tokens} tokens @param {(token: string | null) => Promise<Answer>} ask @returns {Promise<Answer>}
 */
export async function withToken(tokens, ask) {
  const token = await tokens.token({ refresh: false });
  try {
    return await ask(token);
  } catch (problem) {
    if (!(problem instanceof ChairsideError && problem.status === 401) || token === null) throw problem;
  }
  const renewed = await tokens.token({ refresh: true });
  return ask(renewed);
}

/**
 * Again after no answer, 502, 503 and 504: at most three times, and no longer than ten seconds between two of them.
 * Give each try the same `Idempotency-Key`.
 * @template Answer
 * @param {() => Promise<Answer>} send @param {{ pause?: (ms: number) => Promise<void>, signal?: AbortSignal }} [options]
 * @returns {Promise<Answer>}
 */
export async function sendAgain(send, { signal, pause = (ms) => wait(ms, signal) } = {}) {
  for (let tries = 1; ; tries++) {
    try {
      return await send();
    } catch (problem) {
      const ms = pauseAfter(problem, tries);
      if (tries >= MAX_TRIES || ms === null || signal?.aborted) throw problem;
      await pause(ms);
    }
  }
}

/** @param {unknown} problem @param {number} tries @returns {number | null} `null`: another try would not help. */
function pauseAfter(problem, tries) {
  if (!(problem instanceof ChairsideError) || !PASSING.has(problem.status)) return null;
  const ms = problem.retryAfterMs ?? FIRST_PAUSE_MS * 2 ** (tries - 1);
  return ms > MAX_PAUSE_MS ? null : ms;
}

/** @param {Record<string, Value>} values Those of null and undefined are left out. @returns {string} With its `?`, if it has any. */
export function queryOf(values) {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text && `?${text}`;
}

/** @returns {string} `crypto.randomUUID` is there on https and localhost alone. */
export function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {number} ms @param {AbortSignal} [signal] @returns {Promise<void>} */
function wait(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

/** @param {Response} response @returns {number | null} */
function retryAfterOf(response) {
  const seconds = Number.parseInt(response.headers?.get("Retry-After") ?? "", 10);
  return Number.isNaN(seconds) ? null : seconds * 1000;
}

/** Without its query and the secret of a link, which no log should hold. @param {string} address @returns {string} */
function pathOf(address) {
  return address.replace(/^[a-z]+:\/\/[^/]+/, "").replace(/[?#].*/, "").replace(SECRET, "$1…");
}
