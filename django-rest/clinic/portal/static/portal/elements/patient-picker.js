// @ts-check
/**
 * `<patient-picker>`: one field for name or phone, with results as one types. Tells `pick` with the match, and `new` with what
 * was typed.
 */
import { LitElement, html, nothing } from "lit";
import { sentenceOf } from "../api.js";
import { api, frame, now } from "../page.js";
import { say, sayCount } from "../translate.js";
import { sayWhen } from "../words.js";

/** @typedef {import("../booking/steps.js").Match} Match */

const PAUSE_MS = 120;

export class PatientPicker extends LitElement {
  static properties = { offersNew: { type: Boolean, attribute: "offers-new" }, text: { state: true }, found: { state: true }, chosen: { state: true }, note: { state: true } };

  constructor() {
    super();
    this.offersNew = false;
    this.text = "";
    /** @type {Match[]} */
    this.found = [];
    this.chosen = 0;
    this.note = "";
    /** @type {AbortController | null} */
    this._asking = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
    /** Enter was pressed before the answer came. */
    this._picksFirst = false;
  }

  createRenderRoot() {
    return this;
  }

  focusField() {
    this.querySelector("input")?.focus();
  }

  get _count() {
    return this.found.length + (this.offersNew && this.text.trim() ? 1 : 0);
  }

  /** @param {Event} event */
  _typed(event) {
    this.text = /** @type {HTMLInputElement} */ (event.target).value;
    this.chosen = 0;
    this._picksFirst = false;
    clearTimeout(this._timer);
    this._asking?.abort();
    if (this.text.trim().length < 2) this.found = [];
    else this._timer = setTimeout(() => this._ask(), PAUSE_MS);
    this._isAsking = this.text.trim().length >= 2;
  }

  async _ask() {
    this._asking = new AbortController();
    const { signal } = this._asking;
    try {
      this.found = await api.get("/api/v1/patients/matches", { search: this.text.trim() }, signal);
      this.note = this.found.length ? sayCount("%(count)s patient found", "%(count)s patients found", this.found.length) : say("Nobody with this name or phone.");
    } catch (problem) {
      if (signal.aborted) return;
      this.note = sentenceOf(problem);
    }
    this._isAsking = false;
    if (this._picksFirst) this._pick(0);
    this._picksFirst = false;
  }

  /** @param {KeyboardEvent} event */
  _pressed(event) {
    const last = this._count - 1;
    if (event.key === "ArrowDown") this.chosen = this.chosen >= last ? 0 : this.chosen + 1;
    else if (event.key === "ArrowUp") this.chosen = this.chosen <= 0 ? last : this.chosen - 1;
    else if (event.key === "Enter") {
      if (this._isAsking) this._picksFirst = true;
      else this._pick(this.chosen);
    } else return;
    event.preventDefault();
    this.updateComplete.then(() => this.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }));
  }

  /** @param {number} at */
  _pick(at) {
    const match = this.found[at];
    if (match) this.dispatchEvent(new CustomEvent("pick", { detail: match }));
    else if (this.offersNew && this.text.trim()) this.dispatchEvent(new CustomEvent("new", { detail: this.text }));
  }

  render() {
    return html`
      <div class="field">
        <label for="patient-picker-field">${say("Name or phone")}</label>
        <input class="input" id="patient-picker-field" type="text" role="combobox" aria-expanded=${this._count > 0 ? "true" : "false"} aria-controls="patient-picker-list" aria-autocomplete="list"
          aria-activedescendant=${this._count ? `patient-picker-${this.chosen}` : nothing} autocomplete="off" spellcheck="false" maxlength="100"
          .value=${this.text} @input=${this._typed} @keydown=${this._pressed} />
      </div>
      <div class="matches" id="patient-picker-list" role="listbox" aria-label=${say("Patients")}>
        ${this.found.map((match, at) => this._row(match, at))}
        ${this.offersNew && this.text.trim()
          ? html`<div class="match" role="option" id="patient-picker-${this.found.length}" aria-selected=${this.chosen === this.found.length ? "true" : "false"} @click=${() => this._pick(this.found.length)}>
              <svg class="icon" aria-hidden="true"><use href="#icon-plus"></use></svg><span class="match-words"><strong>${say("New patient")}</strong><span>${this.text.trim()}</span></span>
            </div>`
          : nothing}
      </div>
      <p class="heard" role="status">${this.note}</p>`;
  }

  /** @param {Match} match @param {number} at */
  _row(match, at) {
    const { name, phone, alert, missed_count: missed, next_visit: next, birth_date: born } = match;
    const when = next && sayWhen(next.start, frame.clinic.timezone, now());
    return html`<div class="match" role="option" id="patient-picker-${at}" aria-selected=${at === this.chosen ? "true" : "false"} @click=${() => this._pick(at)}>
      <svg class="icon" aria-hidden="true"><use href="#icon-person"></use></svg>
      <span class="match-words"><strong>${name}</strong><span>${[phone, born].filter(Boolean).join(" · ")}</span>
        ${next ? html`<span>${say("Next visit: %(when)s with %(practitioner)s", { when: when ?? "", practitioner: next.practitioner_name })}</span>` : nothing}
        ${alert ? html`<span class="match-alert"><svg class="icon" aria-hidden="true"><use href="#icon-alert"></use></svg>${alert}</span>` : nothing}
      </span>
      ${missed ? html`<span class="match-missed">${sayCount("missed %(count)s visit", "missed %(count)s visits", missed)}</span>` : nothing}
    </div>`;
  }
}

customElements.define("patient-picker", PatientPicker);
