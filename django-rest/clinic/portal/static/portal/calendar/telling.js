// @ts-check
/** Words for screen readers: the cell under the cursor, and the visits that others have changed. */
import { nameOf, obstacle, placeOf, say, scheduleOf, slotMinutes, state, statuses, t, today } from "./scene.js";
import { clockOf, groundsOf } from "./spans.js";

/** @param {{ column: number, minute: number }} spot */
export function sayCell({ column, minute }) {
  const at = placeOf({ column, from: minute, to: minute + slotMinutes }, null);
  const who = state.asked.view === "day" ? nameOf(at.practitioner) : say.shortDate(at.date);
  const time = say.time(clockOf(minute));
  const found = at.practitioner ? obstacle(at, null) : null;
  if (found?.kind === "past") return t("past_cell", { time, who });
  if (found?.kind === "closed") {
    const ground = groundsOf(scheduleOf(at.practitioner, at.date), { from: minute, to: minute + 5 })[0];
    if (ground?.kind === "break") return t("break_cell", { time, who });
    if (ground?.kind === "closure") return t("closure_cell", { time, who, reason: ground.label || t("absent") });
    return t("closed_cell", { time, who });
  }
  return t("free_cell", { time, who });
}

/** @param {{ row: import("../rules.js").Row, difference: "new" | "status" | "moved" | "edited" }[]} all */
export function sayChanges(all) {
  if (all.length > 3) return t("changed_many", { count: all.length });
  const keys = { new: "new_visit", status: "visit_is", moved: "visit_moved", edited: "visit_changed" };
  return all.map(({ row, difference }) => t(keys[difference], { patient: row.patient_name, when: say.when(row, today()), who: row.practitioner_name, status: statuses[row.status] })).join(" ");
}
