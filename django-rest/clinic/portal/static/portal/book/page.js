// @ts-check
/** The booking page: its steps without loading the page again, and the live times. Without it, links and forms do the same. */
import "../elements/time-picker.js";
import { KeptHold } from "../elements/time-picker/hold.js";
import { say } from "../translate.js";

/**
 * @typedef {import("../elements/time-picker.js").TimePicker} TimePicker
 * @typedef {{ practitioner: number, name: string }} Who
 * @typedef {{ time: { start: string }, practitioner: number, hold: { token: string } | null, isRestored?: boolean }} Pick
 */

const MARK = "chairside-booked";

function begin() {
  const picker = /** @type {TimePicker | null} */ (document.querySelector("time-picker"));
  const text = document.getElementById("picker-setup")?.textContent;
  if (!picker || !text) return;
  const setup = JSON.parse(text);
  if (picker.dataset.lost !== undefined || forgetBooked()) new KeptHold(`${setup.clinic}:${setup.service ?? ""}`).clear();
  picker.addEventListener("pick", (event) => chosen(/** @type {CustomEvent<Pick>} */ (event).detail));
  picker.addEventListener("lost", () => showYou(false));
  picker.addEventListener("who", (event) => waitFor(/** @type {CustomEvent<Who>} */ (event).detail));
  const isChosen = field("start").value !== "" && picker.dataset.lost === undefined;
  if (!isChosen || field("hold").value) {
    showYou(false);
    picker.setup = setup;
    return;
  }
  // Chosen by a link: it is held now.
  const [start, who] = [field("start").value, Number(field("practitioner").value)];
  showYou(false);
  picker.setup = { ...setup, practitioner: who };
  picker.updateComplete.then(() => picker.choose({ start, end: start, date: start.slice(0, 10), time: start.slice(11, 16), practitioners: who ? [who] : [] }));
}

/** @param {Pick} pick */
function chosen({ time, practitioner, hold, isRestored }) {
  for (const form of document.querySelectorAll("#you form")) {
    field("start", form).value = time.start;
    field("practitioner", form).value = String(practitioner);
    field("hold", form).value = hold?.token ?? "";
  }
  showYou(true);
  const first = /** @type {HTMLElement | null} */ (document.querySelector("#you :is([aria-invalid=true], .error + input)") ?? document.querySelector("#you .input:not([type=hidden])"));
  if (!isRestored) document.getElementById("you")?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  if (!isRestored && matchMedia("(pointer: fine)").matches) first?.focus({ preventScroll: true });
}

/** The waitlist's form asks for the same person as the picker. @param {Who} who */
function waitFor({ practitioner, name }) {
  const form = document.querySelector(".book-wait form");
  field("practitioner", form).value = practitioner ? String(practitioner) : "";
  const sentence = document.getElementById("wait-with");
  if (!sentence) return;
  sentence.hidden = !practitioner;
  sentence.textContent = say("with %(practitioner)s", { practitioner: name });
}

/** @param {boolean} isShown */
function showYou(isShown) {
  const you = document.getElementById("you");
  if (you) you.hidden = !isShown;
}

/** @param {string} name @param {Element | null} [form] */
const field = (name, form = document.querySelector("#you form")) => /** @type {HTMLInputElement} */ (form?.querySelector(`[name=${name}]`) ?? document.createElement("input"));

/** Whether a visit was booked in this tab since the page was drawn last: what was held for it is used up. */
function forgetBooked() {
  try {
    const was = sessionStorage.getItem(MARK) !== null;
    sessionStorage.removeItem(MARK);
    return was;
  } catch {
    return false;
  }
}

/** A step of the page without loading it again. @param {string} href @param {boolean} isBack */
async function go(href, isBack = false) {
  try {
    const response = await fetch(href, { headers: { Accept: "text/html" } });
    if (!response.ok) throw new Error(String(response.status));
    const other = new DOMParser().parseFromString(await response.text(), "text/html");
    const [steps, next] = [document.getElementById("steps"), other.getElementById("steps")];
    if (!steps || !next) throw new Error("no steps");
    document.getElementById("picker-setup")?.remove();
    const setup = other.getElementById("picker-setup");
    if (setup) document.head.append(document.adoptNode(setup));
    steps.replaceChildren(...[...next.childNodes].map((node) => document.adoptNode(node)));
    if (!isBack) history.pushState(null, "", href);
    begin();
    const title = /** @type {HTMLElement | null} */ (document.querySelector("#when-title, #what-title"));
    title?.setAttribute("tabindex", "-1");
    title?.focus();
  } catch {
    location.assign(href);
  }
}

document.addEventListener("click", (event) => {
  const link = /** @type {HTMLElement} */ (event.target).closest("a[data-step]");
  if (!(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  go(link.href);
});
addEventListener("popstate", () => go(location.href, true));
// A second press of the button sends nothing more.
document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

begin();
