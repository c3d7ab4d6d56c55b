// @ts-check
/** The bar above the calendar, its title and links, and the practitioners beside it. */
import { element } from "../cards.js";
import { chosen, clinic, date, everybody, isNarrow, place, say, shownPeople, state, t, today } from "./scene.js";
import { mondayOf } from "./spans.js";

/**
 * @param {{ hrefOf: (changes: Partial<typeof state.asked>) => string, stepDate: (by: number) => string, month: string }} address
 *   `month`: the one that is shown.
 */
export function drawBar({ hrefOf, stepDate, month }) {
  const { view } = state.asked;
  const title = view === "month" ? say.month(month) : view === "week" ? t("week", { date: say.date(mondayOf(date()), { day: "numeric", month: "long", year: "numeric" }) }) : say.longDate(date());
  if (place("title").textContent !== title) place("title").textContent = title;
  document.title = `${title} · ${clinic.name} · Chairside`;
  /** @type {HTMLInputElement} */ (place("date")).value = date();
  for (const [id, by] of /** @type {const} */ ([["earlier", -1], ["later", 1]])) /** @type {HTMLAnchorElement} */ (place(id)).href = hrefOf({ date: stepDate(by) });
  /** @type {HTMLAnchorElement} */ (place("to-today")).href = hrefOf({ date: null });
  place("to-today").toggleAttribute("aria-current", date() === today());
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("[data-view-link]"))) {
    const wanted = /** @type {"day" | "week" | "month"} */ (link.dataset.viewLink);
    link.href = hrefOf({ view: wanted });
    if (wanted === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  place("list-toggle").setAttribute("aria-pressed", String(state.isList));
  const people = chosen();
  const one = shownPeople()[0];
  place("one-name").textContent = one?.name ?? "";
  place("one").hidden = !(isNarrow.matches && view === "day" && !state.isList && people.length > 1);
}

/** The boxes of the practitioners. */
export function drawPeople() {
  const people = everybody().filter(({ isGone: hasLeft }) => !hasLeft);
  place("people").hidden = people.length < 2;
  const signature = JSON.stringify(people);
  const list = place("people-list");
  if (list.dataset.signature !== signature) {
    list.dataset.signature = signature;
    list.replaceChildren(
      ...people.map(({ id, name, specialisation }) =>
        element("li", {}, element("label", { class: "check" }, element("input", { type: "checkbox", value: id }), element("span", {}, name, specialisation && element("small", {}, specialisation)))),
      ),
    );
  }
  for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (list.querySelectorAll("input"))) box.checked = state.asked.who === null || state.asked.who.includes(Number(box.value));
}
