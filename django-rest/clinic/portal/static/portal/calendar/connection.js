// @ts-check
/** Whether the calendar is live: a word in its bar, and a sentence above the grid where it is not. */
import { element } from "../cards.js";
import { frame, now } from "../page.js";
import { data, place, say, t, today } from "./scene.js";
import { sayConnection } from "./words.js";

export class Connection {
  /** @param {{ isHeld: () => boolean }} grid While a block is held, nothing takes its place from the grid. */
  constructor({ isHeld }) {
    this._isHeld = isHeld;
    this._state = "connecting";
    this._since = now();
    this._lastLive = now();
    this._notice = { sentence: "", kind: "", offers: "" };
  }

  /** @param {string} state @param {string} reason */
  show(state, reason) {
    if (state === "live") this._lastLive = now();
    if (state !== this._state) [this._state, this._since] = [state, now()];
    const since = state === "not live" ? (data.answer?.as_of ?? new Date(now()).toISOString()) : new Date(Math.min(this._lastLive, this._since)).toISOString();
    const { word, sentence, kind, offers } = sayConnection(say, state, reason, say.instant(since, today()));
    place("connection").dataset.state = state;
    if (place("connection-word").textContent !== word) place("connection-word").textContent = word;
    this._notice = { sentence, kind, offers };
    this.draw();
  }

  draw() {
    const { sentence } = this._notice;
    const notices = place("notice-place");
    if (this._isHeld() || notices.dataset.sentence === sentence) return;
    notices.dataset.sentence = sentence;
    notices.replaceChildren(...(sentence ? [this._make()] : []));
  }

  _make() {
    const { sentence, kind, offers } = this._notice;
    const again = offers === "again" && element("button", { type: "button", class: "button quiet" }, t(this._state === "not live" ? "load_again" : "connect_again"));
    if (again) again.addEventListener("click", () => data.again());
    const signIn = offers === "sign-in" && element("a", { href: `${frame.signIn}?next=${encodeURIComponent(location.pathname + location.search)}` }, t("sign_in_again"));
    return element("div", { class: `notice ${kind}` }, element("span", {}, sentence), again, signIn);
  }
}
