// @ts-check
/** Appointments as elements. Whatever a person typed becomes text, never markup. */
import { allowedActions, delayOf, isOver, isUnderWay } from "./rules.js";
import { sayAge, sayDelay, sayNear, sayTime, sayWhoAndWhen } from "./words.js";

/**
 * @typedef {import("./rules.js").Row} Row
 * @typedef {import("./rules.js").Action} Action
 * @typedef {{ actions: Action[], statuses: Record<string, string>, inAdmin: string | null, now: number, today: string,
 *   isBusy: (id: number) => string | undefined, isNew: (id: number) => boolean, isOpen: (key: string) => boolean }} Scene
 *   What a card is drawn from, beside its row.
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Record<string, string | boolean | number | undefined | null>} [attributes]
 * @param {...(Node | string | null | undefined | false)} content
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, attributes = {}, ...content) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) made.setAttribute(name, String(value));
  }
  made.append(...content.filter((one) => one !== null && one !== undefined && one !== false));
  return made;
}

/** @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** @param {string} status @param {string} name */
export function statusBadge(status, name) {
  return element("span", { class: "status", "data-status": status }, icon(status), name);
}

/** @param {Row} row @param {Scene} scene @returns {HTMLLIElement} In the column of its practitioner. */
export function dayCard(row, scene) {
  return isOver(row) ? cardOfThePast(row, scene) : cardOfTheDay(row, scene);
}

/** @param {Row} row @param {Scene} scene @returns {HTMLLIElement} */
function cardOfTheDay(row, scene) {
  const key = `day-${row.id}`;
  const delay = delayOf(row, scene.now);
  return element(
    "li",
    { ...common(row, scene, "appointment card"), "data-under-way": isUnderWay(row, scene.now) },
    element(
      "div",
      { class: "appointment-head" },
      element("span", { class: "appointment-time" }, element("time", { datetime: row.start }, sayTime(row.time)), element("span", {}, `–${sayTime(row.end.slice(11, 16))}`)),
      statusBadge(row.status, scene.statuses[row.status]),
    ),
    nameButton(row, scene, key),
    element(
      "p",
      { class: "appointment-what" },
      row.service_name ?? "Appointment",
      delay && element("span", { class: `delay ${delay.kind}` }, sayDelay(delay)),
    ),
    detailsOf(row, scene, key),
    buttonsOf(row, scene),
  );
}

/** @param {Row} row @param {Scene} scene @returns {HTMLLIElement} One line: nothing will come of it any more. */
function cardOfThePast(row, scene) {
  const key = `day-${row.id}`;
  return element(
    "li",
    common(row, scene, "appointment over"),
    element("span", { class: "appointment-time" }, element("time", { datetime: row.start }, sayTime(row.time))),
    nameButton(row, scene, key),
    statusBadge(row.status, scene.statuses[row.status]),
    detailsOf(row, scene, key),
    scene.isOpen(key) && buttonsOf(row, scene),
  );
}

/** @param {Row} row @param {Scene} scene @returns {HTMLLIElement} In the queue. */
export function requestCard(row, scene) {
  const key = `queue-${row.id}`;
  return element(
    "li",
    common(row, scene, "appointment card request"),
    element(
      "div",
      { class: "appointment-head" },
      element("span", { class: "appointment-time" }, element("time", { datetime: row.start }, `${capital(sayNear(row.date, scene.today))}, ${sayTime(row.time)}`)),
      element("span", { class: "appointment-asked" }, sayAge(scene.now - Date.parse(row.created_at))),
    ),
    nameButton(row, scene, key, "h3"),
    element("p", { class: "appointment-what" }, `${row.service_name ?? "Appointment"} with ${row.practitioner_name}`),
    detailsOf(row, scene, key),
    buttonsOf(row, scene),
  );
}

/** What makes two drawings of one row the same. @param {Row} row @param {Scene} scene @param {string} key */
export function signatureOf(row, scene, key) {
  return JSON.stringify([
    row,
    allowedActions(scene.actions, row, scene).length,
    delayOf(row, scene.now),
    isUnderWay(row, scene.now),
    scene.isBusy(row.id),
    scene.isNew(row.id),
    scene.isOpen(key),
    sayNear(row.date, scene.today),
    row.status === "pending" && sayAge(scene.now - Date.parse(row.created_at)),
  ]);
}

/** @param {Row} row @param {Scene} scene @param {string} name */
function common(row, scene, name) {
  return { class: name, "data-id": row.id, "data-status": row.status, "data-new": scene.isNew(row.id) };
}

/** @param {Row} row @param {Scene} scene @param {string} key @param {"h3" | "h4"} [level] */
function nameButton(row, scene, key, level = "h4") {
  const isOpen = scene.isOpen(key);
  const button = element(
    "button",
    { type: "button", class: "appointment-name", "data-open": key, "data-part": "name", "aria-expanded": String(isOpen), "aria-controls": isOpen && `${key}-details` },
    row.patient_name,
  );
  return element(level, { class: "appointment-who" }, button, scene.isNew(row.id) && element("span", { class: "just-now" }, "just now"));
}

/** @param {Row} row @param {Scene} scene @param {string} key */
function detailsOf(row, scene, key) {
  if (!scene.isOpen(key)) return null;
  const facts = [
    ["Time", `${sayTime(row.time)}–${sayTime(row.end.slice(11, 16))}, ${sayNear(row.date, scene.today)}`],
    ["Treatment", row.service_name],
    ["With", row.practitioner_name],
    ["Phone", row.patient_phone && element("a", { href: `tel:${row.patient_phone}` }, row.patient_phone)],
    ["E-mail", row.patient_email && element("a", { href: `mailto:${row.patient_email}` }, row.patient_email)],
    ["Promised to come", row.attendance_confirmed_at && "yes"],
    ["Arrived", row.checked_in_at && row.checked_in_at.slice(11, 16)],
    ["Notes", row.notes],
    ["Reason", row.cancel_reason],
  ];
  const link = scene.inAdmin && element("a", { href: scene.inAdmin.replace("/0/", `/${row.id}/`) }, "Open in the admin");
  return element(
    "div",
    { class: "appointment-details", id: `${key}-details` },
    element("dl", {}, ...facts.filter(([, fact]) => fact).flatMap(([name, fact]) => [element("dt", {}, name), element("dd", {}, fact)])),
    link,
  );
}

/** A request is answered: to cancel it as well would be the same. @param {Row} row @param {Scene} scene */
function buttonsOf(row, scene) {
  const allowed = allowedActions(scene.actions, row, scene);
  const possible = row.status === "pending" ? allowed.filter(({ name }) => name !== "cancel") : allowed;
  if (possible.length === 0) return null;
  const busy = scene.isBusy(row.id);
  const who = sayWhoAndWhen(row, scene.today);
  return element(
    "div",
    { class: "appointment-buttons" },
    ...possible.map((action, place) => {
      // The first says what comes next. Of a request both answers are said, of the others the sign is enough.
      const isSaid = place === 0 || row.status === "pending" && action.name === "reject";
      const kind = place === 0 ? (isOver(row) ? "quiet" : "") : action.asksReason ? "danger" : "quiet";
      return element(
        "button",
        {
          type: "button",
          class: `button ${kind} ${isSaid ? "" : "square"}`,
          "data-action": action.name,
          "data-part": action.name,
          "aria-label": `${action.label} ${who}`,
          title: isSaid ? null : action.label,
          "aria-disabled": busy !== undefined && "true",
          "aria-busy": busy === action.name && "true",
        },
        icon(busy === action.name ? "turn" : action.icon),
        isSaid && action.label,
      );
    }),
  );
}

/** @param {string} text */
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/**
 * Make a list show these rows. What has not changed stays as it is; what has the focus keeps it, or passes it on.
 * @param {HTMLElement} list @param {{ key: string, signature: string, make: () => HTMLElement }[]} wanted
 * @param {() => void} onfocuslost
 */
export function showList(list, wanted, onfocuslost) {
  const focused = list.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement) : null;
  const former = new Map([...list.children].map((child) => [/** @type {HTMLElement} */ (child).dataset.key, /** @type {HTMLElement} */ (child)]));
  const focusedPlace = focused ? [...list.children].findIndex((child) => child.contains(focused)) : -1;
  let refocus = /** @type {HTMLElement | null} */ (null);
  const elements = wanted.map(({ key, signature, make }) => {
    const there = former.get(key);
    if (there && there.dataset.signature === signature) return there;
    const made = make();
    made.dataset.key = key;
    made.dataset.signature = signature;
    if (focused && there?.contains(focused)) refocus = partLike(made, focused) ?? made.querySelector("button");
    return made;
  });
  const kept = new Set(elements);
  for (const child of former.values()) if (!kept.has(child)) child.remove();
  elements.forEach((one, place) => {
    if (list.children[place] !== one) list.insertBefore(one, list.children[place] ?? null);
  });
  if (refocus) refocus.focus({ preventScroll: true });
  else if (focused && !focused.isConnected) {
    const next = elements.length ? elements[Math.min(focusedPlace, elements.length - 1)].querySelector("button") : null;
    if (next) next.focus();
    else onfocuslost();
  }
}

/** @param {HTMLElement} made @param {HTMLElement} focused @returns {HTMLElement | null} */
function partLike(made, focused) {
  const part = focused.dataset.part;
  return part ? made.querySelector(`[data-part="${part}"]`) : null;
}
