// @ts-check
/** The confirmation: the held time is used up, so that the booking page does not show it again in this tab. */
try {
  sessionStorage.setItem("chairside-booked", "yes");
} catch {}
document.getElementById("done-title")?.focus();
