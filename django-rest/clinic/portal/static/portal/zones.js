// @ts-check
/** Time zones, pure: `now` is always an argument, in milliseconds. */

/** @param {string} zone @param {number} now @returns {string} As "GMT+02:00". */
function offsetOf(zone, now) {
  const parts = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" }).formatToParts(now);
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
}

/**
 * The place by which the clinic's zone is named on a page; "" where the browser's clock shows the same time anyway.
 * @param {string} clinic @param {string} browser Both IANA names. @param {number} now
 */
export function zoneToName(clinic, browser, now) {
  try {
    if (offsetOf(clinic, now) === offsetOf(browser, now)) return "";
  } catch {} // A zone that this browser does not know is named.
  return clinic.slice(clinic.lastIndexOf("/") + 1).replaceAll("_", " ");
}
