// @ts-check
/** The open times of a visit that moves, live, in the place of the list that works without scripts. */
import { say } from "../translate.js";
import { sayMonthAndDay, sayTime } from "../words.js";

/** @type {HTMLElement | null} */
let offered = null;

/** Put the times into the card, again after it was drawn anew. @param {HTMLElement} place */
export function offerTimes(place) {
  const part = /** @type {HTMLDetailsElement | null} */ (place.querySelector("#move"));
  const list = part?.querySelector("#move-times");
  if (!part || !list || !document.getElementById("move-setup")) return;
  if (part.open) mount(list);
  part.addEventListener("toggle", () => part.open && mount(list));
}

/** @param {Element} list */
async function mount(list) {
  offered ??= await make();
  if (offered.parentElement === list) return;
  for (const old of list.querySelectorAll("form, a.button")) old.remove();
  list.append(offered);
}

async function make() {
  await import("../elements/time-picker.js");
  const setup = JSON.parse(document.getElementById("move-setup")?.textContent ?? "null");
  const picker = /** @type {import("../elements/time-picker.js").TimePicker} */ (document.createElement("time-picker"));
  picker.holds = false;
  picker.setup = setup;
  const form = confirmation();
  picker.addEventListener("pick", (event) => choose(form, /** @type {CustomEvent} */ (event).detail));
  picker.addEventListener("lost", () => (form.hidden = true));
  const box = document.createElement("div");
  box.className = "visit-picker";
  box.append(picker, form);
  return box;
}

/** A form like those of the card, with the card's own token. */
function confirmation() {
  const form = document.createElement("form");
  form.method = "post";
  form.hidden = true;
  const fields = { step: "move", start: "", with: "", csrfmiddlewaretoken: csrf() };
  for (const [name, value] of Object.entries(fields)) {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name, value });
    form.append(field);
  }
  const button = document.createElement("button");
  button.className = "button wide";
  form.append(button);
  form.action = location.pathname;
  form.addEventListener("submit", () => setTimeout(() => (button.disabled = true)));
  return form;
}

const csrf = () => /** @type {HTMLInputElement | null} */ (document.querySelector("[name=csrfmiddlewaretoken]"))?.value ?? "";

/** @param {HTMLFormElement} form @param {{ time: { start: string, date: string, time: string }, practitioner: number }} chosen */
function choose(form, { time, practitioner }) {
  const field = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
  field("start").value = time.start;
  field("with").value = String(practitioner);
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
  button.textContent = say("Take %(day)s, %(time)s", { day: sayMonthAndDay(time.date), time: sayTime(time.time) });
  form.hidden = false;
  button.focus();
}
