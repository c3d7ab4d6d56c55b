import assert from "node:assert/strict";
import test from "node:test";
import { KeyedList } from "../../../clinic_stream/browser/chairside-live/lists.js";

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
