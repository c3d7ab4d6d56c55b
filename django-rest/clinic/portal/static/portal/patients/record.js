// @ts-check
/** A record that is kept current, and the booking for its patient. */
import { keepCurrent } from "./current.js";
import "./forms.js";
import { followStream } from "./stream.js";

const patient = Number(document.getElementById("main")?.dataset.patient);

/** @param {HTMLElement} part */
function prepare(part) {
  for (const button of part.querySelectorAll("button[data-book]")) {
    if (!(button instanceof HTMLElement)) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const { openBooking } = await import("../frame.js");
      await openBooking({ patient });
      keeping?.changed();
    });
  }
}

const keeping = keepCurrent(prepare);
followStream({
  onrows: (rows, removes) => {
    const shown = new Set([...document.querySelectorAll("#current [data-id]")].map((row) => Number(row.getAttribute("data-id"))));
    if (rows.some((row) => row.patient === patient) || removes.some((id) => shown.has(id))) keeping?.changed();
  },
});
