// @ts-check
/** Words that the script of a visit's page says. */
import { say, sayCount } from "../translate.js";

/** @param {number} ahead How many are before the patient on the day. */
export const sayAhead = (ahead) =>
  ahead === 0 ? say("You are next.") : sayCount("%(count)s person is before you.", "%(count)s people are before you.", ahead);

/** @param {"connecting" | "live" | "offline"} state */
export const sayState = (state) => ({ connecting: say("Connecting…"), live: say("Live"), offline: say("Not live") })[state];
