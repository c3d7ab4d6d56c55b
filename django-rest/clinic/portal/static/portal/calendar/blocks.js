// @ts-check
/** Blocks of visits, holds and offers, and the ground behind them. */
import { element } from "../cards.js";
import { now } from "../page.js";
import { secondsLeft } from "../rules.js";
import { blockIcon } from "./icons.js";
import { busy, data, nameOf, say, scheduleOf, statuses, t } from "./scene.js";
import { blockedSpan, canMove, claimsTime, clockOf, groundsOf, hoursOf, joined, spanOn } from "./spans.js";

/**
 * @typedef {import("../rules.js").Row} Row
 * @typedef {import("./spans.js").Place} Place
 * @typedef {import("./grid.js").Spot} Spot
 * @typedef {import("./scene.js").Practitioner} Practitioner
 */

const SHORT_MINUTES = 30;

const coarse = matchMedia("(pointer: coarse) and (max-width: 720px)");

/**
 * @param {number} index @param {string} on @param {Row[]} rows Of the column's people. @param {import("./spans.js").Hold[]} holds Theirs, too.
 * @param {{ isMixed: boolean, openId: number | null }} how `openId`: of the visit in the drawer. @returns {import("./grid.js").Block[]}
 */
export function blocksOf(index, on, rows, holds, { isMixed, openId }) {
  const visits = rows.flatMap((row) => {
    const span = spanOn(row, on);
    return span ? [visitBlock(row, index, on, span, isMixed, openId)] : [];
  });
  const kept = holds.flatMap((hold) => {
    const span = spanOn(hold, on);
    return span ? [holdBlock(hold, index, span)] : [];
  });
  return [...visits, ...kept];
}

/** The block that was made of a row last: rows that have not changed stay the same objects. @type {WeakMap<Row, { facts: string, block: import("./grid.js").Block }>} */
const made = new WeakMap();

/** @param {Row} row @param {number} column @param {string} on @param {import("./spans.js").Span} span @param {boolean} isMixed @param {number | null} openId */
function visitBlock(row, column, on, span, isMixed, openId) {
  const isBusy = busy.has(row.id);
  const isMovable = !isBusy && !coarse.matches && canMove(row, now());
  const isOpen = openId === row.id;
  const facts = `${column} ${on} ${isMixed} ${isBusy} ${isMovable} ${isOpen}`;
  const known = made.get(row);
  if (known?.facts === facts) return known.block;
  const block = blockOf(row, column, span, { isMixed, isBusy, isMovable, isOpen });
  made.set(row, { facts, block });
  return block;
}

/** @param {Row} row @param {number} column @param {import("./spans.js").Span} span @param {{ isMixed: boolean, isBusy: boolean, isMovable: boolean, isOpen: boolean }} how @returns {import("./grid.js").Block} */
function blockOf(row, column, span, { isMixed, isBusy, isMovable, isOpen }) {
  const patientAlert = row.patient_alert ?? "";
  const more = [t("until", { time: say.time(clockOf(span.to)) }), !isMixed && row.practitioner_name, statuses[row.status], row.notes && t("has_notes"), row.request_note && `${t("patient_wrote")}: ${row.request_note}`, isHere(row) && t("says_here"), row.requested_start && t("asks_for"), patientAlert && `${t("alert")}: ${patientAlert}`].filter(Boolean).join(", ");
  return {
    id: `v${row.id}`,
    column,
    ...span,
    classes: ["block", `is-${row.status}`, span.to - span.from < SHORT_MINUTES ? "is-short" : "", isBusy ? "is-busy" : "", isOpen ? "is-open" : "", isMovable ? "" : "is-fixed"].filter(Boolean),
    isMovable,
    signature: JSON.stringify([row.version, row.status, row.patient_name, row.service_name, row.service_color, more, column, span, isBusy, isOpen, isMovable, isMixed, row.practitioner_name]),
    make: () => {
      const head = element("span", { class: "block-head" }, blockIcon(row.status), element("span", { class: "block-time" }, say.time(clockOf(span.from))), patientAlert && blockIcon("alert"), (row.notes || row.request_note) && blockIcon("note"), isHere(row) && blockIcon("arrive"), row.requested_start && blockIcon("move"));
      const edge = element("span", { class: "block-edge", "aria-hidden": "true" });
      if (row.service_color) edge.style.background = row.service_color;
      return [edge, head, element("strong", { class: "block-name" }, row.patient_name), element("span", { class: "block-what" }, [row.service_name, isMixed && row.practitioner_name].filter(Boolean).join(" · ")), element("span", { class: "heard" }, more)];
    },
  };
}

/** Until the desk checks them in. @param {Row} row */
const isHere = (row) => row.arrived_at !== null && row.status === "confirmed";

/** @param {import("./spans.js").Hold} hold @param {number} column @param {import("./spans.js").Span} span @returns {import("./grid.js").Block} */
function holdBlock(hold, column, span) {
  const offer = data.offerOf(hold.id);
  const seconds = secondsLeft(hold.expires_at, now());
  const left = say.left(seconds);
  const to = offer && (offer.patient_name ? t("offered", { patient: offer.patient_name }) : t("offered_hidden"));
  const text = to ?? (hold.kind === "undo" ? t("freed") : hold.mine ? t("hold_mine") : t("hold"));
  const more = [t("until", { time: say.time(clockOf(span.to)) }), nameOf(hold.practitioner)].join(", ");
  return {
    id: `h${hold.id}`,
    column,
    ...span,
    classes: ["block", to ? "is-offer" : "is-hold", span.to - span.from < SHORT_MINUTES ? "is-short" : "", "is-fixed"].filter(Boolean),
    isMovable: false,
    signature: JSON.stringify([text, more, column, span]),
    make: () => [element("span", { class: "block-head" }, blockIcon(to ? "offer" : "pending"), element("span", { class: "block-time" }, say.time(clockOf(span.from)))), element("strong", { class: "block-name" }, text), element("span", { class: "block-left", "data-expires": hold.expires_at }, left), element("span", { class: "heard" }, more)],
  };
}

/** @param {string} on @param {Practitioner[]} people @param {import("./spans.js").Span} shown @param {Row[]} rows Theirs. @param {Map<number, import("./spans.js").Service>} known @returns {import("./grid.js").Ground[]} */
export function groundOf(on, people, shown, rows, known) {
  if (people.length > 1) return groundOfMany(on, people, shown);
  const [one] = people;
  const schedule = one && scheduleOf(one.id, on);
  const grounds = groundsOf(schedule, shown).map(({ from, to, kind, label, isWhole }) => ({
    from,
    to,
    className: `ground ${kind}`,
    label: kind === "break" ? t("break") : kind === "closure" ? [isWhole ? t("clinic_closed") : t("absent"), label].filter(Boolean).join(": ") : "",
  }));
  const buffers = rows
    .flatMap((row) => {
      const span = claimsTime(row) ? spanOn(row, on) : null;
      const blocked = span && blockedSpan(row, known, on);
      if (!span || !blocked) return [];
      return [{ from: blocked.from, to: span.from }, { from: span.to, to: blocked.to }].filter(({ from, to }) => from < to);
    })
    .map((span) => ({ ...span, className: "ground buffer", label: "" }));
  return [...grounds, ...buffers];
}

/** Closed is when nobody works. @param {string} on @param {Practitioner[]} people @param {import("./spans.js").Span} shown */
function groundOfMany(on, people, shown) {
  const schedules = people.flatMap(({ id }) => scheduleOf(id, on) ?? []);
  const hours = joined(schedules.flatMap(hoursOf));
  const whole = schedules.flatMap((one) => one.closures).find((one) => one.whole_clinic);
  const grounds = [];
  let at = shown.from;
  for (const one of [...hours, { from: shown.to, to: shown.to }]) {
    if (one.from > at) grounds.push({ from: at, to: one.from, className: "ground closed", label: "" });
    at = Math.max(at, one.to);
  }
  if (whole && hours.length === 0 && grounds[0]) grounds[0] = { ...grounds[0], className: "ground closure", label: [t("clinic_closed"), whole.reason].filter(Boolean).join(": ") };
  return grounds;
}
