// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

const portal = new URL("../../../clinic/portal/static/portal/", import.meta.url);
const { ageOf, forgetVisitOf, keepVisit, keptVisit, pageMark } = await import(`${portal}app/visit.js`);
const { idsHere, keepIds, keptIds } = await import(`${portal}app/subscriptions.js`);

function storage() {
  /** @type {Map<string, string>} */
  const kept = new Map();
  return {
    getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ text) => void kept.set(key, text),
    removeItem: (/** @type {string} */ key) => void kept.delete(key),
  };
}


test("an age is told in the unit that people would use", () => {
  assert.deepEqual(ageOf(0), { unit: "minute", count: 0 });
  assert.deepEqual(ageOf(59 * 60_000), { unit: "minute", count: 59 });
  assert.deepEqual(ageOf(60 * 60_000), { unit: "hour", count: 1 });
  assert.deepEqual(ageOf(25 * 3_600_000), { unit: "day", count: 1 });
});

test("a clock that was set back makes nothing younger than now", () => {
  assert.deepEqual(ageOf(-5000), { unit: "minute", count: 0 });
});

test("a page forgets its own visit alone", () => {
  Object.assign(globalThis, { localStorage: storage() });
  const of = pageMark("/a/Xk3vQm8ZtY1rB6nWc0LhPa");
  keepVisit({ when: "Monday", what: "Check-up", clinic: "Riverside", phone: "", at: 0, of });
  forgetVisitOf(pageMark("/me"));
  assert.equal(keptVisit()?.when, "Monday");
  forgetVisitOf(of);
  assert.equal(keptVisit(), null);
});

test("the mark of a page does not tell its address", () => {
  const mark = pageMark("/a/Xk3vQm8ZtY1rB6nWc0LhPa");
  assert.ok(mark.length <= 7);
  assert.notEqual(mark, pageMark("/a/Xk3vQm8ZtY1rB6nWc0LhPb"));
});

test("subscriptions of this browser are known by their ids", () => {
  const store = storage();
  assert.deepEqual(keptIds(store), []);
  keepIds([3, 5, 3], store);
  assert.deepEqual(keptIds(store), [3, 5]);
  assert.deepEqual(idsHere([{ id: 5 }, { id: 7 }], keptIds(store)), [5]);
  keepIds([], store);
  assert.equal(store.getItem("chairside-push"), null);
});

test("spoilt storage keeps no subscription", () => {
  const store = storage();
  for (const text of ["7", "no", '{"id":1}', '["x", null]']) {
    store.setItem("chairside-push", text);
    assert.deepEqual(keptIds(store), []);
  }
});
