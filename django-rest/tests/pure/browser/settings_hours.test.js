// Painting the week: what is touched changes, everything else stays as it was.
import assert from "node:assert/strict";
import test from "node:test";

import { blockOf, clockOf, coverage, erased, painted } from "../../../clinic/portal/static/portal/settings/hours.js";

const shown = (blocks) => blocks.map(({ weekday, start, end }) => `${weekday} ${clockOf(start)}-${clockOf(end)}`);
const monday = [blockOf(0, "08:00", "12:00"), blockOf(0, "13:00", "17:00")];

test("painting an empty day adds one block", () => {
  assert.deepEqual(shown(painted([], 2, 540, 1020)), ["2 09:00-17:00"]);
});

test("painting over a gap joins the blocks it touches", () => {
  assert.deepEqual(shown(painted(monday, 0, 720, 780)), ["0 08:00-17:00"]);
});

test("blocks that only touch each other stay two when another day is painted", () => {
  const two = [blockOf(0, "08:00", "12:00"), blockOf(0, "12:00", "17:00")];
  assert.deepEqual(shown(painted(two, 1, 540, 600)), ["0 08:00-12:00", "0 12:00-17:00", "1 09:00-10:00"]);
});

test("erasing the middle leaves both ends", () => {
  assert.deepEqual(shown(erased([blockOf(4, "08:00", "18:00")], 4, 720, 780)), ["4 08:00-12:00", "4 13:00-18:00"]);
});

test("erasing all of a block removes it", () => {
  assert.deepEqual(erased(monday, 0, 0, 1440), []);
});

test("a painted evening joins the early hours of the next day as one night", () => {
  const early = [blockOf(5, "00:00", "04:00")];
  assert.deepEqual(shown(painted(early, 4, 1200, 1440)), ["4 20:00-04:00"]);
});

test("a night that would be longer than the server allows is cut at midnight", () => {
  const long = painted([blockOf(1, "00:00", "12:00")], 0, 360, 1440);
  assert.deepEqual(shown(long), ["0 06:00-00:00", "1 00:00-12:00"]);
});

test("a night of Sunday reaches into Monday, and is cut there", () => {
  const night = [blockOf(6, "22:00", "02:00")];
  assert.equal(coverage(night, 0, 60, 90), "own");
  assert.deepEqual(shown(erased(night, 0, 60, 120)), ["0 00:00-01:00", "6 22:00-00:00"]);
});

test("a cell is worked as a whole, in part or not", () => {
  const blocks = [blockOf(0, "08:15", "09:00")];
  assert.deepEqual([480, 510, 540].map((from) => coverage(blocks, 0, from, from + 30)), ["part", "own", ""]);
});

test("an end at midnight belongs to the day it ends", () => {
  assert.deepEqual(blockOf(0, "18:00", "00:00"), { weekday: 0, start: 1080, end: 1440 });
});

test("painting and erasing the same time is as before, for every hour of a week", () => {
  for (let day = 0; day < 7; day += 1) {
    for (let from = 0; from < 1440; from += 60) {
      assert.deepEqual(erased(painted([], day, from, from + 60), day, from, from + 60), []);
    }
  }
});
