// @ts-check
/** The board's address: its day, its practitioners, and whether it hangs on a wall. Pure. */
import { readDate } from "../rules.js";

/** `date` of null is today, also after midnight. @typedef {{ date: string | null, practitioner: number | null, status: string, isWall: boolean }} Asked */

/** @param {string} search @param {{ practitioners: { id: number }[], statuses: Record<string, string> }} known @returns {Asked} */
export function readAddress(search, { practitioners, statuses }) {
  const query = new URLSearchParams(search);
  const practitioner = Number(query.get("practitioner"));
  const status = query.get("status") ?? "";
  return {
    date: readDate(query.get("date")),
    practitioner: practitioners.some(({ id }) => id === practitioner) ? practitioner : null,
    status: status in statuses ? status : "",
    isWall: query.has("wall"),
  };
}

/** @param {Asked} asked @param {{ today: string, path: string }} at @returns {string} A link to it. */
export function addressOf({ date, practitioner, status, isWall }, { today, path }) {
  const query = new URLSearchParams();
  if (date && date !== today) query.set("date", date);
  if (practitioner) query.set("practitioner", String(practitioner));
  if (status) query.set("status", status);
  if (isWall) query.set("wall", "");
  const text = query.toString().replace("wall=", "wall");
  return text ? `?${text}` : path;
}
