// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

globalThis.document ??= /** @type {any} */ ({ documentElement: { lang: "en", dataset: {} }, getElementById: () => null, querySelector: () => null });
const portal = new URL("../../../clinic/portal/static/portal/", import.meta.url);
const { GONE_FOR_MS, LateClicks } = await import(new URL("clicks.js", portal).href);
const { pageOf, wholeAbove } = await import(new URL("board/wall.js", portal).href);
const { addressOf, readAddress } = await import(new URL("board/address.js", portal).href);
const { Absences } = await import(new URL("board/absences.js", portal).href);
const { awaitsAnswer, isLike, delayOf, lastRoomOf } = await import(new URL("rules.js", portal).href);

const box = { left: 10, right: 110, top: 20, bottom: 80 };
const click = (/** @type {Partial<MouseEvent>} */ more = {}) => ({ detail: 1, clientX: 50, clientY: 50, ...more });

test("a click where a card has just gone is late for half a second", () => {
  const clicks = new LateClicks();
  clicks.cardHasGone(box, 1_000);
  assert.equal(clicks.isLate(click(), 1_000 + GONE_FOR_MS - 1), true);
  assert.equal(clicks.isLate(click(), 1_000 + GONE_FOR_MS), false);
});

test("a click beside it, and a key, are not late", () => {
  const clicks = new LateClicks();
  clicks.cardHasGone(box, 1_000);
  assert.equal(clicks.isLate(click({ clientX: 200 }), 1_100), false);
  assert.equal(clicks.isLate(click({ detail: 0 }), 1_100), false);
});

test("the second click of two is late wherever it is", () => {
  assert.equal(new LateClicks().isLate(click({ detail: 2 }), 0), true);
});

test("pages of a wall are of about the same size", () => {
  assert.deepEqual(pageOf(7, 6, 0), { from: 0, to: 4, page: 0, pages: 2 });
  assert.deepEqual(pageOf(7, 6, 1), { from: 4, to: 7, page: 1, pages: 2 });
  assert.deepEqual(pageOf(7, 6, 2), { from: 0, to: 4, page: 0, pages: 2 });
  assert.deepEqual(pageOf(3, 6, 5), { from: 0, to: 3, page: 0, pages: 1 });
  assert.deepEqual(pageOf(0, 0, 5), { from: 0, to: 0, page: 0, pages: 1 });
});

test("an address says what is shown, and what it does not know is left out", () => {
  const known = { practitioners: [{ id: 3 }], statuses: { pending: "Pending" } };
  const asked = readAddress("?date=2026-11-20&practitioner=3&status=pending&wall", known);
  assert.deepEqual(asked, { date: "2026-11-20", practitioner: 3, status: "pending", isWall: true });
  assert.equal(addressOf(asked, { today: "2026-11-19", path: "/board" }), "?date=2026-11-20&practitioner=3&status=pending&wall");
  assert.deepEqual(readAddress("?date=soon&practitioner=9&status=lost", known), { date: null, practitioner: null, status: "", isWall: false });
  assert.equal(addressOf(readAddress("", known), { today: "2026-11-19", path: "/board" }), "/board");
});

test("somebody is found by parts of name, phone and treatment", () => {
  const row = { patient_name: "Zoë Müller", patient_phone: "+491701234567", service_name: "Check-up" };
  for (const wanted of ["", "zoe", "mull zoe", "0170", "123 check"]) assert.equal(isLike(row, wanted), true, wanted);
  for (const wanted of ["zora", "mull 999", "root"]) assert.equal(isLike(row, wanted), false, wanted);
});

test("who is checked in waits until their time, and is here from then on", () => {
  const row = { status: "checked_in", checked_in_at: "2026-11-20T09:50:00Z", start: "2026-11-20T10:00:00Z", end: "2026-11-20T10:30:00Z" };
  assert.deepEqual(delayOf(row, Date.parse("2026-11-20T09:57:00Z")), { kind: "waiting", minutes: 7 });
  assert.deepEqual(delayOf(row, Date.parse("2026-11-20T10:05:00Z")), { kind: "here", minutes: 15 });
});

test("whoever has left meanwhile is known with the next look at the day", async () => {
  const [stays, leaves] = [{ id: 1, name: "Stays", specialisation: "" }, { id: 2, name: "Leaves", specialisation: "" }];
  const api = { get: async () => ({ practitioners: [stays], schedules: [] }) };
  let changes = 0;
  const absences = new Absences(api, () => changes++, [stays, leaves]);
  assert.deepEqual(absences.practitioners, [stays, leaves]);
  await absences.show("2026-11-20");
  assert.deepEqual([absences.practitioners, changes], [[stays], 1]);
});

test("the clinic answers requests, and moves that patients ask for", () => {
  const asked = { requested_start: "2026-11-20T10:00:00Z" };
  assert.equal(awaitsAnswer({ status: "pending", requested_start: null }), true);
  assert.equal(awaitsAnswer({ status: "confirmed", ...asked }), true);
  assert.equal(awaitsAnswer({ status: "confirmed", requested_start: null }), false);
  assert.equal(awaitsAnswer({ status: "cancelled", ...asked }), false);
});

test("a patient is called into the room that the practitioner called into last on that day", () => {
  const row = (/** @type {number} */ practitioner, /** @type {string} */ date, /** @type {string | null} */ time, room = "") => ({ practitioner, date, called_at: time && `${date}T${time}Z`, room });
  const called = row(1, "2026-11-20", null);
  const rows = [row(1, "2026-11-20", "09:00:00", "1"), row(1, "2026-11-20", "10:00:00", "2"), row(2, "2026-11-20", "11:00:00", "3"), row(1, "2026-11-19", "12:00:00", "4"), called];
  assert.equal(lastRoomOf(rows, called), "2");
  assert.equal(lastRoomOf([called], called), "");
});

test("a wall lists what stands whole on it, and leaves a line for the others", () => {
  assert.equal(wholeAbove([100, 200, 300], 300, 40), 3);
  assert.equal(wholeAbove([100, 200, 300], 299, 40), 2);
  assert.equal(wholeAbove([100, 200, 300], 230, 40), 1);
  assert.equal(wholeAbove([500], 300, 40), 1);
});
