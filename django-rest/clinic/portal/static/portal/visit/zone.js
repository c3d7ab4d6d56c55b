// @ts-check
/** The clinic's zone, named on the pages of patients where the device's clock shows another time. */
import { say } from "../translate.js";
import { zoneToName } from "../zones.js";

/** @param {string} timezone The clinic's. */
export function nameZone(timezone) {
  const place = zoneToName(timezone, Intl.DateTimeFormat().resolvedOptions().timeZone, Date.now());
  const named = document.getElementById("zone");
  if (!place || !named) return;
  named.textContent = say("times of %(place)s", { place });
  named.hidden = false;
}
