// @ts-check
/** Appointments as elements. Whatever a person typed becomes text, never markup. */
import { allowedActions, delayOf, isOver, isUnderWay } from "./rules.js";
import { say } from "./translate.js";
import { sayAge, sayAsked, sayDelay, sayNear, sayTime, sayWhoAndWhen } from "./words.js";

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
      row.service_name ?? say("Appointment"),
      delay && element("span", { class: `delay ${delay.kind}` }, sayDelay(delay)),
      arrivalNote(row),
      callNote(row),
      moveNote(row, scene),
      overlapNote(row),
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
    element("p", { class: "appointment-what" }, say("%(service)s with %(practitioner)s", { service: row.service_name ?? say("Appointment"), practitioner: row.practitioner_name }), moveNote(row, scene), overlapNote(row)),
    detailsOf(row, scene, key),
    buttonsOf(row, scene),
  );
}

/** @param {Row} row */
function overlapNote(row) {
  return row.allow_overlap && element("span", { class: "overlap" }, say("overlap allowed"));
}

/** Of whoever has said that they are here, until the desk checks them in. @param {Row} row */
function arrivalNote(row) {
  if (!row.arrived_at || row.status !== "confirmed") return null;
  return element("span", { class: "arrived" }, icon("arrive"), say("here since %(time)s", { time: sayTime(row.arrived_at.slice(11, 16)) }));
}

/** Until the visit is over. @param {Row} row */
function callNote(row) {
  if (!row.called_at) return null;
  const time = sayTime(row.called_at.slice(11, 16));
  const words = row.room ? say("called at %(time)s, %(room)s", { time, room: row.room }) : say("called at %(time)s", { time });
  return element("span", { class: "called" }, icon("bell"), words);
}

/** @param {Row} row @param {Scene} scene */
function moveNote(row, scene) {
  if (!row.requested_start) return null;
  return element("span", { class: "asks-move" }, icon("move"), say("asks for %(when)s", { when: sayAsked(row, scene.today) }));
}

/** A string that is equal for two equal drawings of a row. @param {Row} row @param {Scene} scene @param {string} key */
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
  return element(level, { class: "appointment-who" }, button, marksOf(row), scene.isNew(row.id) && element("span", { class: "just-now" }, say("just now")));
}

/** Marks that even a closed card shows. @param {Row} row */
function marksOf(row) {
  if (!row.patient_alert && !row.notes && !row.request_note) return null;
  const mark = (/** @type {string} */ name, /** @type {string} */ kind, /** @type {string} */ words) =>
    element("span", { class: `mark ${kind}`, title: words }, icon(name), element("span", { class: "heard" }, words));
  return element(
    "span",
    { class: "marks" },
    row.patient_alert && mark("alert", "alert", say("Alert: %(alert)s", { alert: row.patient_alert })),
    row.notes && mark("note", "note", say("Has notes")),
    row.request_note && mark("message", "note", say("The patient wrote: %(words)s", { words: row.request_note })),
  );
}

/** The extension is dialled after a pause. @param {Row} row */
function phoneLink({ patient_phone: number, patient_phone_extension: extension }) {
  if (!extension) return element("a", { href: `tel:${number}` }, number);
  return element("a", { href: `tel:${number},${extension}` }, say("%(number)s ext. %(extension)s", { number, extension }));
}

/** @param {Row} row @param {Scene} scene @param {string} key */
function detailsOf(row, scene, key) {
  if (!scene.isOpen(key)) return null;
  const facts = [
    [say("Time"), `${sayTime(row.time)}–${sayTime(row.end.slice(11, 16))}, ${sayNear(row.date, scene.today)}`],
    [say("Treatment"), row.service_name],
    [say("With"), row.practitioner_name],
    [say("Phone"), row.patient_phone && phoneLink(row)],
    [say("E-mail"), row.patient_email && element("a", { href: `mailto:${row.patient_email}` }, row.patient_email)],
    [say("Promised to come"), row.attendance_confirmed_at && say("yes")],
    [say("Says: I am here"), row.arrived_at && sayTime(row.arrived_at.slice(11, 16))],
    [say("Asks to move to"), row.requested_start && sayAsked(row, scene.today)],
    [say("Arrived"), row.checked_in_at && sayTime(row.checked_in_at.slice(11, 16))],
    [say("Called in"), row.called_at && sayTime(row.called_at.slice(11, 16))],
    [say("Room"), row.room],
    [say("Alert"), row.patient_alert],
    [say("The patient wrote"), row.request_note],
    [say("Notes"), row.notes],
    [say("Reason"), row.cancel_reason],
  ];
  const link = scene.inAdmin && element("a", { href: scene.inAdmin.replace("/0/", `/${row.id}/`) }, say("Open in the admin"));
  return element(
    "div",
    { class: "appointment-details", id: `${key}-details` },
    element("dl", {}, ...facts.filter(([, fact]) => fact).flatMap(([name, fact]) => [element("dt", {}, name), element("dd", {}, fact)])),
    link,
  );
}

/** To a patient who asks for another time. @param {Row} row @param {Scene} scene */
function moveAnswers(row, scene) {
  const busy = scene.isBusy(row.id);
  const who = sayWhoAndWhen(row, scene.today);
  return [
    { name: "grant", label: say("Move to %(when)s", { when: sayAsked(row, scene.today) }), sign: "move", kind: "" },
    { name: "keep", label: say("Keep the time"), sign: "cross", kind: "quiet" },
  ].map(({ name, label, sign, kind }) =>
    element(
      "button",
      { type: "button", class: `button ${kind}`, "data-answer": name, "data-part": name, "aria-label": `${label}: ${who}`, "aria-disabled": busy !== undefined && "true", "aria-busy": busy === name && "true" },
      icon(busy === name ? "turn" : sign),
      label,
    ),
  );
}

/** A request is answered: to cancel it as well would be the same. @param {Row} row @param {Scene} scene */
function buttonsOf(row, scene) {
  const allowed = allowedActions(scene.actions, row, scene);
  const possible = row.status === "pending" ? allowed.filter(({ name }) => name !== "cancel") : allowed;
  const answers = row.requested_start ? moveAnswers(row, scene) : [];
  if (possible.length + answers.length === 0) return null;
  const busy = scene.isBusy(row.id);
  const who = sayWhoAndWhen(row, scene.today);
  return element(
    "div",
    { class: "appointment-buttons" },
    ...answers,
    ...possible.map((action, place) => {
      // The first says what comes next; calling it off is never that. Of a request both answers are said, and a step that
      // is alone; of the others the sign is enough.
      const isNext = place === 0 && !action.asksReason;
      const isSaid = isNext || possible.length + answers.length === 1 || row.status === "pending" && action.name === "reject";
      const kind = action.asksReason ? "danger" : isNext && !isOver(row) ? "" : "quiet";
      return element(
        "button",
        {
          type: "button",
          class: `button ${kind} ${isSaid ? "" : "square"}`,
          "data-action": action.name,
          "data-part": action.name,
          "data-next": isNext,
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
 * @param {() => void} onfocuslost @param {(card: HTMLElement) => void} [ongone] Called before what is not wanted any more goes.
 */
export function showList(list, wanted, onfocuslost, ongone) {
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
  const keys = new Set(wanted.map(({ key }) => key));
  for (const [key, child] of former) if (!keys.has(key ?? "")) ongone?.(child);
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
