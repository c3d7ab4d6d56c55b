// @ts-check
/** Announcements and notices at the foot of the page: changes now and then, refusals at once. */
import { element, icon } from "./cards.js";
import { say } from "./translate.js";

const BETWEEN_MS = 3_000;
const SHOWN_MS = 9_000;

export class News {
  /** @param {{ heard: HTMLElement, toasts: HTMLElement }} places Both are polite live regions. */
  constructor({ heard, toasts }) {
    this._heard = heard;
    this._toasts = toasts;
    /** @type {any[]} */
    this._waiting = [];
    /** Sentences about the reader's own steps, by the visit. @type {Map<number, string>} */
    this._own = new Map();
    /** @type {(changes: any[]) => string} */
    this._describe = () => "";
    this._isHeld = false;
    this._saidAt = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
  }

  /** Changes come together in one sentence, not more often than anybody can listen. */
  /** @template T @param {T[]} changes @param {(changes: T[]) => string} describe */
  changed(changes, describe) {
    this._waiting.push(...changes);
    this._describe = describe;
    this._sayLater();
  }

  /** A step of the reader's own is done. It is said with the changes, and once. @param {number} id @param {string} text */
  done(id, text) {
    this._own.set(id, text);
    this._sayLater();
  }

  /** Announce the answer to a key at once; changes do not talk over it. @param {string} text */
  answered(text) {
    this._heard.textContent = text;
    this._saidAt = Date.now();
    clearTimeout(this._timer);
    this._timer = undefined;
    this._sayLater();
  }

  /** Changes wait until `release`: the reader is in the middle of a step, and listens to that. */
  hold() {
    this._isHeld = true;
    clearTimeout(this._timer);
    this._timer = undefined;
  }

  release() {
    this._isHeld = false;
    this._sayLater();
  }

  _sayLater() {
    if (this._isHeld || this._timer !== undefined || this._waiting.length + this._own.size === 0) return;
    this._timer = setTimeout(
      () => {
        this._timer = undefined;
        this._saidAt = Date.now();
        const changes = this._waiting.splice(0).filter(({ row }) => !this._own.has(row.id));
        const own = [...this._own.values()];
        this._own.clear();
        this._heard.textContent = [...own, ...(changes.length ? [this._describe(changes)] : [])].join(" ");
      },
      Math.max(150, this._saidAt + BETWEEN_MS - Date.now()),
    );
  }

  /** @param {string} text */
  refused(text) {
    const close = element("button", { type: "button", class: "button bare square", "aria-label": say("Close") }, icon("cross"));
    const toast = element("div", { class: "toast bad" }, element("p", {}, text), close);
    const remove = () => toast.remove();
    close.addEventListener("click", remove);
    const later = setTimeout(remove, SHOWN_MS);
    // A notice stays while somebody reads it.
    for (const event of ["pointerenter", "focusin"]) toast.addEventListener(event, () => clearTimeout(later));
    this._toasts.append(toast);
  }
}
