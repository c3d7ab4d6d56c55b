// @ts-check
/**
 * One leader among all tabs of a user, by Web Locks where there are any, else by a BroadcastChannel alone.
 *
 * The lock gives the lead on at once when a tab closes. It does not notice a tab that stands still (a dialog, the
 * debugger, a long script, a frozen page): such a tab keeps its lock. So the leader's messages are its sign of life, and a
 * follower that hears none takes the lock away (`steal`). See `leadership.js` for what the former leader makes of that.
 */
import { Leadership } from "./leadership.js";
import { Silence } from "./silence.js";

/** @typedef {import("./leadership.js").Mark} Mark */

// How long a living leader may take to answer a tab that asks.
const ANSWER_MS = 1_000;
// How long a tab without Web Locks waits for a leader, or for another claim, before it leads.
const CLAIM_MS = 300;
// Followers that notice the same silence take over at different moments.
const MAX_JITTER_MS = 150;

export class Tabs {
  /**
   * @param {string} name
   * @param {{ heartbeatMs: number, clock: import("./silence.js").Clock,
   *   lead: (turn: AbortSignal) => Promise<void>, onmessage: (message: any) => void, onask: (question: any) => void,
   *   onlost: (message?: any) => void, onsilence: () => void }} page
   *   `lead`: until `turn` is aborted, or to let another tab try. `onlost`: another tab leads from now on; `message` is its
   *   first. `onsilence`: the leader says nothing, and this tab is about to take over.
   */
  constructor(name, page) {
    this._name = name;
    this._page = page;
    this._leadership = new Leadership(randomId());
    this._silence = new Silence(page.heartbeatMs, page.clock);
    this._channel = new BroadcastChannel(name);
    this._channel.onmessage = ({ data }) => this._hear(data);
    /** @type {number | null} When the leader has to have answered. */
    this._answerDueAt = null;
    this._question = "";
    this._mustSteal = false;
    this._hasRival = false;
    this._stopWaiting = () => {};
    this._stopLeading = () => {};
  }

  get isLeading() {
    return this._leadership.isLeading;
  }

  get id() {
    return this._leadership.id;
  }

  /** Take part until `signal`. @param {AbortSignal} signal */
  async run(signal) {
    this._signal = signal;
    addEventListener("pagehide", () => this._resign(), { signal });
    signal.addEventListener("abort", () => this.close());
    this._answerDueAt = this._page.clock.now() + ANSWER_MS;
    while (!signal.aborted) {
      const waiting = new AbortController();
      this._stopWaiting = () => waiting.abort();
      signal.addEventListener("abort", this._stopWaiting, { once: true });
      await ("locks" in navigator ? this._byLock(waiting.signal) : this._byClaim(waiting.signal));
      signal.removeEventListener("abort", this._stopWaiting);
    }
  }

  /** Look whether the leader is still there. Call often. */
  check() {
    if (this.isLeading || this._mustSteal) return;
    if (!this._isUnanswered && !this._silence.isTooLong) return;
    this._page.onsilence();
    this._mustSteal = true;
    setTimeout(() => this._stopWaiting(), Math.random() * MAX_JITTER_MS);
  }

  /** The leader had its time to answer, whatever else it says. */
  get _isUnanswered() {
    return this._answerDueAt !== null && this._page.clock.now() > this._answerDueAt;
  }

  /** After a sleep: whether there was no sign of life for more than a heartbeat. */
  get isLate() {
    return this._silence.isLate;
  }

  /** Ask the leader; if it does not answer this very question soon, `check` takes over. @param {{ question: string }} asked */
  ask(asked) {
    this._question = asked.question;
    this._answerDueAt ??= this._page.clock.now() + ANSWER_MS;
    this._channel.postMessage({ ask: asked });
  }

  /** Tell all other tabs, as the leader. @param {object} message */
  say(message) {
    if (this.isLeading) this._channel.postMessage({ ...message, mark: this._leadership.newest });
  }

  /** As the leader: the last words before `signal` ends. */
  close() {
    this._resign();
    this._channel.close();
  }

  // The lead

  /** @param {AbortSignal} waiting */
  async _byLock(waiting) {
    const options = this._mustSteal ? { steal: true } : { signal: waiting };
    const turn = new AbortController();
    /** @type {Promise<void> | undefined} */
    let leading;
    await navigator.locks.request(this._name, options, () => (leading = this._lead(turn))).catch(() => {
      turn.abort(); // Waiting is over, or another tab took the lock away.
    });
    await leading;
  }

  /** @param {AbortSignal} waiting */
  async _byClaim(waiting) {
    if (this._mustSteal || this._leadership.newest === null) {
      this._hasRival = false;
      this._channel.postMessage({ claim: this.id });
      await pause(CLAIM_MS, this._signal);
      if (!this._hasRival && !this._signal?.aborted) return this._lead(new AbortController());
      this._mustSteal = false;
    }
    await pause(Infinity, waiting);
  }

  /** @param {AbortController} turn */
  async _lead(turn) {
    if (this._signal?.aborted) return;
    this._mustSteal = false;
    this._answerDueAt = null;
    const stop = () => turn.abort();
    this._stopLeading = stop;
    this._signal?.addEventListener("abort", stop, { once: true });
    turn.signal.addEventListener("abort", () => this._leadership.end(), { once: true });
    this._leadership.begin(Date.now());
    this.say({});
    await this._page.lead(turn.signal);
    this._signal?.removeEventListener("abort", stop);
    const isGivenUp = !turn.signal.aborted;
    if (isGivenUp) this._channel.postMessage({ resigns: this.id });
    this._leadership.end();
    this._silence.heard();
    if (this._signal?.aborted) return;
    if (!isGivenUp) this._page.onlost();
  }

  _resign() {
    if (!this.isLeading) return;
    this._channel.postMessage({ resigns: this.id });
  }

  // Messages

  /** @param {any} message */
  _hear(message) {
    if (message.ask) this._page.onask(message.ask);
    else if (message.claim) this._hearClaim(message.claim);
    else if (message.resigns) this._hearResignation(message.resigns);
    else if (message.mark) this._hearLeader(message);
  }

  /** @param {any} message */
  _hearLeader(message) {
    const age = this._leadership.hear(message.mark);
    if (age === "older") {
      this.say({}); // So that the other learns of it.
      return;
    }
    this._silence.heard();
    if (age === "newer" || message.answers === this._question) this._answerDueAt = null;
    // A leader that still speaks but does not answer is of no use to this tab: it does not stop a claim either.
    if (this._answerDueAt === null) this._mustSteal = false;
    if (!this._isUnanswered) this._hasRival = true;
    if (age === "newer" && this.isLeading) {
      this._stopLeading(); // Calls `onlost` when the connection has ended.
      return;
    }
    if (age === "newer") this._page.onlost(message);
    this._page.onmessage(message);
  }

  /** Without Web Locks. @param {string} id */
  _hearClaim(id) {
    if (this.isLeading) this.say({});
    else if (id > this.id) this._hasRival = true;
  }

  /** Without Web Locks nobody is next: whoever hears of it claims the lead. @param {string} id */
  _hearResignation(id) {
    if ("locks" in navigator || this.isLeading || this._leadership.newest?.id !== id) return;
    this._mustSteal = true;
    this._hasRival = false; // A claim that is under way was answered by the leader that has just gone.
    setTimeout(() => this._stopWaiting(), Math.random() * MAX_JITTER_MS);
  }
}

/** @param {number} ms @param {AbortSignal} [signal] */
function pause(ms, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve(undefined);
    if (ms !== Infinity) setTimeout(resolve, ms);
    signal?.addEventListener("abort", resolve, { once: true });
  });
}

/** `crypto.randomUUID` is for https and localhost alone. */
export function randomId() {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(16).padStart(8, "0")).join("");
}
