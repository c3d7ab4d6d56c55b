// @ts-check
/** A team's day: a column for each practitioner with what is still to come, in pages where it does not fit. */
import { PAGE_MS } from "../board/wall.js";
import { element, icon, statusBadge } from "../cards.js";
import { clockIn } from "../rules.js";
import { sayDelay, sayTime } from "../words.js";
import { capacityOf, gapOf, rowsWithin } from "./fit.js";
import { columnsOf, minutesSince, rowsOnPage, teamPages } from "./rules.js";
import { sayFinished, sayOver, sayRoom } from "./words.js";

/** @typedef {import("./rules.js").TeamRow} Row */
/** @typedef {import("./rules.js").TeamColumn} Column */

/** @param {string} id */
const place = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

export class TeamDay {
  /** @param {{ timezone: string, statuses: Record<string, string> }} options */
  constructor(options) {
    this._options = options;
  }

  /** @param {Map<number, Row>} rows @param {number} now */
  draw(rows, now) {
    const all = columnsOf(rows.values());
    const columns = all.filter((column) => column.rows.length > 0);
    const finished = all.filter((column) => column.rows.length === 0).map(({ name }) => name);
    place("empty").hidden = columns.length > 0;
    place("finished").hidden = finished.length === 0;
    place("finished").textContent = finished.length === 0 ? "" : sayFinished(finished.join(", "));
    const parts = columns.map((column) => this._column(column, column.rows, now));
    const grid = place("columns");
    grid.replaceChildren(...parts);
    const room = roomIn(grid);
    const pages = teamPages(columns.map((column) => column.rows.length), room);
    const page = Math.floor(now / PAGE_MS) % pages.length;
    const { from, to, turn } = pages[page] ?? { from: 0, to: columns.length, turn: 0 };
    if (pages.length > 1) {
      grid.replaceChildren(...columns.slice(from, to).map((column) => this._column(column, rowsOnPage(column.rows, room.rows, turn), now)));
    }
    return { page, pages: pages.length };
  }

  /** @param {Column} column @param {Row[]} rows @param {number} now */
  _column({ id, name, over }, rows, now) {
    return element(
      "section",
      { class: "wall-column", "aria-labelledby": `of-${id}` },
      element("h2", { id: `of-${id}` }, element("span", {}, name), over > 0 && element("span", { class: "count" }, sayOver(over))),
      element("ol", {}, ...rows.map((row) => this._visit(row, now))),
    );
  }

  /** @param {Row} row @param {number} now */
  _visit(row, now) {
    const { timezone, statuses } = this._options;
    const isNow = Date.parse(row.start) <= now && now < Date.parse(row.end);
    return element(
      "li",
      { class: "card wall-visit", "data-id": row.id, "data-status": row.status, "data-under-way": isNow },
      element("time", {}, sayTime(clockIn(timezone, Date.parse(row.start)))),
      element("strong", {}, row.patient_name),
      element("span", { class: "wall-service" }, row.service_name ?? ""),
      element("span", { class: "wall-state" }, statusBadge(row.status, statuses[row.status] ?? ""), this._presence(row, now)),
    );
  }

  /** @param {Row} row @param {number} now Called in, or waiting; null: not here. */
  _presence(row, now) {
    if (row.called_at) {
      return element("span", { class: "wall-called" }, icon("arrive"), row.room ? sayRoom(row.room) : sayTime(clockIn(this._options.timezone, Date.parse(row.called_at))));
    }
    const here = row.checked_in_at ?? row.arrived_at;
    return here ? element("span", { class: "wall-here" }, sayDelay({ kind: now < Date.parse(row.start) ? "waiting" : "here", minutes: minutesSince(here, now) })) : null;
  }
}

/** @param {HTMLElement} grid @returns {{ columns: number, rows: number }} */
function roomIn(grid) {
  const { columns, all } = capacityOf(grid);
  if (all === Infinity) return { columns: all, rows: all };
  const [head, list] = [grid.querySelector("h2"), /** @type {HTMLElement | null} */ (grid.querySelector("ol:has(li)"))];
  const first = list?.firstElementChild;
  if (!head || !list || !first) return { columns, rows: Infinity };
  const height = grid.getBoundingClientRect().bottom - head.getBoundingClientRect().bottom - gapOf(grid);
  return { columns, rows: rowsWithin(height, first.getBoundingClientRect().height, gapOf(list)) };
}
