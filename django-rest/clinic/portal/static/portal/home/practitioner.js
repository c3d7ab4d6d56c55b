// @ts-check
/** A practitioner's home: the visit under way and the next one, a delay, the own week, time off. */
import { html, nothing, render } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { sentenceOf } from "../api.js";
import { api, frame, now } from "../page.js";
import { say, sayCount } from "../translate.js";
import { sayMinutes, sayNear, sayTime } from "../words.js";
import { daysOf, empty, icon, patientLink } from "./parts.js";
import { canCall, currentAndNext, weekOf } from "./rules.js";
import { Visits, news, onNotification, page, place, today } from "./visits.js";

/**
 * @typedef {import("../rules.js").Row & { patient_alert?: string }} Row
 * @typedef {{ id: number, start_date: string, end_date: string, start: string | null, end: string | null, reason: string,
 *   answer: string, state: string, version: number }} Absence
 */

const STEPS = [5, 10, 15];
const MOST = 240;
let delay = page.delay;
let told = "";
let isBusy = false;
/** @type {Absence[]} */
let absences = page.absences;
const visits = new Visits(draw);
const states = /** @type {Record<string, string>} */ ({ requested: say("asked for"), approved: say("approved"), declined: say("declined") });

function draw() {
  const rows = /** @type {Row[]} */ (visits.rows ?? []);
  const { current, next } = currentAndNext(rows, today(), now());
  const loading = visits.rows === null && html`<p class="panel-empty">${say("Loading…")}</p>`;
  render(loading || (current ? visit(current) : quiet(say("Nobody is in the chair"))), place("current"));
  render(loading || (next ? visit(next) : quiet(say("Nobody else comes today"))), place("next"));
  render(delayPart(), place("delay"));
  render(repeat(weekOf(rows, today()), ({ date }) => date, day), place("week"));
  render(absences.length ? repeat(absences, ({ id }) => id, absence) : empty("calendar", say("No time off is planned")), place("absences-list"));
}

/** @param {string} text */
const quiet = (text) => html`<p class="panel-empty"><strong>${text}</strong></p>`;

/** @param {Row} row */
function visit(row) {
  const busy = visits.busy.has(row.id);
  const begun = Date.parse(row.start) <= now();
  return html`<article class="visit" data-id=${row.id}>
    <p class="item-head">${patientLink(row)}<time datetime=${row.start}>${sayTime(row.time)}–${sayTime(row.end.slice(11, 16))}</time></p>
    <p class="item-note">${row.service_name ?? say("Appointment")} · ${frame.statuses[row.status]}${row.called_at ? ` · ${say("called at %(time)s", { time: sayTime(row.called_at.slice(11, 16)) })}` : nothing}</p>
    ${row.patient_alert ? html`<p class="notice bad">${icon("alert")}${row.patient_alert}</p>` : nothing}
    ${row.notes ? html`<p class="notes">${icon("note")}<span>${row.notes}</span></p>` : html`<p class="item-note">${say("No notes")}</p>`}
    <div class="item-buttons">
      ${row.status === "confirmed" ? html`<button class="button" type="button" aria-disabled=${busy} @click=${(/** @type {Event} */ event) => visits.step(event, row, "check-in", say("Check in"))}>${icon("arrive")}${say("Check in")}</button>` : nothing}
      ${canCall(row, today()) ? html`<button class="button" type="button" data-call aria-disabled=${busy} @click=${(/** @type {Event} */ event) => visits.step(event, row, "call", say("Call in"))}>${icon("bell")}${say("Call in")}</button>` : nothing}
      ${row.status === "checked_in" && begun ? html`<button class="button" type="button" aria-disabled=${busy} @click=${(/** @type {Event} */ event) => visits.step(event, row, "complete", say("Complete"))}>${icon("done")}${say("Complete")}</button>` : nothing}
    </div>
  </article>`;
}

function delayPart() {
  return html`<p class="delay-now" id="delay-now"><strong>${delay ? say("%(time)s late", { time: sayMinutes(delay) }) : say("On time")}</strong></p>
    <p class="item-note">${say("The patients who follow today are told at once. No visit moves.")}</p>
    <div class="item-buttons">
      ${STEPS.map((step) => html`<button class="button quiet" type="button" data-late=${step} aria-disabled=${isBusy || delay + step > MOST} aria-label=${say("%(minutes)s min later", { minutes: step })} @click=${() => late(delay + step)}>${icon("clock")}+${step}</button>`)}
      ${delay ? html`<button class="button" type="button" id="on-time" aria-disabled=${isBusy} @click=${onTime}>${icon("check")}${say("On time again")}</button>` : nothing}
    </div>
    <p class="item-note" id="delay-told" role="status">${told}</p>`;
}

/** @param {number} minutes */
function late(minutes) {
  if (minutes > MOST) return Promise.resolve();
  return once(async () => {
    const answer = await api.post(`/api/v1/practitioners/${page.practitioner}/delay`, { minutes });
    delay = answer.minutes;
    told = answer.notified ? sayCount("%(count)s patient is told.", "%(count)s patients are told.", answer.notified) : say("Nobody else comes today: nobody is told.");
  });
}

function onTime() {
  return once(async () => {
    await api.delete(`/api/v1/practitioners/${page.practitioner}/delay`);
    delay = 0;
    told = say("Who was told of the delay is told that it is over.");
  });
}

async function again() {
  try {
    const [shown, own] = await Promise.all([api.get(`/api/v1/practitioners/${page.practitioner}/delay`), api.get("/api/v1/absences", { state: "all" })]);
    delay = shown.minutes;
    absences = own.results.filter((/** @type {Absence} */ one) => one.state !== "withdrawn" && one.end_date >= today());
    draw();
  } catch {
    // The next notification tries again.
  }
}

/** @param {{ date: string, rows: import("../rules.js").Row[] }} one */
const day = ({ date, rows }) => html`<li class="week-day">
  <p class="item-head"><strong>${sayNear(date, today())}</strong><span>${rows.length ? sayCount("%(count)s visit", "%(count)s visits", rows.length) : say("free")}</span></p>
  <ol>${rows.map((row) => html`<li data-status=${row.status}><time datetime=${row.start}>${sayTime(row.time)}</time> <span>${row.patient_name}</span></li>`)}</ol>
</li>`;

/** @param {Absence} row */
const absence = (row) => html`<li class="item" data-absence=${row.id}>
  <p class="item-head"><strong>${daysOf(row)}</strong><span class="state" data-state=${row.state}>${states[row.state]}</span></p>
  ${row.reason ? html`<p class="item-note">${row.reason}</p>` : nothing}
  ${row.answer ? html`<p class="item-note">${say("The desk: %(answer)s", { answer: row.answer })}</p>` : nothing}
  ${row.state === "requested" ? html`<div class="item-buttons"><button class="button quiet" type="button" @click=${() => withdraw(row)}>${say("Withdraw")}</button></div>` : nothing}
</li>`;

/** @param {Absence} row */
const withdraw = (row) =>
  once(async () => {
    await api.delete(`/api/v1/absences/${row.id}`, { "If-Match": `"${row.version}"` });
    absences = absences.filter(({ id }) => id !== row.id);
  });

/** @param {() => Promise<void>} send */
async function once(send) {
  if (isBusy) return;
  isBusy = true;
  draw();
  try {
    await send();
  } catch (problem) {
    news.refused(sentenceOf(problem));
  } finally {
    isBusy = false;
    draw();
  }
}

const form = /** @type {HTMLFormElement} */ (place("absence-form"));
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const error = place("absence-error");
  error.hidden = true;
  const given = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
  if (isBusy) return;
  isBusy = true;
  try {
    absences = [...absences, await api.post("/api/v1/absences", given)].sort((one, other) => one.start_date.localeCompare(other.start_date));
    form.reset();
    /** @type {HTMLDetailsElement} */ (form.closest("details")).open = false;
    place("heard").textContent = say("The desk is told of your request.");
  } catch (problem) {
    error.textContent = sentenceOf(problem);
    error.hidden = false;
  } finally {
    isBusy = false;
    draw();
  }
});

visits.start();
onNotification(again);
