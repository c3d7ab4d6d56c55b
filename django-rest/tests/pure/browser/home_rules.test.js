// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  currentAndNext,
  daysOf,
  heatOf,
  hoursOf,
  isUrgent,
  latePatients,
  requestsByUrgency,
  waitingPatients,
  weekOf,
} from "../../../clinic/portal/static/portal/home/rules.js";

const TODAY = "2026-11-30";
const NOW = Date.parse("2026-11-30T09:10:00Z");

/** @param {number} id @param {string} time @param {string} status @param {object} [more] @returns {any} */
const row = (id, time, status, more = {}) => ({
  id,
  status,
  date: TODAY,
  start: `${TODAY}T${time}:00Z`,
  end: `${TODAY}T${time.slice(0, 2)}:59:00Z`,
  created_at: "2026-11-29T08:00:00Z",
  checked_in_at: null,
  ...more,
});

/** @param {{ id: number }[]} rows */
const ids = (rows) => rows.map(({ id }) => id);

test("requests: soonest first, of equal starts the one that waits longest", () => {
  const rows = [
    row(1, "11:00", "pending", { created_at: "2026-11-29T09:00:00Z" }),
    row(2, "11:00", "pending", { created_at: "2026-11-28T09:00:00Z" }),
    row(3, "10:00", "pending"),
    row(4, "09:00", "confirmed"),
  ];
  assert.deepEqual(ids(requestsByUrgency(rows)), [3, 2, 1]);
});

test("moves that patients ask for are among the requests", () => {
  const rows = [row(1, "11:00", "confirmed", { requested_start: "2026-12-30T11:00:00Z" }), row(2, "10:00", "pending"), row(3, "09:00", "confirmed")];
  assert.deepEqual(ids(requestsByUrgency(rows)), [2, 1]);
});

test("a request is urgent within a day of its start", () => {
  assert.equal(isUrgent(row(1, "11:00", "pending"), NOW), true);
  assert.equal(isUrgent(row(1, "11:00", "pending", { start: "2026-12-02T11:00:00Z" }), NOW), false);
});

test("late: confirmed visits of today that have begun, the latest first", () => {
  const rows = [row(1, "09:05", "confirmed"), row(2, "08:30", "confirmed"), row(3, "08:00", "checked_in"), row(4, "10:00", "confirmed"), row(5, "08:00", "confirmed", { date: "2026-11-29" })];
  assert.deepEqual(latePatients(rows, TODAY, NOW).map(({ row: { id }, minutes }) => [id, minutes]), [[2, 40], [1, 5]]);
});

test("waiting: since the check-in, and how long after the start", () => {
  const rows = [row(1, "09:00", "checked_in", { checked_in_at: `${TODAY}T08:50:00Z` }), row(2, "09:30", "checked_in", { checked_in_at: `${TODAY}T09:09:30Z` })];
  assert.deepEqual(waitingPatients(rows, TODAY, NOW).map(({ row: { id }, minutes, overdue }) => [id, minutes, overdue]), [[1, 20, 10], [2, 0, 0]]);
});

test("current is who is in the chair, next is who follows", () => {
  const rows = [row(1, "09:00", "checked_in"), row(2, "09:05", "confirmed"), row(3, "10:00", "confirmed"), row(4, "08:00", "completed")];
  assert.equal(currentAndNext(rows, TODAY, NOW).current?.id, 1);
  assert.equal(currentAndNext(rows, TODAY, NOW).next?.id, 2);
  assert.deepEqual(currentAndNext([], TODAY, NOW), { current: null, next: null });
});

test("the week has seven days from today, without what was called off", () => {
  const week = weekOf([row(1, "10:00", "confirmed"), row(2, "09:00", "pending"), row(3, "08:00", "cancelled")], TODAY);
  assert.deepEqual(week.map(({ date }) => date.slice(8)), ["30", "01", "02", "03", "04", "05", "06"]);
  assert.deepEqual(ids(week[0].rows), [2, 1]);
});

test("periods end today, or with the last month", () => {
  assert.deepEqual(daysOf("month", TODAY), { from: "2026-11-01", to: TODAY });
  assert.deepEqual(daysOf("last-month", "2026-03-15"), { from: "2026-02-01", to: "2026-02-28" });
  assert.deepEqual(daysOf("last-month", "2026-01-15"), { from: "2025-12-01", to: "2025-12-31" });
  assert.deepEqual(daysOf("week", "2026-12-06"), { from: "2026-11-30", to: "2026-12-06" });
  assert.deepEqual(daysOf("year", TODAY), { from: "2025-12-01", to: TODAY });
});

test("the heat map shows all hours that have visits, at least from 8 to 17", () => {
  const map = Array.from({ length: 7 }, () => Array(24).fill(0));
  assert.deepEqual(hoursOf(map), { first: 8, last: 17, most: 1 });
  map[2][6] = 3;
  map[6][20] = 9;
  assert.deepEqual(hoursOf(map), { first: 6, last: 20, most: 9 });
  assert.deepEqual([0, 1, 3, 9].map((count) => heatOf(count, 9)), [0, 1, 2, 5]);
});

test("a length is said in minutes, from an hour on in hours", async () => {
  Object.assign(globalThis, { document: { documentElement: { lang: "en", dataset: {} } } });
  const { sayMinutes } = await import("../../../clinic/portal/static/portal/words.js");
  assert.deepEqual([0, 59, 60, 337].map(sayMinutes), ["0 min", "59 min", "1 h", "5 h 37 min"]);
});
