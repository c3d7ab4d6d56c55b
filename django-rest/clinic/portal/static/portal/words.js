// @ts-check
/** What the board's scripts say. Names of statuses and buttons come from the server, in its language. */
import { daysBetween, formatOf } from "./rules.js";

/** @typedef {import("./rules.js").Row} Row */

export const SIGN_IN = "Sign in again";
const LOCALE = document.documentElement.lang || "en";

let hasTwelveHours = false;

/** @param {boolean} on Whether the clinic's people read 2:30 PM, and not 14:30. */
export function useTwelveHours(on) {
  hasTwelveHours = on;
}

/** @param {string} time As 14:30. */
export function sayTime(time) {
  if (!hasTwelveHours) return time;
  const hour = Number(time.slice(0, 2));
  return `${hour % 12 || 12}${time.slice(2)} ${hour < 12 ? "AM" : "PM"}`;
}

/** @param {string} date @param {Intl.DateTimeFormatOptions} how */
const said = (date, how) =>
  formatOf(LOCALE, { timeZone: "UTC", ...how }).format(Date.parse(`${date}T00:00:00Z`));

/** @param {string} date */
export const sayLongDate = (date) => said(date, { weekday: "long", day: "numeric", month: "long", year: "numeric" });

/** @param {string} date */
export const sayMonthAndDay = (date) => said(date, { weekday: "long", day: "numeric", month: "long" });

/** @param {string} date @param {string} today */
export function sayNear(date, today) {
  const days = daysBetween(today, date);
  if (days === 0) return "today";
  if (days === 1) return "tomorrow";
  if (days === -1) return "yesterday";
  return said(date, { weekday: "short", day: "numeric", month: "short" });
}

/** @param {number} count @param {string} one @param {string} many */
export const count = (count, one, many) => `${count} ${count === 1 ? one : many}`;

/** @param {Row} row @param {string} today Who and when, as a button and an announcement name it. */
export function sayWhoAndWhen(row, today) {
  const day = row.date === today ? "" : `${sayNear(row.date, today)} `;
  return `${row.patient_name}, ${day}${sayTime(row.time)}`;
}

/** @param {number} ms How long ago somebody asked. */
export function sayAge(ms) {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 60) return minutes === 0 ? "asked just now" : `asked ${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `asked ${hours} h ago` : `asked ${count(Math.floor(hours / 24), "day", "days")} ago`;
}

/** @param {{ kind: "late" | "waiting", minutes: number }} delay */
export const sayDelay = ({ kind, minutes }) => {
  if (kind === "late") return `${minutes} min late`;
  return minutes === 0 ? "just arrived" : `waiting ${minutes} min`;
};

/**
 * The connection, in a word and in a sentence.
 * @param {string} state @param {string} reason @param {string} since The clinic's clock.
 * @returns {{ word: string, sentence: string, kind: "calm" | "warning" | "bad" | "", offers: string }} `offers`: the name of a
 *   button to try again, or of the link to sign in.
 */
export function sayConnection(state, reason, since) {
  switch (state) {
    case "live":
      return { word: "Live", sentence: "", kind: "", offers: "" };
    case "connecting":
      return { word: "Connecting…", sentence: "", kind: "", offers: "" };
    case "stale":
      return {
        word: "Not up to date",
        sentence: `No news since ${since}: what you see may be old. It goes on by itself.`,
        kind: "warning",
        offers: "",
      };
    case "signed out":
      return { word: "Signed out", sentence: "Your session has ended.", kind: "bad", offers: SIGN_IN };
    case "not live":
      return {
        word: "Not live",
        sentence: `This day is outside of what is live. It is shown as of ${since}.`,
        kind: "calm",
        offers: "Load again",
      };
  }
  if (reason === "replaced") {
    return { word: "Offline", sentence: "Too many screens are open with this account: this one was let go.", kind: "bad", offers: "Connect again" };
  }
  if (reason === "refused") {
    return { word: "Offline", sentence: "The live connection was refused. Nothing here changes by itself.", kind: "bad", offers: "Connect again" };
  }
  return {
    word: "Offline",
    sentence: `No live connection since ${since}: what you see may be old. It is tried again by itself.`,
    kind: "bad",
    offers: "",
  };
}

/**
 * What has just changed, for an announcement; many changes at once are one sentence.
 * @param {{ row: Row, difference: "new" | "status" | "moved" | "edited" }[]} changes
 * @param {Record<string, string>} statuses @param {string} today
 */
export function sayChanges(changes, statuses, today) {
  if (changes.length > 3) return `${changes.length} appointments have changed.`;
  const sentences = changes.map(({ row, difference }) => {
    const who = sayWhoAndWhen(row, today);
    if (difference === "new") return row.status === "pending" ? `New request: ${who}.` : `New: ${who}, ${statuses[row.status]}.`;
    if (difference === "moved") return `Moved: ${who}, with ${row.practitioner_name}.`;
    return difference === "status" ? `${who}: ${statuses[row.status]}.` : `${who}: changed.`;
  });
  return sentences.join(" ");
}
