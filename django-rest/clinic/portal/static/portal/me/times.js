// @ts-check
/** Times of a booking or a move, live: the shared picker in the place of what the server drew for browsers without scripts. */
import "../elements/time-picker.js";
import "./page.js";

/** @typedef {{ time: { start: string }, practitioner: number, hold: { token: string } | null }} Choice */

const setup = JSON.parse(document.getElementById("picker-setup")?.textContent ?? "null");
const place = document.getElementById("times");
const form = /** @type {HTMLFormElement | null} */ (document.getElementById("take"));

if (setup && place && form) {
  const picker = /** @type {import("../elements/time-picker.js").TimePicker} */ (document.createElement("time-picker"));
  picker.holds = "holds" in place.dataset;
  picker.setup = setup;
  picker.addEventListener("pick", (event) => choose(form, /** @type {CustomEvent} */ (event).detail));
  picker.addEventListener("who", (event) => waitFor(/** @type {CustomEvent} */ (event).detail.practitioner));
  picker.addEventListener("lost", () => (form.hidden = true));
  // A booked time is held no more, for the next booking in this tab.
  form.addEventListener("submit", () => picker.booked());
  place.replaceChildren(picker);
  // The picker asks with whom by itself.
  const whom = document.querySelector("form[data-chooses] [name=practitioner]")?.closest(".field");
  if (whom instanceof HTMLElement) whom.hidden = true;
}

/** The waitlist's form opens with the person asked for here. @param {number} practitioner 0: anybody. */
function waitFor(practitioner) {
  const link = document.getElementById("wait");
  if (!(link instanceof HTMLAnchorElement)) return;
  const address = new URL(link.href);
  if (practitioner) address.searchParams.set("practitioner", String(practitioner));
  else address.searchParams.delete("practitioner");
  link.href = address.href;
}

/** @param {HTMLFormElement} form @param {Choice} chosen */
function choose(form, { time, practitioner, hold }) {
  const set = (/** @type {string} */ name, /** @type {string} */ value) => {
    /** @type {HTMLInputElement} */ (form.elements.namedItem(name)).value = value;
  };
  set("start", time.start);
  set("with", practitioner ? String(practitioner) : "");
  set("hold", hold?.token ?? "");
  form.hidden = false;
  form.querySelector("button")?.focus();
}
