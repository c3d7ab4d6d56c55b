// @ts-check
/** The visit in the drawer: it stays there, and right, also after it has left the days shown. */
import { NoAnswer, Refusal } from "../api.js";
import { reasonAskedIn, roomAskedIn } from "../asking.js";
import { NOTIFYING, offerUndo } from "../elements/undo_bar.js";
import { api, frame, now, session } from "../page.js";
import { lastRoomOf } from "../rules.js";
import { Drawer } from "./drawer.js";
import { busy, data, news, page, place, say, statuses, t, today } from "./scene.js";

/** @typedef {import("../rules.js").Row} Row */

/** @param {any} answer */
const listOf = (answer) => answer.results ?? answer;

export class Opened {
  /**
   * @param {{ steps: import("./steps.js").Steps, draw: () => void, onmove: (row: Row) => void, onclose: (id: number) => void,
   *   ongo: (row: Row) => void }} hooks
   */
  constructor({ steps, draw, onmove, onclose, ongo }) {
    this._steps = steps;
    this._draw = draw;
    this._onclose = onclose;
    this._askReason = reasonAskedIn(/** @type {HTMLDialogElement} */ (place("reason-dialog")));
    this._askRoom = roomAskedIn(/** @type {HTMLDialogElement} */ (place("room-dialog")));
    /** The visit, as it was known last. @type {Row | null} */
    this._kept = null;
    this._isGone = false;
    /** The visit that was looked for since it left the screen. @type {number | null} */
    this._lookedFor = null;
    this._drawer = new Drawer(place("drawer"), say, {
      onstep: (name) => this._step(name),
      onmove: () => this.row && onmove(this.row),
      onclose: (id) => this._closed(id),
      onnotes: (notes) => this._saveNotes(notes),
      onanswer: (isGranted) => this._answerMove(isGranted),
      onrevoke: frame.mayBook ? () => this._revokeLink() : null,
      onendseries: frame.mayBook ? () => this._endSeries() : null,
      ongo: () => this._kept && ongo(this._kept),
      loadHistory: async (id) => listOf(await session.get(`/api/v1/appointments/${id}/history`)),
      loadMessages: frame.mayBook ? async (id) => listOf(await session.get("/api/v1/messages", { appointment: String(id) })) : null,
    });
  }

  get id() {
    return this._drawer.id;
  }

  /** @returns {Row | undefined} */
  get row() {
    return this.id === null ? undefined : (data.find(this.id) ?? this._kept ?? undefined);
  }

  /** @param {Row} row */
  open(row) {
    this._kept = row;
    this._isGone = false;
    this._drawer.open(this._sceneOf(row));
    this._draw();
  }

  /** A step found it deleted. @param {number} id */
  gone(id) {
    if (this.id === id) this._isGone = true;
  }

  draw() {
    const { id } = this;
    if (id === null) return;
    const row = data.find(id);
    if (row) {
      this._kept = row;
      this._isGone = false;
      this._lookedFor = null;
    } else if (data.rows !== null && data.answer !== null && !this._isGone && this._lookedFor !== id) {
      this._lookFor(id);
    }
    if (this._kept) this._drawer.draw(this._sceneOf(this._kept));
  }

  /** @param {number} id Of the visit that was shown. */
  _closed(id) {
    this._kept = this._lookedFor = null;
    this._isGone = false;
    this._onclose(id);
    this._draw();
  }

  /** @param {Row} row @returns {import("./drawer.js").Scene} */
  _sceneOf(row) {
    const isHere = data.find(row.id) !== undefined || data.rows === null;
    const movedTo = !isHere && !this._isGone ? t("moved_away", { when: say.when(row, today()), who: row.practitioner_name }) : null;
    return { row, busy: busy.get(row.id), now: now(), today: today(), actions: page.actions, statuses, isGone: this._isGone, movedTo };
  }

  /** Ask REST about a visit that was moved to another day, or deleted. @param {number} id */
  async _lookFor(id) {
    this._lookedFor = id;
    try {
      const row = await session.get(`/api/v1/appointments/${id}`);
      if (this.id === id) this._kept = row;
    } catch (problem) {
      if (this.id === id && problem instanceof Refusal && problem.status === 404) this._isGone = true;
      if (problem instanceof NoAnswer) this._lookedFor = null;
    }
    if (this.id === id && this._kept) this._drawer.draw(this._sceneOf(this._kept));
  }

  /** @param {string} notes @returns {Promise<boolean>} */
  async _saveNotes(notes) {
    const { row } = this;
    if (!row) return false;
    return this._steps.attempt(row, "notes", () => api.patch(`/api/v1/appointments/${row.id}`, { notes, version: row.version }));
  }

  /** The patient's link leads nowhere any more; messages that are still to be sent hold the new one. */
  async _revokeLink() {
    const { row } = this;
    if (!row) return;
    const isDone = await this._steps.attempt(row, "link", () => api.post(`/api/v1/appointments/${row.id}/revoke-link`, { version: row.version }));
    if (isDone) news.answered(t("revoked"));
  }

  /** This visit and the later ones of its series are cancelled. */
  async _endSeries() {
    const { row } = this;
    if (!row) return;
    const reason = await this._askReason({ title: `${t("end_series")}: ${row.patient_name}, ${say.when(row, today())}?`, button: t("end_series") });
    if (reason === null) return;
    const selected = new URLSearchParams({ scope: "following", appointment: String(row.id), reason });
    const ask = async () => {
      const { appointments } = await api.delete(`/api/v1/appointments/series/${row.series}?${selected}`);
      return appointments.find((/** @type {Row} */ { id }) => id === row.id) ?? row;
    };
    if (await this._steps.attempt(row, "end-series", ask)) news.answered(t("series_ended"));
  }

  /** To a patient who asks for another time. @param {boolean} isGranted */
  async _answerMove(isGranted) {
    const { row } = this;
    if (!row) return;
    const [path, given] = isGranted ? ["reschedule", { start: row.requested_start }] : ["keep-time", {}];
    const ask = () => api.post(`/api/v1/appointments/${row.id}/${path}`, { ...given, version: row.version });
    await this._steps.attempt(row, isGranted ? "grant" : "keep", ask, (answer) => {
      const said = { patient: answer.patient_name, when: say.when(answer, today()), who: answer.practitioner_name };
      offerUndo(answer, t(isGranted ? "moved" : "stays", said), { notifies: true });
    });
  }

  /** @param {string} name */
  async _step(name) {
    const { row } = this;
    const action = page.actions.find((one) => one.name === name);
    if (!row || !action || busy.has(row.id)) return;
    let reason = "";
    if (action.asksReason) {
      const given = await this._askReason({ title: `${action.label}: ${row.patient_name}, ${say.when(row, today())}?`, button: action.label });
      if (given === null) return;
      reason = given;
    }
    const title = `${action.label}: ${row.patient_name}, ${say.when(row, today())}`;
    const room = name === "call" ? await this._askRoom(title, lastRoomOf(data.rows ?? [], row)) : "";
    if (room === null) return;
    const given = { version: row.version, ...(reason && { reason }), ...(name === "call" && { room }) };
    await this._steps.attempt(row, name, () => api.post(`/api/v1/appointments/${row.id}/${name}`, given), (answer) =>
      offerUndo(answer, t("visit_is", { patient: answer.patient_name, when: say.when(answer, today()), status: statuses[answer.status] }), { notifies: NOTIFYING.includes(name) }),
    );
  }
}
