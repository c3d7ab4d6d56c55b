// @ts-check
/**
 * `<slot-picker>`: the soonest times for a service, with a choice of days and of people. Tells `pick` with
 * `{ slot, practitioner }`.
 */
import { LitElement, html, nothing } from "lit";
import { sentenceOf } from "../api.js";
import { choosePerson, daysOf } from "../booking/steps.js";
import { api, frame, now } from "../page.js";
import { dateIn } from "../rules.js";
import { say } from "../translate.js";
import { sayNear, sayTime } from "../words.js";

/**
 * @typedef {import("../booking/steps.js").Slot} Slot
 * @typedef {import("../booking/steps.js").When} When
 */

/** @returns {[When, string][]} */
const choices = () => [
  ["any", say("Soonest")],
  ["morning", say("Morning")],
  ["afternoon", say("Afternoon")],
  ["this week", say("This week")],
  ["next week", say("Next week")],
];

export class SlotPicker extends LitElement {
  static properties = { service: { type: Number }, practitioner: { type: Number }, known: { type: Number }, when: { state: true }, slots: { state: true }, note: { state: true } };

  constructor() {
    super();
    this.service = 0;
    /** 0: all who offer the service. */
    this.practitioner = 0;
    /** The practitioner of the patient's last visit; 0 for none. */
    this.known = 0;
    /** @type {When} */
    this.when = "any";
    /** @type {Slot[] | null} */
    this.slots = null;
    this.note = "";
    /** @type {AbortController | null} */
    this._asking = null;
  }

  createRenderRoot() {
    return this;
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (["service", "practitioner", "when"].some((name) => changed.has(name)) && this.service) this.load();
  }

  /** Ask again, as after a time was taken by somebody else. */
  async load() {
    this._asking?.abort();
    this._asking = new AbortController();
    const { signal } = this._asking;
    const days = daysOf(this.when, dateIn(frame.clinic.timezone, now()));
    try {
      const query = { service: this.service, practitioner: this.practitioner || null, ...days };
      this.slots = (await api.get("/api/v1/slots/soonest", query, signal)).slots;
      this.note = this.slots?.length ? "" : say("Nothing is free then. Choose other days, or put the patient on the waitlist.");
    } catch (problem) {
      if (signal.aborted) return;
      this.slots = [];
      this.note = sentenceOf(problem);
    }
    await this.updateComplete;
    this.dispatchEvent(new Event("loaded"));
  }

  focusFirst() {
    const first = this.querySelector(".slot") ?? this.querySelector(".chip");
    /** @type {HTMLElement | null} */ (first)?.focus();
  }

  render() {
    const today = dateIn(frame.clinic.timezone, now());
    return html`
      <div class="chips" role="group" aria-label=${say("When")}>
        ${choices().map(([when, label]) => html`<button type="button" class="chip" aria-pressed=${when === this.when ? "true" : "false"} @click=${() => (this.when = when)}>${label}</button>`)}
      </div>
      <div class="slots" aria-busy=${this.slots === null ? "true" : "false"}>
        ${this.slots === null ? html`<p class="results-note">${say("Looking for times…")}</p>` : this.slots.map((slot) => this._slot(slot, today))}
      </div>
      <p class="results-note" role="status" ?hidden=${!this.note}>${this.note}</p>`;
  }

  /** @param {Slot} slot @param {string} today */
  _slot(slot, today) {
    const person = choosePerson(slot.practitioners, this.known);
    const others = slot.practitioners.length - 1;
    return html`<button type="button" class="slot" @click=${() => this._pick(slot, person)}>
      <strong>${sayTime(slot.time)}</strong><span>${sayNear(slot.date, today)}</span><span>${person.name}${others ? html` <span class="slot-others">+${others}</span>` : nothing}</span>
    </button>`;
  }

  /** @param {Slot} slot @param {import("../booking/steps.js").Person} practitioner */
  _pick(slot, practitioner) {
    this.dispatchEvent(new CustomEvent("pick", { detail: { slot, practitioner } }));
  }
}

customElements.define("slot-picker", SlotPicker);
