import assert from "node:assert/strict";
import test from "node:test";
import { leftUntil, sayLeft } from "../../../clinic/portal/static/portal/offer/left.js";
import { sayAhead } from "../../../clinic/portal/static/portal/visit/words.js";

test("time left is whole seconds, and never below none", () => {
  assert.deepEqual([leftUntil(90_000, 0), leftUntil(90_000, 89_001), leftUntil(90_000, 90_000), leftUntil(0, 5_000)], [90, 1, 0, 0]);
});

test("time left is said in minutes, and in hours where there are any", () => {
  assert.deepEqual([sayLeft(249), sayLeft(9), sayLeft(3849)], ["4:09", "0:09", "1:04:09"]);
});

test("people ahead are counted, and nobody ahead means next", () => {
  assert.deepEqual([sayAhead(0), sayAhead(1), sayAhead(2)], ["You are next.", "1 person is before you.", "2 people are before you."]);
});
