// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { Api, NoAnswer, Refusal, sentenceOf } from "../../../clinic/portal/static/portal/api.js";
import { zoneToName } from "../../../clinic/portal/static/portal/zones.js";

/** @param {(tries: number) => any} answer */
function apiWith(answer) {
  /** @type {any[]} */
  const sent = [];
  const session = {
    send: async (/** @type {any[]} */ ...call) => {
      sent.push(call);
      return answer(sent.length);
    },
  };
  return { api: new Api(/** @type {any} */ (session), { pause: async () => {} }), sent };
}

test("a change without an answer is sent again under the same key", async () => {
  const { api, sent } = apiWith((tries) => {
    if (tries < 3) throw new NoAnswer();
    return { id: 1 };
  });
  assert.deepEqual(await api.post("/api/v1/holds", { start: "x" }), { id: 1 });
  assert.equal(sent.length, 3);
  assert.equal(new Set(sent.map(([, , , headers]) => headers["Idempotency-Key"])).size, 1);
});

test("two changes have two keys", async () => {
  const { api, sent } = apiWith(() => ({}));
  await api.post("/a");
  await api.post("/a");
  assert.equal(new Set(sent.map(([, , , headers]) => headers["Idempotency-Key"])).size, 2);
});

test("a refusal is not asked again", async () => {
  const { api, sent } = apiWith(() => {
    throw new Refusal(409, { errors: [{ code: "slot_taken", detail: "taken" }] });
  });
  await assert.rejects(api.post("/a"), Refusal);
  assert.equal(sent.length, 1);
});

test("after three tries without an answer the problem is told", async () => {
  const { api, sent } = apiWith(() => {
    throw new NoAnswer();
  });
  await assert.rejects(api.post("/a"), NoAnswer);
  assert.equal(sent.length, 3);
});

test("a query leaves out what is not given", async () => {
  const { api, sent } = apiWith(() => []);
  await api.get("/a", { service: 3, practitioner: null, from: undefined, search: "a b" });
  assert.equal(sent[0][1], "/a?service=3&search=a+b");
  await api.get("/a");
  assert.equal(sent[1][1], "/a");
});

test("a problem becomes a sentence without a code", () => {
  const refusal = (/** @type {number} */ status, /** @type {string} */ code) => new Refusal(status, { errors: [{ code, detail: "From the server." }] });
  assert.match(sentenceOf(new NoAnswer()), /no answer/);
  assert.match(sentenceOf(refusal(401, "not_authenticated")), /Sign in/);
  assert.match(sentenceOf(refusal(409, "slot_taken")), /taken/);
  assert.equal(sentenceOf(refusal(400, "invalid")), "From the server.");
  assert.match(sentenceOf(refusal(503, "service_unavailable")), /Try again/);
  assert.match(sentenceOf(new Error("a slip")), /went wrong/);
});

test("the clinic's zone is named where the browser's clock shows another time", () => {
  const winter = Date.parse("2026-01-15T12:00:00Z");
  assert.equal(zoneToName("Europe/Berlin", "Europe/Paris", winter), "");
  assert.equal(zoneToName("Europe/Berlin", "Europe/London", winter), "Berlin");
  assert.equal(zoneToName("America/New_York", "Europe/Berlin", winter), "New York");
  const betweenClockChanges = Date.parse("2026-03-20T12:00:00Z");
  assert.equal(zoneToName("America/New_York", "America/Toronto", betweenClockChanges), "");
});
