// @ts-check
/** Practitioners, and the absent ones of the shown day: read from the calendar when a day is opened, and again now and then. */
import { say } from "../translate.js";
import { sayTime } from "../words.js";

const READ_AGAIN_MS = 120_000;

/**
 * @typedef {{ start: string, end: string, whole_clinic: boolean, reason: string }} Closure
 * @typedef {{ date: string, practitioner: number, hours: object[], closures: Closure[] }} Schedule
 * @typedef {import("../rules.js").Practitioner} Practitioner
 */

export class Absences {
  /** @param {{ get: (path: string, query: Record<string, string>) => Promise<{ practitioners: Practitioner[], schedules: Schedule[] }> }} api @param {() => void} onchange @param {Practitioner[]} practitioners Known so far. */
  constructor(api, onchange, practitioners) {
    this._api = api;
    this._onchange = onchange;
    this.practitioners = practitioners;
    this._date = "";
    this._readAt = 0;
    /** @type {Map<number, string>} */
    this._sentences = new Map();
  }

  /** @param {string} date Reads it unless that was just done. */
  async show(date) {
    if (date === this._date && Date.now() - this._readAt < READ_AGAIN_MS) return;
    if (date !== this._date) this._sentences.clear();
    this._date = date;
    this._readAt = Date.now();
    try {
      const { practitioners, schedules } = await this._api.get("/api/v1/calendar/day", { date });
      this.practitioners = practitioners;
      if (date !== this._date) return;
      this._sentences = absencesIn(schedules);
      this._onchange();
    } catch {
      this._readAt = 0; // The day is shown without it, and it is tried again with the next look.
    }
  }

  /** @param {number} practitioner @returns {string} A sentence, or nothing. */
  of(practitioner) {
    return this._sentences.get(practitioner) ?? "";
  }
}

/** Pure. @param {Schedule[]} schedules @returns {Map<number, string>} By practitioner. */
export function absencesIn(schedules) {
  const away = schedules.filter(({ closures }) => closures.length > 0);
  return new Map(away.map((schedule) => [schedule.practitioner, sayAbsence(schedule)]));
}

/** @param {Schedule} schedule */
function sayAbsence({ hours, closures }) {
  const reason = closures.find((one) => one.reason)?.reason ?? "";
  const isClosed = closures.some((one) => one.whole_clinic);
  const when = closures.map(({ start, end }) => `${sayTime(start.slice(11, 16))}–${sayTime(end.slice(11, 16))}`).join(", ");
  const sentence = hours.length > 0 ? say("Away %(times)s", { times: when }) : isClosed ? say("Clinic closed") : say("Away");
  return reason ? `${sentence}: ${reason}` : sentence;
}
