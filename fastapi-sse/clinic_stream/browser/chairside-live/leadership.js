// @ts-check
/**
 * The tab that has the connection, as one tab knows it. Pure.
 *
 * Each lead has a mark. The newer one wins, and of two that began in the same millisecond the one with the higher id. So a
 * tab that stood still while another took over learns from any message that its own lead is over, and everything it may
 * still send is ignored as older.
 *
 * @typedef {{ term: number, id: string }} Mark
 */

/** Positive if `a` is newer. @param {Mark} a @param {Mark} b */
export const compareMarks = (a, b) => a.term - b.term || (a.id > b.id ? 1 : a.id < b.id ? -1 : 0);

export class Leadership {
  /** @param {string} id */
  constructor(id) {
    this.id = id;
    /** @type {Mark | null} The newest lead that this tab knows of. */
    this.newest = null;
    this.isLeading = false;
  }

  /** Begin a lead that is newer than all known ones. @param {number} now Wall-clock time, shared by all tabs. @returns {Mark} */
  begin(now) {
    this.newest = { term: Math.max(now, (this.newest?.term ?? 0) + 1), id: this.id };
    this.isLeading = true;
    return this.newest;
  }

  end() {
    this.isLeading = false;
  }

  /**
   * Compare another tab's mark with the newest known one, and adopt it if it is newer.
   * @param {Mark} mark @returns {"newer" | "same" | "older"}
   */
  hear(mark) {
    const difference = this.newest ? compareMarks(mark, this.newest) : 1;
    if (difference > 0) this.newest = mark;
    return difference > 0 ? "newer" : difference < 0 ? "older" : "same";
  }
}
