// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

const portal = new URL("../../../clinic/portal/static/portal/wall/", import.meta.url);
const rules = await import(new URL("rules.js", portal).href);
const { rowsWithin } = await import(new URL("fit.js", portal).href);
const { sayRoom, sayWho } = await import(new URL("words.js", portal).href);

const NOW = Date.parse("2026-11-20T09:30:00Z");
const before = (/** @type {number} */ minutes) => new Date(NOW - minutes * 60_000).toISOString();
const waiting = (/** @type {number} */ id, more = {}) => ({ id, name: `Anna ${id}`, number: null, waiting_since: before(id), called_at: null, room: "", ...more });
const mapOf = (/** @type {any[]} */ ...rows) => new Map(rows.map((row) => [row.id, row]));

test("a snapshot replaces all rows, a change some", () => {
  const first = rules.applyEvent(mapOf(waiting(9)), "snapshot", { visits: [waiting(1), waiting(2)] });
  assert.deepEqual([...first.keys()], [1, 2]);
  const second = rules.applyEvent(first, "change", { upserts: [waiting(2, { room: "4" }), waiting(3)], removes: [1] });
  assert.deepEqual([...second.values()].map(({ id, room }) => [id, room]), [[2, "4"], [3, ""]]);
  assert.deepEqual([...first.keys()], [1, 2]);
});

test("who waits longest is first, and who is called waits no more", () => {
  const rows = [waiting(5), waiting(20), waiting(10, { called_at: before(1) })];
  assert.deepEqual(rules.queueOf(rows).map(({ id }) => id), [20, 5]);
});

test("a call is shown for five minutes, the newest first", () => {
  const rows = [waiting(1, { called_at: before(4) }), waiting(2, { called_at: before(1) }), waiting(3, { called_at: before(5) })];
  assert.deepEqual(rules.callsOf(rows, NOW).map(({ id }) => id), [2, 1]);
});

test("a new call is announced once, a second call of the same patient again", () => {
  const called = waiting(1, { called_at: before(1) });
  const news = (/** @type {any} */ old, /** @type {any} */ rows) => rules.newCalls(old, rows, NOW).map(({ id }) => id);
  assert.deepEqual(news(mapOf(waiting(1)), mapOf(called)), [1]);
  assert.deepEqual(news(mapOf(called), mapOf(called)), []);
  assert.deepEqual(news(mapOf(called), mapOf({ ...called, called_at: before(0) })), [1]);
});

test("calls of before the wall was switched on, or of long ago, are not announced", () => {
  assert.deepEqual(rules.newCalls(null, mapOf(waiting(1, { called_at: before(0) })), NOW), []);
  assert.deepEqual(rules.newCalls(mapOf(waiting(1)), mapOf(waiting(1, { called_at: before(3) })), NOW), []);
});

const visit = (/** @type {number} */ id, /** @type {number} */ practitioner, more = {}) => ({
  id, practitioner, practitioner_name: `Dr ${practitioner}`, start: before(-id), end: before(-id - 30), status: "confirmed", ...more,
});

test("a team's column has what is still to come in its order, and counts what is over", () => {
  const rows = [visit(8, 2), visit(3, 1, { status: "completed" }), visit(6, 1), visit(4, 1), visit(1, 3, { status: "no_show" })];
  const columns = rules.columnsOf(rows).map((column) => [column.name, column.rows.map(({ id }) => id), column.over]);
  assert.deepEqual(columns, [["Dr 1", [4, 6], 1], ["Dr 2", [8], 0], ["Dr 3", [], 1]]);
});

test("pages show every row of every column", () => {
  const counts = [12, 3, 0, 7, 5];
  const room = { columns: 3, rows: 5 };
  const seen = counts.map(() => new Set());
  for (const { from, to, turn } of rules.teamPages(counts, room)) {
    assert.ok(to - from <= room.columns);
    for (let column = from; column < to; column++) {
      const rows = Array.from({ length: counts[column] }, (_, row) => row);
      for (const row of rules.rowsOnPage(rows, room.rows, turn)) seen[column].add(row);
    }
  }
  assert.deepEqual(seen.map((rows) => rows.size), counts);
});

test("what fits has one page, and so has nothing", () => {
  assert.deepEqual(rules.teamPages([2, 3], { columns: 4, rows: 6 }), [{ from: 0, to: 2, turn: 0 }]);
  assert.deepEqual(rules.teamPages([], { columns: 4, rows: 6 }), [{ from: 0, to: 0, turn: 0 }]);
  assert.deepEqual(rules.teamPages([40], { columns: Infinity, rows: Infinity }), [{ from: 0, to: 1, turn: 0 }]);
});

test("rows that are cut off do not count as fitting", () => {
  assert.equal(rowsWithin(330, 100, 10), 3);
  assert.equal(rowsWithin(319, 100, 10), 2);
  assert.equal(rowsWithin(20, 100, 10), 1);
});

test("messages take turns", () => {
  const at = (/** @type {number} */ turn) => rules.messageAt(["one", "two"], turn * rules.MESSAGE_MS);
  assert.deepEqual([at(0), at(1), at(2)], ["one", "two", "one"]);
  assert.equal(rules.messageAt([], NOW), "");
});

test("another version loads the page again, but not again and again", () => {
  assert.equal(rules.shouldReload("a", "a", NOW, 0), false);
  assert.equal(rules.shouldReload("a", "b", NOW, 0), true);
  assert.equal(rules.shouldReload("a", "b", NOW, NOW - 60_000), false);
  assert.equal(rules.shouldReload("a", "b", NOW, NOW - rules.RELOAD_AT_MOST_EVERY_MS), true);
});

test("a room of a number alone is said with its word", () => {
  assert.deepEqual(["2", "2b", "Room 2", "Prophylaxe"].map(sayRoom), ["Room 2", "Room 2b", "Room 2", "Prophylaxe"]);
});

test("a patient is a name or a number", () => {
  assert.equal(sayWho(waiting(1)), "Anna 1");
  assert.equal(sayWho(waiting(1, { name: null, number: 7 })), "Number 7");
});
