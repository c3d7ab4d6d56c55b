// @ts-check
/** A month: small beside the grid, to go to a day; large as a view of its own, with counts and utilisation. */
import { element } from "../cards.js";
import { shiftMonth, weeksOf } from "./spans.js";

/**
 * @typedef {{ date: string, visits: number, counts: Record<string, number>, working_minutes: number, booked_minutes: number,
 *   utilisation: number | null, full: boolean, closed: boolean, closed_reason: string }} MonthDay
 * @typedef {{ month: string, chosen: string, today: string, days: Map<string, MonthDay>, hrefOf: (date: string) => string,
 *   say: import("./words.js").Sayings }} Scene
 */

/** @param {HTMLElement} place @param {Scene} scene @param {{ isLarge: boolean }} how */
export function drawMonth(place, scene, { isLarge }) {
  const signature = JSON.stringify([scene.month, scene.chosen, scene.today, [...scene.days.values()], isLarge]);
  if (place.dataset.signature === signature) return;
  place.dataset.signature = signature;
  const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.date;
  const hadFocus = place.contains(document.activeElement);
  const { say } = scene;
  const weeks = weeksOf(scene.month);
  const head = element("tr", {}, ...weeks[0].map((date) => element("th", { scope: "col", abbr: say.date(date, { weekday: "long" }) }, ...weekdayOf(date, say, isLarge))));
  const rows = weeks.map((week) => element("tr", {}, ...week.map((date) => cellOf(date, scene, isLarge))));
  const table = element(
    "table",
    { class: isLarge ? "month large" : "month" },
    element("caption", isLarge ? { class: "heard" } : {}, say.month(scene.month)),
    element("thead", {}, head),
    element("tbody", {}, ...rows),
  );
  place.replaceChildren(table);
  if (hadFocus && focused) /** @type {HTMLElement | null} */ (place.querySelector(`[data-date="${focused}"]`))?.focus();
}

/** @param {string} date @param {import("./words.js").Sayings} say @param {boolean} isLarge Then a narrow screen has room for the short name. */
function weekdayOf(date, say, isLarge) {
  if (!isLarge) return [say.date(date, { weekday: "narrow" })];
  return [element("span", { class: "wide" }, say.date(date, { weekday: "long" })), element("span", { class: "narrow" }, say.date(date, { weekday: "short" }))];
}

/** @param {string} date @param {Scene} scene @param {boolean} isLarge */
function cellOf(date, { month, chosen, today, days, hrefOf, say }, isLarge) {
  const day = date.startsWith(month) ? days.get(date) : undefined;
  const facts = factsOf(day, say);
  const link = element(
    "a",
    {
      href: hrefOf(date),
      "data-date": date,
      "aria-current": date === chosen ? "date" : undefined,
      class: ["month-day", date.startsWith(month) ? "" : "other", date === today ? "today" : "", day?.full ? "full" : "", day?.closed ? "closed" : ""].filter(Boolean).join(" "),
    },
    element("span", { class: "heard" }, [say.longDate(date), ...facts].join(", ")),
    element("span", { class: "month-number", "aria-hidden": "true" }, String(Number(date.slice(8)))),
    isLarge && day && element("span", { class: "month-more", "aria-hidden": "true" }, largePart(day, say)),
  );
  return element("td", {}, link);
}

/** @param {MonthDay | undefined} day @param {import("./words.js").Sayings} say @returns {string[]} */
function factsOf(day, { t }) {
  if (!day) return [];
  if (day.closed) return [day.closed_reason || t("closed")];
  const facts = [day.visits === 1 ? t("one_visit") : t("visits", { count: day.visits })];
  if (day.utilisation !== null) facts.push(t("utilisation", { percent: Math.round(day.utilisation * 100) }));
  else facts.push(t("nobody_works"));
  if (day.full) facts.push(t("full"));
  return facts;
}

/** @param {MonthDay} day @param {import("./words.js").Sayings} say */
function largePart(day, say) {
  if (day.closed) return element("span", { class: "month-closed" }, day.closed_reason || say.t("closed"));
  if (day.visits === 0 && day.utilisation === null) return element("span", { class: "month-facts" }, element("span", { class: "month-percent" }, say.t("nobody_works")));
  const percent = day.utilisation === null ? null : Math.round(day.utilisation * 100);
  const filled = element("span", {});
  filled.style.width = `${percent ?? 0}%`;
  const bar = percent !== null && element("span", { class: "month-bar" }, filled);
  return element(
    "span",
    { class: "month-facts" },
    element("strong", {}, day.visits === 1 ? say.t("one_visit") : say.t("visits", { count: day.visits })),
    bar,
    percent !== null && element("span", { class: "month-percent" }, day.full ? `${percent} % · ${say.t("full")}` : `${percent} %`),
  );
}

/** Months by date, read once and again when something has changed. */
export class Months {
  /** @param {{ session: import("../session.js").Session, onchange: () => void }} options */
  constructor({ session, onchange }) {
    this._session = session;
    this._onchange = onchange;
    this._key = "";
    /** @type {Map<string, MonthDay>} */
    this.days = new Map();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
    this._due = 0;
  }

  /** @param {string} month @param {number | null} practitioner */
  show(month, practitioner) {
    const key = `${month} ${practitioner ?? ""}`;
    if (key === this._key) return;
    this._key = key;
    this.days = new Map();
    this._read();
  }

  /** @param {number} ms Something has changed: read it again by then. */
  refresh(ms) {
    const due = Date.now() + ms;
    if (this._timer !== undefined && this._due <= due) return;
    clearTimeout(this._timer);
    this._due = due;
    this._timer = setTimeout(() => this._read(), ms);
  }

  async _read() {
    clearTimeout(this._timer);
    this._timer = undefined;
    const key = this._key;
    const [month, practitioner] = key.split(" ");
    try {
      const answer = await this._session.get("/api/v1/calendar/month", practitioner ? { month, practitioner } : { month });
      if (key !== this._key) return;
      this.days = new Map(answer.days.map((/** @type {MonthDay} */ day) => [day.date, day]));
      this._onchange();
    } catch {} // The connection's state says so; the next change reads it again.
  }
}

export { shiftMonth };
