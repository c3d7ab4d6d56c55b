// @ts-check
/**
 * Knowledge of the days shown: schedules and offers from REST, visits and holds from the streams. An answer of REST to a step
 * stands until the stream says otherwise.
 */
import { Feed } from "../feed.js";
import { daysBetween, differenceOf } from "../rules.js";

/**
 * @typedef {import("../rules.js").Row} Row
 * @typedef {import("../feed.js").Change} Change
 * @typedef {import("./spans.js").Hold} Hold
 * @typedef {import("./spans.js").Offer} Offer
 * @typedef {{ from: string, to: string, practitioners: { id: number, name: string, specialisation: string }[],
 *   services: import("./spans.js").Service[], schedules: import("./spans.js").Schedule[], appointments: Row[],
 *   holds: Hold[], offers: Offer[], as_of: string }} Answer
 * @typedef {{ stream: string, heartbeatSeconds: number, session: import("../session.js").Session, today: () => string,
 *   onchange: (differences: { row: Row, difference: "new" | "status" | "moved" | "edited" }[]) => void, onschedule: () => void,
 *   onstate: (state: string, reason: string) => void }} Options
 */

/** From the best to the worst. */
const STATES = ["live", "not live", "connecting", "stale", "offline", "signed out"];
/** Days that the stream keeps. */
const LIVE_DAYS = { behind: 1, ahead: 31 };
const BETWEEN_READS_MS = 1_000;
const READ_AGAIN_MS = 60_000;

export class CalendarData {
  /** @param {Options} options */
  constructor(options) {
    this._options = options;
    /** @type {{ from: string, to: string }} */
    this.range = { from: "", to: "" };
    /** @type {Answer | null} */
    this.answer = null;
    /** @type {Map<number, Row> | null} */
    this._rows = null;
    /** @type {Map<number, Row | null>} */
    this._answers = new Map();
    /** The answer of `rows`, until something changes. @type {Row[] | null} */
    this._listed = null;
    /** @type {Hold[] | null} From the stream. */
    this._holds = null;
    /** Holds that REST was asked about: each once. @type {Set<number>} */
    this._askedAbout = new Set();
    /** @type {{ lastId: string | null, facts: Record<string, any> } | null} */
    this._live = null;
    /** Of hours, closures, services and practitioners, from the stream. @type {number | null} */
    this._scheduleVersion = null;
    /** @type {Feed | null} */
    this._visits = null;
    /** @type {{ visits: [string, string], holds: [string, string], read: [string, string] }} */
    this._states = { visits: ["connecting", ""], holds: ["connecting", ""], read: ["connecting", ""] };
    this._asked = 0;
    this._readAt = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
    this._holdFeed = new Feed({
      ...this._feedOptions(),
      list: "LiveHolds",
      onrows: (rows, _change, live) => {
        this._live = live;
        this._takeHolds(/** @type {any} */ (rows));
        this._takeScheduleVersion(live.facts.schedule_version);
      },
      onstate: (state, reason) => this._setState("holds", state, reason),
    });
    setInterval(() => document.visibilityState === "visible" && this.readSoon(), READ_AGAIN_MS);
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.readSoon());
  }

  start() {
    this._holdFeed.start();
  }

  /** Position in the clinic's changes of any day, by the stream's last heartbeat or event; `null`: not yet known. */
  get position() {
    return this._live?.lastId ?? null;
  }

  get isLive() {
    return this._worst()[0] === "live";
  }

  /** @returns {Row[] | null} `null`: nothing is known of these days yet. */
  get rows() {
    if (this._rows === null) return null;
    this._listed ??= this._list(this._rows);
    return this._listed;
  }

  /** @param {Map<number, Row>} known @returns {Row[]} In their order. */
  _list(known) {
    const rows = [...known.values()].flatMap((row) => {
      const answer = this._answers.get(row.id);
      if (answer === null) return [];
      return [answer && answer.version > row.version ? answer : row];
    });
    const listed = new Set(rows.map(({ id }) => id));
    for (const [id, row] of this._answers) if (row && !listed.has(id)) rows.push(row);
    const timed = rows.map((row) => ({ row, at: Date.parse(row.start) }));
    return timed.sort((a, b) => a.at - b.at || a.row.id - b.row.id).map(({ row }) => row);
  }

  /** @param {number} now @returns {Hold[]} The live ones, with their kind where it is known. */
  holds(now) {
    const told = new Map((this.answer?.holds ?? []).map((hold) => [hold.id, hold]));
    const live = this._holds ?? this.answer?.holds ?? [];
    return live.filter((hold) => Date.parse(hold.expires_at) > now).map((hold) => ({ ...hold, kind: told.get(hold.id)?.kind, mine: told.get(hold.id)?.mine }));
  }

  /** @param {number} holdId @returns {Offer | undefined} */
  offerOf(holdId) {
    return this.answer?.offers.find(({ hold }) => hold === holdId);
  }

  /** @param {number} id @returns {Row | undefined} */
  find(id) {
    return this.rows?.find((row) => row.id === id);
  }

  /** @param {string} from @param {string} to Dates, both included. */
  show(from, to) {
    if (from === this.range.from && to === this.range.to && this._isLiveRange === this._canBeLive(from, to)) return;
    this.range = { from, to };
    this.answer = null;
    this._rows = null;
    this._answers.clear();
    this._visits?.stop();
    this._visits = null;
    this._isLiveRange = this._canBeLive(from, to);
    if (this._isLiveRange) {
      this._states.visits = ["connecting", ""];
      this._visits = new Feed({
        ...this._feedOptions(),
        query: { from, to },
        onrows: (rows, change) => this._takeRows(rows, change),
        onstate: (state, reason) => this._setState("visits", state, reason),
      });
      this._visits.start();
    } else {
      this._states.visits = ["not live", ""];
    }
    this._states.read = ["connecting", ""];
    this._listed = null;
    this._tell();
    this.read();
  }

  /** All of these days from REST, in one request. */
  async read() {
    const asked = ++this._asked;
    this._readAt = Date.now();
    const { from, to } = this.range;
    try {
      const path = from === to ? "/api/v1/calendar/day" : "/api/v1/calendar";
      const answer = await this._options.session.get(path, from === to ? { date: from } : { from, to });
      if (asked !== this._asked) return;
      this.answer = answer;
      if (this._states.visits[0] !== "live" || this._rows === null) this._rows = new Map(answer.appointments.map((/** @type {Row} */ row) => [row.id, row]));
      else this._takeSpill(answer.appointments);
      this._states.read = ["live", ""];
      this._askAboutHolds();
      this._changed();
    } catch {
      if (asked !== this._asked) return;
      this._states.read = ["offline", "lost"];
    }
    this._tell();
  }

  /** Read again, but not more often than is good for the server. */
  readSoon() {
    if (this._timer !== undefined || !this.range.from) return;
    this._timer = setTimeout(() => {
      this._timer = undefined;
      this.read();
    }, Math.max(50, this._readAt + BETWEEN_READS_MS - Date.now()));
  }

  /** Connect again, after an end for good. */
  again() {
    this.read();
    if (this._states.visits[0] === "offline") this._visits?.again();
    if (this._states.holds[0] === "offline") this._holdFeed.again();
  }

  /** @param {number} id @param {Row | null} row As REST answered; `null`: it is gone. */
  correct(id, row) {
    const known = this.find(id);
    if (row && known && known.version >= row.version) return;
    if (row && (row.date > this.range.to || row.date < this.range.from)) this._answers.set(id, null);
    else this._answers.set(id, row);
    this._changed();
  }

  /** @param {Parameters<Options["onchange"]>[0]} [differences] */
  _changed(differences = []) {
    this._listed = null;
    this._options.onchange(differences);
  }

  _feedOptions() {
    const { stream, heartbeatSeconds, session } = this._options;
    return { stream, heartbeatSeconds, session };
  }

  /** @param {string} from @param {string} to */
  _canBeLive(from, to) {
    const today = this._options.today();
    return daysBetween(today, from) >= -LIVE_DAYS.behind && daysBetween(today, to) <= LIVE_DAYS.ahead;
  }

  /** @param {Row[]} rows @param {Change} change */
  _takeRows(rows, change) {
    const before = this._rows;
    const known = new Map([...(before ?? [])].map(([id, row]) => [id, this._answers.get(id) ?? row]));
    for (const { id } of change.upserts) this._answers.delete(id);
    for (const id of change.removes) this._answers.delete(id);
    if (change.isSnapshot) this._answers.clear();
    this._rows = new Map(rows.map((row) => [row.id, row]));
    if (this.answer) this._takeSpill(this.answer.appointments);
    const differences = [];
    for (const row of before ? change.upserts : []) {
      const difference = differenceOf(known.get(row.id) ?? undefined, row);
      if (difference) differences.push({ row, difference });
    }
    this._changed(differences);
  }

  /** The stream tells of the days that visits begin on; what lasts beyond the midnight before comes from REST. @param {Row[]} rows */
  _takeSpill(rows) {
    for (const row of rows) if (row.date < this.range.from) this._rows?.set(row.id, row);
  }

  /** @param {Hold[]} holds */
  _takeHolds(holds) {
    this._holds = holds;
    this._askAboutHolds();
    this._changed();
  }

  /** Only REST knows the kind of a hold, and to whom its time is offered. The first answer, still on its way, may list it. */
  _askAboutHolds() {
    if (this.answer === null) return;
    const listed = new Set(this.answer.holds.map(({ id }) => id));
    const shown = (this._holds ?? []).filter(({ start, end }) => end.slice(0, 10) >= this.range.from && start.slice(0, 10) <= this.range.to);
    const unknown = shown.filter(({ id }) => !listed.has(id) && !this._askedAbout.has(id));
    for (const { id } of unknown) this._askedAbout.add(id);
    if (unknown.length > 0) this.readSoon();
  }

  /** Read again after a change of hours, closures, services or practitioners. @param {number} version */
  _takeScheduleVersion(version) {
    if (this._scheduleVersion !== null && version !== this._scheduleVersion) {
      this.readSoon();
      this._options.onschedule();
    }
    this._scheduleVersion = version;
  }

  /** @param {"visits" | "holds"} which @param {string} state @param {string} reason */
  _setState(which, state, reason) {
    this._states[which] = [state, reason];
    if (state === "live" && this._states.read[0] === "offline") this.readSoon();
    this._tell();
  }

  _tell() {
    const [state, reason] = this._worst();
    this._options.onstate(state, reason);
  }

  _worst() {
    const { visits, holds, read } = this._states;
    return [visits, holds, read].reduce((worst, one) => (STATES.indexOf(one[0]) > STATES.indexOf(worst[0]) ? one : worst));
  }
}
