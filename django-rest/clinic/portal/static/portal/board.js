// @ts-check
/** The live board: reads the address, draws the day and the queue, and takes the steps that are clicked. */
import { reasonAskedIn } from "./asking.js";
import { dayCard, element, icon, requestCard, showList, signatureOf, statusBadge } from "./cards.js";
import { Day } from "./day.js";
import { areOn, listenForKeys, switchKeys } from "./keys.js";
import { News } from "./news.js";
import { clockIn, columnsOf, countsOf, dateIn, doneLast, firstOf, isOver, placeOfNow, readDate, shiftDate } from "./rules.js";
import { NoAnswer, Refusal, Session } from "./session.js";
import { SIGN_IN, sayChanges, sayConnection, sayLongDate, sayMonthAndDay, sayNear, sayTime, sayWhoAndWhen, useTwelveHours } from "./words.js";

/**
 * @typedef {import("./rules.js").Row} Row
 * @typedef {import("./rules.js").Action} Action
 * @typedef {import("./day.js").Difference} Difference
 */

const NEW_FOR_MS = 8_000;
const TICK_MS = 10_000;
const STREAM_IS_LATE_MS = 2_000;
const MOST_ON_THE_WALL = 3;
const FEW = 3;

/** @param {string} id */
const place = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @type {{ clinic: { name: string, timezone: string, twelveHours: boolean }, now: string, practitioners: import("./rules.js").Practitioner[],
 *   statuses: Record<string, string>, actions: Action[], stream: string, heartbeatSeconds: number, token: string,
 *   signIn: string, inAdmin: string | null }} */
const board = JSON.parse(place("board").textContent ?? "");
const { timezone } = board.clinic;
useTwelveHours(board.clinic.twelveHours);
// The device's clock may be wrong; the server's is not.
const clockError = Date.parse(board.now) - Date.now();
const now = () => Date.now() + clockError;
const today = () => dateIn(timezone, now());

const csrf = /** @type {HTMLInputElement} */ (document.querySelector("[name=csrfmiddlewaretoken]")).value;
const session = new Session({ tokenUrl: board.token, csrf });
const news = new News({ heard: place("heard"), toasts: place("toasts") });
const askReason = reasonAskedIn(/** @type {HTMLDialogElement} */ (place("reason-dialog")));

/** What the address says. `date` of null is today, also after midnight. */
let asked = readAddress();
/** @type {Map<number, string>} Which action of an appointment is under way. */
const busy = new Map();
/** @type {Map<number, number>} Until when an appointment is marked as changed. */
const changed = new Map();
/** @type {Set<string>} Cards whose details are open. */
const open = new Set();
let connection = { state: "connecting", reason: "", since: now() };

const day = new Day({ stream: board.stream, heartbeatSeconds: board.heartbeatSeconds, session, today, onchange: take, onstate: showConnection });

// The address

function readAddress() {
  const query = new URLSearchParams(location.search);
  const practitioner = Number(query.get("practitioner"));
  return {
    date: readDate(query.get("date")),
    practitioner: board.practitioners.some(({ id }) => id === practitioner) ? practitioner : null,
    isWall: query.has("wall"),
  };
}

/** @param {Partial<typeof asked>} changes */
function addressWith(changes) {
  const { date, practitioner, isWall } = { ...asked, ...changes };
  const query = new URLSearchParams();
  if (date && date !== today()) query.set("date", date);
  if (practitioner) query.set("practitioner", String(practitioner));
  if (isWall) query.set("wall", "");
  const text = query.toString().replace("wall=", "wall");
  return text ? `?${text}` : location.pathname;
}

/** @param {Partial<typeof asked>} changes */
function go(changes) {
  const address = addressWith(changes);
  if (address !== (location.search || location.pathname)) history.pushState(null, "", address);
  arrive();
}

function arrive() {
  asked = readAddress();
  open.clear();
  day.show(asked.date ?? today());
  draw();
}

// Drawing

/** @returns {import("./cards.js").Scene} */
function scene() {
  return {
    actions: board.actions,
    statuses: board.statuses,
    inAdmin: board.inAdmin,
    now: now(),
    today: today(),
    isBusy: (id) => busy.get(id),
    isNew: (id) => (changed.get(id) ?? 0) > Date.now(),
    isOpen: (key) => open.has(key),
  };
}

function draw() {
  const drawn = scene();
  drawDate();
  drawDay(drawn);
  drawRequests(drawn);
}

function drawDate() {
  const date = asked.date ?? today();
  const near = sayNear(date, today());
  const isNear = ["today", "tomorrow", "yesterday"].includes(near);
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

/** @param {import("./cards.js").Scene} drawn */
function drawDay(drawn) {
  const { rows } = day;
  if (rows === null) return showLoading();
  const isToday = day.date === drawn.today;
  const shown = rows.filter((row) => !asked.practitioner || row.practitioner === asked.practitioner);
  const { columns: every, free } = columnsOf(shown, board.practitioners);
  // From afar one sees what is to come; a board of who has finished would be small print.
  const columns = asked.isWall ? every.filter((column) => !column.rows.every(isOver)) : isToday ? doneLast(every) : every;
  document.documentElement.toggleAttribute("data-few", columns.length <= FEW);
  drawTally(shown);
  drawFilter(rows);
  const columnsPlace = place("columns");
  columnsPlace.querySelector(".loading")?.remove();
  columnsPlace.querySelector(":scope > .empty")?.remove();
  const wanted = columns.map(({ practitioner, rows: own }) => ({
    key: `column-${practitioner.id}`,
    signature: JSON.stringify(practitioner),
    make: () => emptyColumn(practitioner),
  }));
  showList(columnsPlace, wanted, () => place("day").focus());
  for (const { practitioner, rows: own } of columns) drawColumn(practitioner.id, own, drawn, isToday);
  if (columns.length === 0) columnsPlace.append(nobody(every.length > 0));
  drawFree(columns.length > 0 && !asked.practitioner ? free : []);
}

/** @param {import("./rules.js").Practitioner} practitioner */
function emptyColumn({ id, name, specialisation }) {
  return element(
    "section",
    { class: "column", "aria-labelledby": `column-${id}-name` },
    element("header", { class: "column-head" }, element("h3", { id: `column-${id}-name` }, name), element("p", {}, element("span", { class: "specialisation" }, specialisation), element("span", { class: "left" }))),
    element("ol", { class: "column-list" }),
  );
}

/** @param {number} practitioner @param {Row[]} rows @param {import("./cards.js").Scene} drawn @param {boolean} isToday */
function drawColumn(practitioner, rows, drawn, isToday) {
  const column = /** @type {HTMLElement} */ (place("columns").querySelector(`[data-key="column-${practitioner}"]`));
  const ahead = rows.filter((row) => !isOver(row));
  /** @type {HTMLElement} */ (column.querySelector(".left")).textContent = ahead.length ? `${ahead.length} to come` : "all done";
  const { shown, more } = asked.isWall ? firstOf(ahead, MOST_ON_THE_WALL) : { shown: rows, more: 0 };
  const wanted = shown.map((row) => ({
    key: `day-${row.id}`,
    signature: signatureOf(row, drawn, `day-${row.id}`),
    make: () => dayCard(row, drawn),
  }));
  if (isToday && !asked.isWall && ahead.length) wanted.splice(placeOfNow(shown, drawn.now), 0, lineOfNow(drawn.now));
  if (more) wanted.push(note("more", `and ${more} more later`));
  showList(/** @type {HTMLElement} */ (column.querySelector("ol")), wanted, () => place("day").focus());
}

/** @param {number} at */
function lineOfNow(at) {
  const time = sayTime(clockIn(timezone, at));
  return {
    key: "now",
    signature: time,
    make: () => element("li", { class: "now-line" }, element("span", {}, `now ${time}`)),
  };
}

/** @param {string} key @param {string} text */
const note = (key, text) => ({ key, signature: text, make: () => element("li", { class: "column-note" }, text) });

/** @param {boolean} isAllOver Somebody was booked, and all of it is over. */
function nobody(isAllOver) {
  const words = isAllOver
    ? ["That was the day", "Everybody has been seen."]
    : asked.practitioner
    ? ["Nothing booked", "Nobody comes to this practitioner on this day."]
    : day.date === today()
      ? ["A quiet day", "Nobody is booked today. What is booked appears here by itself."]
      : ["Nothing booked", "Nobody is booked on this day yet."];
  return element("div", { class: "empty" }, icon("calendar"), element("strong", {}, words[0]), element("p", {}, words[1]));
}

function showLoading() {
  const columns = place("columns");
  if (columns.querySelector(".loading")) return;
  columns.replaceChildren(element("p", { class: "loading" }, "Loading the day…"));
  place("tally").replaceChildren();
  drawFree([]);
}

/** @param {import("./rules.js").Practitioner[]} free */
function drawFree(free) {
  place("free").hidden = free.length === 0;
  place("free").textContent = free.length ? `Nobody booked: ${free.map(({ name }) => name).join(", ")}` : "";
}

/** @param {Row[]} rows */
function drawTally(rows) {
  const wanted = countsOf(rows, Object.keys(board.statuses))
    .filter(([, number]) => number > 0)
    .map(([status, number]) => ({
      key: status,
      signature: String(number),
      make: () => element("li", {}, element("strong", {}, String(number)), statusBadge(status, board.statuses[status])),
    }));
  showList(place("tally"), wanted, () => {});
}

/** @param {Row[]} rows */
function drawFilter(rows) {
  const filter = /** @type {HTMLSelectElement} */ (place("filter"));
  const options = [
    ["", `Everybody (${rows.length})`],
    ...board.practitioners.map(({ id, name }) => [String(id), `${name} (${rows.filter((row) => row.practitioner === id).length})`]),
  ];
  const signature = JSON.stringify(options);
  if (filter.dataset.signature !== signature) {
    filter.replaceChildren(...options.map(([value, text]) => element("option", { value }, text)));
    filter.dataset.signature = signature;
  }
  filter.value = asked.practitioner ? String(asked.practitioner) : "";
  /** @type {HTMLElement} */ (filter.parentElement).hidden = board.practitioners.length < 2;
}

/** @param {import("./cards.js").Scene} drawn */
function drawRequests(drawn) {
  const pending = day.pending?.filter((row) => !asked.practitioner || row.practitioner === asked.practitioner);
  const number = pending ? String(pending.length) : "";
  for (const id of ["requests-count", "requests-count-small"]) place(id).textContent = number;
  place("no-requests").hidden = pending?.length !== 0;
  document.title = `${pending?.length ? `(${pending.length}) ` : ""}${place("title").textContent} · ${board.clinic.name} · Chairside`;
  const wanted = (pending ?? []).map((row) => ({
    key: `queue-${row.id}`,
    signature: signatureOf(row, drawn, `queue-${row.id}`),
    make: () => requestCard(row, drawn),
  }));
  showList(place("requests-list"), wanted, () => place("requests-heading").focus());
}

// What comes from the stream

/** @param {Difference[]} differences */
function take(differences) {
  for (const { row } of differences) changed.set(row.id, Date.now() + NEW_FOR_MS);
  if (differences.length) setTimeout(draw, NEW_FOR_MS + 50);
  news.changed(differences, (all) => sayChanges(all, board.statuses, today()));
  draw();
}

/** @param {string} state @param {string} reason */
function showConnection(state, reason) {
  if (state !== connection.state) connection = { state, reason, since: now() };
  connection.reason = reason;
  const { word, sentence, kind, offers } = sayConnection(state, reason, sayTime(clockIn(timezone, connection.since)));
  const sign = place("connection");
  sign.dataset.state = state;
  if (place("connection-word").textContent !== word) place("connection-word").textContent = word;
  const notices = place("notice-place");
  if (notices.dataset.sentence === sentence) return;
  notices.dataset.sentence = sentence;
  notices.replaceChildren(...(sentence ? [noticeOf(sentence, kind, offers)] : []));
}

/** @param {string} sentence @param {string} kind @param {string} offers */
function noticeOf(sentence, kind, offers) {
  const isSignIn = offers === SIGN_IN;
  const again = offers && !isSignIn && element("button", { type: "button", class: "button quiet" }, offers);
  if (again) again.addEventListener("click", () => day.again());
  const signIn = isSignIn && element("a", { href: `${board.signIn}?next=${encodeURIComponent(location.pathname + location.search)}` }, SIGN_IN);
  return element("div", { class: `notice ${kind}` }, element("span", {}, sentence), again, signIn);
}

// What is clicked

/** @param {Row} row @param {Action} action */
async function step(row, action) {
  if (busy.has(row.id)) return;
  let reason = "";
  if (action.asksReason) {
    const given = await askReason({ title: `${action.label} ${sayWhoAndWhen(row, today())}?`, button: action.label });
    if (given === null) return;
    reason = given;
  }
  busy.set(row.id, action.name);
  draw();
  try {
    const answer = await session.post(`/api/v1/appointments/${row.id}/${action.name}`, { version: row.version, ...(reason && { reason }) });
    await untilTold(answer);
  } catch (problem) {
    await refused(row, action, problem);
  } finally {
    busy.delete(row.id);
    draw();
  }
}

/** The truth is what the stream says. Where it is silent, the answer of REST stands. @param {Row} answer */
async function untilTold(answer) {
  const until = Date.now() + (day.isLive ? STREAM_IS_LATE_MS : 0);
  while (Date.now() < until) {
    const known = day.find(answer.id);
    if (!known || known.version >= answer.version) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  day.correct(answer.id, answer);
}

/** @param {Row} row @param {Action} action @param {unknown} problem */
async function refused(row, action, problem) {
  const what = `${action.label} ${sayWhoAndWhen(row, today())}`;
  if (problem instanceof NoAnswer) {
    news.refused(`${what}: the server did not answer. Look again before you try again.`);
  } else if (problem instanceof Refusal) {
    const current = problem.current ?? (await asItIs(row.id, problem));
    const stands = current && current.status !== row.status ? ` It is now: ${board.statuses[current.status]}.` : "";
    news.refused(`${what}: ${problem.message}${stands}`);
    if (current !== undefined) day.correct(row.id, current);
  } else {
    throw problem;
  }
}

/** After a refusal: the row as it stands, null where it is gone, undefined where nobody knows. @param {number} id @param {Refusal} refusal */
async function asItIs(id, refusal) {
  if (refusal.status === 404) return null;
  if (refusal.status !== 409) return undefined;
  try {
    return await session.get(`/api/v1/appointments/${id}`);
  } catch {
    return undefined;
  }
}

/** @param {Element} card @returns {Row | undefined} */
const rowOf = (card) => day.find(Number(/** @type {HTMLElement} */ (card).dataset.id));

place("main").addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("button");
  const card = button?.closest("[data-id]");
  const row = card && rowOf(card);
  if (!button || !row) return;
  const action = board.actions.find(({ name }) => name === button.dataset.action);
  if (action) step(row, action);
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
addEventListener("popstate", arrive);

/** A link stays one: for a new tab, and to be copied. @param {HTMLElement} link @param {() => void} action */
function onPlainClick(link, action) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    action();
  });
}

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll(".view-switch button"))) {
  button.addEventListener("click", () => switchView(button.dataset.view ?? "day"));
}

/** @param {string} view On a phone one of the two is seen. */
function switchView(view) {
  place("main").dataset.view = view;
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll(".view-switch button"))) {
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  }
}

// Keys

const help = /** @type {HTMLDialogElement} */ (place("help-dialog"));
const keysOn = /** @type {HTMLInputElement} */ (place("keys-on"));
keysOn.checked = areOn();
keysOn.addEventListener("change", () => switchKeys(keysOn.checked));
place("help-button").addEventListener("click", () => help.showModal());
help.querySelector("[data-close]")?.addEventListener("click", () => help.close());
place("legend").append(...Object.entries(board.statuses).map(([status, name]) => element("li", {}, statusBadge(status, name))));

/** @param {number} by */
function walk(by) {
  const names = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".appointment-name")].filter((one) => one.checkVisibility()));
  const card = document.activeElement?.closest("[data-id]");
  const at = names.findIndex((name) => card?.contains(name));
  names[at < 0 ? (by > 0 ? 0 : names.length - 1) : Math.min(Math.max(at + by, 0), names.length - 1)]?.focus();
}

/** @param {string} selector Of a button on the card that has the focus. */
const press = (selector) => /** @type {HTMLElement | null} */ (document.activeElement?.closest("[data-id]")?.querySelector(selector))?.click();

/** @param {string} view @param {string} list */
function focusOn(view, list) {
  switchView(view);
  const first = /** @type {HTMLElement | null} */ (document.querySelector(`${list} .appointment-name`));
  (first ?? place(view)).focus();
}

listenForKeys({
  j: () => walk(1),
  k: () => walk(-1),
  a: () => press(".appointment-buttons .button"),
  x: () => press("[data-action=reject], [data-action=cancel]"),
  d: () => focusOn("day", "#columns"),
  r: () => focusOn("requests", "#requests-list"),
  p: () => go({ date: shiftDate(asked.date ?? today(), -1) }),
  n: () => go({ date: shiftDate(asked.date ?? today(), 1) }),
  t: () => go({ date: null }),
  "?": () => help.showModal(),
});

// Time passes without anybody's doing: somebody is late, a day is over.
setInterval(() => {
  day.show(asked.date ?? today());
  draw();
}, TICK_MS);

arrive();
day.start();
