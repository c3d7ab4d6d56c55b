// Announcements: changes now and then, own steps once, answers to keys at once.
import assert from "node:assert/strict";
import test, { mock } from "node:test";

globalThis.document ??= /** @type {any} */ ({ documentElement: { lang: "en", dataset: {} }, getElementById: () => null, querySelector: () => null });
const { News } = await import("../../../clinic/portal/static/portal/news.js");

const describe = (/** @type {any[]} */ all) => all.map(({ row }) => `Moved: ${row.id}.`).join(" ");

/** @param {(news: any, heard: { textContent: string }) => void} story */
function told(story) {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  try {
    const heard = { textContent: "" };
    story(new News(/** @type {any} */ ({ heard, toasts: {} })), heard);
  } finally {
    mock.timers.reset();
  }
}

test("own step is said together with the changes of others, and once", () =>
  told((news, heard) => {
    news.changed([{ row: { id: 1 } }], describe);
    news.done(2, "You moved 2.");
    news.changed([{ row: { id: 2 } }], describe);
    mock.timers.tick(150);
    assert.equal(heard.textContent, "You moved 2. Moved: 1.");
  }));

test("changes do not talk over the answer to a key", () =>
  told((news, heard) => {
    news.changed([{ row: { id: 1 } }], describe);
    news.answered("10:00: free.");
    mock.timers.tick(2_999);
    assert.equal(heard.textContent, "10:00: free.");
    mock.timers.tick(1);
    assert.equal(heard.textContent, "Moved: 1.");
  }));

test("changes wait while a step is in the making", () =>
  told((news, heard) => {
    news.changed([{ row: { id: 1 } }], describe);
    news.hold();
    news.answered("Picked up.");
    news.changed([{ row: { id: 2 } }], describe);
    mock.timers.tick(60_000);
    assert.equal(heard.textContent, "Picked up.");
    news.release();
    mock.timers.tick(150);
    assert.equal(heard.textContent, "Moved: 1. Moved: 2.");
  }));
