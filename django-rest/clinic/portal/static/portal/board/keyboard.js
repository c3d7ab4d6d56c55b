// @ts-check
/** The board without a mouse: keys walk over the cards, and press what is on the one that has the focus. */
import { element, statusBadge } from "../cards.js";
import { areOn, listenForKeys, switchKeys } from "../keys.js";

/** @param {string} id */
const place = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const views = () => /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll(".view-switch button"));

/** @param {string} view On a phone one of the two is seen. */
export function switchView(view) {
  place("main").dataset.view = view;
  for (const button of views()) button.setAttribute("aria-pressed", String(button.dataset.view === view));
}

/** @param {number} by */
function walk(by) {
  const names = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".appointment-name")].filter((one) => one.checkVisibility()));
  const card = document.activeElement?.closest("[data-id]");
  const at = names.findIndex((name) => card?.contains(name));
  names[at < 0 ? (by > 0 ? 0 : names.length - 1) : Math.min(Math.max(at + by, 0), names.length - 1)]?.focus();
}

/** A key that is held down presses once. @param {string} selector Of a button on the card that has the focus. @returns {(event: KeyboardEvent) => void} */
const press = (selector) => (event) => {
  if (!event.repeat) /** @type {HTMLElement | null} */ (document.activeElement?.closest("[data-id]")?.querySelector(selector))?.click();
};

/** @param {string} view @param {string} list */
function focusOn(view, list) {
  switchView(view);
  const first = /** @type {HTMLElement | null} */ (document.querySelector(`${list} .appointment-name`));
  (first ?? place(view)).focus();
}

/** @param {Record<string, string>} statuses @param {{ shift: (days: number) => void, toToday: () => void }} days */
export function listenOnBoard(statuses, { shift, toToday }) {
  const help = /** @type {HTMLDialogElement} */ (place("help-dialog"));
  const keysOn = /** @type {HTMLInputElement} */ (place("keys-on"));
  keysOn.checked = areOn();
  keysOn.addEventListener("change", () => switchKeys(keysOn.checked));
  place("help-button").addEventListener("click", () => help.showModal());
  help.querySelector("[data-close]")?.addEventListener("click", () => help.close());
  place("legend").append(...Object.entries(statuses).map(([status, name]) => element("li", {}, statusBadge(status, name))));
  for (const button of views()) button.addEventListener("click", () => switchView(button.dataset.view ?? "day"));
  listenForKeys({
    j: () => walk(1),
    k: () => walk(-1),
    a: press("[data-next]"),
    x: press("[data-action=reject], [data-action=cancel]"),
    d: () => focusOn("day", "#columns"),
    r: () => focusOn("requests", "#requests-list"),
    f: () => place("find").focus(),
    p: () => shift(-1),
    n: () => shift(1),
    t: toToday,
    "?": () => help.showModal(),
  });
}
