// @ts-check
/** The live board: reads the address, draws the day and the queue, and takes the steps that are clicked. */
import { element, requestCard, showList, signatureOf, statusBadge } from "../cards.js";
import { LateClicks } from "../clicks.js";
import { Day } from "../day.js";
import { letGo } from "../ended.js";
import { News } from "../news.js";
import { api, frame, now, session } from "../page.js";
import { clockIn, countsOf, dateIn, daysBetween, firstOf, isLike, readDate, shiftDate } from "../rules.js";
import { say, sayCount } from "../translate.js";
import { sayChanges, sayLongDate, sayMonthAndDay, sayNear, sayTime, useTwelveHours } from "../words.js";
import { Absences } from "./absences.js";
import { addressOf, readAddress } from "./address.js";
import { Columns } from "./columns.js";
import { Connection } from "./connection.js";
import { listenOnBoard } from "./keyboard.js";
import { Steps } from "./steps.js";
import { PAGE_MS, entriesAbove, footWithin } from "./wall.js";

/**
 * @typedef {import("../rules.js").Row} Row
 * @typedef {import("../rules.js").Action} Action
 */

const NEW_FOR_MS = 8_000;
const TICK_MS = 10_000;
const MAX_REQUESTS_ON_THE_WALL = 12;

/** @param {string} id */
const place = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @type {{ practitioners: import("../rules.js").Practitioner[], actions: Action[], inAdmin: string | null }} */
const board = JSON.parse(place("board").textContent ?? "");
const { statuses } = frame;
const { timezone } = frame.clinic;
useTwelveHours(frame.clinic.twelveHours);
const today = () => dateIn(timezone, now());

let isOver = false;
let roomOnWall = { measuredFor: "", requests: MAX_REQUESTS_ON_THE_WALL };
let asked = readAddress(location.search, { practitioners: board.practitioners, statuses });
/** The text searched for on this day. */
let wanted = "";
/** Until when an appointment is marked as changed. @type {Map<number, number>} */
const changed = new Map();
/** Cards whose details are open. @type {Set<string>} */
const open = new Set();

const lateClicks = new LateClicks();
/** The line of now, and a note, are no cards: nobody clicks them. @param {HTMLElement} card */
const oncardgone = (card) => card.dataset.id && lateClicks.cardHasGone(card.getBoundingClientRect(), performance.now());
const news = new News({ heard: place("heard"), toasts: place("toasts") });
const connection = new Connection({ timezone, now, signIn: frame.signIn, again: () => day.again() });
const day = new Day({
  stream: frame.stream,
  heartbeatSeconds: frame.heartbeatSeconds,
  session,
  today,
  onchange: take,
  onstate: (state, reason) => {
    connection.show(state, reason);
    if (state === "signed out") end();
  },
});
const absences = new Absences(api, () => draw(), board.practitioners);
const steps = new Steps({ day, session, news, statuses, linksRecords: board.inAdmin !== null, today, draw: () => draw() });
const columns = new Columns({ practitioners: () => absences.practitioners, timezone, absenceOf: (id) => absences.of(id), oncardgone });

// The address

/** @param {Partial<typeof asked>} changes */
const addressWith = (changes) => addressOf({ ...asked, ...changes }, { today: today(), path: location.pathname });

/** @param {Partial<typeof asked>} changes */
function go(changes) {
  const address = addressWith(changes);
  if (address !== (location.search || location.pathname)) history.pushState(null, "", address);
  arrive();
}

function arrive() {
  asked = readAddress(location.search, { practitioners: absences.practitioners, statuses });
  open.clear();
  look();
}

/** At the day that is asked for: at midnight another one is today. */
function look() {
  if (isOver) return;
  const date = asked.date ?? today();
  day.show(date);
  absences.show(date);
  draw();
}

// Drawing

/** @returns {import("../cards.js").Scene} */
function scene() {
  return {
    actions: board.actions,
    statuses,
    inAdmin: board.inAdmin,
    now: now(),
    today: today(),
    isBusy: (id) => steps.busy.get(id),
    isNew: (id) => (changed.get(id) ?? 0) > Date.now(),
    isOpen: (key) => open.has(key),
  };
}

function draw() {
  if (isOver) return;
  const drawn = scene();
  drawDate();
  drawDay(drawn);
  drawRequests(drawn);
}

function drawDate() {
  const date = asked.date ?? today();
  const near = sayNear(date, today());
  const isNear = Math.abs(daysBetween(today(), date)) <= 1;
  const title = place("title");
  const words = isNear ? [element("strong", {}, near.charAt(0).toUpperCase() + near.slice(1)), element("span", {}, sayMonthAndDay(date))] : [element("strong", {}, sayLongDate(date))];
  if (title.textContent !== words.map(({ textContent }) => textContent).join(" ")) title.replaceChildren(...words.flatMap((word, at) => (at ? [" ", word] : [word])));
  /** @type {HTMLInputElement} */ (place("date")).value = date;
  /** @type {HTMLAnchorElement} */ (place("earlier")).href = addressWith({ date: shiftDate(date, -1) });
  /** @type {HTMLAnchorElement} */ (place("later")).href = addressWith({ date: shiftDate(date, 1) });
  /** @type {HTMLAnchorElement} */ (place("to-today")).href = addressWith({ date: null });
  /** @type {HTMLAnchorElement} */ (place("wall")).href = addressWith({ isWall: !asked.isWall });
  place("to-today").toggleAttribute("aria-current", date === today());
  document.documentElement.toggleAttribute("data-wall", asked.isWall);
  place("clock").textContent = sayTime(clockIn(timezone, now()));
}

/** @param {import("../cards.js").Scene} drawn */
function drawDay(drawn) {
  const { rows } = day;
  if (rows === null) {
    place("tally").replaceChildren();
    columns.showLoading();
    return;
  }
  const own = rows.filter((row) => !asked.practitioner || row.practitioner === asked.practitioner);
  const shown = own.filter((row) => (!asked.status || row.status === asked.status) && isLike(row, wanted));
  drawTally(own);
  drawFilter(rows);
  const isPart = shown.length < own.length || Boolean(asked.status || wanted);
  columns.draw(shown, drawn, { isWall: asked.isWall, isToday: day.date === drawn.today, isOne: asked.practitioner !== null, isPart });
}

/** How many of each status; a click leaves these alone. @param {Row[]} rows */
function drawTally(rows) {
  const shown = countsOf(rows, Object.keys(statuses))
    .filter(([status, number]) => number > 0 || status === asked.status)
    .map(([status, number]) => {
      const isOn = asked.status === status;
      const make = () =>
        element(
          "li",
          {},
          element("button", { type: "button", class: "tally-filter", "data-status-filter": status, "data-part": status, "aria-pressed": String(isOn) }, element("strong", {}, String(number)), statusBadge(status, statuses[status])),
        );
      return { key: status, signature: `${number} ${isOn}`, make };
    });
  showList(place("tally"), shown, () => {});
}

/** @param {Row[]} rows */
function drawFilter(rows) {
  // A practitioner who left stays on the page that shows them.
  const practitioners = [...absences.practitioners, ...board.practitioners.filter(({ id }) => id === asked.practitioner && !absences.practitioners.some((one) => one.id === id))];
  const filter = /** @type {HTMLSelectElement} */ (place("filter"));
  const options = [
    ["", say("Everybody (%(count)s)", { count: rows.length })],
    ...practitioners.map(({ id, name }) => [String(id), `${name} (${rows.filter((row) => row.practitioner === id).length})`]),
  ];
  const signature = JSON.stringify(options);
  if (filter.dataset.signature !== signature) {
    filter.replaceChildren(...options.map(([value, text]) => element("option", { value }, text)));
    filter.dataset.signature = signature;
  }
  filter.value = asked.practitioner ? String(asked.practitioner) : "";
  /** @type {HTMLElement} */ (filter.parentElement).hidden = practitioners.length < 2;
}

/** @param {import("../cards.js").Scene} drawn */
function drawRequests(drawn) {
  const pending = day.pending?.filter((row) => (!asked.practitioner || row.practitioner === asked.practitioner) && isLike(row, wanted));
  const number = pending ? String(pending.length) : "";
  for (const id of ["requests-count", "requests-count-small"]) place(id).textContent = number;
  place("no-requests").hidden = pending?.length !== 0;
  document.title = `${pending?.length ? `(${pending.length}) ` : ""}${place("title").textContent} · ${frame.clinic.name} · Chairside`;
  if (asked.isWall) drawRequestsOnWall(pending ?? [], drawn);
  else listRequests(pending ?? [], drawn, Infinity);
}

/** The requests that stand whole on a wall, which nobody scrolls. Measured when there are more or fewer, or one has grown. @param {Row[]} pending @param {import("../cards.js").Scene} drawn */
function drawRequestsOnWall(pending, drawn) {
  const list = place("requests-list");
  const isWhole = () => entriesAbove(list, footWithin(place("main"))) >= list.children.length;
  const { dataset } = document.documentElement;
  const measuredFor = JSON.stringify([pending.length, innerWidth, innerHeight, dataset.few]);
  if (roomOnWall.measuredFor !== measuredFor) {
    listRequests(pending, drawn, MAX_REQUESTS_ON_THE_WALL);
    roomOnWall = { measuredFor, requests: isWhole() ? MAX_REQUESTS_ON_THE_WALL : entriesAbove(list, footWithin(place("main"))) };
  }
  listRequests(pending, drawn, roomOnWall.requests);
  if (!isWhole()) roomOnWall.measuredFor = "";
}

/** @param {Row[]} pending @param {import("../cards.js").Scene} drawn @param {number} most */
function listRequests(pending, drawn, most) {
  const { shown, more } = firstOf(pending, most);
  const cards = shown.map((row) => ({ key: `queue-${row.id}`, signature: signatureOf(row, drawn, `queue-${row.id}`), make: () => /** @type {HTMLElement} */ (requestCard(row, drawn)) }));
  if (more) {
    const text = sayCount("and %(count)s more", "and %(count)s more", more);
    cards.push({ key: "more", signature: text, make: () => element("li", { class: "column-note" }, text) });
  }
  showList(place("requests-list"), cards, () => place("requests-heading").focus(), oncardgone);
}

// Events of the stream

/** @param {import("../day.js").Difference[]} differences */
function take(differences) {
  for (const { row } of differences) changed.set(row.id, Date.now() + NEW_FOR_MS);
  if (differences.length) setTimeout(draw, NEW_FOR_MS + 50);
  news.changed(differences, (all) => sayChanges(all, statuses, today()));
  draw();
}

/** Nothing brings this page back but signing in. */
function end() {
  isOver = true;
  letGo(["columns", "free", "tally", "requests-list", "heard", "toasts"], ["#main", ".board-strip"]);
}

// Clicks

place("main").addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("button");
  const card = button?.closest("[data-id]");
  const row = card && day.find(Number(/** @type {HTMLElement} */ (card).dataset.id));
  if (!button || !row || lateClicks.isLate(event, performance.now())) return;
  const action = board.actions.find(({ name }) => name === button.dataset.action);
  if (action) steps.take(row, action);
  if (button.dataset.answer) steps.answerMove(row, button.dataset.answer === "grant");
  const { open: key } = button.dataset;
  if (key) {
    if (!open.delete(key)) open.add(key);
    draw();
  }
});

for (const [id, days] of /** @type {const} */ ([["earlier", -1], ["later", 1]])) {
  onPlainClick(place(id), () => go({ date: shiftDate(asked.date ?? today(), days) }));
}
onPlainClick(place("to-today"), () => go({ date: null }));
onPlainClick(place("wall"), () => go({ isWall: !asked.isWall }));
place("date").addEventListener("change", (event) => {
  const date = readDate(/** @type {HTMLInputElement} */ (event.target).value);
  if (date) go({ date });
});
place("filter").addEventListener("change", (event) => go({ practitioner: Number(/** @type {HTMLSelectElement} */ (event.target).value) || null }));
place("tally").addEventListener("click", (event) => {
  const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-status-filter]"));
  const status = button?.dataset.statusFilter ?? "";
  if (button) go({ status: status === asked.status ? "" : status });
});
const find = /** @type {HTMLInputElement} */ (place("find"));
find.addEventListener("input", () => {
  wanted = find.value;
  draw();
});
addEventListener("popstate", arrive);

/** A link stays one: for a new tab, and to be copied. @param {HTMLElement} link @param {() => void} action */
function onPlainClick(link, action) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    action();
  });
}

listenOnBoard(statuses, { shift: (days) => go({ date: shiftDate(asked.date ?? today(), days) }), toToday: () => go({ date: null }) });

// Time passes without anybody's doing: somebody is late, a day is over.
setInterval(look, TICK_MS);
setInterval(() => {
  if (!asked.isWall) return;
  columns.turn++;
  draw();
}, PAGE_MS);

arrive();
day.start();
