// @ts-check
/** Conversations: what the desk is told of is read at once, all else every few seconds. */
import { keepCurrent } from "./current.js";
import "./forms.js";
import { followStream } from "./stream.js";

const newest = () => document.querySelector(".conversation-lines .lines")?.lastElementChild ?? null;
const keeping = keepCurrent();
// The frame hears notifications: an SMS that came in, a message that was not delivered.
document.addEventListener("chairside:notifications", () => keeping?.changed());
// Each change of a visit may tell its patient.
followStream({ onrows: () => keeping?.changed() });
newest()?.scrollIntoView({ block: "nearest" });

const field = document.getElementById("text");
const letters = document.querySelector("[data-letters]");
if (field instanceof HTMLTextAreaElement && letters) {
  const show = () => (letters.textContent = field.value ? `${field.value.length}/${field.maxLength}` : "");
  field.addEventListener("input", show);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) field.form?.requestSubmit();
  });
  show();
}
