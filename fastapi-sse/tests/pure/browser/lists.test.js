import assert from "node:assert/strict";
import test from "node:test";
import { DAYS, KeyedList } from "../../../clinic_stream/browser/chairside-live/lists.js";

const row = (/** @type {number} */ id, /** @type {string} */ start) => ({ id, start });

test("rows are in the order of their start, then of their id", () => {
  const list = new KeyedList();
  list.replace({ appointments: [row(3, "2026-11-20T10:00Z"), row(2, "2026-11-20T11:00+01:00"), row(1, "2026-11-20T11:00Z")] });
  assert.deepEqual(list.rows.map(({ id }) => id), [2, 3, 1]);
});

test("snapshot names what differs and what is gone", () => {
  const list = new KeyedList();
  list.replace({ appointments: [row(1, "2026-11-20T10:00Z"), row(2, "2026-11-20T11:00Z")] });
  const { upserts, removes } = list.replace({ appointments: [row(1, "2026-11-20T10:00Z"), row(3, "2026-11-20T12:00Z")] });
  assert.deepEqual([upserts.map(({ id }) => id), removes], [[3], [2]]);
});

test("change puts and removes rows", () => {
  const list = new KeyedList();
  list.replace({ appointments: [row(1, "2026-11-20T10:00Z")] });
  list.apply({ upserts: [row(2, "2026-11-20T09:00Z")], removes: [1] });
  assert.deepEqual(list.rows.map(({ id }) => id), [2]);
});

test("facts beside the rows are those of the newest event", () => {
  const list = new KeyedList(DAYS);
  const day = { id: "3/2026-11-20", practitioner: 3, date: "2026-11-20", taken: [] };
  list.replace({ days: [day], schedule_version: 1, seq: 7, as_of: "2026-11-20T10:00Z" });
  assert.deepEqual(list.facts, { schedule_version: 1 });
  list.apply({ upserts: [], removes: [day.id], seq: 8, schedule_version: 2 });
  assert.deepEqual([list.rows, list.facts], [[], { schedule_version: 2 }]);
  assert.deepEqual(list.whole, { days: [], schedule_version: 2 });
});

test("days of taken time are in order, those of one date by practitioner", () => {
  const list = new KeyedList(DAYS);
  const days = [[4, "2026-11-21"], [12, "2026-11-20"], [3, "2026-11-20"]];
  list.replace({ days: days.map(([practitioner, date]) => ({ id: `${practitioner}/${date}`, practitioner, date, taken: [] })) });
  assert.deepEqual(list.rows.map(({ id }) => id), ["3/2026-11-20", "12/2026-11-20", "4/2026-11-21"]);
});
