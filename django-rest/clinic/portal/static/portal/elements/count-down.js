// @ts-check
/**
 * `<count-down until="2026-11-20T09:30:00+01:00">until 09:30</count-down>` adds the minutes and seconds that are left, and
 * says `data-over` when none are; with `data-form`, as "kept for %(time)s", it says that instead. Dispatches `over` once.
 */
import { now } from "../page.js";
import { sayCountdown, secondsLeft } from "../rules.js";

const TICK_MS = 500;
const SOON_SECONDS = 60;

class CountDown extends HTMLElement {
  static observedAttributes = ["until"];

  constructor() {
    super();
    /** The server's text. @type {string | null} */
    this._words = null;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._timer = undefined;
  }

  connectedCallback() {
    this._words ??= this.textContent ?? "";
    this._start();
  }

  disconnectedCallback() {
    clearInterval(this._timer);
  }

  attributeChangedCallback() {
    if (this._words !== null && this.isConnected) this._start();
  }

  _start() {
    clearInterval(this._timer);
    this._timer = setInterval(() => this._tick(), TICK_MS);
    this._tick();
  }

  _tick() {
    const until = this.getAttribute("until") ?? "";
    if (Number.isNaN(Date.parse(until))) return;
    const seconds = secondsLeft(until, now());
    this.textContent = this._textOf(seconds);
    this.toggleAttribute("data-soon", seconds > 0 && seconds <= SOON_SECONDS);
    if (seconds > 0) return;
    clearInterval(this._timer);
    this.dispatchEvent(new Event("over", { bubbles: true }));
  }

  /** @param {number} seconds */
  _textOf(seconds) {
    const { form, over } = this.dataset;
    const left = sayCountdown(seconds);
    if (form) return form.replace("%(time)s", left);
    return seconds > 0 ? `${this._words} (${left})` : (over ?? this._words ?? "");
  }
}

customElements.define("count-down", CountDown);
