// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { KeptHold, clockOf, isSaid, secondsLeft } from "../../../clinic/portal/static/portal/elements/time-picker/hold.js";
import { availabilityOf, hasFreed, withoutTaken } from "../../../../clients/js/open_times.js";
import {
  dayToShow,
  daysOf,
  lostAmong,
  nearestTo,
  partsOf,
  shifted,
  timesFrom,
  timesOf,
} from "../../../clinic/portal/static/portal/elements/time-picker/times.js";

const PETRA = 3;
const PAUL = 4;
const NO_BUFFERS = { before: 0, after: 0 };

/** @param {string} time @param {number[]} practitioners @param {string} date */
const at = (time, practitioners = [PETRA, PAUL], date = "2026-12-01") => {
  const start = `${date}T${time}:00+01:00`;
  return { start, end: new Date(Date.parse(start) + 30 * 60_000).toISOString(), date, time, practitioners };
};
/** @param {string} from @param {string} until @param {number} practitioner */
const taken = (from, until, practitioner = PETRA) => ({ practitioner, start: `2026-12-01T${from}:00+01:00`, end: `2026-12-01T${until}:00+01:00` });
/** @param {{ time: string }[]} times */
const clocks = (times) => times.map(({ time }) => time);

test("the strip counts the times of each day", () => {
  const days = daysOf([at("09:00"), at("09:30"), at("09:00", [PETRA], "2026-12-03")], "2026-12-01", 3);
  assert.deepEqual(days, [{ date: "2026-12-01", count: 2 }, { date: "2026-12-02", count: 0 }, { date: "2026-12-03", count: 1 }]);
});

test("a strip across the end of a year has each date once", () => {
  assert.deepEqual(daysOf([], "2026-12-31", 2).map(({ date }) => date), ["2026-12-31", "2027-01-01"]);
  assert.equal(shifted("2028-02-28", 1), "2028-02-29");
});

test("a start and a length make a time", () => {
  const [time] = timesFrom([["2026-12-01T23:45:00+01:00", [PETRA]]], 30);
  assert.deepEqual(time, { start: "2026-12-01T23:45:00+01:00", end: "2026-12-01T23:15:00.000Z", date: "2026-12-01", time: "23:45", practitioners: [PETRA] });
});

test("anybody has all times, a person their own", () => {
  const times = [at("09:00", [PETRA]), at("09:30", [PAUL])];
  assert.deepEqual(clocks(timesOf(times, 0)), ["09:00", "09:30"]);
  assert.deepEqual(clocks(timesOf(times, PAUL)), ["09:30"]);
});

test("a taken person is out, and a time without anybody is gone", () => {
  const times = [at("09:00"), at("09:30", [PETRA])];
  const free = withoutTaken(times, [taken("09:00", "10:00")], NO_BUFFERS, null);
  assert.deepEqual(free.map(({ time, practitioners }) => [time, practitioners]), [["09:00", [PAUL]]]);
});

test("time that only touches a time leaves it free, unless a buffer needs it", () => {
  const times = [at("09:30", [PETRA])];
  const spans = [taken("09:00", "09:30"), taken("10:00", "10:30")];
  assert.equal(withoutTaken(times, spans, NO_BUFFERS, null).length, 1);
  assert.equal(withoutTaken(times, spans, { before: 5, after: 0 }, null).length, 0);
  assert.equal(withoutTaken(times, spans, { before: 0, after: 5 }, null).length, 0);
});

test("the visitor's own hold takes nothing from them", () => {
  const own = { start: "2026-12-01T08:00:00Z", practitioner: PETRA };
  assert.equal(withoutTaken([at("09:00", [PETRA])], [taken("09:00", "09:30")], NO_BUFFERS, own).length, 1);
  assert.equal(withoutTaken([at("09:00", [PETRA])], [taken("09:00", "09:30")], NO_BUFFERS, { ...own, practitioner: PAUL }).length, 0);
});

test("time is freed when a span is gone, however its offset is written", () => {
  const same = { practitioner: PETRA, start: "2026-12-01T08:00:00Z", end: "2026-12-01T08:30:00Z" };
  assert.equal(hasFreed([taken("09:00", "09:30")], [same]), false);
  assert.equal(hasFreed([taken("09:00", "09:30")], [taken("10:00", "10:30")]), true);
  assert.equal(hasFreed([], [same]), false);
});

test("a lost time is one that was there", () => {
  assert.deepEqual(clocks(lostAmong([at("09:00"), at("09:30")], [at("09:30"), at("10:00")])), ["09:00"]);
});

test("the nearest to a lost time are three, in order, without the lost one", () => {
  const times = ["07:00", "09:00", "09:30", "10:00", "11:00", "16:00"].map((time) => at(time));
  assert.deepEqual(clocks(nearestTo(times, at("09:30").start)), ["09:00", "10:00", "11:00"]);
});

test("a day has the parts that have times", () => {
  const parts = partsOf(["09:00", "11:59", "12:00", "17:00"].map((time) => at(time)));
  assert.deepEqual(parts.map(({ part, times }) => [part, times.length]), [["morning", 2], ["afternoon", 1], ["evening", 1]]);
  assert.deepEqual(partsOf([]), []);
});

test("the shown day is the wanted one, else the first with times", () => {
  const days = [{ date: "2026-12-01", count: 0 }, { date: "2026-12-02", count: 2 }, { date: "2026-12-03", count: 1 }];
  assert.equal(dayToShow(days, "2026-12-03"), "2026-12-03");
  assert.equal(dayToShow(days, "2026-12-01"), "2026-12-02");
  assert.equal(dayToShow([days[0]], "2026-12-01"), "2026-12-01");
});

test("a hold counts down to nothing", () => {
  const now = Date.parse("2026-12-01T08:00:00Z");
  assert.equal(clockOf(secondsLeft("2026-12-01T08:04:58Z", now)), "4:58");
  assert.equal(secondsLeft("2026-12-01T07:59:00Z", now), 0);
  assert.deepEqual([240, 61, 60, 30, 5, 0].filter(isSaid), [240, 60, 30]);
});

test("a hold outlives a reload until it is over", () => {
  /** @type {Map<string, string>} */
  const kept = new Map();
  const storage = { getItem: (/** @type {string} */ key) => kept.get(key) ?? null, setItem: (/** @type {string} */ key, /** @type {string} */ text) => void kept.set(key, text), removeItem: (/** @type {string} */ key) => void kept.delete(key) };
  const hold = { id: 1, token: "t", practitioner: PETRA, service: 5, start: "2026-12-01T09:00:00+01:00", end: "2026-12-01T09:30:00+01:00", expires_at: "2026-12-01T08:05:00Z", renewable: true };
  new KeptHold("1:5", () => storage).write(hold);
  const again = new KeptHold("1:5", () => storage);
  assert.deepEqual(again.read(Date.parse("2026-12-01T08:04:59Z")), hold);
  assert.equal(again.read(Date.parse("2026-12-01T08:05:00Z")), null);
  assert.equal(new KeptHold("1:6", () => storage).read(0), null);
  again.clear();
  assert.equal(again.read(0), null);
});

test("a browser that keeps nothing still books", () => {
  const refuse = () => { throw new Error("SecurityError"); };
  const kept = new KeptHold("1:5", refuse);
  kept.write(/** @type {any} */ ({ id: 1 }));
  kept.clear();
  assert.equal(kept.read(0), null);
});

test("taken time is kept by person and day, and an interval over midnight counts once", () => {
  const span = { start: "2026-12-01T09:00:00+01:00", end: "2026-12-01T09:30:00+01:00" };
  const night = { start: "2026-12-01T23:30:00+01:00", end: "2026-12-02T00:30:00+01:00" };
  const first = { practitioner: PETRA, taken: [span, night] };
  const second = { practitioner: PETRA, taken: [night] };
  const expected = [span, night].map((one) => ({ practitioner: PETRA, ...one }));
  assert.deepEqual(availabilityOf([first, second], { schedule_version: 7 }), { taken: expected, schedule: "7" });
});
