// @ts-check
/** An offered time: how long it is kept, and one press for each answer. */
import { nameZone } from "../visit/zone.js";
import { leftUntil, sayLeft } from "./left.js";

const frame = JSON.parse(document.getElementById("frame")?.textContent ?? "null");
if (frame) nameZone(frame.clinic.timezone);

const kept = document.getElementById("kept");
const left = document.getElementById("left");

if (kept && left) {
  const until = Date.parse(kept.dataset.until ?? "");
  const clockError = Date.parse(frame.now) - Date.now();
  const show = () => {
    const seconds = leftUntil(until, Date.now() + clockError);
    left.hidden = false;
    left.textContent = sayLeft(seconds);
    if (seconds > 0) return;
    clearInterval(timer);
    location.reload();
  };
  const timer = setInterval(show, 1000);
  if (leftUntil(until, Date.now() + clockError) > 0) show();
  else clearInterval(timer);
}

document.getElementById("answer")?.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.currentTarget);
  // A second press while the first is on its way.
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
addEventListener("pageshow", () => delete document.getElementById("answer")?.dataset.sent);
