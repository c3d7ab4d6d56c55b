// A search as one types: the newest text wins.
import assert from "node:assert/strict";
import test from "node:test";

import { Search } from "../../../clinic/portal/static/portal/patients/search.js";

const tick = () => new Promise((resolve) => setTimeout(resolve, 5));

function world() {
  const asked = [];
  const shown = [];
  let failures = 0;
  const search = new Search({
    ask: (text, signal) => new Promise((resolve, reject) => asked.push({ text, signal, resolve, reject })),
    show: (text, answer) => shown.push([text, answer]),
    fail: () => (failures += 1),
    pause: 1,
  });
  return { search, asked, shown, failures: () => failures };
}

test("letters typed in one go are asked once", async () => {
  const { search, asked } = world();
  for (const text of ["p", "pa", "pau"]) search.typed(text);
  await tick();
  assert.deepEqual(asked.map(({ text }) => text), ["pau"]);
});

test("an answer that was overtaken is not shown", async () => {
  const { search, asked, shown } = world();
  search.now("pau");
  search.now("pete");
  assert.ok(asked[0].signal.aborted);
  asked[1].resolve("Pete");
  asked[0].resolve("Paula");
  await tick();
  assert.deepEqual(shown, [["pete", "Pete"]]);
});

test("the same text is not asked again", () => {
  const { search, asked } = world();
  search.now("pau");
  search.now("pau");
  assert.equal(asked.length, 1);
});

test("a search that fails leaves it to the form", async () => {
  const { search, asked, failures } = world();
  search.now("pau");
  asked[0].reject(new Error("away"));
  await tick();
  assert.equal(failures(), 1);
});
