// @ts-check
/**
 * The undo bar: steps that can be taken back, for as long as nobody is told of them. It comes along to the next page.
 *
 * A page calls `offerUndo` with the answer to a step. The bar's events tell it what came of an undo: `undone` with the
 * row as it is now, `undo-refused` with the problem; unless the page prevents it, the bar says why in a sentence.
 */
import { html, LitElement } from "lit";
import { sentenceOf } from "../api.js";
import { listenForKeys } from "../keys.js";
import { now, session } from "../page.js";
import { say } from "../translate.js";

/** `until`: by the server's clock. @typedef {{ id: number, version: number, text: string, until: number, notifies: boolean }} Offer */

/** The steps after which the patient gets a message. */
export const NOTIFYING = ["confirm", "reject", "cancel", "no-show"];
const KEPT_AS = "chairside-undo";
const TICK_MS = 250;
const REFUSAL_SHOWN_MS = 9_000;

export class UndoBar extends LitElement {
  static properties = { _offers: { state: true }, _refusal: { state: true } };

  constructor() {
    super();
    this._offers = read();
    this._refusal = "";
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._timer = undefined;
  }

  // The page's own styles hold in it.
  createRenderRoot() {
    return this;
  }

  connectedCallback() {
    super.connectedCallback();
    this._timer = setInterval(() => this._tick(), TICK_MS);
  }

  disconnectedCallback() {
    clearInterval(this._timer);
    super.disconnectedCallback();
  }

  /** @param {Offer} offer In place of an earlier one for the same visit. */
  offer(offer) {
    this._keep([...this._offers.filter(({ id }) => id !== offer.id), offer]);
  }

  /** The newest step; none: nothing happens. */
  undoNewest() {
    const newest = this._offers.at(-1);
    if (newest) this._undo(newest);
  }

  render() {
    const refusal = this._refusal && html`<div class="toast bad"><p>${this._refusal}</p></div>`;
    return html`${this._offers.map((offer) => this._toast(offer))}${refusal}`;
  }

  /** @param {Offer} offer */
  _toast(offer) {
    const seconds = Math.max(0, Math.ceil((offer.until - now()) / 1000));
    const left = offer.notifies ? say("The patient is notified in %(seconds)s s.", { seconds }) : say("%(seconds)s s left.", { seconds });
    const label = say("Undo %(what)s", { what: offer.text });
    // Counting down is not read aloud.
    return html`<div class="toast undo" data-undo-of=${offer.id}>
      <p>${offer.text} <span class="undo-left" aria-hidden="true">${left}</span></p>
      <button type="button" class="button quiet" data-undo aria-label=${label} aria-keyshortcuts="z" @click=${() => this._undo(offer)}>
        <svg class="icon" aria-hidden="true"><use href="#icon-undo"></use></svg>${say("Undo")}
      </button>
    </div>`;
  }

  /** @param {Offer} offer */
  async _undo(offer) {
    this._keep(this._offers.filter((one) => one !== offer));
    this._tell("undo-begun", { offer });
    try {
      const row = await session.post(`/api/v1/appointments/${offer.id}/undo`, { version: offer.version });
      this._tell("undone", { offer, row });
    } catch (problem) {
      if (this._tell("undo-refused", { offer, problem })) this._refuse(sentenceOf(problem));
    }
  }

  /** @param {string} name @param {object} detail @returns {boolean} Whether the page leaves it to the bar. */
  _tell(name, detail) {
    return this.dispatchEvent(new CustomEvent(name, { detail, cancelable: true }));
  }

  /** @param {string} sentence */
  _refuse(sentence) {
    this._refusal = sentence;
    setTimeout(() => (this._refusal = ""), REFUSAL_SHOWN_MS);
  }

  /** @param {Offer[]} offers */
  _keep(offers) {
    this._offers = offers;
    try {
      sessionStorage.setItem(KEPT_AS, JSON.stringify(offers));
    } catch {} // A browser that keeps nothing offers it on this page alone.
  }

  _tick() {
    const open = this._offers.filter(({ until }) => until > now());
    if (open.length < this._offers.length) this._keep(open);
    else if (open.length) this.requestUpdate();
  }
}

customElements.define("undo-bar", UndoBar);
listenForKeys({ z: () => undoBar().undoNewest() });

/** @returns {UndoBar} The page's one. */
export function undoBar() {
  const there = document.querySelector("undo-bar");
  if (there instanceof UndoBar) return there;
  const bar = new UndoBar();
  toasts().append(bar);
  return bar;
}

/**
 * @param {{ id: number, version: number, undo_until?: string | null }} answer The row after the step, as the API answers it.
 * @param {string} text What was done, as a sentence. @param {{ notifies?: boolean }} [about] Whether the patient will be told.
 */
export function offerUndo({ id, version, undo_until: until }, text, { notifies = true } = {}) {
  if (until) undoBar().offer({ id, version, text, until: Date.parse(until), notifies });
}

/**
 * For a page that shows the visits: `begun` and `over` around an undo, between them `undone` or `refused`.
 * @param {{ begun: (id: number) => void, undone: (row: any) => void | Promise<void>, refused: (id: number, problem: unknown) => void | Promise<void>,
 *   over: (id: number) => void }} page
 */
export function followUndo({ begun, undone, refused, over }) {
  const bar = undoBar();
  const told = (/** @type {Event} */ event) => /** @type {CustomEvent} */ (event).detail;
  bar.addEventListener("undo-begun", (event) => begun(told(event).offer.id));
  bar.addEventListener("undone", async (event) => {
    await undone(told(event).row);
    over(told(event).offer.id);
  });
  bar.addEventListener("undo-refused", async (event) => {
    event.preventDefault();
    await refused(told(event).offer.id, told(event).problem);
    over(told(event).offer.id);
  });
}

function toasts() {
  const there = document.getElementById("toasts");
  if (there) return there;
  const made = document.createElement("div");
  made.id = "toasts";
  made.className = "toasts";
  made.setAttribute("role", "status");
  made.setAttribute("aria-live", "polite");
  document.body.append(made);
  return made;
}

/** @returns {Offer[]} */
function read() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT_AS) ?? "[]");
    return kept.filter((/** @type {Offer} */ { until }) => until > now());
  } catch {
    return [];
  }
}
