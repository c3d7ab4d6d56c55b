// @ts-check
/** Pieces of the home pages. */
import { html, nothing, svg } from "lit";
import { sentenceOf, Refusal } from "../api.js";
import { api, patientAddress } from "../page.js";
import { say, sayCount } from "../translate.js";
import { sayNear } from "../words.js";
import { askReason, news, place, timeOf, today } from "./visits.js";

/**
 * @typedef {import("../rules.js").Row} Row
 * @typedef {{ id: number, patient: number, patient_name: string, start: string }} Conflict
 * @typedef {{ id: number, practitioner_name: string, days: string, reason: string, version: number, conflicts: Conflict[] }} Absence
 */

/** @param {string} name */
export const icon = (name) => html`<svg class="icon" aria-hidden="true">${svg`<use href=${`#icon-${name}`}></use>`}</svg>`;

/** @param {string} name @param {string} title @param {string} text */
export const empty = (name, title, text = "") => html`<li class="panel-empty">${icon(name)}<strong>${title}</strong>${text ? html`<span>${text}</span>` : nothing}</li>`;

/** @param {{ patient: number, patient_name: string }} row */
export function patientLink(row) {
  const address = patientAddress(row.patient);
  return address ? html`<a class="who" href=${address}>${row.patient_name}</a>` : html`<span class="who">${row.patient_name}</span>`;
}

/** @param {{ label: string, value: string | number, note?: string, href?: string, kind?: string }[]} tiles */
export const tileList = (tiles) =>
  tiles.map(({ label, value, note, href, kind }) => {
    const inside = html`<strong>${value}</strong><span>${label}</span>${note ? html`<small>${note}</small>` : nothing}`;
    return html`<li class="tile card" data-kind=${kind ?? "plain"}>${href ? html`<a href=${href}>${inside}</a>` : html`<div>${inside}</div>`}</li>`;
  });

/** Requests for time off, answered here. */
export class Absences {
  /** @param {Absence[]} rows @param {() => void} ondraw */
  constructor(rows, ondraw) {
    this.rows = rows;
    this._ondraw = ondraw;
    /** @type {Set<number>} */
    this._busy = new Set();
  }

  list() {
    place("absences").hidden = this.rows.length === 0;
    place("absences-count").textContent = this.rows.length ? String(this.rows.length) : "";
    return this.rows.map((row) => this._item(row));
  }

  async again() {
    try {
      const answer = await api.get("/api/v1/absences");
      this.rows = answer.results.map((/** @type {any} */ one) => ({ ...one, days: daysOf(one) }));
      this._ondraw();
    } catch {
      // The next notification tries again.
    }
  }

  /** @param {Absence} row */
  _item(row) {
    const { conflicts } = row;
    const busy = this._busy.has(row.id);
    return html`<li class="item" data-absence=${row.id}>
      <p class="item-head"><strong>${row.practitioner_name}</strong><span>${row.days}</span></p>
      ${row.reason ? html`<p class="item-note">${row.reason}</p>` : nothing}
      ${conflicts.length
        ? html`<details class="conflicts"><summary>${sayCount("%(count)s visit is booked then", "%(count)s visits are booked then", conflicts.length)}</summary>
            <ul>${conflicts.map((one) => html`<li><a href="/calendar?date=${one.start.slice(0, 10)}">${sayNear(one.start.slice(0, 10), today())}, ${timeOf(one.start)}: ${one.patient_name}</a>${moveLink(one)}</li>`)}</ul>
            <p class="hint">${say("Move them here, cancel them in the calendar, or approve and keep them.")}</p></details>`
        : html`<p class="item-note">${say("No visit is booked then.")}</p>`}
      <div class="item-buttons">
        <button class="button" type="button" aria-disabled=${busy} @click=${() => this._approve(row)}>${conflicts.length ? say("Approve and keep the visits") : say("Approve")}</button>
        <button class="button danger" type="button" aria-disabled=${busy} @click=${() => this._decline(row)}>${say("Decline")}</button>
      </div>
    </li>`;
  }

  /** @param {Absence} row */
  _approve(row) {
    return this._send(row, "approve", { version: row.version, ...(row.conflicts.length && { force: true }) });
  }

  /** @param {Absence} row */
  async _decline(row) {
    const answer = await askReason(say("Decline the time off of %(name)s?", { name: row.practitioner_name }), say("Decline"));
    if (answer !== null) await this._send(row, "decline", { version: row.version, answer });
  }

  /** @param {Absence} row @param {string} name @param {object} body */
  async _send(row, name, body) {
    if (this._busy.has(row.id)) return;
    this._busy.add(row.id);
    this._ondraw();
    try {
      await api.post(`/api/v1/absences/${row.id}/${name}`, body);
      this.rows = this.rows.filter(({ id }) => id !== row.id);
    } catch (problem) {
      const isBooked = problem instanceof Refusal && problem.code === "would_strand";
      news.refused(isBooked ? say("A visit has been booked then meanwhile. Look at the list again.") : sentenceOf(problem));
      await this.again();
    } finally {
      this._busy.delete(row.id);
      this._ondraw();
    }
  }
}

/** @param {Conflict} visit */
function moveLink({ id, patient, patient_name: name }) {
  const address = patientAddress(patient);
  return address ? html`<a class="button quiet" href=${`${address}/visits/${id}/move`} aria-label=${say("Move the visit of %(name)s", { name })}>${say("Move")}</a>` : nothing;
}

/** @param {{ start_date: string, end_date: string, start: string | null, end: string | null }} row */
export function daysOf(row) {
  const days = [...new Set([row.start_date, row.end_date])].map((date) => sayNear(date, today())).join(" – ");
  return row.start ? `${days}, ${row.start}–${row.end}` : days;
}
