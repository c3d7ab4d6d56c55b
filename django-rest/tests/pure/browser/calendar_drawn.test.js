// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { Drawn } from "../../../clinic/portal/static/portal/calendar/drawn.js";

/** @param {string} signature @param {() => any[]} make */
const block = (signature, make) => ({ id: "v1", column: 0, from: 0, to: 30, classes: [], isMovable: false, signature, make });

test("a block that has not changed is not made again", () => {
  const drawn = new Drawn();
  let made = 0;
  const make = () => [++made];
  const first = drawn.block(block("a", make));
  assert.equal(drawn.block(block("a", make)), first);
  assert.equal(made, 1);
});

test("a block that has changed is made again", () => {
  const drawn = new Drawn();
  const first = drawn.block(block("a", () => ["first"]));
  assert.notEqual(drawn.block(block("b", () => ["second"])), first);
});

test("a block that has gone is forgotten", () => {
  const drawn = new Drawn();
  const first = drawn.block(block("a", () => ["first"]));
  drawn.keep(() => false);
  assert.notEqual(drawn.block(block("a", () => ["first"])), first);
});
