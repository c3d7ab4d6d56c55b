// @ts-check
/** Search: patients as you type, and pages. A combobox over a list of links, in a dialog of its own. */
import { html, nothing, render } from "lit";
import { NoAnswer, sentenceOf } from "./api.js";
import { api, frame, patientAddress } from "./page.js";
import { say } from "./translate.js";

const PAUSE_MS = 150;
const MOST = "8";

/** @typedef {{ key: string, icon: string, label: string, about: string, href: string }} Result */

/** @type {HTMLDialogElement | null} */
let dialog = null;
let text = "";
/** @type {Result[]} */
let patients = [];
let chosen = 0;
let note = "";
/** @type {AbortController | null} */
let asking = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

export function openSearch() {
  dialog ??= makeDialog();
  text = "";
  patients = [];
  chosen = 0;
  note = "";
  draw();
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("input")?.focus();
}

function makeDialog() {
  const made = document.createElement("dialog");
  made.className = "dialog search-dialog";
  made.setAttribute("aria-label", say("Search"));
  made.addEventListener("click", (event) => event.target === made && made.close());
  document.body.append(made);
  return made;
}

/** @returns {Result[]} */
function results() {
  const wanted = text.trim().toLowerCase();
  const pages = frame.pages
    .filter(({ label }) => wanted === "" || label.toLowerCase().includes(wanted))
    .map(({ label, icon, href }) => ({ key: href, icon, label, about: "", href }));
  return [...patients, ...pages];
}

function draw() {
  const shown = results();
  chosen = Math.min(chosen, Math.max(0, shown.length - 1));
  render(
    html`<div class="search-field">
        <svg class="icon" aria-hidden="true"><use href="#icon-search"></use></svg>
        <input type="text" role="combobox" aria-expanded="true" aria-controls="search-results" aria-autocomplete="list"
          aria-activedescendant=${shown.length ? `search-${chosen}` : ""} aria-label=${frame.mayBook ? say("Name, phone or page") : say("Page")}
          placeholder=${frame.mayBook ? say("Name, phone or page") : say("Page")} autocomplete="off" spellcheck="false"
          maxlength="100" .value=${text} @input=${typed} @keydown=${pressed} />
        <kbd aria-hidden="true">Esc</kbd>
      </div>
      <div class="results" id="search-results" role="listbox" aria-label=${say("Results")}>
        ${shown.map(
          ({ icon, label, about, href }, at) =>
            html`<a class="result" role="option" id="search-${at}" href=${href} tabindex="-1" aria-selected=${at === chosen ? "true" : "false"}>
              <svg class="icon" aria-hidden="true"><use href="#icon-${icon}"></use></svg><span>${label}${about ? html`<span>${about}</span>` : nothing}</span>
            </a>`,
        )}
      </div>
      <p class="results-note" role="status" ?hidden=${!note}>${note}</p>`,
    /** @type {HTMLElement} */ (dialog),
  );
  dialog?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
}

/** @param {Event} event */
function typed(event) {
  text = /** @type {HTMLInputElement} */ (event.target).value;
  chosen = 0;
  clearTimeout(timer);
  if (frame.mayBook && text.trim().length > 1) timer = setTimeout(findPatients, PAUSE_MS);
  else patients = [];
  note = "";
  draw();
}

async function findPatients() {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  try {
    const found = await api.get("/api/v1/patients", { search: text.trim(), page_size: MOST }, signal);
    patients = found.results.map(resultOf);
    note = found.results.length + results().length ? "" : say("No patient and no page has this name.");
  } catch (problem) {
    if (signal.aborted) return;
    note = problem instanceof NoAnswer ? sentenceOf(problem) : sentenceOf(problem);
  }
  draw();
}

/** @param {{ id: number, name: string, phone: string, email: string }} patient @returns {Result} */
function resultOf({ id, name, phone, email }) {
  const href = patientAddress(id) ?? `/admin/appointments/patient/${id}/change/`;
  return { key: href, icon: "person", label: name, about: [phone, email].filter(Boolean).join(" · "), href };
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  const last = results().length - 1;
  if (event.key === "ArrowDown") chosen = chosen >= last ? 0 : chosen + 1;
  else if (event.key === "ArrowUp") chosen = chosen <= 0 ? last : chosen - 1;
  else if (event.key === "Enter") {
    const result = results()[chosen];
    if (result) location.assign(result.href);
  } else return;
  event.preventDefault();
  draw();
}
