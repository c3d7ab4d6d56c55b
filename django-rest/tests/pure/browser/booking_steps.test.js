// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bookingBody,
  choosePerson,
  daysOf,
  newPatientFrom,
  servicesFor,
  stepOf,
  walkInStart,
} from "../../../clinic/portal/static/portal/booking/steps.js";
import { sayCountdown, secondsLeft } from "../../../clinic/portal/static/portal/rules.js";

const MIA = /** @type {any} */ ({ id: 1, name: "Mia" });
const CHECK_UP = { id: 3, name: "Check-up", duration_minutes: 30, color: "#0f766e", practitioners: [7, 8] };
const CROWN = { id: 4, name: "Crown", duration_minutes: 75, color: "#0f766e", practitioners: [8] };
const START = "2026-11-20T09:30:00+01:00";

test("a booking asks who, what, when, and then books", () => {
  const nothing = { patient: null, isNew: false, service: null, start: null };
  assert.equal(stepOf(nothing), "who");
  assert.equal(stepOf({ ...nothing, isNew: true }), "new");
  assert.equal(stepOf({ ...nothing, patient: MIA }), "what");
  assert.equal(stepOf({ ...nothing, patient: MIA, service: CHECK_UP }), "when");
  assert.equal(stepOf({ patient: MIA, isNew: false, service: CHECK_UP, start: START }), "confirm");
});

test("a clicked gap leaves the service to ask", () => {
  assert.equal(stepOf({ patient: MIA, isNew: false, service: null, start: START }), "what");
  assert.deepEqual(servicesFor([CHECK_UP, CROWN], 7), [CHECK_UP]);
  assert.deepEqual(servicesFor([CHECK_UP, CROWN], undefined), [CHECK_UP, CROWN]);
});

test("what was typed becomes the new patient's name, or phone", () => {
  assert.deepEqual(newPatientFrom(" Mia Berg "), { name: "Mia Berg", phone: "", email: "" });
  assert.deepEqual(newPatientFrom("+49 (170) 123-4567"), { name: "", phone: "+49 (170) 123-4567", email: "" });
});

test("weeks begin on Monday, and this week on today", () => {
  assert.deepEqual(daysOf("this week", "2026-11-18"), { from: "2026-11-18", to: "2026-11-22" });
  assert.deepEqual(daysOf("next week", "2026-11-18"), { from: "2026-11-23", to: "2026-11-29" });
  assert.deepEqual(daysOf("this week", "2026-11-22"), { from: "2026-11-22", to: "2026-11-22" });
  assert.deepEqual(daysOf("next week", "2026-12-31"), { from: "2027-01-04", to: "2027-01-10" });
  assert.deepEqual(daysOf("morning", "2026-11-18"), { part_of_day: "morning" });
  assert.deepEqual(daysOf("any", "2026-11-18"), {});
});

test("the practitioner whom the patient knows is chosen, else the first", () => {
  const free = [{ id: 7, name: "Dr Petra" }, { id: 8, name: "Dr Quentin" }];
  assert.equal(choosePerson(free, 8).id, 8);
  assert.equal(choosePerson(free, 9).id, 7);
  assert.equal(choosePerson(free, null).id, 7);
});

test("a walk-in begins at the next five minutes", () => {
  assert.equal(walkInStart(Date.parse("2026-11-20T09:31:10Z")), "2026-11-20T09:35:00.000Z");
  assert.equal(walkInStart(Date.parse("2026-11-20T09:35:00Z")), "2026-11-20T09:35:00.000Z");
});

test("a hold counts down to nothing", () => {
  const now = Date.parse("2026-11-20T09:00:00Z");
  assert.equal(secondsLeft("2026-11-20T09:04:58Z", now), 298);
  assert.equal(secondsLeft("2026-11-20T08:00:00Z", now), 0);
  assert.equal(sayCountdown(298), "4:58");
  assert.equal(sayCountdown(5), "0:05");
  assert.equal(sayCountdown(3_723), "1:02:03");
});

test("a hold says when and with whom; without one the body does", () => {
  const booking = { patient: 1, service: 3, hold: "token", start: START, practitioner: 7, outsideHours: false, allowOverlap: false, notes: "" };
  assert.deepEqual(bookingBody(booking), { patient: 1, service: 3, hold: "token" });
  assert.deepEqual(bookingBody({ ...booking, hold: null, outsideHours: true, allowOverlap: true, notes: "on the phone" }), {
    patient: 1,
    service: 3,
    start: START,
    practitioner: 7,
    outside_hours: true,
    allow_overlap: true,
    notes: "on the phone",
  });
});
