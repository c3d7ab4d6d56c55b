// @ts-check
/** One response of the stream as blocks, by fetch or by EventSource. */
import { BlockReader } from "./parser.js";

/** @typedef {import("./parser.js").Block} Block */

const EVENTS = [
  "snapshot",
  "change",
  "heartbeat",
  "token-expiring",
  "expired",
  "revoked",
  "replaced",
  "stale",
  "fresh",
  "drain",
];

/** An answer that is no stream. */
export class Refusal extends Error {
  /** @param {number} status @param {number | null} retryMs */
  constructor(status, retryMs) {
    super(`the stream answered ${status}`);
    this.status = status;
    this.retryMs = retryMs;
  }
}

/**
 * Read until the end. `onbytes` is called for every piece, also for one that completes no block.
 * @param {string} address @param {{ token: string | null, lastId: string | null, signal: AbortSignal,
 *   onbytes: () => void, onblock: (block: Block) => void }} options
 */
export async function readFetched(address, { token, lastId, signal, onbytes, onblock }) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "text/event-stream" };
  if (token !== null) headers.Authorization = `Bearer ${token}`;
  if (lastId) headers["Last-Event-ID"] = lastId;
  const response = await fetch(address, { headers, signal, cache: "no-store" });
  if (response.status !== 200 || !response.body) throw refusalOf(response);
  const blocks = new BlockReader((block) => signal.aborted || onblock(block));
  const body = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await body.read(); !part.done && !signal.aborted; part = await body.read()) {
    onbytes();
    blocks.feed(part.value);
  }
}

/**
 * Read until EventSource fails: it would ask the same address again and again, with a ticket that has long expired, so
 * each connection has one of its own.
 * @param {string} address @param {{ signal: AbortSignal, onbytes: () => void, onblock: (block: Block) => void }} options
 * @returns {Promise<void>}
 */
export function readEventSource(address, { signal, onbytes, onblock }) {
  const source = new EventSource(address);
  return new Promise((resolve, reject) => {
    source.onopen = onbytes;
    for (const event of EVENTS) {
      source.addEventListener(event, ({ data, lastEventId }) => {
        onbytes();
        onblock({ event, data, id: lastEventId || undefined });
      });
    }
    source.onerror = () => reject(new Error("EventSource has failed"));
    signal.addEventListener("abort", () => resolve(undefined));
  }).finally(() => source.close());
}

/** @returns {"fetch" | "eventsource"} */
export function bestTransport() {
  return "body" in Response.prototype && "TextDecoderStream" in globalThis ? "fetch" : "eventsource";
}

/** @param {Response} response */
function refusalOf(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  return new Refusal(response.status, seconds > 0 ? seconds * 1000 : null);
}
