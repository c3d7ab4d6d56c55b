// @ts-check
/** Sentences of the calendar. The words come from the server, in its language; numbers and dates are put in here. */
import { clockIn, dateIn, formatOf } from "../rules.js";

/** @typedef {Record<string, string>} Words */

const LOCALE = globalThis.document?.documentElement.dataset.locale || globalThis.document?.documentElement.lang || "en";

/**
 * @param {Words} words @param {{ twelveHours: boolean, timezone: string }} clinic
 */
export function sayings(words, { twelveHours, timezone }) {
  /** @param {string} key @param {Record<string, string | number>} [values] */
  const t = (key, values = {}) => (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));

  /** @param {string} clock As 14:30. */
  const time = (clock) => {
    if (!twelveHours) return clock;
    const hour = Number(clock.slice(0, 2)) % 24;
    return `${hour % 12 || 12}${clock.slice(2)} ${hour < 12 ? "AM" : "PM"}`;
  };

  /** @param {string} date @param {Intl.DateTimeFormatOptions} how */
  const date = (date, how) => formatOf(LOCALE, { timeZone: "UTC", ...how }).format(Date.parse(`${date}T00:00:00Z`));

  return {
    locale: LOCALE,
    t,
    time,
    date,
    /** @param {string} day */
    longDate: (day) => date(day, { weekday: "long", day: "numeric", month: "long", year: "numeric" }),
    /** @param {string} day */
    shortDate: (day) => date(day, { weekday: "short", day: "numeric", month: "short" }),
    /** @param {string} month As 2026-11. */
    month: (month) => date(`${month}-01`, { month: "long", year: "numeric" }),
    /** @param {{ date: string, time: string }} row @param {string} today */
    when: (row, today) => (row.date === today ? time(row.time) : `${date(row.date, { weekday: "short", day: "numeric", month: "short" })} ${time(row.time)}`),
    /** @param {number} seconds As 45 s, 4:05 or 3 h 12 min. */
    left(seconds) {
      if (seconds < 60) return t("seconds_left", { seconds });
      const [minutes, rest] = [Math.floor(seconds / 60), String(seconds % 60).padStart(2, "0")];
      const long = minutes < 60 ? `${minutes}:${rest}` : t("hours_and_minutes", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
      return t("time_left", { left: long });
    },
    /** @param {string} instant @param {string} today In the clinic's zone, whatever the instant is written in. */
    instant(instant, today) {
      const at = Date.parse(instant);
      const day = dateIn(timezone, at);
      const clock = time(clockIn(timezone, at));
      return today === day ? clock : `${date(day, { day: "numeric", month: "short" })}, ${clock}`;
    },
  };
}

/** @typedef {ReturnType<typeof sayings>} Sayings */

/**
 * Word and sentence for the state of the connection.
 * @param {Sayings} say @param {string} state @param {string} reason @param {string} since A time, as people read it.
 * @returns {{ word: string, sentence: string, kind: string, offers: "" | "again" | "sign-in" }}
 */
export function sayConnection({ t }, state, reason, since) {
  if (state === "live") return { word: t("live"), sentence: "", kind: "", offers: "" };
  if (state === "connecting") return { word: t("connecting"), sentence: "", kind: "", offers: "" };
  if (state === "stale") return { word: t("stale"), sentence: t("stale_since", { time: since }), kind: "", offers: "" };
  if (state === "signed out") return { word: t("signed_out"), sentence: t("signed_out_hint"), kind: "bad", offers: "sign-in" };
  if (state === "not live") return { word: t("not_live"), sentence: t("not_live_hint", { time: since }), kind: "calm", offers: "again" };
  if (reason === "replaced") return { word: t("offline"), sentence: t("replaced_hint"), kind: "bad", offers: "again" };
  if (reason === "refused") return { word: t("offline"), sentence: t("refused_hint"), kind: "bad", offers: "again" };
  return { word: t("offline"), sentence: t("offline_since", { time: since }), kind: "bad", offers: "" };
}
