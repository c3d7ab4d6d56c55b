// @ts-check
/** How the board is connected: a sign, and a sentence across the page where something is in the way. */
import { element } from "../cards.js";
import { clockIn } from "../rules.js";
import { SIGN_IN, sayConnection, sayTime } from "../words.js";

/** @param {string} id */
const place = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

export class Connection {
  /** @param {{ timezone: string, now: () => number, signIn: string, again: () => void }} options */
  constructor(options) {
    this._options = options;
    this._state = "connecting";
    this._since = options.now();
  }

  /** @param {string} state @param {string} reason */
  show(state, reason) {
    const { timezone, now } = this._options;
    if (state !== this._state) {
      this._state = state;
      this._since = now();
    }
    const { word, sentence, kind, offers } = sayConnection(state, reason, sayTime(clockIn(timezone, this._since)));
    place("connection").dataset.state = state;
    if (place("connection-word").textContent !== word) place("connection-word").textContent = word;
    const notices = place("notice-place");
    if (notices.dataset.sentence === sentence) return;
    notices.dataset.sentence = sentence;
    notices.replaceChildren(...(sentence ? [this._notice(sentence, kind, offers)] : []));
  }

  /** @param {string} sentence @param {string} kind @param {string} offers */
  _notice(sentence, kind, offers) {
    const isSignIn = offers === SIGN_IN;
    const again = offers && !isSignIn && element("button", { type: "button", class: "button quiet" }, offers);
    if (again) again.addEventListener("click", this._options.again);
    const signIn = isSignIn && element("a", { href: `${this._options.signIn}?next=${encodeURIComponent(location.pathname + location.search)}` }, SIGN_IN);
    return element("div", { class: `notice ${kind}` }, element("span", {}, sentence), again, signIn);
  }
}
