// @ts-check
/** The desk's home: requests, who is late or waits, free time of today, and what was not delivered. */
import { html, nothing, render } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { sentenceOf } from "../api.js";
import { openBooking } from "../frame.js";
import { api, frame, now } from "../page.js";
import { say, sayCount } from "../translate.js";
import { sayAge, sayAsked, sayMinutes, sayNear, sayWhen, sayTime } from "../words.js";
import { Absences, empty, icon, patientLink, tileList } from "./parts.js";
import { isUrgent, latePatients, requestsByUrgency, waitingPatients } from "./rules.js";
import { Visits, news, onNotification, page, place, timeOf, today } from "./visits.js";

/**
 * @typedef {import("../rules.js").Row} Row
 * @typedef {{ practitioner: number, practitioner_name: string, start: string, end: string, minutes: number, waiting: number }} Gap
 * @typedef {{ id: number, channel: string, patient: string, recipient: string, subject: string, at: string }} Failed
 */

const SHOWN = 8;
/** Lists that show all of theirs. @type {Set<string>} */
const whole = new Set();
/** @type {Gap[]} */
let gaps = page.gaps;
/** @type {Failed[]} */
let failed = page.failed;
/** @type {{ name: string, minutes: number }[]} */
let delays = page.delays;
/** @type {Set<string>} */
const busy = new Set();
const absences = new Absences(page.absences, () => draw());
const visits = new Visits(draw, (rows) => rows.some(({ date }) => date === today()) && soon());

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** A visit of today has changed: other time is free. */
function soon() {
  clearTimeout(timer);
  timer = setTimeout(readGaps, 400);
}

async function readGaps() {
  try {
    gaps = (await api.get("/api/v1/waitlist/gaps")).gaps;
    draw();
  } catch {
    // The next change tries again.
  }
}

/** Parts of the page that no stream shows, as it would open now. */
async function readPage() {
  try {
    const response = await fetch(location.pathname, { cache: "no-store" });
    const opened = new DOMParser().parseFromString(await response.text(), "text/html");
    const told = JSON.parse(opened.getElementById("page")?.textContent ?? "null");
    if (!told) return;
    ({ gaps, failed, delays } = told);
    absences.rows = told.absences;
    draw();
  } catch {
    // The next notification tries again.
  }
}

function draw() {
  const { rows } = visits;
  const requests = requestsByUrgency(rows ?? []);
  const late = latePatients(rows ?? [], today(), now());
  const waiting = waitingPatients(rows ?? [], today(), now());
  const ahead = (rows ?? []).filter((row) => row.date === today() && row.status === "confirmed" && Date.parse(row.start) > now());
  const loading = rows === null && html`<li class="panel-empty">${say("Loading…")}</li>`;
  render(
    tileList([
      { label: say("Requests"), value: rows ? requests.length : "–", href: "#requests", kind: requests.some((row) => isUrgent(row, now())) ? "warning" : "plain" },
      { label: say("Waiting here"), value: rows ? waiting.length : "–", href: "#waiting", note: waiting.length ? say("longest %(time)s", { time: sayMinutes(waiting[0].minutes) }) : "" },
      { label: say("Late"), value: rows ? late.length : "–", href: "#late", kind: late.length ? "warning" : "plain" },
      { label: say("Still to come"), value: rows ? ahead.length : "–" },
      { label: say("Free time today"), value: sayMinutes(gaps.reduce((sum, { minutes }) => sum + minutes, 0)), href: "#gaps" },
    ]),
    place("tiles"),
  );
  list("requests", requests.length, loading || (requests.length ? some("requests", requests, ({ id }) => id, request) : empty("inbox", say("All answered"), say("A new request appears here by itself."))));
  list("late", late.length, loading || (late.length ? some("late", late, ({ row }) => row.id, lateItem) : empty("clock", say("Nobody is late"))));
  list("waiting", waiting.length, loading || (waiting.length ? some("waiting", waiting, ({ row }) => row.id, waitingItem) : empty("arrive", say("Nobody waits"))));
  list("gaps", gaps.length, gaps.length ? some("gaps", gaps, ({ practitioner, start }) => `${practitioner}${start}`, gapItem) : empty("calendar", say("No free time today")));
  list("failed", failed.length, failed.length ? repeat(failed, ({ id }) => id, failedItem) : empty("check", say("Everything was delivered")));
  render(absences.list(), place("absences-list"));
  render(delays.map(({ name, minutes }) => html`<p class="notice">${icon("clock")}${say("%(name)s is running %(time)s late.", { name, time: sayMinutes(minutes) })}</p>`), place("delays"));
}

/**
 * The first rows, and a button for the others.
 * @template T @param {string} name @param {T[]} rows @param {(row: T) => string | number} key @param {(row: T) => unknown} item
 */
function some(name, rows, key, item) {
  const more = whole.has(name) ? 0 : rows.length - SHOWN;
  const shown = more > 0 ? rows.slice(0, SHOWN) : rows;
  const showAll = () => {
    whole.add(name);
    draw();
  };
  return html`${repeat(shown, key, item)}${more > 0 ? html`<li><button class="panel-more" type="button" @click=${showAll}>${sayCount("Show %(count)s more", "Show %(count)s more", more)}</button></li>` : nothing}`;
}

/** @param {string} name @param {number} count @param {unknown} content */
function list(name, count, content) {
  place(`${name}-count`).textContent = count ? String(count) : "";
  render(content, place(`${name}-list`));
}

/** @param {Row} row */
const request = (row) => (row.status === "pending" ? requestToCome(row) : requestToMove(row));

/** @param {Row} row The patient of a confirmed visit asks for another time. */
function requestToMove(row) {
  const isBusy = visits.busy.has(row.id);
  const when = sayAsked(row, today());
  const answers = /** @type {const} */ ([
    { name: "grant", label: say("Move to %(when)s", { when }), kind: "", sign: "move" },
    { name: "keep", label: say("Keep the time"), kind: "quiet", sign: "cross" },
  ]);
  return html`<li class="item" data-id=${row.id} ?data-urgent=${isUrgent(row, now())}>
    <p class="item-head">${patientLink(row)}<time datetime=${row.start}>${sayNear(row.date, today())}, ${sayTime(row.time)}</time></p>
    <p class="item-note">${row.service_name ?? say("Appointment")} · ${row.practitioner_name} · <strong>${say("asks for %(when)s", { when })}</strong></p>
    <div class="item-buttons">
      ${answers.map(({ name, label, kind, sign }) => html`<button class="button ${kind}" type="button" data-answer=${name} aria-disabled=${isBusy} aria-label=${`${label}: ${row.patient_name}`} @click=${(/** @type {Event} */ event) => visits.answerMove(event, row, name === "grant")}>${icon(sign)}${label}</button>`)}
    </div>
  </li>`;
}

/** @param {Row} row */
function requestToCome(row) {
  const isBusy = visits.busy.has(row.id);
  const urgent = isUrgent(row, now());
  return html`<li class="item" data-id=${row.id} ?data-urgent=${urgent}>
    <p class="item-head">${patientLink(row)}<time datetime=${row.start}>${sayNear(row.date, today())}, ${sayTime(row.time)}</time></p>
    <p class="item-note">${row.service_name ?? say("Appointment")} · ${row.practitioner_name} · ${sayAge(now() - Date.parse(row.created_at))}${urgent ? html` · <strong class="urgent">${say("soon")}</strong>` : nothing}${row.requested_start ? html` · <strong>${say("asks for %(when)s", { when: sayAsked(row, today()) })}</strong>` : nothing}</p>
    <div class="item-buttons">
      <button class="button" type="button" data-step="confirm" aria-disabled=${isBusy} aria-label=${say("Approve %(name)s", { name: row.patient_name })} @click=${(/** @type {Event} */ event) => visits.step(event, row, "confirm", say("Approve"))}>${icon("check")}${say("Approve")}</button>
      <button class="button danger" type="button" data-step="reject" aria-disabled=${isBusy} aria-label=${say("Reject %(name)s", { name: row.patient_name })} @click=${(/** @type {Event} */ event) => visits.step(event, row, "reject", say("Reject"), true)}>${say("Reject")}</button>
    </div>
  </li>`;
}

/** @param {{ row: Row, minutes: number }} one */
const lateItem = ({ row, minutes }) => html`<li class="item" data-id=${row.id}>
  <p class="item-head">${patientLink(row)}<strong class="urgent">${say("%(time)s late", { time: sayMinutes(minutes) })}</strong></p>
  <p class="item-note">${sayTime(row.time)} · ${row.practitioner_name}</p>
  <div class="item-buttons">
    <button class="button quiet" type="button" aria-disabled=${visits.busy.has(row.id)} aria-label=${say("Check in %(name)s", { name: row.patient_name })} @click=${(/** @type {Event} */ event) => visits.step(event, row, "check-in", say("Check in"))}>${icon("arrive")}${say("Check in")}</button>
    ${row.patient_phone ? html`<a class="button quiet" href="tel:${row.patient_phone}" aria-label=${say("Call %(name)s", { name: row.patient_name })}>${icon("phone")}${say("Call")}</a>` : nothing}
  </div>
</li>`;

/** @param {{ row: Row, minutes: number, overdue: number }} one */
const waitingItem = ({ row, minutes, overdue }) => html`<li class="item" data-id=${row.id}>
  <p class="item-head">${patientLink(row)}<strong>${sayMinutes(minutes)}</strong></p>
  <p class="item-note">${sayTime(row.time)} · ${row.practitioner_name}${overdue ? html` · <span class="urgent">${say("%(time)s after the start", { time: sayMinutes(overdue) })}</span>` : nothing}</p>
</li>`;

/** @param {Gap} gap */
function gapItem(gap) {
  const key = `${gap.practitioner}${gap.start}`;
  const when = `${timeOf(gap.start)}–${timeOf(gap.end)}`;
  return html`<li class="item" data-gap=${key}>
    <p class="item-head"><strong>${when}</strong><span>${sayMinutes(gap.minutes)}</span></p>
    <p class="item-note">${gap.practitioner_name} · ${gap.waiting ? sayCount("%(count)s waits for it", "%(count)s wait for it", gap.waiting) : say("nobody waits for it")}</p>
    <div class="item-buttons">
      ${gap.waiting ? html`<button class="button quiet" type="button" aria-disabled=${busy.has(key)} aria-label=${say("Offer %(when)s with %(name)s", { when, name: gap.practitioner_name })} @click=${() => offer(gap, key)}>${icon("wait")}${say("Offer")}</button>` : nothing}
      <button class="button quiet" type="button" aria-label=${say("Book %(when)s with %(name)s", { when, name: gap.practitioner_name })} @click=${() => openBooking({ start: gap.start, practitioner: gap.practitioner })}>${icon("plus")}${say("Book")}</button>
    </div>
  </li>`;
}

/** @param {Gap} gap @param {string} key */
async function offer(gap, key) {
  await once(key, async () => {
    const { practitioner, start, end } = gap;
    const { offered, booked } = await api.post("/api/v1/waitlist/gaps/offer", { practitioner, start, end });
    if (!offered && !booked) news.refused(say("Nobody who waits can take this time."));
    else place("heard").textContent = sayCount("%(count)s patient is asked.", "%(count)s patients are asked.", offered + booked);
    await readGaps();
  });
}

/** @param {Failed} one */
const failedItem = (one) => html`<li class="item" data-message=${one.id}>
  <p class="item-head"><strong>${one.patient || one.recipient}</strong><time datetime=${one.at}>${sayWhen(one.at, frame.clinic.timezone, now())}</time></p>
  <p class="item-note">${one.channel === "sms" ? say("SMS") : say("Mail")}${one.patient ? ` · ${one.recipient}` : ""}${one.subject ? ` · ${one.subject}` : ""}</p>
  <div class="item-buttons"><button class="button quiet" type="button" aria-disabled=${busy.has(`m${one.id}`)} aria-label=${say("Send again to %(name)s", { name: one.patient || one.recipient })} @click=${() => sendAgain(one)}>${icon("repeat")}${say("Send again")}</button></div>
</li>`;

/** @param {Failed} one */
function sendAgain(one) {
  return once(`m${one.id}`, async () => {
    await api.post(`/api/v1/messages/${one.id}/send-again`);
    failed = failed.filter(({ id }) => id !== one.id);
    place("heard").textContent = say("It is sent again.");
  });
}

/** @param {string} key @param {() => Promise<void>} send */
async function once(key, send) {
  if (busy.has(key)) return;
  busy.add(key);
  draw();
  try {
    await send();
  } catch (problem) {
    news.refused(sentenceOf(problem));
  } finally {
    busy.delete(key);
    draw();
  }
}

visits.start();
onNotification(readPage);
