import assert from "node:assert/strict";
import test from "node:test";
import { Clock, JumpDetector, Silence, TooSlow, within } from "../../../clinic_stream/browser/chairside-live/silence.js";

function clocks() {
  const set = { wall: 1_000_000, steady: 0 };
  return { set, clock: new Clock(() => set.wall, () => set.steady) };
}

test("sleep that only the wall clock counts is silence", () => {
  const { set, clock } = clocks();
  const silence = new Silence(15_000, clock);
  set.wall += 60_000;
  set.steady += 5;
  assert.ok(silence.isTooLong);
});

test("clock that is set back hides no silence", () => {
  const { set, clock } = clocks();
  const silence = new Silence(15_000, clock);
  set.wall -= 3_600_000;
  set.steady += 40_000;
  assert.ok(silence.isTooLong);
});

test("silence is late after one heartbeat and too long after two and a half", () => {
  const { set, clock } = clocks();
  const silence = new Silence(1_000, clock);
  const seen = [1_000, 1_000, 600].map((ms) => {
    set.wall += ms;
    set.steady += ms;
    return [silence.isLate, silence.isTooLong];
  });
  assert.deepEqual(seen, [[false, false], [true, false], [true, true]]);
  silence.heard();
  assert.ok(!silence.isLate);
});

test("timer that rings much later than set is a jump, one that is a little late is none", () => {
  const { set, clock } = clocks();
  const jumps = new JumpDetector(1_000, clock);
  const rings = [1_000, 2_500, 30_000, 1_000].map((ms) => {
    set.wall += ms;
    return jumps.rang();
  });
  assert.deepEqual(rings, [false, false, true, false]);
});

test("promise that never resolves is too slow, and one that is not needed any more ends at once", async () => {
  const never = new Promise(() => {});
  await assert.rejects(within(never, 5, new AbortController().signal), TooSlow);
  const run = new AbortController();
  const waiting = within(never, 60_000, run.signal);
  run.abort(new Error("stopped"));
  await assert.rejects(waiting, /stopped/);
});
