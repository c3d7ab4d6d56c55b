// @ts-check
import assert from "node:assert/strict";
import { createRequire, registerHooks } from "node:module";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { Chairside, ChairsideError } from "../../../../clients/js/chairside.js";
import { exchange, sendAgain } from "../../../../clients/js/sending.js";
import { liveStore } from "../../../../clients/js/store.js";
import { TokenKeeper } from "../../../../clients/js/tokens.js";

/** @param {number} seconds @param {string} [name] */
function tokenOf(seconds, name = "one") {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iat: now, exp: now + seconds, user_id: 7, role: "patient", name };
  return `x.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.y`;
}

/**
 * A client, and what it has sent. `answer` has a status and a body for each request; an error is a lost connection.
 * @param {(request: { method: string, path: string, headers: Record<string, string>, body: any }, tries: number) => any} answer
 * @param {object} [options]
 */
function clientWith(answer, options = {}) {
  /** @type {any[]} */
  const sent = [];
  const fetch = async (/** @type {string} */ address, /** @type {any} */ init) => {
    const request = { ...init, path: address.replace("https://clinic.example", ""), body: init.body && JSON.parse(init.body) };
    sent.push(request);
    const { status = 200, body = {}, headers = {} } = await answer(request, sent.length);
    return new Response(status === 204 ? null : JSON.stringify(body), { status, headers });
  };
  const client = new Chairside({ api: "https://clinic.example/", fetch: /** @type {any} */ (fetch), ...options });
  return { client, sent };
}

const lost = () => {
  throw new TypeError("Failed to fetch");
};
const refused = (/** @type {number} */ status, /** @type {string} */ code) => ({
  status,
  body: { type: "client_error", errors: [{ code, detail: "No.", attr: null }] },
});
const PAIR = { access: tokenOf(300), refresh: "first" };

test("path, query and body go to their places", async () => {
  const { client, sent } = clientWith(() => ({ body: { slots: [] } }));
  await client.call("GET /slots/soonest", { query: { service: 5, practitioner: undefined } });
  await client.call("POST /appointments/{appointment_id}/cancel", { path: { appointment_id: 3 }, body: { reason: "ill" } });
  assert.deepEqual(
    sent.map(({ method, path, body }) => [method, path, body]),
    [
      ["GET", "/api/v1/slots/soonest?service=5", undefined],
      ["POST", "/api/v1/appointments/3/cancel", { reason: "ill" }],
    ],
  );
});

test("a POST without an answer is sent again under its own key", async () => {
  const { client, sent } = clientWith((_, tries) => (tries < 3 ? lost() : { body: { id: 1 } }));
  assert.deepEqual(await client.call("POST /holds", { body: {} }), { id: 1 });
  const keys = sent.map(({ headers }) => headers["Idempotency-Key"]);
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
  await client.call("POST /holds", { body: {} });
  assert.notEqual(sent[3].headers["Idempotency-Key"], keys[0]);
});

test("a busy server is asked again when it says, within bounds", async () => {
  const pauses = /** @type {number[]} */ ([]);
  const pause = async (/** @type {number} */ ms) => void pauses.push(ms);
  const busy = (/** @type {number | null} */ retryAfterMs) => async () => {
    throw new ChairsideError({ status: 503, retryAfterMs });
  };
  await assert.rejects(sendAgain(busy(2000), { pause }), { status: 503 });
  assert.deepEqual(pauses.splice(0), [2000, 2000]);
  await assert.rejects(sendAgain(busy(null), { pause }));
  assert.deepEqual(pauses.splice(0), [400, 800]);
  await assert.rejects(sendAgain(busy(60_000), { pause }));
  assert.deepEqual(pauses, []);
});

test("an error names no secret of a link", async () => {
  const fetch = async () => Promise.reject(new TypeError("no network"));
  for (const [path, named] of [
    ["/api/v1/public/bookings/Xk3vQm8ZtY1rB6nWc0LhPa/move?start=1", "GET /api/v1/public/bookings/…/move"],
    ["/api/v1/waitlist/offers/Et-J7XvK4qhPNvM4KNA", "GET /api/v1/waitlist/offers/…"],
    ["/a/Xk3vQm8ZtY1rB6nWc0LhPa/card", "GET /a/…/card"],
    ["/api/v1/public/bookings", "GET /api/v1/public/bookings"],
  ]) {
    const problem = await exchange({ method: "GET", address: `https://clinic.example${path}`, fetch }).catch((error) => error);
    assert.equal(problem.endpoint, named);
  }
});

test("a refusal says which service, endpoint, status and code, and is not sent again", async () => {
  const { client, sent } = clientWith(() => refused(409, "slot_taken"));
  const problem = await client.call("POST /holds", { body: {} }).catch((error) => error);
  assert.ok(problem instanceof ChairsideError);
  assert.deepEqual(
    [problem.service, problem.endpoint, problem.status, problem.code, problem.message],
    ["rest", "POST /api/v1/holds", 409, "slot_taken", "No."],
  );
  assert.equal(sent.length, 1);
  const silent = await exchange({ method: "GET", address: "https://x.example/a?token=secret", service: "stream", fetch: lost }).catch((error) => error);
  assert.deepEqual([silent.service, silent.endpoint, silent.status, silent.code], ["stream", "GET /a", 0, "no_answer"]);
});

test("a change of a row is not sent again", async () => {
  const { client, sent } = clientWith(lost);
  await assert.rejects(client.call("PATCH /users/me", { body: { name: "P", version: 1 } }), { code: "no_answer" });
  assert.equal(sent.length, 1);
});

test("an aborted request rejects with the reason and is not sent again", async () => {
  const abort = new AbortController();
  const { client, sent } = clientWith(() => {
    abort.abort(new Error("gone"));
    return lost();
  });
  await assert.rejects(client.call("POST /holds", { body: {}, signal: abort.signal }));
  assert.equal(sent.length, 1);
});

test("many requests with an expired token refresh it once", async () => {
  let current = PAIR.access;
  const renewed = { access: tokenOf(300, "two"), refresh: "second" };
  const kept = /** @type {any[]} */ ([]);
  const { client, sent } = clientWith(
    async ({ path, headers }) => {
      if (path === "/api/v1/token/refresh") {
        current = renewed.access;
        return { body: renewed };
      }
      return headers.Authorization === `Bearer ${current}` && current !== PAIR.access ? { body: {} } : refused(401, "token_not_valid");
    },
    { tokens: PAIR, ontokens: (/** @type {any} */ pair) => kept.push(pair) },
  );
  await Promise.all([1, 2, 3].map(() => client.call("GET /users/me")));
  assert.equal(sent.filter(({ path }) => path === "/api/v1/token/refresh").length, 1);
  assert.deepEqual(kept, [renewed]);
});

test("a refused refresh signs out", async () => {
  const kept = /** @type {any[]} */ ([]);
  const { client } = clientWith(() => refused(401, "token_not_valid"), { tokens: PAIR, ontokens: (/** @type {any} */ pair) => kept.push(pair) });
  await assert.rejects(client.call("GET /users/me"), { status: 401 });
  assert.equal(client.isSignedIn, false);
  assert.deepEqual(kept, [null]);
  assert.equal(await client.ticket(), null);
});

test("signing in and out", async () => {
  const { client, sent } = clientWith(({ path }) => (path === "/api/v1/token" ? { body: PAIR } : { body: {} }));
  assert.equal((await client.signIn("paula", "secret")).role, "patient");
  assert.equal(await client.token(), PAIR.access);
  await client.signOut();
  assert.equal(await client.token(), null);
  assert.deepEqual(sent.at(-1).body, { refresh: "first" });
});

test("a token is renewed before it expires", async () => {
  let asked = 0;
  const keeper = new TokenKeeper(async () => ({ access: `t${++asked}`, lifeMs: asked === 1 ? 0 : 300_000 }));
  assert.deepEqual([await keeper.token(), await keeper.token(), await keeper.token()], ["t1", "t2", "t2"]);
  assert.equal(await keeper.token({ refresh: true }), "t3");
});

test("a held time books and is let go by its token", async () => {
  const { client, sent } = clientWith(({ method }) =>
    method === "DELETE" ? { status: 204 } : { status: 201, body: { id: 71, token: "secret", start: "x", expires_at: "y" } },
  );
  const held = await client.hold({ practitioner: 3, start: "x" });
  await held.book({ service: 5 });
  await held.bookAsGuest({ name: "Gus", phone: "+49 170 1234567" });
  await held.renew();
  await held.release();
  assert.deepEqual(sent[1].body, { service: 5, hold: "secret" });
  assert.deepEqual([sent[2].path, sent[2].body.hold], ["/api/v1/public/bookings", "secret"]);
  assert.deepEqual(
    sent.slice(3).map(({ path, headers }) => [path, headers["X-Hold-Token"]]),
    [
      ["/api/v1/holds/71/renew", "secret"],
      ["/api/v1/holds/71", "secret"],
    ],
  );
});

/** Fake lists of the stream's module, which the test fills. */
function fakeLists() {
  /** @type {any[]} */
  const lists = [];
  class List {
    /** @param {any} options */
    constructor(options) {
      this.options = options;
      this.isOpen = false;
      lists.push(this);
    }
    start() {
      this.isOpen = true;
    }
    stop() {
      this.isOpen = false;
    }
  }
  return { lists, load: async () => ({ LiveAppointments: List, LiveAvailability: List }) };
}

function liveClient() {
  const { lists, load } = fakeLists();
  const { client } = clientWith(() => ({}), { tokens: PAIR, stream: "https://stream.example/", load });
  return { client, lists };
}

test("open times lose what is taken, and are read again when time is free or hours change", async () => {
  const slot = (/** @type {string} */ at, /** @type {number[]} */ practitioners) => ({
    start: `2026-12-01T${at}:00+01:00`, end: `2026-12-01T${at.slice(0, 3)}30:00+01:00`, date: "2026-12-01", time: at, practitioners,
  });
  let reads = 0;
  const { lists, load } = fakeLists();
  const { client } = clientWith(({ path }) => {
    if (path.startsWith("/api/v1/services/5")) return { body: { buffer_before_minutes: 0, buffer_after_minutes: 5 } };
    reads += 1;
    return { body: { slots: [slot("09:00", [3, 4]), slot("10:00", [3])] } };
  }, { stream: "https://stream.example", load });
  const shown = /** @type {string[][]} */ ([]);
  const states = /** @type {string[]} */ ([]);
  const times = await client.liveOpenTimes({
    service: 5,
    date: "2026-12-01",
    onchange: (now) => shown.push(now.map(({ time, practitioners }) => `${time} ${practitioners}`)),
    onstate: (state) => states.push(state),
    spreadMs: 0,
  });
  await new Promise(setImmediate);
  const [{ options }] = lists;
  assert.equal(options.url, "https://stream.example/api/v1/sse/availability");
  assert.deepEqual(options.query, { service: "5", from: "2026-12-01", to: "2026-12-01" });
  assert.equal(options.token, undefined);
  const tell = (/** @type {any[]} */ days, schedule_version = 1) => {
    lists[0].facts = { schedule_version };
    options.onchange(days, {});
  };
  assert.deepEqual(shown.at(-1), ["09:00 3,4", "10:00 3"]);
  options.onstate("live", "");
  tell([{ practitioner: 3, taken: [{ start: "2026-12-01T09:30:00+01:00", end: "2026-12-01T10:30:00+01:00" }] }]);
  assert.deepEqual(shown.at(-1), ["09:00 4"]);
  assert.deepEqual([reads, states], [1, ["live"]]);
  for (const [days, version] of /** @type {[any[], number][]} */ ([[[], 1], [[], 2]])) {
    tell(days, version);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(reads, 3);
  assert.deepEqual(shown.at(-1), ["09:00 3,4", "10:00 3"]);
  times.stop();
});

test("a store runs its list while somebody is subscribed", async () => {
  const { client, lists } = liveClient();
  const store = liveStore(client, { status: "pending" });
  let told = 0;
  const unsubscribe = store.subscribe(() => told++);
  await new Promise(setImmediate);
  const [list] = lists;
  assert.equal(list.options.url, "https://stream.example/api/v1/sse/appointments");
  assert.deepEqual(list.options.query, { status: "pending" });
  list.options.onchange([{ id: 1 }], { upserts: [], removes: [], isSnapshot: true });
  list.options.onstate("live", "");
  assert.deepEqual(store.snapshot(), { rows: [{ id: 1 }], state: "live", reason: "" });
  assert.ok(told >= 2);
  unsubscribe();
  assert.equal(list.isOpen, false);
});

test("the hook of React shows rows and state, and ends its list", async () => {
  const tools = createRequire(new URL("../../../../tools/javascript/package.json", import.meta.url));
  const url = pathToFileURL(tools.resolve("react")).href;
  registerHooks({
    resolve: (specifier, context, next) => (specifier === "react" ? { url, shortCircuit: true } : next(specifier, context)),
  });
  const { useLiveAppointments } = await import("../../../../clients/js/react.js");
  const react = tools("react");
  const renderer = tools("react-test-renderer");
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
  const { client, lists } = liveClient();
  const Visits = () => {
    const { rows, state } = useLiveAppointments(client);
    return `${state}: ${rows.map((row) => row.patient_name).join(", ")}`;
  };
  /** @type {any} */
  let root;
  await react.act(async () => (root = renderer.create(react.createElement(Visits))));
  await new Promise(setImmediate);
  const [list] = lists;
  await react.act(async () => {
    list.options.onchange([{ id: 1, patient_name: "Paula" }], {});
    list.options.onstate("live", "");
  });
  assert.equal(root.toJSON(), "live: Paula");
  await react.act(async () => root.unmount());
  assert.equal(list.isOpen, false);
});
