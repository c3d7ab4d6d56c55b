// @ts-check
/** Sentences of the pages' scripts. Names of statuses and buttons come from the server, in its language. */
import { dateIn, daysBetween, formatOf } from "./rules.js";
import { say, sayCount } from "./translate.js";

/** @typedef {import("./rules.js").Row} Row */

export const SIGN_IN = say("Sign in again");
/** Of dates and numbers: the page's language, as it is written in the clinic's country. */
export const LOCALE = document.documentElement.dataset.locale || document.documentElement.lang || "en";

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

/** @param {string} at An instant. @param {string} timezone @param {number} now Its day, where that is not today, and its time. */
export function sayWhen(at, timezone, now) {
  const date = dateIn(timezone, Date.parse(at));
  const today = dateIn(timezone, now);
  const time = sayTime(formatOf("en-GB", { timeZone: timezone, hour: "2-digit", minute: "2-digit" }).format(Date.parse(at)));
  return date === today ? time : `${sayNear(date, today)}, ${time}`;
}

/**
 * A day that nobody mistakes, and its time.
 * @param {string} at An instant, or a wall time of the clinic's without an offset. @param {string} timezone @param {number} now
 * @param {boolean} [hasTime]
 */
export function sayDay(at, timezone, now, hasTime = true) {
  const isWallTime = !/(Z|[+-]\d\d:\d\d)$/.test(at);
  const instant = Date.parse(isWallTime ? `${at}Z` : at);
  const zone = isWallTime ? "UTC" : timezone;
  const date = dateIn(zone, instant);
  const near = Math.abs(daysBetween(dateIn(timezone, now), date)) <= 1 ? `${sayNear(date, dateIn(timezone, now))}, ` : "";
  const time = sayTime(formatOf("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" }).format(instant));
  const day = `${near}${said(date, { weekday: "long", day: "numeric", month: "long" })}`;
  return hasTime ? `${day}, ${time}` : day;
}

/** @param {string} date @param {Intl.DateTimeFormatOptions} how */
const said = (date, how) =>
  formatOf(LOCALE, { timeZone: "UTC", ...how }).format(Date.parse(`${date}T00:00:00Z`));

/** @param {string} date */
export const sayLongDate = (date) => said(date, { weekday: "long", day: "numeric", month: "long", year: "numeric" });

/** @param {string} date @param {"weekday" | "day"} part "Fri", or "20". */
export const sayShortDay = (date, part) => (part === "day" ? String(Number(date.slice(8))) : said(date, { weekday: "short" }));

/** @param {string} date */
export const sayMonthAndDay = (date) => said(date, { weekday: "long", day: "numeric", month: "long" });

/** @param {string} date @param {string} today */
export function sayNear(date, today) {
  const days = daysBetween(today, date);
  if (days === 0) return say("today");
  if (days === 1) return say("tomorrow");
  if (days === -1) return say("yesterday");
  return said(date, { weekday: "short", day: "numeric", month: "short" });
}

/** @param {Row} row @param {string} today To when its patient asks to move it. */
export function sayAsked({ requested_start: start, date }, today) {
  if (!start) return "";
  const time = sayTime(start.slice(11, 16));
  return start.slice(0, 10) === date ? time : `${sayNear(start.slice(0, 10), today)}, ${time}`;
}

/** @param {Row} row @param {string} today Who and when, as a button and an announcement name it. */
export function sayWhoAndWhen(row, today) {
  const day = row.date === today ? "" : `${sayNear(row.date, today)} `;
  return `${row.patient_name}, ${day}${sayTime(row.time)}`;
}

/** @param {number} ms How long ago somebody asked. */
export function sayAge(ms) {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes === 0) return say("asked just now");
  if (minutes < 60) return say("asked %(minutes)s min ago", { minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return say("asked %(hours)s h ago", { hours });
  return sayCount("asked %(count)s day ago", "asked %(count)s days ago", Math.floor(hours / 24));
}

/** @param {number} minutes How long something lasts: from an hour on in hours. */
export function sayMinutes(minutes) {
  if (minutes < 60) return say("%(minutes)s min", { minutes });
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return rest ? say("%(hours)s h %(minutes)s min", { hours, minutes: rest }) : say("%(hours)s h", { hours });
}

/** @param {{ kind: "late" | "waiting" | "here", minutes: number }} delay */
export const sayDelay = ({ kind, minutes }) => {
  const time = sayMinutes(minutes);
  if (kind === "late") return say("%(time)s late", { time });
  if (kind === "here") return say("here for %(time)s", { time });
  return minutes === 0 ? say("just arrived") : say("waiting %(time)s", { time });
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
      return { word: say("Live"), sentence: "", kind: "", offers: "" };
    case "connecting":
      return { word: say("Connecting…"), sentence: "", kind: "", offers: "" };
    case "stale":
      return {
        word: say("Not up to date"),
        sentence: say("No news since %(time)s: what you see may be old. It goes on by itself.", { time: since }),
        kind: "warning",
        offers: "",
      };
    case "signed out":
      return { word: say("Signed out"), sentence: say("Your session has ended."), kind: "bad", offers: SIGN_IN };
    case "not live":
      return {
        word: say("Not live"),
        sentence: say("This day is outside of what is live. It is shown as of %(time)s.", { time: since }),
        kind: "calm",
        offers: say("Load again"),
      };
  }
  if (reason === "replaced") {
    return { word: say("Offline"), sentence: say("Too many screens are open with this account: this one was let go."), kind: "bad", offers: say("Connect again") };
  }
  if (reason === "refused") {
    return { word: say("Offline"), sentence: say("The live connection was refused. Nothing here changes by itself."), kind: "bad", offers: say("Connect again") };
  }
  return {
    word: say("Offline"),
    sentence: say("No live connection since %(time)s: what you see may be old. It is tried again by itself.", { time: since }),
    kind: "bad",
    offers: "",
  };
}

/**
 * Announcement of recent changes; many at once are one sentence.
 * @param {{ row: Row, difference: "new" | "status" | "moved" | "edited" }[]} changes
 * @param {Record<string, string>} statuses @param {string} today
 */
export function sayChanges(changes, statuses, today) {
  if (changes.length > 3) return sayCount("%(count)s appointment has changed.", "%(count)s appointments have changed.", changes.length);
  const sentences = changes.map(({ row, difference }) => {
    const who = sayWhoAndWhen(row, today);
    if (difference === "new") return row.status === "pending" ? say("New request: %(who)s.", { who }) : say("New: %(who)s, %(status)s.", { who, status: statuses[row.status] });
    if (difference === "moved") return say("Moved: %(who)s, with %(practitioner)s.", { who, practitioner: row.practitioner_name });
    return difference === "status" ? `${who}: ${statuses[row.status]}.` : say("%(who)s: changed.", { who });
  });
  return sentences.join(" ");
}
