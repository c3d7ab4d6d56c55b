// @ts-check
/** Shared by every page of the frame: the clinic, the signed-in user, the session, the API and the time. */
import { Api } from "./api.js";
import { Session } from "./session.js";
import { useTwelveHours } from "./words.js";

/**
 * @typedef {{ label: string, icon: string, href: string }} PageLink
 * @typedef {{ clinic: { id: number, name: string, timezone: string, twelveHours: boolean, slotMinutes: number, undoSeconds: number,
 *     usesWaitlist: boolean },
 *   locale: string, now: string, person: { id: number, name: string, role: string }, mayBook: boolean, pages: PageLink[],
 *   patientPage: string | null, statuses: Record<string, string>, stream: string, heartbeatSeconds: number, token: string,
 *   signIn: string }} Frame
 */

/** @type {Frame} */
export const frame = JSON.parse(document.getElementById("frame")?.textContent ?? "null");
useTwelveHours(frame.clinic.twelveHours);

const csrf = /** @type {HTMLInputElement | null} */ (document.querySelector("[name=csrfmiddlewaretoken]"))?.value ?? "";
export const session = new Session({ tokenUrl: frame.token, csrf });
export const api = new Api(session);

// The device's clock may be wrong; the server's is not.
const clockError = Date.parse(frame.now) - Date.now();
export const now = () => Date.now() + clockError;

/** @param {number} patient @returns {string | null} The address of a patient's page, where there is one. */
export const patientAddress = (patient) => frame.patientPage && frame.patientPage.replace(/0$/, String(patient));
