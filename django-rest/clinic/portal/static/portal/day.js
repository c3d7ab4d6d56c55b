// @ts-check
/** The rows of the chosen day and of the queue, wherever they come from, and what is different in them. */
import { Feed } from "./feed.js";
import { awaitsAnswer, differenceOf, sourceOf } from "./rules.js";

/**
 * @typedef {import("./rules.js").Row} Row
 * @typedef {import("./feed.js").Change} Change
 * @typedef {{ row: Row, difference: "new" | "status" | "moved" | "edited" }} Difference
 */

/** From the best to the worst: of two connections the worse one is told. */
const STATES = ["live", "not live", "connecting", "stale", "offline", "signed out"];
const PAGE_SIZE = "200";

export class Day {
  /**
   * @param {{ stream: string, heartbeatSeconds: number, session: import("./session.js").Session,
   *   today: () => string, onchange: (differences: Difference[]) => void,
   *   onstate: (state: string, reason: string) => void }} options
   */
  constructor(options) {
    this._options = options;
    /** @type {string} */
    this.date = options.today();
    /** @type {Row[] | null} */
    this._week = null;
    /** @type {Row[] | null} */
    this._other = null;
    /** REST's list of a day that no stream shows. @type {{ date: string, rows: Row[] } | null} */
    this._listed = null;
    /** @type {Feed | null} */
    this._otherFeed = null;
    this._source = sourceOf(this.date, options.today());
    this._states = { week: ["connecting", ""], other: ["live", ""] };
    /** Answers of REST that the stream has not confirmed yet; `null`: it is gone. @type {Map<number, Row | null>} */
    this._answers = new Map();
    this._asked = 0;
    this._weekFeed = this._feed("week");
  }

  start() {
    this._weekFeed.start();
  }

  /** @returns {Row[] | null} In their order. `null`: nothing is known yet. */
  get rows() {
    const streamed = this._source === "week" ? this._week : this._other;
    const known = streamed ?? (this._listed?.date === this.date ? this._listed.rows : null);
    return known && this._corrected(known).filter((row) => row.date === this.date);
  }

  /** @returns {Row[] | null} Everything that waits for a decision, on whatever day. */
  get pending() {
    return this._week && this._corrected(this._week).filter(awaitsAnswer);
  }

  /** @param {number} id @returns {Row | undefined} */
  find(id) {
    return [...(this.rows ?? []), ...(this.pending ?? [])].find((row) => row.id === id);
  }

  get isLive() {
    return this._worst()[0] === "live";
  }

  /** Also where nothing but the time has changed: at midnight another day is today. @param {string} date */
  show(date) {
    const source = sourceOf(date, this._options.today());
    if (date === this.date && source === this._source) return;
    this.date = date;
    this._source = source;
    this._otherFeed?.stop();
    this._otherFeed = null;
    this._other = null;
    this._states.other = ["live", ""];
    if (source === "day") {
      this._otherFeed = this._feed("other", { from: date, to: date });
      this._otherFeed.start();
    } else if (source === "list") {
      this._states.other = ["connecting", ""];
    }
    if (this.rows === null && (source === "list" || !this.isLive)) this.list();
    this._tell();
  }

  /** Ask REST for the day, as it is now. */
  async list() {
    const asked = ++this._asked;
    const { date } = this;
    try {
      const rows = await this._everyPage(date);
      if (asked !== this._asked || date !== this.date) return;
      this._listed = { date, rows };
      if (this._source === "list") this._states.other = ["not live", ""];
      this._options.onchange([]);
    } catch {
      if (this._source === "list") this._states.other = ["offline", "lost"];
    }
    this._tell();
  }

  /** Connect again, after an end for good. */
  again() {
    if (this._source === "list") this.list();
    if (this._states.week[0] === "offline") this._weekFeed.again();
    if (this._states.other[0] === "offline") this._otherFeed?.again();
  }

  /** Keep an answer of REST until the stream says otherwise. @param {number} id @param {Row | null} row */
  correct(id, row) {
    const known = this.find(id);
    if (row && known && known.version >= row.version) return;
    this._answers.set(id, row);
    const difference = row && differenceOf(known, row);
    this._options.onchange(row && difference ? [{ row, difference }] : []);
  }

  /** @param {"week" | "other"} which @param {Record<string, string>} [query] */
  _feed(which, query) {
    const { stream, heartbeatSeconds, session } = this._options;
    return new Feed({
      stream,
      heartbeatSeconds,
      session,
      query,
      onrows: (rows, change) => this._take(which, rows, change),
      onstate: (state, reason) => {
        this._states[which] = [state, reason];
        if (state === "offline" && this.rows === null) this.list();
        this._tell();
      },
    });
  }

  /** @param {"week" | "other"} which @param {Row[]} rows @param {Change} change */
  _take(which, rows, change) {
    const before = which === "week" ? this._week : this._other;
    const known = new Map((before ?? []).map((row) => [row.id, this._answers.get(row.id) ?? row]));
    for (const { id } of change.upserts) this._answers.delete(id);
    for (const id of change.removes) this._answers.delete(id);
    if (change.isSnapshot) this._answers.clear();
    if (which === "week") this._week = rows;
    else this._other = rows;
    /** @type {Difference[]} */
    const differences = [];
    for (const row of before ? change.upserts : []) {
      const difference = differenceOf(known.get(row.id), row);
      if (difference && (awaitsAnswer(row) || row.date === this.date)) differences.push({ row, difference });
    }
    this._options.onchange(differences);
  }

  /** @param {Row[]} rows @returns {Row[]} */
  _corrected(rows) {
    if (this._answers.size === 0) return rows;
    return rows.flatMap((row) => {
      const answer = this._answers.get(row.id);
      if (answer === null) return [];
      return [answer && answer.version > row.version ? answer : row];
    });
  }

  _tell() {
    const [state, reason] = this._worst();
    this._options.onstate(state, reason);
  }

  _worst() {
    const { week, other } = this._states;
    return STATES.indexOf(week[0]) >= STATES.indexOf(other[0]) ? week : other;
  }

  /** @param {string} date @returns {Promise<Row[]>} */
  async _everyPage(date) {
    /** @type {Row[]} */
    const rows = [];
    for (let page = 1; ; page++) {
      const query = { scope: "all", from: date, to: date, ordering: "start", page_size: PAGE_SIZE, page: String(page) };
      const answer = await this._options.session.get("/api/v1/appointments", query);
      rows.push(...answer.results);
      if (!answer.next) return rows;
    }
  }
}
