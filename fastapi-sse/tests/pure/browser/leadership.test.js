import assert from "node:assert/strict";
import test from "node:test";
import { Leadership } from "../../../clinic_stream/browser/chairside-live/leadership.js";

test("lead begun later wins over an earlier one", () => {
  const [former, taker] = [new Leadership("z"), new Leadership("a")];
  const old = former.begin(1_000);
  const mark = taker.begin(1_001);
  assert.equal(former.hear(mark), "newer");
  assert.equal(taker.hear(old), "older");
});

test("of two leads begun in the same millisecond both tabs choose the same", () => {
  const [one, two] = [new Leadership("a"), new Leadership("b")];
  const marks = [one.begin(1_000), two.begin(1_000)];
  assert.equal(one.hear(marks[1]), "newer");
  assert.equal(two.hear(marks[0]), "older");
});

test("lead begun after the clock was set back is newer than all known ones", () => {
  const [former, taker] = [new Leadership("a"), new Leadership("b")];
  taker.hear(former.begin(5_000));
  assert.equal(former.hear(taker.begin(1_000)), "newer");
});

test("further messages of the newest leader are the same lead", () => {
  const [leader, follower] = [new Leadership("a"), new Leadership("b")];
  const mark = leader.begin(1_000);
  assert.equal(follower.hear(mark), "newer");
  assert.equal(follower.hear({ ...mark }), "same");
});

test("tabs that hear of all leads in any order agree on one", () => {
  const marks = [3, 1, 2, 2].map((term, at) => ({ term, id: "abcd"[at] }));
  for (let turn = 0; turn < marks.length; turn++) {
    const follower = new Leadership("x");
    for (const mark of [...marks.slice(turn), ...marks.slice(0, turn)]) follower.hear(mark);
    assert.deepEqual(follower.newest, { term: 3, id: "a" });
  }
});
