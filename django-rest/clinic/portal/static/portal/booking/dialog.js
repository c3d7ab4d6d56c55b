// @ts-check
/**
 * Quick booking, over any page: who, what, when; the time is kept at once, and Enter books it.
 *
 * @typedef {{ start?: string, practitioner?: number, patient?: number, service?: number }} Wanted What is known already: a clicked gap
 *   has a start and a practitioner, a patient's page a patient.
 */
import { html, nothing, render } from "lit";
import { Refusal, sentenceOf } from "../api.js";
import "../elements/count-down.js";
import "../elements/patient-picker.js";
import "../elements/slot-picker.js";
import { api, frame, now } from "../page.js";
import { dateIn } from "../rules.js";
import { showToast } from "../toasts.js";
import { say, sayCount } from "../translate.js";
import { sayDay, sayWhen } from "../words.js";
import { bookingBody, newPatientFrom, ruleOf, servicesFor, shifted, stepOf, walkInStart } from "./steps.js";

/**
 * @typedef {import("./steps.js").Match} Match
 * @typedef {import("./steps.js").NewPatient} NewPatient
 * @typedef {import("./steps.js").Service} Service
 * @typedef {import("./steps.js").Slot} Slot
 * @typedef {import("./steps.js").Person} Person
 * @typedef {{ id: number, token: string, expires_at: string, renewable: boolean }} Hold
 * @typedef {{ start: string, practitioner: number }} Nearest
 * @typedef {{ date: string, start: string | null, outcome: string, code: string | null, reason: string | null }} SeriesDate
 */

const BEFORE_END_MS = 5_000;
const TYPING_MS = 60_000;
const NONE = /** @type {const} */ ({
  patient: null, isNew: false, fresh: null, service: null, start: null, person: null, hold: null, isOver: false, outsideHours: false, isWalkIn: false,
  allowsOverlap: false, notes: "", frequency: "", count: 4, preview: null, refusal: "", nearest: [], mayOverlap: false, isBusy: false, onlyPractitioner: 0,
  panel: "", typedAt: 0,
});

/**
 * @type {{ patient: Match | null, isNew: boolean, fresh: NewPatient | null, service: Service | null, start: string | null, person: Person | null,
 *   hold: Hold | null, isOver: boolean, outsideHours: boolean, isWalkIn: boolean, allowsOverlap: boolean, notes: string, frequency: string, count: number,
 *   preview: SeriesDate[] | null, refusal: string, nearest: Nearest[], mayOverlap: boolean, isBusy: boolean, onlyPractitioner: number,
 *   panel: "" | "outside" | "walk-in" | "waitlist", typedAt: number }}
 */
let booking = { ...NONE, nearest: [] };
/** @type {Wanted} */
let wanted = {};
/** @type {Service[] | null} */
let services = null;
/** @type {Person[]} */
let people = [];
/** @type {HTMLDialogElement | null} */
let dialog = null;

/** @param {Wanted} given */
export async function openBooking(given) {
  dialog ??= makeDialog();
  if (dialog.open) return;
  wanted = given;
  booking = { ...NONE, nearest: [], onlyPractitioner: given.practitioner ?? 0 };
  draw();
  dialog.showModal();
  focusStep();
  await load();
}

async function load() {
  try {
    const [offered, listed, matches] = await Promise.all([
      services ?? api.get("/api/v1/services", { page_size: 200 }),
      people.length ? people : api.get("/api/v1/practitioners", { page_size: 200 }),
      wanted.patient ? api.get("/api/v1/patients/matches", { patient: wanted.patient }) : [],
    ]);
    services = offered.results ?? offered;
    people = listed.results ?? listed;
    booking.patient = matches[0] ?? booking.patient;
    booking.service = (wanted.service && services?.find(({ id }) => id === wanted.service)) || booking.service;
    if (wanted.start) booking.person = people.find(({ id }) => id === wanted.practitioner) ?? null;
  } catch (problem) {
    booking.refusal = sentenceOf(problem);
  }
  draw();
  if (wanted.patient) focusStep();
}

function makeDialog() {
  const made = document.createElement("dialog");
  made.className = "dialog booking";
  made.setAttribute("aria-labelledby", "booking-title");
  made.addEventListener("close", () => releaseHold());
  made.addEventListener("input", () => (booking.typedAt = now()));
  document.body.append(made);
  return made;
}

/** @param {Partial<typeof booking>} changes */
function change(changes) {
  const before = step();
  booking = { ...booking, refusal: "", nearest: [], mayOverlap: false, ...changes };
  draw();
  if (step() !== before) focusStep();
}

const step = () => stepOf({ ...booking, patient: booking.patient ?? (booking.fresh && matchOf(booking.fresh)) });

/** @param {NewPatient} fresh @returns {Match} */
function matchOf(fresh) {
  return { id: 0, ...fresh, phone_extension: "", birth_date: null, alert: "", missed_count: 0, last_service: null, last_practitioner: null, next_visit: null };
}

function focusStep() {
  /** The first that is there. */
  const wantedFields = {
    who: ["patient-picker input"], new: [newFocus()], what: [".service[aria-pressed=true]", ".service"], when: [], confirm: ["#booking-book"],
  }[step()];
  requestAnimationFrame(() => {
    for (const field of wantedFields) {
      const found = /** @type {HTMLElement | null} */ (dialog?.querySelector(field));
      if (found) return found.focus();
    }
  });
}

/** The first field that is still empty. */
const newFocus = () => (draft.name ? "[name=phone]" : "[name=name]");

// The hold

async function releaseHold() {
  const { hold } = booking;
  booking.hold = null;
  if (hold) await api.delete(`/api/v1/holds/${hold.id}`, { "X-Hold-Token": hold.token }).catch(() => {}); // It ends by itself.
}

/** @param {string} start @param {Person} person */
async function take(start, person) {
  if (booking.isBusy) return;
  await releaseHold();
  change({ isBusy: true });
  try {
    const hold = await api.post("/api/v1/holds", { practitioner: person.id, start, service: booking.service?.id });
    change({ start, person, hold, isBusy: false, isOver: false, outsideHours: false, isWalkIn: false, preview: null });
    setTimeout(() => renew(hold), Date.parse(hold.expires_at) - now() - BEFORE_END_MS);
  } catch (problem) {
    refuse(problem, { isBusy: false });
    reloadSlots();
  }
}

/** Renew the hold once for somebody who types just before its end. @param {Hold} hold */
async function renew(hold) {
  if (booking.hold?.id !== hold.id || !hold.renewable || now() - booking.typedAt > TYPING_MS) return;
  try {
    const renewed = await api.post(`/api/v1/holds/${hold.id}/renew`, {}, { "X-Hold-Token": hold.token });
    if (booking.hold?.id === hold.id) change({ hold: { ...hold, expires_at: renewed.expires_at, renewable: false } });
  } catch {} // The countdown says when it is over.
}

function reloadSlots() {
  /** @type {any} */ (dialog?.querySelector("slot-picker"))?.load();
}

/** @param {unknown} problem @param {Partial<typeof booking>} [changes] */
function refuse(problem, changes = {}) {
  const body = problem instanceof Refusal ? problem.body : null;
  const isOwn = problem instanceof Refusal && problem.code === "own_appointment";
  change({ ...changes, refusal: isOwn ? ownVisit(body) : sentenceOf(problem), nearest: body?.nearest ?? [], mayOverlap: isOwn });
}

/** @param {any} body */
function ownVisit(body) {
  const other = body?.appointments?.[0];
  const name = booking.patient?.name ?? booking.fresh?.name ?? "";
  if (!other) return say("%(name)s has another visit at this time.", { name });
  return say("%(name)s has another visit at this time: %(when)s with %(practitioner)s.", {
    name, when: sayWhen(other.start, frame.clinic.timezone, now()), practitioner: other.practitioner_name,
  });
}

// Booking

async function book() {
  if (booking.isBusy || !booking.service || !booking.start) return;
  change({ isBusy: true });
  try {
    const patient = booking.patient ?? (await createPatient());
    if (booking.frequency && !booking.isWalkIn) await bookSeries(patient);
    else await bookOne(patient);
  } catch (problem) {
    await refuseBooking(problem);
  }
}

/** @returns {Promise<Match>} Kept, so that another try makes no second record. */
async function createPatient() {
  const { name, phone, email } = /** @type {NewPatient} */ (booking.fresh);
  const made = await api.post("/api/v1/patients", { name, ...(phone && { phone }), ...(email && { email }) });
  booking.patient = { ...matchOf({ name, phone, email }), id: made.id };
  return booking.patient;
}

/** @param {Match} patient */
async function bookOne(patient) {
  const { service, hold, start, person, outsideHours, isWalkIn, allowsOverlap, notes } = booking;
  const body = bookingBody({
    patient: patient.id, service: /** @type {Service} */ (service).id, hold: hold?.token ?? null, start: /** @type {string} */ (start), practitioner: person?.id ?? null,
    outsideHours: outsideHours || isWalkIn, allowOverlap: allowsOverlap, notes,
  });
  const visit = await api.post("/api/v1/appointments", body);
  if (isWalkIn) await api.post(`/api/v1/appointments/${visit.id}/check-in`, { version: visit.version });
  done(isWalkIn ? say("%(name)s is here, with %(practitioner)s.", { name: patient.name, practitioner: visit.practitioner_name }) : booked(patient.name, visit));
}

/** @param {string} name @param {{ start: string, practitioner_name: string }} visit */
const booked = (name, visit) =>
  say("Booked: %(name)s, %(when)s with %(practitioner)s.", { name, when: sayWhen(visit.start, frame.clinic.timezone, now()), practitioner: visit.practitioner_name });

/** @param {Match} patient @param {boolean} isPreview */
async function sendSeries(patient, isPreview) {
  const { service, start, person, frequency, count, notes } = booking;
  return api.post("/api/v1/appointments/series", {
    patient: patient.id, practitioner: person?.id, service: service?.id, start, rule: ruleOf(frequency, count), on_conflict: "skip", dry_run: isPreview,
    ...(notes && { notes }),
  });
}

/** @param {Match} patient */
async function bookSeries(patient) {
  await releaseHold(); // The series takes the first date itself.
  const answer = await sendSeries(patient, false);
  const dates = datesOf(answer);
  const number = dates.filter(({ outcome }) => outcome === "booked").length;
  const booked = sayCount("Booked: %(name)s, %(count)s visit.", "Booked: %(name)s, %(count)s visits.", number, { name: patient.name });
  const left = dates.length - number;
  done(left ? `${booked} ${sayCount("%(count)s date was not free.", "%(count)s dates were not free.", left)}` : booked);
}

/** @param {any} answer @returns {SeriesDate[]} */
const datesOf = (answer) => answer.dates ?? [];

async function previewSeries() {
  // Of somebody new there is no record yet to ask for.
  if (!booking.frequency || !booking.patient) return;
  try {
    change({ preview: datesOf(await sendSeries(booking.patient, true)) });
  } catch (problem) {
    refuse(problem);
  }
}

/** @param {string} sentence */
function done(sentence) {
  booking.hold = null;
  dialog?.close();
  showToast(sentence);
  dispatchEvent(new CustomEvent("chairside:booked"));
}

/** @param {unknown} problem */
async function refuseBooking(problem) {
  const code = problem instanceof Refusal ? problem.code : "";
  const isAboutPatient = problem instanceof Refusal && ["name", "phone", "email"].includes(problem.attr ?? "");
  if (isAboutPatient) return refuse(problem, { isBusy: false, patient: null, fresh: null, isNew: true });
  const isGone = ["slot_taken", "hold_expired", "outside_hours", "in_the_past"].includes(code);
  if (isGone) await releaseHold();
  refuse(problem, { isBusy: false, ...(isGone && !booking.outsideHours && { start: null, hold: null }) });
}

async function joinWaitlist() {
  const today = dateIn(frame.clinic.timezone, now());
  const form = new FormData(/** @type {HTMLFormElement} */ (dialog?.querySelector("#booking-waitlist")));
  change({ isBusy: true });
  try {
    const patient = booking.patient ?? (await createPatient());
    await api.post("/api/v1/waitlist", {
      patient: patient.id, service: booking.service?.id ?? null, practitioner: booking.onlyPractitioner || null,
      first_date: String(form.get("from") || today), last_date: String(form.get("to") || shifted(today, 14)), part_of_day: String(form.get("part") || "any"),
    });
    done(say("%(name)s is on the waitlist.", { name: patient.name }));
  } catch (problem) {
    refuse(problem, { isBusy: false });
  }
}

// Drawing

function draw() {
  const at = step();
  const knows = booking.patient ?? booking.fresh;
  render(
    html`<form method="dialog" class="booking-head"><h2 id="booking-title">${say("Book a visit")}</h2>
        <button class="button bare square" aria-label=${say("Close")}><svg class="icon" aria-hidden="true"><use href="#icon-cross"></use></svg></button></form>
      ${knows && at !== "new" ? chosen(say("Who"), knows.name, () => change({ patient: null, fresh: null, isNew: false, start: null }), booking.patient?.alert) : nothing}
      ${booking.service && at !== "who" && at !== "new" ? chosen(say("What"), `${booking.service.name} · ${say("%(minutes)s min", { minutes: booking.service.duration_minutes })}`, () => change({ service: null, start: null })) : nothing}
      ${at === "who" ? html`<patient-picker offers-new @pick=${picked} @new=${isNew}></patient-picker>` : nothing}
      ${at === "new" ? newPatient() : nothing} ${at === "what" ? what() : nothing} ${at === "when" ? when() : nothing}
      ${at === "confirm" ? confirm() : nothing} ${refusal()}`,
    /** @type {HTMLElement} */ (dialog),
  );
}

/** @param {string} label @param {string} text @param {() => void} again @param {string} [alert] */
function chosen(label, text, again, alert = "") {
  return html`<div class="booking-chosen"><span class="booking-label">${label}</span><span><strong>${text}</strong>${alert ? html`<span class="match-alert"><svg class="icon" aria-hidden="true"><use href="#icon-alert"></use></svg>${alert}</span>` : nothing}</span>
    <button type="button" class="button bare" aria-label=${say("Change %(what)s", { what: text })} @click=${again}>${say("Change")}</button></div>`;
}

/** @param {CustomEvent<Match>} event */
const picked = ({ detail }) => change({ patient: detail, isNew: false, fresh: null });
/** @param {CustomEvent<string>} event */
const isNew = ({ detail }) => {
  draft = newPatientFrom(detail);
  change({ isNew: true });
};
/** @type {NewPatient} */
let draft = { name: "", phone: "", email: "" };

function newPatient() {
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const given = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const text = (/** @type {string} */ name) => String(given.get(name) ?? "").trim();
    draft = { name: text("name"), phone: text("phone"), email: text("email") };
    change({ fresh: draft, isNew: false });
  };
  return html`<form class="booking-new" @submit=${submit}>
    <h3>${say("New patient")}</h3>
    <div class="field"><label for="booking-name">${say("Name")}</label><input class="input" id="booking-name" name="name" required maxlength="120" placeholder=" " autocomplete="off" .value=${draft.name} /></div>
    <div class="booking-pair">
      <div class="field"><label for="booking-phone">${say("Phone")}</label><input class="input" id="booking-phone" name="phone" type="tel" maxlength="60" autocomplete="off" .value=${draft.phone} /></div>
      <div class="field"><label for="booking-email">${say("E-mail")}</label><input class="input" id="booking-email" name="email" type="email" maxlength="254" autocomplete="off" .value=${draft.email} /></div>
    </div>
    <div class="dialog-buttons"><button type="button" class="button quiet" @click=${() => change({ isNew: false })}>${say("Back")}</button><button class="button">${say("Continue")}</button></div>
  </form>`;
}

function what() {
  const offered = servicesFor(services ?? [], booking.onlyPractitioner || undefined);
  const usual = booking.patient?.last_service;
  const choose = async (/** @type {Service} */ service) => {
    change({ service });
    if (wanted.start && booking.person) await take(wanted.start, booking.person);
  };
  return html`<div class="services" role="group" aria-label=${say("Service")} @keydown=${moveAmong}>
    ${services === null ? html`<p class="results-note">${say("Loading…")}</p>` : nothing}
    ${offered.map((service) => html`<button type="button" class="chip service" aria-pressed=${service.id === usual ? "true" : "false"} @click=${() => choose(service)}>
      ${service.name}<span>${say("%(minutes)s min", { minutes: service.duration_minutes })}</span></button>`)}
    ${services !== null && !offered.length ? html`<p class="results-note">${say("The clinic offers no service yet.")}</p>` : nothing}
  </div>`;
}

/** Arrows walk among the services. @param {KeyboardEvent} event */
function moveAmong(event) {
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!steps) return;
  const all = [.../** @type {HTMLElement} */ (event.currentTarget).querySelectorAll("button")];
  all[(all.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement)) + steps + all.length) % all.length]?.focus();
  event.preventDefault();
}

const able = () => people.filter(({ id }) => booking.service?.practitioners.includes(id));

function when() {
  const pick = (/** @type {CustomEvent<{ slot: Slot, practitioner: Person }>} */ { detail }) => take(detail.slot.start, detail.practitioner);
  const toggle = (/** @type {typeof booking.panel} */ panel) => change({ panel: booking.panel === panel ? "" : panel });
  return html`<div class="field booking-with"><label for="booking-with">${say("With")}</label>
      <select class="input" id="booking-with" @change=${(/** @type {Event} */ { target }) => change({ onlyPractitioner: Number(/** @type {HTMLSelectElement} */ (target).value) })}>
        <option value="0" ?selected=${!booking.onlyPractitioner}>${say("Anybody")}</option>
        ${able().map(({ id, name }) => html`<option value=${id} ?selected=${id === booking.onlyPractitioner}>${name}</option>`)}
      </select></div>
    <slot-picker .service=${booking.service?.id ?? 0} .practitioner=${booking.onlyPractitioner} .known=${booking.patient?.last_practitioner ?? 0} @pick=${pick} @loaded=${focusSlot}></slot-picker>
    <div class="chips booking-more" role="group" aria-label=${say("Other ways")}>
      <button type="button" class="chip" aria-expanded=${booking.panel === "walk-in" ? "true" : "false"} @click=${() => toggle("walk-in")}>${say("Walk-in, now")}</button>
      <button type="button" class="chip" aria-expanded=${booking.panel === "outside" ? "true" : "false"} @click=${() => toggle("outside")}>${say("Another time")}</button>
      ${frame.clinic.usesWaitlist ? html`<button type="button" class="chip" aria-expanded=${booking.panel === "waitlist" ? "true" : "false"} @click=${() => toggle("waitlist")}>${say("Waitlist")}</button>` : nothing}
    </div>
    ${booking.panel === "walk-in" ? walkIn() : booking.panel === "outside" ? otherTime() : booking.panel === "waitlist" ? waitlist() : nothing}`;
}

/** @param {Event} event Whoever has moved on is not called back. */
function focusSlot({ target }) {
  const isElsewhere = dialog?.contains(document.activeElement) && document.activeElement?.matches("select, input, .chip");
  if (!isElsewhere) /** @type {any} */ (target).focusFirst();
}

function walkIn() {
  const choose = (/** @type {Person} */ person) => change({ start: walkInStart(now()), person, isWalkIn: true, hold: null });
  return html`<div class="chips" role="group" aria-label=${say("Walk-in with")}>${able().map((person) => html`<button type="button" class="chip" @click=${() => choose(person)}>${person.name}</button>`)}</div>`;
}

function otherTime() {
  const today = dateIn(frame.clinic.timezone, now());
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const given = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const person = able().find(({ id }) => id === Number(given.get("person"))) ?? null;
    // Without an offset: the clinic's clock.
    const start = `${given.get("date")}T${given.get("time")}:00`;
    if (given.get("outside")) return change({ start, person, outsideHours: true, hold: null });
    if (person) take(start, person);
  };
  return html`<form class="booking-other" @submit=${submit}>
    <div class="booking-pair">
      <div class="field"><label for="booking-date">${say("Date")}</label><input class="input" id="booking-date" type="date" name="date" required min=${today} .value=${today} /></div>
      <div class="field"><label for="booking-time">${say("Time")}</label><input class="input" id="booking-time" type="time" name="time" step="300" required /></div>
      <div class="field"><label for="booking-person">${say("With")}</label><select class="input" id="booking-person" name="person">${able().map(({ id, name }) => html`<option value=${id} ?selected=${id === booking.onlyPractitioner}>${name}</option>`)}</select></div>
    </div>
    <label class="check"><input type="checkbox" name="outside" /> ${say("Also outside of working hours")}</label>
    <div class="dialog-buttons"><button class="button quiet">${say("Take this time")}</button></div>
  </form>`;
}

function waitlist() {
  const today = dateIn(frame.clinic.timezone, now());
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    joinWaitlist();
  };
  return html`<form class="booking-other" id="booking-waitlist" @submit=${submit}>
    <div class="booking-pair">
      <div class="field"><label for="booking-from">${say("From")}</label><input class="input" id="booking-from" type="date" name="from" min=${today} .value=${today} /></div>
      <div class="field"><label for="booking-to">${say("Until")}</label><input class="input" id="booking-to" type="date" name="to" min=${today} .value=${shifted(today, 14)} /></div>
      <div class="field"><label for="booking-part">${say("Part of the day")}</label><select class="input" id="booking-part" name="part">
        <option value="any">${say("Any time")}</option><option value="morning">${say("Morning")}</option><option value="afternoon">${say("Afternoon")}</option><option value="evening">${say("Evening")}</option>
      </select></div>
    </div>
    <div class="dialog-buttons"><button class="button" aria-disabled=${booking.isBusy ? "true" : "false"}>${say("Put on the waitlist")}</button></div>
  </form>`;
}

function confirm() {
  const { start, person, hold, isWalkIn, outsideHours, isOver } = booking;
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    book();
  };
  const again = async () => {
    await releaseHold();
    change({ start: null, hold: null, isOver: false, isWalkIn: false, outsideHours: false, frequency: "", preview: null });
  };
  const text = isWalkIn ? say("Now") : sayDay(/** @type {string} */ (start), frame.clinic.timezone, now());
  return html`${chosen(say("When"), [text, person && say("with %(practitioner)s", { practitioner: person.name })].filter(Boolean).join(" "), again)}
    <form class="booking-confirm" @submit=${submit}>
      <p class="booking-kept" role="status">${hold && !isOver ? kept(hold) : nothing}
        ${isOver ? say("The time is not kept any more. It is booked if it is still free.") : outsideHours ? say("Outside of working hours: nothing is kept until it is booked.") : nothing}</p>
      ${isWalkIn ? nothing : more()}
      <div class="dialog-buttons"><button class="button wide" id="booking-book" aria-disabled=${booking.isBusy ? "true" : "false"}>${booking.frequency ? say("Book the series") : say("Book")}</button></div>
    </form>`;
}

/** @param {Hold} hold */
const kept = ({ expires_at: until }) => html`<span class="countdown" role="timer" aria-live="off"><svg class="icon" aria-hidden="true"><use href="#icon-clock"></use></svg><count-down until=${until} data-form=${say("kept for %(time)s")} @over=${() => change({ isOver: true })}></count-down></span>`;

function more() {
  const repeat = (/** @type {Event} */ { target }) => {
    change({ frequency: /** @type {HTMLSelectElement} */ (target).value, preview: null });
    previewSeries();
  };
  const often = (/** @type {Event} */ { target }) => {
    change({ count: Math.min(52, Math.max(2, Number(/** @type {HTMLInputElement} */ (target).value))), preview: null });
    previewSeries();
  };
  return html`<details class="booking-details"><summary>${say("Notes and repeats")}</summary>
    <div class="field"><label for="booking-notes">${say("Notes, for the clinic alone")}</label><textarea class="input" id="booking-notes" rows="2" maxlength="4000" .value=${booking.notes} @input=${(/** @type {Event} */ { target }) => (booking.notes = /** @type {HTMLTextAreaElement} */ (target).value)}></textarea></div>
    <div class="booking-pair">
          <div class="field"><label for="booking-repeat">${say("Repeat")}</label><select class="input" id="booking-repeat" @change=${repeat}>
            <option value="">${say("Once")}</option><option value="weekly">${say("Every week")}</option><option value="biweekly">${say("Every two weeks")}</option><option value="monthly">${say("Every month")}</option>
          </select></div>
          ${booking.frequency ? html`<div class="field"><label for="booking-count">${say("Visits")}</label><input class="input" id="booking-count" type="number" min="2" max="52" .value=${String(booking.count)} @change=${often} /></div>` : nothing}
    </div>
    ${booking.preview ? html`<ol class="booking-dates" aria-label=${say("Dates of the series")}>${booking.preview.map(seriesDate)}</ol>` : nothing}
    ${booking.frequency && !booking.patient ? html`<p class="hint">${say("Dates that are not free are left out. How many is said when it is booked.")}</p>` : nothing}
  </details>`;
}

/** @param {SeriesDate} date */
function seriesDate({ date, start, outcome, reason }) {
  // The time taken at the first date is the one held for this booking.
  const isKept = booking.hold !== null && Date.parse(start ?? "") === Date.parse(booking.start ?? "");
  const isFree = isKept || outcome !== "refused";
  return html`<li ?data-left-out=${!isFree}><span>${sayDay(`${date}T12:00:00Z`, "UTC", now(), false)}</span><span>${isFree ? say("free") : say("left out: %(reason)s", { reason: reason ?? "" })}</span></li>`;
}

function refusal() {
  if (!booking.refusal) return nothing;
  const overlap = () => {
    change({ allowsOverlap: true });
    book();
  };
  return html`<div class="notice bad" role="alert"><span>${booking.refusal}</span>
    ${booking.nearest.map(({ start, practitioner }) => {
      const person = people.find(({ id }) => id === practitioner);
      return person ? html`<button type="button" class="button quiet" @click=${() => take(start, person)}>${sayWhen(start, frame.clinic.timezone, now())} · ${person.name}</button>` : nothing;
    })}
    ${booking.mayOverlap ? html`<button type="button" class="button quiet" @click=${overlap}>${say("Book it all the same")}</button>` : nothing}</div>`;
}
