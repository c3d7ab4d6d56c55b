// @ts-check
/** Moving visits: dropped by the mouse, carried by the keyboard, refused by the server. */
import { offerUndo } from "../elements/undo_bar.js";
import { Refusal, sentenceOf } from "../api.js";
import { element, icon } from "../cards.js";
import { api, now } from "../page.js";
import { busy, columnOf, columns, data, isNarrow, nameOf, news, obstacle, place, placeOf, say, slotMinutes, state, t, today, toggleIsList, undoSeconds } from "./scene.js";
import { DAY_MINUTES, canMove, clockOf, minutesOf } from "./spans.js";

/**
 * @typedef {import("../rules.js").Row} Row
 * @typedef {import("./spans.js").Place} Place
 * @typedef {import("./grid.js").Spot} Spot
 * @typedef {import("./scene.js").Practitioner} Practitioner
 */

/** @param {Row} row */
const minutesBetween = (row) => Math.round((Date.parse(row.end) - Date.parse(row.start)) / 60_000);

/** @param {Row} row @param {Place} at */
const isAtHome = (row, at) => at.date === row.date && at.practitioner === row.practitioner && at.from === minutesOf(row.start);

export class Moving {
  /** @param {{ grid: () => import("./grid.js").Grid, steps: import("./steps.js").Steps, draw: () => void, drawNow: () => void }} parts */
  constructor({ grid, steps, draw, drawNow }) {
    this._gridOf = grid;
    this._steps = steps;
    this._draw = draw;
    this._drawNow = drawNow;
    /** @type {{ row: Row, spot: Spot } | null} What the keyboard has picked up. */
    this._carried = null;
    /** Of the place under it, as it was said last. */
    this._told = "";
  }

  get _grid() {
    return this._gridOf();
  }

  get isCarrying() {
    return this._carried !== null;
  }

  /** Of another screen: nothing is carried there. */
  forget() {
    this._carried = null;
    news.release();
    this._grid.hideGhost();
  }

  /** @param {string} block @param {Spot} spot */
  canDrop(block, spot) {
    const row = data.find(Number(block.slice(1)));
    return row !== undefined && obstacle(placeOf(spot, row), row) === null;
  }

  /** @param {string} block @param {Spot} spot */
  dropped(block, spot) {
    const row = data.find(Number(block.slice(1)));
    if (row) this.move(row, placeOf(spot, row));
  }

  /** @param {Row} row @param {Place} to @returns {Promise<boolean>} Whether it was moved. */
  async move(row, to) {
    const length = minutesBetween(row);
    const isSame = to.date === row.date && to.practitioner === row.practitioner && to.from === minutesOf(row.start) && to.to - to.from === length;
    if (isSame) this._grid.putBack(`v${row.id}`);
    if (isSame || busy.has(row.id)) return false;
    this.closeRefusal();
    busy.set(row.id, "move");
    try {
      const wanted = { date: to.date, time: clockOf(to.from), practitioner: to.practitioner, version: row.version, ...(to.to - to.from !== length && { duration_minutes: to.to - to.from }) };
      const answer = await api.post(`/api/v1/appointments/${row.id}/reschedule`, wanted);
      const key = to.to - to.from === length ? "moved" : "resized";
      const told = t(key, { patient: answer.patient_name, when: say.when(answer, today()), who: answer.practitioner_name, from: say.time(answer.time), to: say.time(answer.end.slice(11, 16)) });
      offerUndo(answer, told);
      if (undoSeconds === 0) news.done(row.id, told);
      await this._steps.untilTold(answer);
      return true;
    } catch (problem) {
      busy.delete(row.id);
      this._grid.putBack(`v${row.id}`);
      if (problem instanceof Refusal && problem.status === 409 && problem.code === "slot_taken") await this.refuseMove(row, to, problem);
      else this._steps.refused(row, problem);
      return false;
    } finally {
      busy.delete(row.id);
      this._draw();
    }
  }

  /** The focus goes along. @param {Row} row @param {Place} to */
  async moveAndFollow(row, to) {
    if (!(await this.move(row, to))) return;
    this._drawNow();
    this._grid.focusOn(`v${row.id}`);
  }

  /** It slid back: whose time it is, and where there is room. @param {Row} row @param {Place} to @param {Refusal} refusal */
  async refuseMove(row, to, refusal) {
    await data.read();
    const there = { date: to.date, time: clockOf(to.from) };
    const when = say.when(there, today());
    const found = obstacle(to, row);
    const why =
      found?.kind === "visit" ? t("taken_by", { when, patient: found.row.patient_name }) : found?.kind === "hold" ? t("being_booked", { when }) : found?.kind === "closed" ? t("outside_hours", { when, who: nameOf(to.practitioner) }) : sentenceOf(refusal);
    const stays = t("stays", { patient: row.patient_name, when: say.when(row, today()) });
    /** @type {HTMLButtonElement[]} */
    const choices = (refusal.body?.nearest ?? []).map((/** @type {{ start: string, practitioner: number }} */ { start, practitioner }) => {
      const at = { date: start.slice(0, 10), time: start.slice(11, 16) };
      const button = element("button", { type: "button", class: "button quiet" }, t("move_to", { when: say.when(at, today()), who: nameOf(practitioner) }));
      button.addEventListener("click", () => {
        const current = data.find(row.id);
        this.closeRefusal();
        if (current) this.moveAndFollow(current, { date: at.date, practitioner, from: minutesOf(start), to: minutesOf(start) + to.to - to.from });
      });
      return button;
    });
    const close = element("button", { type: "button", class: "button bare square", "aria-label": t("close") }, icon("cross"));
    close.addEventListener("click", () => this.closeRefusal());
    const panel = place("refusal");
    panel.replaceChildren(element("p", { role: "alert" }, `${why} ${stays}`), element("p", { class: "hint" }, choices.length ? t("nearest") : t("nowhere_free")), element("div", { class: "refusal-choices" }, ...choices), close);
    panel.hidden = false;
    (choices[0] ?? close).focus();
  }

  closeRefusal() {
    const panel = place("refusal");
    if (panel.hidden) return;
    const hadFocus = panel.contains(document.activeElement);
    panel.hidden = true;
    panel.replaceChildren();
    if (hadFocus) this._grid.focus();
  }

  /** @param {Row} row With the keyboard, and by the drawer's button. */
  pickUp(row) {
    if (!canMove(row, now())) return news.refused(t("cannot_move"));
    if (state.isList) toggleIsList();
    if (isNarrow.matches) state.alone = row.practitioner;
    this._drawNow();
    const column = columnOf(row.practitioner, row.date);
    if (column < 0) return;
    const from = minutesOf(row.start);
    this._carried = { row, spot: { column, from, to: from + minutesBetween(row) } };
    this._grid.focusOn(`v${row.id}`);
    this._told = "";
    news.hold();
    news.answered(t("picked_up", { patient: row.patient_name }));
    this.showCarried(false);
  }

  /** @param {boolean} isSaid */
  showCarried(isSaid) {
    if (!this._carried) return;
    const { row, spot } = this._carried;
    const at = placeOf(spot, row);
    const found = isAtHome(row, at) ? null : obstacle(at, row);
    const time = say.time(clockOf(spot.from));
    const who = nameOf(at.practitioner);
    const keys = { visit: "ghost_taken", hold: "ghost_held", closed: "ghost_closed", past: "ghost_past" };
    const text = t(found ? keys[found.kind] : "ghost_free", { time: state.asked.view === "week" ? `${say.shortDate(at.date)} ${time}` : time, who, patient: found?.kind === "visit" ? found.row.patient_name : "" });
    this._grid.showGhost(`v${row.id}`, spot, found === null, `${time}–${say.time(clockOf(spot.to))} ${row.patient_name}`);
    // Also when somebody takes the time, or frees it, after it was said.
    if (!isSaid && (this._told === "" || this._told === text)) return;
    this._told = text;
    news.answered(text);
  }

  /** While it is carried, others may change or delete it. */
  followCarried() {
    if (!this._carried) return;
    const row = data.find(this._carried.row.id);
    if (row && canMove(row, now())) {
      this._carried.row = row;
      this.showCarried(false);
    } else {
      this.putDown();
      news.refused(row ? t("cannot_move") : t("gone"));
    }
  }

  putDown() {
    if (!this._carried) return;
    const { row } = this._carried;
    this._carried = null;
    news.release();
    this._grid.hideGhost();
    this._grid.focusOn(`v${row.id}`);
  }

  /** @param {KeyboardEvent} event @returns {boolean} Whether it was meant for what is carried. */
  carry(event) {
    if (!this._carried || event.ctrlKey || event.metaKey || event.altKey) return false;
    const { row, spot } = this._carried;
    const step = event.shiftKey ? 5 : Math.min(slotMinutes, 15);
    const by = { ArrowUp: [0, -step], ArrowDown: [0, step], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
    if (by) {
      const length = spot.to - spot.from;
      const from = Math.min(Math.max(spot.from + by[1], 0), DAY_MINUTES - length);
      this._carried.spot = { column: Math.min(Math.max(spot.column + by[0], 0), columns().length - 1), from, to: from + length };
      this.showCarried(true);
    } else if (event.key === "Enter") {
      const at = placeOf(spot, row);
      if (!isAtHome(row, at) && obstacle(at, row)) {
        this.showCarried(true);
        return true;
      }
      this.putDown();
      if (!isAtHome(row, at)) this.moveAndFollow(row, at);
    } else if (event.key === "Escape") {
      this.putDown();
      news.answered(t("put_back", { patient: row.patient_name, time: say.time(row.time) }));
    } else {
      return event.key !== "Tab";
    }
    return true;
  }
}
