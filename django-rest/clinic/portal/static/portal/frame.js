// @ts-check
/** The frame's own behaviour: search, booking, notifications and the name of the clinic's zone. */
import { listenForKeys } from "./keys.js";
import { frame, now } from "./page.js";
import { say } from "./translate.js";
import { zoneToName } from "./zones.js";

/** @param {string} id */
const place = (id) => document.getElementById(id);

async function openSearch() {
  (await import("./search.js")).openSearch();
}

/**
 * The booking dialog, from any page.
 * @param {import("./booking/dialog.js").Wanted} [wanted] What is known already: a start, a practitioner, a patient.
 */
export async function openBooking(wanted = {}) {
  if (frame.mayBook) await (await import("./booking/dialog.js")).openBooking(wanted);
}

function nameZone() {
  const zone = zoneToName(frame.clinic.timezone, Intl.DateTimeFormat().resolvedOptions().timeZone, now());
  const named = place("clinic-zone");
  if (!zone || !named) return;
  named.textContent = say("times of %(place)s", { place: zone });
  named.hidden = false;
}

place("search-open")?.addEventListener("click", openSearch);
place("book-open")?.addEventListener("click", () => openBooking());
listenForKeys({ "/": openSearch, ...(frame.mayBook && { b: () => openBooking() }) });
nameZone();
// A step of the page before that can still be undone.
if (sessionStorage.getItem("chairside-undo")) import("./elements/undo_bar.js").then(({ undoBar }) => undoBar());
import("./notifications.js").then(({ showNotifications }) => showNotifications());
