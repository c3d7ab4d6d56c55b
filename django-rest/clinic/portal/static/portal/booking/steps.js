// @ts-check
/**
 * The steps that a booking still needs, and the days, times and people offered for it. Pure: `now` is always an argument, in
 * milliseconds, and dates are the clinic's, as 2026-11-20.
 *
 * @typedef {{ id: number, name: string, phone: string, phone_extension: string, email: string, birth_date: string | null, alert: string,
 *   missed_count: number, last_service: number | null, last_practitioner: number | null,
 *   next_visit: { start: string, date: string, time: string, practitioner_name: string, service_name: string | null } | null }} Match
 * @typedef {{ name: string, phone: string, email: string }} NewPatient
 * @typedef {{ id: number, name: string, duration_minutes: number, color: string, practitioners: number[] }} Service
 * @typedef {{ id: number, name: string }} Person
 * @typedef {{ start: string, end: string, date: string, time: string, practitioners: Person[] }} Slot
 * @typedef {"who" | "new" | "what" | "when" | "confirm"} Step
 * @typedef {"any" | "morning" | "afternoon" | "this week" | "next week"} When
 */

const DAY_MS = 86_400_000;
const STEP_MS = 5 * 60_000;

/**
 * @param {{ patient: Match | null, isNew: boolean, service: Service | null, start: string | null }} booking
 * @returns {Step} The first thing that is missing.
 */
export function stepOf({ patient, isNew, service, start }) {
  if (isNew && !patient) return "new";
  if (!patient) return "who";
  if (!service) return "what";
  return start ? "confirm" : "when";
}

/** @param {string} text What was typed into "name or phone". @returns {NewPatient} */
export function newPatientFrom(text) {
  const isPhone = /^[\s+(]*\d[\d\s()./-]*$/.test(text);
  return { name: isPhone ? "" : text.trim(), phone: isPhone ? text.trim() : "", email: "" };
}

/** @param {Service[]} services @param {number | undefined} practitioner Whom a clicked gap belongs to. @returns {Service[]} */
export function servicesFor(services, practitioner) {
  return practitioner ? services.filter(({ practitioners }) => practitioners.includes(practitioner)) : services;
}

/** @param {string} date @param {number} days */
export const shifted = (date, days) => new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);

/**
 * The query of the soonest times.
 * @param {When} when @param {string} today @returns {{ from?: string, to?: string, part_of_day?: string }}
 */
export function daysOf(when, today) {
  const sunday = shifted(today, 6 - ((new Date(`${today}T00:00:00Z`).getUTCDay() + 6) % 7));
  if (when === "this week") return { from: today, to: sunday };
  if (when === "next week") return { from: shifted(sunday, 1), to: shifted(sunday, 7) };
  return when === "any" ? {} : { part_of_day: when };
}

/**
 * Of those who are free: whom the patient knows already, else the first.
 * @param {Person[]} free @param {number | null | undefined} known @returns {Person}
 */
export function choosePerson(free, known) {
  return free.find(({ id }) => id === known) ?? free[0];
}

/** @param {number} now @returns {string} The start of somebody who has walked in: the next five minutes, as an instant. */
export function walkInStart(now) {
  return new Date(Math.ceil(now / STEP_MS) * STEP_MS).toISOString();
}

/** @param {string} frequency "weekly", "biweekly" or "monthly". @param {number} count */
export const ruleOf = (frequency, count) => ({ frequency, count });

/**
 * The body of the request that books.
 * @param {{ patient: number, service: number, hold: string | null, start: string, practitioner: number | null, outsideHours: boolean,
 *   allowOverlap: boolean, notes: string }} booking
 */
export function bookingBody({ patient, service, hold, start, practitioner, outsideHours, allowOverlap, notes }) {
  return {
    patient,
    service,
    ...(hold ? { hold } : { start, ...(practitioner && { practitioner }) }),
    ...(outsideHours && { outside_hours: true }),
    ...(allowOverlap && { allow_overlap: true }),
    ...(notes && { notes }),
  };
}
