// @ts-check
/** The day of each practitioner, one column beside the other. */
import { dayCard, element, icon, showList, signatureOf } from "../cards.js";
import { clockIn, columnsOf, doneLast, firstOf, isOver, placeOfNow } from "../rules.js";
import { say, sayCount } from "../translate.js";
import { sayTime } from "../words.js";
import { footWithin, pageOf, roomIn } from "./wall.js";

const MOST_ON_THE_WALL = 3;
const FEW = 3;

/**
 * @typedef {import("../rules.js").Row} Row
 * @typedef {import("../rules.js").Practitioner} Practitioner
 * @typedef {{ practitioners: () => Practitioner[], timezone: string, absenceOf: (practitioner: number) => string,
 *   oncardgone: (card: HTMLElement) => void }} Surroundings
 */

/** @param {string} id */
const place = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const focusDay = () => place("day").focus();

export class Columns {
  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this._around = surroundings;
    /** Counts the pages of the wall. */
    this.turn = 0;
    /** How many columns a page of the wall holds, as measured for `_measuredFor`. */
    this._room = 0;
    this._measuredFor = "";
  }

  /** @param {Row[]} rows Those shown. @param {import("../cards.js").Scene} scene @param {{ isWall: boolean, isToday: boolean, isOne: boolean, isPart: boolean }} how */
  draw(rows, scene, how) {
    const { columns: every, free } = columnsOf(rows, this._around.practitioners());
    // From afar one sees what is to come; a board of who has finished would be small print.
    const columns = how.isWall ? every.filter((column) => !column.rows.every(isOver)) : how.isToday ? doneLast(every) : every;
    document.documentElement.toggleAttribute("data-few", columns.length <= FEW);
    const columnsPlace = place("columns");
    columnsPlace.querySelector(".loading")?.remove();
    columnsPlace.querySelector(":scope > .empty")?.remove();
    if (how.isWall) this._drawPage(columns, scene, how);
    else {
      this._drawAll(columns, scene, how);
      place("wall-page").hidden = true;
    }
    if (columns.length === 0) columnsPlace.append(nobody(how, every.length > 0));
    this._drawFree(columns.length > 0 && !how.isOne && !how.isPart ? free : []);
  }

  showLoading() {
    const columns = place("columns");
    if (columns.querySelector(".loading")) return;
    columns.replaceChildren(element("p", { class: "loading" }, say("Loading the day…")));
    this._drawFree([]);
  }

  /** @param {import("../rules.js").Column[]} columns @param {import("../cards.js").Scene} scene @param {{ isWall: boolean, isToday: boolean }} how */
  _drawAll(columns, scene, how) {
    const wanted = columns.map(({ practitioner }) => {
      const absence = this._around.absenceOf(practitioner.id);
      return { key: `column-${practitioner.id}`, signature: JSON.stringify([practitioner, absence]), make: () => emptyColumn(practitioner, absence) };
    });
    showList(place("columns"), wanted, focusDay);
    for (const { practitioner, rows } of columns) this._drawColumn(practitioner.id, rows, scene, how);
  }

  /** @param {number} practitioner @param {Row[]} rows @param {import("../cards.js").Scene} scene @param {{ isWall: boolean, isToday: boolean }} how */
  _drawColumn(practitioner, rows, scene, { isWall, isToday }) {
    const column = /** @type {HTMLElement} */ (place("columns").querySelector(`[data-key="column-${practitioner}"]`));
    const ahead = rows.filter((row) => !isOver(row));
    /** @type {HTMLElement} */ (column.querySelector(".left")).textContent = ahead.length ? sayCount("%(count)s to come", "%(count)s to come", ahead.length) : say("all done");
    const { shown, more } = isWall ? firstOf(ahead, MOST_ON_THE_WALL) : { shown: rows, more: 0 };
    const wanted = shown.map((row) => ({ key: `day-${row.id}`, signature: signatureOf(row, scene, `day-${row.id}`), make: () => dayCard(row, scene) }));
    if (isToday && !isWall && ahead.length) wanted.splice(placeOfNow(shown, scene.now), 0, this._lineOfNow(scene.now));
    if (more) wanted.push(note("more", sayCount("and %(count)s more later", "and %(count)s more later", more)));
    showList(/** @type {HTMLElement} */ (column.querySelector("ol")), wanted, focusDay, this._around.oncardgone);
  }

  /** Only those that stand whole on this page. All are drawn and measured once a page, and when one has grown. @param {import("../rules.js").Column[]} columns @param {import("../cards.js").Scene} scene @param {{ isWall: boolean, isToday: boolean }} how */
  _drawPage(columns, scene, how) {
    const measuredFor = JSON.stringify([this.turn, columns.length, innerWidth, innerHeight]);
    const foot = footWithin(place("main"));
    const sign = place("wall-page");
    if (this._measuredFor !== measuredFor) {
      this._drawAll(columns, scene, how);
      sign.hidden = roomIn(place("columns"), foot) >= columns.length;
      // The number of the page stands below the columns.
      sign.textContent ||= say("Page %(page)s of %(pages)s", { page: 1, pages: columns.length });
      this._room = sign.hidden ? columns.length : roomIn(place("columns"), foot - heightOf(sign));
      this._measuredFor = measuredFor;
    }
    const { from, to, page, pages } = pageOf(columns.length, this._room, this.turn);
    this._drawAll(columns.slice(from, to), scene, how);
    sign.hidden = pages === 1;
    sign.textContent = say("Page %(page)s of %(pages)s", { page: page + 1, pages });
    if (roomIn(place("columns"), foot) < to - from) this._measuredFor = "";
  }

  /** @param {number} at */
  _lineOfNow(at) {
    const time = sayTime(clockIn(this._around.timezone, at));
    return {
      key: "now",
      signature: time,
      make: () => element("li", { class: "now-line" }, element("span", {}, say("now %(time)s", { time }))),
    };
  }

  /** @param {Practitioner[]} free */
  _drawFree(free) {
    const away = free.filter(({ id }) => this._around.absenceOf(id));
    const idle = free.filter(({ id }) => !this._around.absenceOf(id));
    const sentences = [
      ...(idle.length ? [say("Nobody booked: %(names)s", { names: idle.map(({ name }) => name).join(", ") })] : []),
      ...away.map(({ id, name }) => `${name}: ${this._around.absenceOf(id)}`),
    ];
    place("free").hidden = sentences.length === 0;
    if (place("free").textContent !== sentences.join("")) place("free").replaceChildren(...sentences.map((sentence) => element("span", {}, sentence)));
  }
}

/** @param {HTMLElement} sign */
const heightOf = (sign) => sign.offsetHeight + Number.parseFloat(getComputedStyle(sign).marginTop);

/** @param {Practitioner} practitioner @param {string} absence */
function emptyColumn({ id, name, specialisation }, absence) {
  return element(
    "section",
    { class: "column", "aria-labelledby": `column-${id}-name` },
    element(
      "header",
      { class: "column-head" },
      element("h3", { id: `column-${id}-name` }, name),
      element("p", {}, element("span", { class: "specialisation" }, specialisation), element("span", { class: "left" })),
      absence && element("p", { class: "absence" }, icon("away"), absence),
    ),
    element("ol", { class: "column-list" }),
  );
}

/** @param {string} key @param {string} text */
const note = (key, text) => ({ key, signature: text, make: () => element("li", { class: "column-note" }, text) });

/** @param {{ isToday: boolean, isOne: boolean, isPart: boolean }} how @param {boolean} isAllOver Somebody was booked, and all of it is over. */
function nobody({ isToday, isOne, isPart }, isAllOver) {
  const words = isAllOver
    ? [say("That was the day"), say("Everybody has been seen.")]
    : isPart
      ? [say("Nothing found"), say("No appointment of this day is like that.")]
      : isOne
        ? [say("Nothing booked"), say("Nobody comes to this practitioner on this day.")]
        : isToday
          ? [say("A quiet day"), say("Nobody is booked today. What is booked appears here by itself.")]
          : [say("Nothing booked"), say("Nobody is booked on this day yet.")];
  return element("div", { class: "empty" }, icon("calendar"), element("strong", {}, words[0]), element("p", {}, words[1]));
}
