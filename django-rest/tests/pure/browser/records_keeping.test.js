// A part of a page is read again when something changed, and the page says how current it is.
import assert from "node:assert/strict";
import test from "node:test";

import { EVERY_MS, Keeping, TOGETHER_MS } from "../../../clinic/portal/static/portal/patients/keeping.js";

/** A clock that the test moves, and reads that it answers. */
function world() {
  const clock = { now: 0, job: null, at: 0 };
  const reads = [];
  const states = [];
  const keeping = new Keeping({
    load: () => new Promise((resolve, reject) => reads.push({ resolve, reject })),
    onstate: (state, at) => states.push([state, at]),
    now: () => clock.now,
    later: (job, ms) => {
      clock.job = job;
      clock.at = clock.now + ms;
      return job;
    },
    cancel: () => (clock.job = null),
  });
  const pass = async (ms) => {
    clock.now += ms;
    if (clock.job && clock.now >= clock.at) {
      const job = clock.job;
      clock.job = null;
      job();
    }
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { keeping, reads, states, pass };
}

test("it is read every few seconds", async () => {
  const { reads, pass } = world();
  await pass(EVERY_MS - 1);
  assert.equal(reads.length, 0);
  await pass(1);
  assert.equal(reads.length, 1);
});

test("changes that come together are read once", async () => {
  const { keeping, reads, pass } = world();
  keeping.changed();
  keeping.changed();
  await pass(TOGETHER_MS);
  assert.equal(reads.length, 1);
});

test("a change during a read is read after it", async () => {
  const { keeping, reads, pass } = world();
  keeping.changed();
  await pass(TOGETHER_MS);
  keeping.changed();
  reads[0].resolve();
  await pass(0);
  await pass(TOGETHER_MS);
  assert.equal(reads.length, 2);
});

test("it is as current as when it was asked for", async () => {
  const { keeping, reads, states, pass } = world();
  keeping.changed();
  await pass(TOGETHER_MS);
  await pass(500);
  reads[0].resolve();
  await pass(0);
  assert.deepEqual(states, [["fresh", TOGETHER_MS]]);
});

test("a read that fails says since when it is old, and is tried again", async () => {
  const { keeping, reads, states, pass } = world();
  keeping.changed();
  await pass(TOGETHER_MS);
  reads[0].reject(new Error("away"));
  await pass(0);
  assert.deepEqual(states, [["old", 0]]);
  await pass(EVERY_MS);
  assert.equal(reads.length, 2);
});

test("nobody looks: nothing is read until they do", async () => {
  const { keeping, reads, pass } = world();
  keeping.hidden(true);
  await pass(EVERY_MS);
  assert.equal(reads.length, 0);
  keeping.hidden(false);
  await pass(TOGETHER_MS);
  assert.equal(reads.length, 1);
});

test("a row that is gone is read no more", async () => {
  const { keeping, reads, pass } = world();
  keeping.stop();
  keeping.changed();
  await pass(EVERY_MS);
  assert.equal(reads.length, 0);
});
