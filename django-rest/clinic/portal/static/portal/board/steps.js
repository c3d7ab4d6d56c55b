// @ts-check
/** The steps that are taken on the board, what they are asked for, and what became of them. */
import { reasonAskedIn, recordAskedIn, roomAskedIn } from "../asking.js";
import { NOTIFYING, followUndo, offerUndo } from "../elements/undo_bar.js";
import { NoAnswer, Refusal } from "../session.js";
import { lastRoomOf } from "../rules.js";
import { say } from "../translate.js";
import { sayWhoAndWhen } from "../words.js";

const STREAM_IS_LATE_MS = 2_000;

/**
 * @typedef {import("../rules.js").Row} Row
 * @typedef {import("../rules.js").Action} Action
 * @typedef {{ day: import("../day.js").Day, session: import("../session.js").Session, news: import("../news.js").News,
 *   statuses: Record<string, string>, linksRecords: boolean, today: () => string, draw: () => void }} Surroundings
 */

/** @param {string} id */
const dialog = (id) => /** @type {HTMLDialogElement} */ (document.getElementById(id));

export class Steps {
  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this._around = surroundings;
    /** The action under way, by appointment. @type {Map<number, string>} */
    this.busy = new Map();
    this._askRecord = recordAskedIn(dialog("record-dialog"));
    this._askReason = reasonAskedIn(dialog("reason-dialog"));
    this._askRoom = roomAskedIn(dialog("room-dialog"));
    this._followUndo();
  }

  /** @param {Row} row @param {Action} action */
  async take(row, action) {
    if (this.busy.has(row.id)) return;
    let reason = "";
    if (action.asksReason) {
      const given = await this._askReason({ title: `${action.label} ${sayWhoAndWhen(row, this._around.today())}?`, button: action.label });
      if (given === null) return;
      reason = given;
    }
    const room = action.name === "call" ? await this._roomFor(row, action) : "";
    if (room === null || this.busy.has(row.id)) return;
    this._begin(row.id, action.name);
    try {
      const record = action.name === "confirm" ? await this._recordOf(row) : "new";
      if (record === null) return;
      const given = { version: row.version, ...(reason && { reason }), ...(action.name === "call" && { room }), ...(record !== "new" && { link_to: record }) };
      const answer = await this._around.session.post(`/api/v1/appointments/${row.id}/${action.name}`, given);
      offerUndo(answer, this._done(answer), { notifies: NOTIFYING.includes(action.name) });
      await this._untilTold(answer);
    } catch (problem) {
      await this._refused(row.id, row.status, `${action.label} ${sayWhoAndWhen(row, this._around.today())}`, problem);
    } finally {
      this._end(row.id);
    }
  }

  /** To a patient who asks for another time. @param {Row} row @param {boolean} isGranted */
  async answerMove(row, isGranted) {
    if (this.busy.has(row.id)) return;
    const { session, today } = this._around;
    this._begin(row.id, isGranted ? "grant" : "keep");
    try {
      const answer = isGranted
        ? await session.post(`/api/v1/appointments/${row.id}/reschedule`, { start: row.requested_start, version: row.version })
        : await session.post(`/api/v1/appointments/${row.id}/keep-time`, { version: row.version });
      const who = sayWhoAndWhen(answer, today());
      offerUndo(answer, isGranted ? say("%(who)s: moved.", { who }) : say("%(who)s: stays.", { who }), { notifies: true });
      await this._untilTold(answer);
    } catch (problem) {
      await this._refused(row.id, row.status, sayWhoAndWhen(row, today()), problem);
    } finally {
      this._end(row.id);
    }
  }

  /** @param {Row} row @param {Action} action @returns {Promise<string | null>} */
  _roomFor(row, action) {
    const { day, today } = this._around;
    return this._askRoom(`${action.label}: ${sayWhoAndWhen(row, today())}`, lastRoomOf(day.rows ?? [], row));
  }

  /** Of a guest's request: the record it belongs to, "new" if none is known, `null` if it is not decided. @param {Row} row */
  async _recordOf(row) {
    if (row.source !== "guest" || row.status !== "pending" || !this._around.linksRecords) return "new"; // The desk links records.
    try {
      const others = await this._around.session.get(`/api/v1/patients/${row.patient}/possible-duplicates`);
      const known = others.filter((/** @type {{ same_name: boolean }} */ one) => one.same_name);
      return known.length ? await this._askRecord(say("%(name)s is known already", { name: row.patient_name }), known) : "new";
    } catch (problem) {
      if (problem instanceof Refusal || problem instanceof NoAnswer) return "new"; // It can be linked later.
      throw problem;
    }
  }

  /** @param {Row} answer The row after the step. */
  _done(answer) {
    return `${sayWhoAndWhen(answer, this._around.today())}: ${this._around.statuses[answer.status]}.`;
  }

  /** The bar undoes; the board shows it. Steps of another page are none of its rows. */
  _followUndo() {
    followUndo({
      begun: (id) => this._begin(id, "undo"),
      undone: (row) => this._untilTold(row),
      refused: (id, problem) => this._refused(id, "", say("Undo"), problem),
      over: (id) => this._end(id),
    });
  }

  /** @param {number} id @param {string} name */
  _begin(id, name) {
    this.busy.set(id, name);
    this._around.draw();
  }

  /** @param {number} id */
  _end(id) {
    this.busy.delete(id);
    this._around.draw();
  }

  /** The truth is what the stream says. Where it is silent, the answer of REST stands. @param {Row} answer */
  async _untilTold(answer) {
    const { day } = this._around;
    const until = Date.now() + (day.isLive ? STREAM_IS_LATE_MS : 0);
    while (Date.now() < until) {
      const known = day.find(answer.id);
      if (!known || known.version >= answer.version) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    day.correct(answer.id, answer);
  }

  /** @param {number} id @param {string} status As it was seen. @param {string} what @param {unknown} problem */
  async _refused(id, status, what, problem) {
    const { news, statuses, day } = this._around;
    if (problem instanceof NoAnswer) {
      news.refused(say("%(what)s: the server did not answer. Look again before you try again.", { what }));
    } else if (problem instanceof Refusal) {
      const current = problem.current ?? (await this._asItIs(id, problem));
      const stands = current && current.status !== status ? ` ${say("It is now: %(status)s.", { status: statuses[current.status] })}` : "";
      news.refused(`${what}: ${problem.message}${stands}`);
      if (current !== undefined) day.correct(id, current);
    } else {
      throw problem;
    }
  }

  /** After a refusal: the row as it stands, null where it is gone, undefined where nobody knows. @param {number} id @param {Refusal} refusal */
  async _asItIs(id, refusal) {
    if (refusal.status === 404) return null;
    if (refusal.status !== 409) return undefined;
    try {
      return await this._around.session.get(`/api/v1/appointments/${id}`);
    } catch {
      return undefined;
    }
  }
}
