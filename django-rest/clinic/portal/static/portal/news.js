// @ts-check
/** What the page says aloud and shows at its foot: changes now and then, refusals at once. */
import { element, icon } from "./cards.js";

const BETWEEN_MS = 3_000;
const SHOWN_MS = 9_000;

export class News {
  /** @param {{ heard: HTMLElement, toasts: HTMLElement }} places Both are polite live regions. */
  constructor({ heard, toasts }) {
    this._heard = heard;
    this._toasts = toasts;
    /** @type {any[]} */
    this._waiting = [];
    this._saidAt = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
  }

  /** Changes come together in one sentence, not more often than anybody can listen. */
  /** @template T @param {T[]} changes @param {(changes: T[]) => string} say */
  changed(changes, say) {
    this._waiting.push(...changes);
    if (this._timer !== undefined || this._waiting.length === 0) return;
    this._timer = setTimeout(
      () => {
        this._timer = undefined;
        this._saidAt = Date.now();
        this._heard.textContent = say(this._waiting.splice(0));
      },
      Math.max(150, this._saidAt + BETWEEN_MS - Date.now()),
    );
  }

  /** @param {string} text */
  refused(text) {
    const close = element("button", { type: "button", class: "button bare square", "aria-label": "Close" }, icon("cross"));
    const toast = element("div", { class: "toast bad" }, element("p", {}, text), close);
    const remove = () => toast.remove();
    close.addEventListener("click", remove);
    const later = setTimeout(remove, SHOWN_MS);
    // Who is reading it is not hurried.
    for (const event of ["pointerenter", "focusin"]) toast.addEventListener(event, () => clearTimeout(later));
    this._toasts.append(toast);
  }
}
