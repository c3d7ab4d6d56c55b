import assert from "node:assert/strict";
import test from "node:test";
import { BlockReader } from "../../../clinic_stream/browser/chairside-live/parser.js";

/** @param {string} text @param {number} size */
function read(text, size = text.length) {
  /** @type {object[]} */
  const blocks = [];
  const reader = new BlockReader((block) => blocks.push(block));
  for (let at = 0; at < text.length; at += size) reader.feed(text.slice(at, at + size));
  return blocks;
}

const MIXED =
  "retry: 5\r\n\r\n: comment\nid: a.1.2\n\nid: a.1.3\nevent: change\n" +
  'data: {"x":\ndata: 1}\n\nevent:stale\rdata:{}\r\rdata: first\r\ndata:\r\n\r\n\n\ndata: cut';
const BLOCKS = [
  { event: "message", retry: 5 },
  { event: "message", id: "a.1.2" },
  { event: "change", id: "a.1.3", data: '{"x":\n1}' },
  { event: "stale", data: "{}" },
  { event: "message", data: "first\n" },
];

for (let size = 1; size <= MIXED.length; size++) {
  test(`blocks in pieces of ${size} characters are the same`, () => assert.deepEqual(read(MIXED, size), BLOCKS));
}

test("retry that is no number is ignored", () => assert.deepEqual(read("retry: 5s\n\n"), [{ event: "message" }]));

/** Characters that string and array methods go over while `work` runs. @param {() => void} work */
function charactersTouched(work) {
  let touched = 0;
  /** @type {(() => void)[]} */
  const restore = [];
  /** @param {any} owner @param {string} name @param {(self: any, args: any[]) => number} cost */
  const count = (owner, name, cost) => {
    const original = owner[name];
    owner[name] = function (/** @type {any[]} */ ...args) {
      touched += cost(this, args);
      return original.apply(this, args);
    };
    restore.push(() => (owner[name] = original));
  };
  for (const name of ["slice", "split", "replace", "replaceAll", "indexOf", "search", "match", "endsWith"]) {
    const isPart = name === "slice";
    count(String.prototype, name, (self, [from = 0, to = self.length]) => (isPart ? Math.max(0, to - from) : self.length));
  }
  count(Array.prototype, "join", (self) => self.reduce((/** @type {number} */ sum, /** @type {string} */ part) => sum + part.length, 0));
  // A sticky or global search goes on from where the last one ended.
  const exec = RegExp.prototype.exec;
  RegExp.prototype.exec = function (text) {
    const from = this.global ? this.lastIndex : 0;
    const found = exec.call(this, text);
    touched += (found ? found.index + found[0].length : text.length) - from;
    return found;
  };
  restore.push(() => (RegExp.prototype.exec = exec));
  try {
    work();
  } finally {
    for (const undo of restore) undo();
  }
  return touched;
}

for (const size of [100, 1_400, 65_536]) {
  test(`snapshot of 3.3 MB in pieces of ${size} characters is read in linear work`, () => {
    const text = `id: a.1.2\nevent: snapshot\ndata: ${"x".repeat(3_300_000)}\n\n`;
    const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, at) => text.slice(at * size, (at + 1) * size));
    /** @type {any[]} */
    const blocks = [];
    const reader = new BlockReader((block) => blocks.push(block));
    const touched = charactersTouched(() => pieces.forEach((piece) => reader.feed(piece)));
    assert.equal(blocks[0].data.length, 3_300_000);
    assert.ok(touched < 6 * text.length, `${touched} characters for ${text.length}`);
  });
}
