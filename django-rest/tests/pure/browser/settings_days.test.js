// The year: days are walked with arrows and chosen as a range.
import assert from "node:assert/strict";
import test from "node:test";

import { dayByKey, daysLater, endsOf, isWithin, monthsLater } from "../../../clinic/portal/static/portal/settings/days.js";

test("arrows walk by days and weeks, across months and clock changes", () => {
  assert.equal(dayByKey("2026-10-25", "ArrowRight"), "2026-10-26");
  assert.equal(dayByKey("2026-03-01", "ArrowLeft"), "2026-02-28");
  assert.equal(dayByKey("2026-12-24", "ArrowUp"), "2026-12-17");
  assert.equal(daysLater("2028-02-28", 1), "2028-02-29");
});

test("pages walk by months, to the last day of a shorter one", () => {
  assert.equal(dayByKey("2026-01-31", "PageDown"), "2026-02-28");
  assert.equal(monthsLater("2026-01-15", -1), "2025-12-15");
});

test("keys stay within the year", () => {
  assert.equal(dayByKey("2026-12-28", "ArrowDown"), "2026-12-31");
  assert.equal(dayByKey("2026-01-01", "ArrowLeft"), "2026-01-01");
  assert.equal(dayByKey("2026-06-06", "End"), "2026-12-31");
});

test("other keys lead nowhere", () => {
  assert.equal(dayByKey("2026-06-06", "Tab"), null);
});

test("a range has the same ends whichever way it was drawn", () => {
  const back = { anchor: "2026-12-26", head: "2026-12-24" };
  assert.deepEqual(endsOf(back), ["2026-12-24", "2026-12-26"]);
  assert.equal(isWithin(back, "2026-12-25"), true);
  assert.equal(isWithin(back, "2026-12-27"), false);
  assert.equal(isWithin(null, "2026-12-25"), false);
});
