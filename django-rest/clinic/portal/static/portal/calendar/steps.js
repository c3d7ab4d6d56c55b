// @ts-check
/** Steps of a visit: asked of the server, shown as it answered, undone, refused. */
import { NoAnswer, Refusal, sentenceOf } from "../api.js";
import { followUndo } from "../elements/undo_bar.js";
import { busy, data, news, t } from "./scene.js";

/** @typedef {import("../rules.js").Row} Row */

const STREAM_IS_LATE_MS = 2_000;

export class Steps {
  /** @param {{ draw: () => void, ongone: (id: number) => void }} hooks `ongone`: a visit turned out to be deleted. */
  constructor({ draw, ongone }) {
    this._draw = draw;
    this._ongone = ongone;
    this._followUndo();
  }

  /**
   * Ask the server, and show what it answered. @param {Row} row @param {string} name @param {() => Promise<Row>} ask
   * @param {(answer: Row) => void} [done] @returns {Promise<boolean>} Whether it was done.
   */
  async attempt(row, name, ask, done) {
    if (busy.has(row.id)) return false;
    busy.set(row.id, name);
    this._draw();
    try {
      const answer = await ask();
      done?.(answer);
      await this.untilTold(answer);
      return true;
    } catch (problem) {
      this.refused(row, problem);
      return false;
    } finally {
      busy.delete(row.id);
      this._draw();
    }
  }

  /** The truth is what the stream says. Where it is silent, the answer of REST stands. @param {Row} answer */
  async untilTold(answer) {
    const until = Date.now() + (data.isLive ? STREAM_IS_LATE_MS : 0);
    while (Date.now() < until) {
      const known = data.find(answer.id);
      if (!known || known.version >= answer.version) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    data.correct(answer.id, answer);
  }

  /** @param {Row} row @param {unknown} problem */
  refused(row, problem) {
    if (problem instanceof NoAnswer) return news.refused(t("no_answer"));
    if (!(problem instanceof Refusal)) throw problem;
    if (problem.status === 404) {
      this._ongone(row.id);
      data.correct(row.id, null);
      return news.refused(t("gone"));
    }
    if (problem.current) data.correct(row.id, problem.current);
    news.refused(sentenceOf(problem));
  }

  /** The bar undoes; the calendar shows it. */
  _followUndo() {
    followUndo({
      begun: (id) => {
        busy.set(id, "undo");
        this._draw();
      },
      undone: (row) => this.untilTold(row),
      refused: (id, problem) => this.refused(/** @type {Row} */ (data.find(id) ?? { id }), problem),
      over: (id) => {
        busy.delete(id);
        this._draw();
      },
    });
  }
}
