// @ts-check
/** A waiting room: who is called in, large; and who waits, in pages where they do not fit. */
import { PAGE_MS, pageOf } from "../board/wall.js";
import { element } from "../cards.js";
import { sayDelay } from "../words.js";
import { capacityOf } from "./fit.js";
import { callsOf, minutesSince, newCalls, queueOf } from "./rules.js";
import { sayRoom, sayWho } from "./words.js";

/** @typedef {import("./rules.js").WaitingRow} Row */

// More would leave no room for those who wait; the newest stand first.
const MAX_CALLS = 6;

/** @param {string} id */
const place = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

export class WaitingRoom {
  /** @param {{ oncall: () => void }} options */
  constructor({ oncall }) {
    this._oncall = oncall;
    /** @type {Map<number, Row> | null} */
    this._before = null;
    this._shown = "";
  }

  /** @param {Map<number, Row>} rows @param {number} now @param {{ isNews: boolean }} options `isNews`: from the stream. */
  draw(rows, now, { isNews }) {
    const calls = callsOf(rows.values(), now);
    const queue = queueOf(rows.values());
    place("calls-part").hidden = calls.length === 0;
    place("queue-part").hidden = queue.length === 0;
    place("empty").hidden = calls.length + queue.length > 0;
    this._drawCalls(calls.slice(0, MAX_CALLS));
    if (isNews && newCalls(this._before, rows, now).length > 0) this._oncall();
    if (isNews) this._before = rows;
    return this._drawQueue(queue, now);
  }

  /** @param {Row[]} calls Only drawn when they are others: a screen reader would read them again. */
  _drawCalls(calls) {
    const shown = JSON.stringify(calls);
    if (shown === this._shown) return;
    this._shown = shown;
    place("calls").replaceChildren(
      ...calls.map((row) =>
        element("li", { class: "card wall-call", "data-id": row.id }, element("strong", {}, sayWho(row)), row.room && element("span", {}, sayRoom(row.room))),
      ),
    );
  }

  /** @param {Row[]} queue @param {number} now */
  _drawQueue(queue, now) {
    const list = place("queue");
    place("queue-count").textContent = String(queue.length);
    const items = queue.map((row) => waitingItem(row, now));
    list.replaceChildren(...items);
    const { from, to, page, pages } = pageOf(queue.length, capacityOf(list).all, Math.floor(now / PAGE_MS));
    if (pages > 1) list.replaceChildren(...items.slice(from, to));
    return { page, pages };
  }
}

/** @param {Row} row @param {number} now */
const waitingItem = (row, now) =>
  element(
    "li",
    { class: "card wall-waiting", "data-id": row.id },
    element("strong", {}, sayWho(row)),
    element("span", { class: "wall-since" }, sayDelay({ kind: "waiting", minutes: minutesSince(row.waiting_since, now) })),
  );
