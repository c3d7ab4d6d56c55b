// @ts-check
/** Live visits of today and the next days with all requests, and the steps taken here, each with its undo. */
import { reasonAskedIn, recordAskedIn, roomAskedIn } from "../asking.js";
import { NoAnswer, Refusal, sentenceOf } from "../api.js";
import { NOTIFYING, followUndo, offerUndo } from "../elements/undo_bar.js";
import { Feed } from "../feed.js";
import { News } from "../news.js";
import { api, frame, now, session } from "../page.js";
import { awaitsAnswer, clockIn, dateIn, lastRoomOf } from "../rules.js";
import { say } from "../translate.js";
import { SIGN_IN, sayConnection, sayLongDate, sayTime, sayWhoAndWhen, useTwelveHours } from "../words.js";

/** @typedef {import("../rules.js").Row} Row */

const STREAM_IS_LATE_MS = 1_000;
const TICK_MS = 15_000;
/** A second click on a place whose card has just gone is not meant for the next one. */
const SETTLES_MS = 500;

useTwelveHours(frame.clinic.twelveHours);

/** @param {string} id */
export const place = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
export const today = () => dateIn(frame.clinic.timezone, now());
export const news = new News({ heard: place("heard"), toasts: place("toasts") });
/** @type {any} */
export const page = JSON.parse(place("page").textContent ?? "null");

/** @param {string} instant */
export const timeOf = (instant) => sayTime(clockIn(frame.clinic.timezone, Date.parse(instant)));

export class Visits {
  /** @param {() => void} ondraw @param {(differences: Row[]) => void} [onchange] */
  constructor(ondraw, onchange) {
    /** @type {Row[] | null} */
    this.rows = null;
    /** @type {Set<number>} */
    this.busy = new Set();
    this._ondraw = ondraw;
    this._onchange = onchange;
    this._state = "connecting";
    this._since = now();
    this._settled = 0;
    /** @type {Set<number>} */
    this._requests = new Set();
    followUndo({
      begun: (id) => this._mark(id),
      undone: (row) => this._correct(row, Date.now() + STREAM_IS_LATE_MS),
      refused: (_id, problem) => news.refused(`${say("Undo")}: ${sentenceOf(problem)}`),
      over: (id) => this._unmark(id),
    });
    this._feed = new Feed({
      stream: frame.stream,
      heartbeatSeconds: frame.heartbeatSeconds,
      session,
      onrows: (rows, change) => {
        this.rows = rows;
        this.draw();
        if (!change.isSnapshot) this._onchange?.(change.upserts);
      },
      onstate: (state, reason) => this._show(state, reason),
    });
  }

  start() {
    this._feed.start();
    setInterval(() => this.draw(), TICK_MS);
    this.draw();
  }

  draw() {
    place("home-date").textContent = sayLongDate(today());
    const requests = new Set((this.rows ?? []).filter(awaitsAnswer).map(({ id }) => id));
    if ([...this._requests].some((id) => !requests.has(id))) this._settled = Date.now() + SETTLES_MS;
    this._requests = requests;
    this._ondraw();
  }

  /** @param {Event} event @returns {boolean} */
  isStray(event) {
    const { detail } = /** @type {MouseEvent} */ (event);
    return detail > 1 || (detail > 0 && Date.now() < this._settled);
  }

  /**
   * @param {Event} event @param {Row} row @param {string} name Of the step. @param {string} label @param {boolean} [asksReason]
   */
  async step(event, row, name, label, asksReason = false) {
    if (this.isStray(event) || this.busy.has(row.id)) return;
    const reason = asksReason ? await askReason(`${label}: ${sayWhoAndWhen(row, today())}?`, label) : "";
    if (reason === null) return;
    const record = name === "confirm" ? await recordOf(row) : "new";
    if (record === null) return;
    const room = name === "call" ? await askRoom(`${label}: ${sayWhoAndWhen(row, today())}`, lastRoomOf(this.rows ?? [], row)) : "";
    if (room === null) return;
    await this._send(row, async () => {
      const given = { version: row.version, ...(reason && { reason }), ...(name === "call" && { room }), ...(record !== "new" && { link_to: record }) };
      const answer = await api.post(`/api/v1/appointments/${row.id}/${name}`, given);
      offerUndo(answer, `${sayWhoAndWhen(answer, today())}: ${frame.statuses[answer.status]}.`, { notifies: NOTIFYING.includes(name) });
      return answer;
    });
  }

  /** To a patient who asks for another time. @param {Event} event @param {Row} row @param {boolean} isGranted */
  async answerMove(event, row, isGranted) {
    if (this.isStray(event) || this.busy.has(row.id)) return;
    await this._send(row, async () => {
      const [path, given] = isGranted ? ["reschedule", { start: row.requested_start }] : ["keep-time", {}];
      const answer = await api.post(`/api/v1/appointments/${row.id}/${path}`, { ...given, version: row.version });
      const who = sayWhoAndWhen(answer, today());
      offerUndo(answer, isGranted ? say("%(who)s: moved.", { who }) : say("%(who)s: stays.", { who }), { notifies: true });
      return answer;
    });
  }

  /** @param {Row} row @param {() => Promise<Row>} send */
  async _send(row, send) {
    this._mark(row.id);
    try {
      this._correct(await send(), Date.now() + STREAM_IS_LATE_MS);
    } catch (problem) {
      news.refused(`${sayWhoAndWhen(row, today())}: ${sentenceOf(problem)}`);
      if (problem instanceof Refusal && problem.current) this._correct(problem.current, 0);
      else if (!(problem instanceof Refusal || problem instanceof NoAnswer)) throw problem;
    } finally {
      this._unmark(row.id);
    }
  }

  /** @param {number} id A step of it is under way. */
  _mark(id) {
    this.busy.add(id);
    this.draw();
  }

  /** @param {number} id */
  _unmark(id) {
    this.busy.delete(id);
    this.draw();
  }

  /** Keep an answer of REST until the stream shows it. @param {Row} answer @param {number} until */
  _correct(answer, until) {
    const known = this.rows?.find(({ id }) => id === answer.id);
    if (known && known.version >= answer.version) return;
    if (Date.now() < until && this._state === "live") {
      setTimeout(() => this._correct(answer, until), 30);
      return;
    }
    this.rows = [...(this.rows ?? []).filter(({ id }) => id !== answer.id), answer];
    this.draw();
  }

  /** @param {string} state @param {string} reason */
  _show(state, reason) {
    if (state !== this._state) this._since = now();
    this._state = state;
    const { word, sentence, kind, offers } = sayConnection(state, reason, sayTime(clockIn(frame.clinic.timezone, this._since)));
    place("connection").dataset.state = state;
    if (place("connection-word").textContent !== word) place("connection-word").textContent = word;
    const notices = place("notice-place");
    if (notices.dataset.sentence === sentence) return;
    notices.dataset.sentence = sentence;
    notices.replaceChildren(...(sentence ? [this._notice(sentence, kind, offers)] : []));
  }

  /** @param {string} sentence @param {string} kind @param {string} offers */
  _notice(sentence, kind, offers) {
    const notice = document.createElement("div");
    notice.className = `notice ${kind}`;
    notice.append(sentence);
    if (!offers) return notice;
    const isSignIn = offers === SIGN_IN;
    const made = document.createElement(isSignIn ? "a" : "button");
    made.textContent = offers;
    if (made instanceof HTMLAnchorElement) made.href = `${frame.signIn}?next=${encodeURIComponent(location.pathname + location.search)}`;
    else {
      made.className = "button quiet";
      made.addEventListener("click", () => this._feed.again());
    }
    notice.append(made);
    return notice;
  }
}

/** @param {string} title @param {string} button @returns {Promise<string | null>} */
export function askReason(title, button) {
  return reasonAskedIn(/** @type {HTMLDialogElement} */ (place("reason-dialog")))({ title, button });
}

/** @param {string} title @param {string} room @returns {Promise<string | null>} */
function askRoom(title, room) {
  return roomAskedIn(/** @type {HTMLDialogElement} */ (place("room-dialog")))(title, room);
}

/** Of a guest's request: the record it belongs to, "new" if none is known, `null` if it is not decided. @param {Row} row */
async function recordOf(row) {
  if (row.source !== "guest" || row.status !== "pending" || !frame.mayBook) return "new";
  try {
    const others = await api.get(`/api/v1/patients/${row.patient}/possible-duplicates`);
    const known = others.filter((/** @type {{ same_name: boolean }} */ one) => one.same_name);
    if (!known.length) return "new";
    const ask = recordAskedIn(/** @type {HTMLDialogElement} */ (place("record-dialog")));
    return await ask(say("%(name)s is known already", { name: row.patient_name }), known);
  } catch (problem) {
    if (problem instanceof Refusal || problem instanceof NoAnswer) return "new"; // It can be linked later.
    throw problem;
  }
}

/** A notification has come: whatever it tells may concern the lists that no stream has. @param {() => void} again */
export function onNotification(again) {
  let seen = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const feed = new Feed({
    list: "LiveNotifications",
    stream: frame.stream,
    heartbeatSeconds: frame.heartbeatSeconds,
    session,
    onrows: (rows) => {
      const newest = rows.map(({ id }) => id).join();
      if (seen && newest !== seen) {
        clearTimeout(timer);
        timer = setTimeout(again, 300);
      }
      seen = newest || "none";
    },
    onstate: () => {},
  });
  feed.start();
}
