// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addressOf,
  blockedSpan,
  clockOf,
  gapsOf,
  groundsOf,
  instantAt,
  leftWithVisits,
  mondayOf,
  obstacleAt,
  readAddress,
  shiftMonth,
  shownSpan,
  spanOn,
  stepFrom,
  weeksOf,
} from "../../../clinic/portal/static/portal/calendar/spans.js";
import { secondsLeft } from "../../../clinic/portal/static/portal/rules.js";

const DAY = "2026-11-30";
/** @param {string} from @param {string} to @param {string} [date] */
const between = (from, to, date = DAY) => ({ start: `${date}T${from}:00+01:00`, end: `${date}T${to}:00+01:00` });
/** @param {object} more @returns {any} */
const schedule = (more = {}) => ({ date: DAY, practitioner: 1, hours: [between("08:00", "12:00"), between("13:00", "17:00")], breaks: [between("12:00", "13:00")], closures: [], ...more });
/** @param {number} id @param {string} from @param {string} to @param {object} more @returns {any} */
const visit = (id, from, to, more = {}) => ({ id, practitioner: 1, date: DAY, status: "confirmed", service: null, ...between(from, to), ...more });
const services = new Map([[5, { id: 5, name: "Filling", color: "#000000", duration_minutes: 30, buffer_before_minutes: 5, buffer_after_minutes: 10 }]]);
const scene = { rows: [], holds: [], schedules: [schedule()], services, moved: null, today: DAY, nowMinutes: 7 * 60 };
/** @param {string} from @param {string} to */
const at = (from, to) => ({ date: DAY, practitioner: 1, from: minute(from), to: minute(to) });
/** @param {string} clock */
const minute = (clock) => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));

test("a visit across midnight has a part on each day", () => {
  const night = { start: `${DAY}T23:30:00+01:00`, end: "2026-12-01T00:30:00+01:00" };
  assert.deepEqual(spanOn(night, DAY), { from: 1410, to: 1440 });
  assert.deepEqual(spanOn(night, "2026-12-01"), { from: 0, to: 30 });
  assert.equal(spanOn(night, "2026-12-02"), null);
});

test("a visit in the repeated hour of the clocks keeps a place", () => {
  assert.deepEqual(spanOn({ start: "2026-10-25T02:45:00+02:00", end: "2026-10-25T02:15:00+01:00" }, "2026-10-25"), { from: 165, to: 170 });
});

test("grounds are the closed time, the breaks and the named closures", () => {
  const absent = schedule({ hours: [between("08:00", "12:00"), between("13:00", "15:00")], closures: [{ ...between("15:00", "17:00"), whole_clinic: false, reason: "Training" }] });
  const grounds = groundsOf(absent, { from: 420, to: 1080 });
  assert.deepEqual(
    grounds.map(({ from, to, kind, label }) => [clockOf(from), clockOf(to), kind, label]),
    [
      ["07:00", "08:00", "closed", ""],
      ["12:00", "13:00", "break", ""],
      ["15:00", "17:00", "closure", "Training"],
      ["17:00", "18:00", "closed", ""],
    ],
  );
});

test("without a schedule all is closed", () => {
  assert.deepEqual(groundsOf(undefined, { from: 480, to: 600 }).map(({ kind }) => kind), ["closed"]);
});

test("the grid shows all hours and all visits, on whole hours", () => {
  assert.deepEqual(shownSpan([schedule()], [{ from: 430, to: 1035 }]), { from: 420, to: 1080 });
  assert.deepEqual(shownSpan([], []), { from: 480, to: 1080 });
});

test("buffers around a visit come from its service", () => {
  assert.deepEqual(blockedSpan(visit(1, "09:00", "09:30", { service: 5 }), services, DAY), { from: 535, to: 580 });
});

test("a visit drops on free time only", () => {
  const rows = [visit(1, "09:00", "09:30"), visit(2, "10:00", "10:30", { status: "cancelled" })];
  const kindAt = (/** @type {string} */ from, /** @type {string} */ to, more = {}) => obstacleAt(at(from, to), { ...scene, rows, ...more })?.kind ?? null;
  assert.equal(kindAt("09:15", "09:45"), "visit");
  assert.equal(kindAt("09:30", "10:00"), null);
  assert.equal(kindAt("10:00", "10:30"), null);
  assert.equal(kindAt("11:45", "12:15"), "closed");
  assert.equal(kindAt("09:15", "09:45", { moved: rows[0] }), null);
  assert.equal(kindAt("08:00", "08:30", { nowMinutes: minute("10:00") }), "past");
  assert.equal(obstacleAt({ ...at("09:30", "10:00"), practitioner: 2 }, { ...scene, rows })?.kind, "closed");
});

test("buffers of the moved visit and of its neighbours keep their distance", () => {
  const moved = visit(1, "14:00", "14:30", { service: 5 });
  const rows = [moved, visit(2, "09:00", "09:30")];
  assert.equal(obstacleAt(at("09:30", "10:00"), { ...scene, rows, moved })?.kind, "visit");
  assert.equal(obstacleAt(at("09:35", "10:05"), { ...scene, rows, moved }), null);
});

test("a hold is in the way, unless it only keeps freed time for an undo", () => {
  const held = { id: 1, practitioner: 1, ...between("10:00", "10:30"), blocked_from: between("10:00", "10:30").start, blocked_until: between("10:00", "10:30").end, expires_at: "" };
  assert.equal(obstacleAt(at("10:00", "10:30"), { ...scene, holds: [held] })?.kind, "hold");
  assert.equal(obstacleAt(at("10:00", "10:30"), { ...scene, holds: [{ ...held, kind: "undo" }] }), null);
});

test("gaps are what is free within the hours, of at least a slot, from now on", () => {
  const taken = [{ from: minute("08:30"), to: minute("09:00") }, { from: minute("09:15"), to: minute("11:00") }];
  const gaps = gapsOf(schedule(), taken, 30, minute("08:10"));
  assert.deepEqual(gaps.map(({ from, to }) => `${clockOf(from)} ${clockOf(to)}`), ["11:00 12:00", "13:00 17:00"]);
});

const grid = {
  columns: 3,
  shown: { from: 480, to: 720 },
  step: 30,
  spans: [[{ id: 1, from: 540, to: 600 }, { id: 2, from: 605, to: 620 }], [], []],
};

test("arrows walk by the step, over a visit at once, and stop at a short one", () => {
  const down = (/** @type {number} */ from) => stepFrom({ column: 0, minute: from }, "ArrowDown", grid).minute;
  const up = (/** @type {number} */ from) => stepFrom({ column: 0, minute: from }, "ArrowUp", grid).minute;
  assert.deepEqual([down(510), down(540), down(600), down(605), down(690)], [540, 600, 605, 620, 690]);
  assert.deepEqual([up(480), up(510), up(600), up(540)], [480, 480, 540, 510]);
});

test("arrows to the side keep the time and stop at the edge", () => {
  assert.deepEqual(stepFrom({ column: 2, minute: 500 }, "ArrowRight", grid), { column: 2, minute: 500 });
  assert.deepEqual(stepFrom({ column: 2, minute: 500 }, "ArrowLeft", grid), { column: 1, minute: 500 });
  assert.deepEqual(stepFrom({ column: 0, minute: 500 }, "End", grid), { column: 0, minute: 690 });
});

test("months are shown in whole weeks from Monday", () => {
  const weeks = weeksOf("2026-11");
  assert.deepEqual([weeks.length, weeks[0][0], weeks.at(-1)?.[6]], [6, "2026-10-26", "2026-12-06"]);
  assert.equal(weeksOf("2027-02").length, 4);
  assert.deepEqual([shiftMonth("2026-12", 1), shiftMonth("2026-01", -1)], ["2027-01", "2025-12"]);
  assert.deepEqual([mondayOf("2026-11-30"), mondayOf("2026-11-29")], ["2026-11-30", "2026-11-23"]);
});

test("the address says date, view and who, and leaves out what is wrong", () => {
  const known = { practitioners: [1, 2, 3], readDate: (/** @type {string | null} */ text) => (text === DAY ? text : null) };
  assert.deepEqual(readAddress(`?date=${DAY}&view=week&who=2,9`, known), { date: DAY, view: "week", who: [2] });
  assert.deepEqual(readAddress("?date=nonsense&view=year&who=1,2,3", known), { date: null, view: "day", who: null });
  assert.equal(addressOf({ date: DAY, view: "week", who: [2] }, "2026-11-29"), `?date=${DAY}&view=week&who=2`);
  assert.equal(addressOf({ date: DAY, view: "day", who: null }, DAY), "");
});

test("seconds left never fall below zero", () => {
  assert.equal(secondsLeft("2026-11-30T10:00:05+01:00", Date.parse("2026-11-30T10:00:00.500+01:00")), 5);
  assert.equal(secondsLeft("2026-11-30T10:00:05+01:00", Date.parse("2026-11-30T10:01:00+01:00")), 0);
});

test("a wall-clock time becomes an instant, on days that the clocks change too", () => {
  assert.equal(instantAt("Europe/Berlin", "2026-11-30", 570), "2026-11-30T08:30:00.000Z");
  assert.equal(instantAt("America/New_York", "2026-07-01", 0), "2026-07-01T04:00:00.000Z");
  assert.equal(instantAt("Europe/Berlin", "2026-03-29", 60), "2026-03-29T00:00:00.000Z");
  assert.equal(instantAt("Europe/Berlin", "2026-03-29", 240), "2026-03-29T02:00:00.000Z");
  assert.equal(instantAt("Europe/Berlin", "2026-10-25", 240), "2026-10-25T03:00:00.000Z");
});

test("whoever has left is shown for as long as somebody comes to them", () => {
  const rows = [
    visit(1, "09:00", "09:30", { practitioner_name: "Here" }),
    visit(2, "09:00", "09:30", { practitioner: 7, practitioner_name: "Left" }),
    visit(3, "10:00", "10:30", { practitioner: 7, practitioner_name: "Left" }),
    visit(4, "09:00", "09:30", { practitioner: 8, practitioner_name: "Gone", status: "cancelled" }),
  ];
  assert.deepEqual(leftWithVisits([{ id: 1 }], rows), [{ id: 7, name: "Left" }]);
});
