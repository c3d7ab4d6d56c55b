// @ts-check
/** The grid as lists: for screen readers, small screens and paper. */
import { element, icon, statusBadge } from "../cards.js";
import { clockOf } from "./spans.js";

/**
 * @typedef {{ key: string, column: number, from: number, to: number, kind: "visit" | "hold" | "gap" | "ground",
 *   text: string, more: string, label: string, status?: string, statusName?: string, id?: string, expires?: string }} Entry
 * @typedef {{ title: string, subtitle: string, entries: Entry[] }} Part
 */

/** @param {HTMLElement} place @param {Part[]} parts @param {import("./words.js").Sayings} say */
export function drawAgenda(place, parts, say) {
  const signature = JSON.stringify(parts);
  if (place.dataset.signature === signature) return;
  place.dataset.signature = signature;
  const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.entry;
  const hadFocus = place.contains(document.activeElement);
  place.replaceChildren(...parts.map((part, at) => partOf(part, at, say)));
  if (!hadFocus) return;
  const again = focused && /** @type {HTMLElement | null} */ (place.querySelector(`[data-entry="${CSS.escape(focused)}"]`));
  (again || /** @type {HTMLElement | null} */ (place.querySelector("button")))?.focus();
}

/** @param {Part} part @param {number} at @param {import("./words.js").Sayings} say */
function partOf({ title, subtitle, entries }, at, say) {
  return element(
    "section",
    { class: "agenda-part card", "aria-labelledby": `agenda-${at}` },
    element("h2", { id: `agenda-${at}` }, title, subtitle && element("small", {}, subtitle)),
    entries.length === 0 && element("p", { class: "hint" }, say.t("empty_column")),
    element("ol", { class: "agenda-list" }, ...entries.map((entry) => entryOf(entry, say))),
  );
}

/** @param {Entry} entry @param {import("./words.js").Sayings} say */
function entryOf(entry, say) {
  const time = element("span", { class: "agenda-time" }, `${say.time(clockOf(entry.from))}–${say.time(clockOf(entry.to))}`);
  const parts = [time, element("span", { class: "agenda-text" }, element("strong", {}, entry.text), entry.more && element("span", {}, entry.more), entry.expires && element("span", { "data-expires": entry.expires })), entry.status && statusBadge(entry.status, entry.statusName ?? "")];
  if (entry.kind === "visit" || entry.kind === "gap") {
    return element(
      "li",
      { class: `agenda-entry is-${entry.kind}`, "data-status": entry.status },
      element("button", { type: "button", "data-entry": entry.key, "data-block": entry.id, "data-column": entry.column, "data-minute": entry.from }, ...parts, entry.kind === "gap" && icon("plus"), entry.label && element("span", { class: "heard" }, entry.label)),
    );
  }
  return element("li", { class: `agenda-entry is-${entry.kind}` }, ...parts);
}

/**
 * A page of paper for each practitioner.
 * @param {HTMLElement} place @param {{ title: string, date: string, lines: { time: string, patient: string, phone: string, treatment: string, status: string, notes: string }[] }[]} sheets
 * @param {string} asOf @param {import("./words.js").Sayings} say
 */
export function drawSheets(place, sheets, asOf, { t }) {
  place.replaceChildren(
    ...sheets.map(({ title, date, lines }) =>
      element(
        "section",
        { class: "sheet" },
        element("header", {}, element("h2", {}, title), element("p", {}, date), element("p", { class: "sheet-as-of" }, asOf)),
        lines.length === 0
          ? element("p", {}, t("empty_column"))
          : element(
              "table",
              {},
              element("thead", {}, element("tr", {}, ...["time", "patient", "phone", "treatment", "status", "notes"].map((key) => element("th", { scope: "col" }, t(key))))),
              element("tbody", {}, ...lines.map((line) => element("tr", {}, ...[line.time, line.patient, line.phone, line.treatment, line.status, line.notes].map((text) => element("td", {}, text))))),
            ),
      ),
    ),
  );
}
