// @ts-check
/** A wall: nobody is there to press anything. It draws what the stream tells, turns its pages, and goes on by itself. */
import { clockIn, dateIn } from "../rules.js";
import { sayConnection, sayLongDate, sayTime, useTwelveHours } from "../words.js";
import { keepAwake, offerFullScreen } from "./awake.js";
import { Chime } from "./chime.js";
import { LiveWall } from "./live.js";
import { applyEvent, messageAt, shouldReload } from "./rules.js";
import { TeamDay } from "./team.js";
import { WaitingRoom } from "./waiting.js";
import { sayPage, saySound } from "./words.js";

const FACTS_MS = 60_000;
const DRAW_MS = 4_000;
const OFFLINE_AFTER_MS = 3_000;
const RELOADED = "chairside-wall-reloaded";

const frame = JSON.parse(document.getElementById("frame")?.textContent ?? "null");
const wall = JSON.parse(document.getElementById("wall-facts")?.textContent ?? "null");
const { timezone } = frame.clinic;
useTwelveHours(frame.clinic.twelveHours);

/** @param {string} id */
const place = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @type {Map<number, any>} */
let rows = new Map();
let date = "";
let isOpened = false;
let isDark = false;
/** @type {string[]} */
let messages = wall.messages;
/** @type {import("./live.js").State} */
let state = "connecting";
/** @type {ReturnType<typeof setTimeout> | undefined} */
let pending;
// The device's clock may be wrong, and drifts; the server's is right.
let clockError = Date.parse(frame.now) - Date.now();
const now = () => Date.now() + clockError;
let since = now();

const sound = document.getElementById("sound");
const chime = new Chime(showSound);
const view = wall.kind === "team" ? new TeamDay({ timezone, statuses: wall.statuses }) : new WaitingRoom({ oncall: () => chime.ring() });

/** @param {boolean} [isNews] */
function draw(isNews = false) {
  if (isDark || !isOpened) return;
  // At midnight nobody of yesterday waits any more, live or not.
  const shown = date === dateIn(timezone, now()) ? rows : new Map();
  const { page, pages } = view.draw(shown, now(), { isNews });
  place("page").hidden = pages < 2;
  place("page").textContent = pages < 2 ? "" : sayPage(page + 1, pages);
}

function showTime() {
  place("clock").textContent = sayTime(clockIn(timezone, now()));
  place("date").textContent = sayLongDate(dateIn(timezone, now()));
  const message = place("message");
  const text = messageAt(messages, now());
  message.hidden = text === "";
  if (message.textContent !== text) message.textContent = text;
}

/** A new ticket after hours, or a restart of the stream, is no news for a waiting room. @param {import("./live.js").State} next */
function hearState(next) {
  if (next === "offline" && state === "live") {
    pending ??= setTimeout(() => showState("offline"), OFFLINE_AFTER_MS);
    return;
  }
  showState(next);
}

/** @param {import("./live.js").State} next */
function showState(next) {
  clearTimeout(pending);
  pending = undefined;
  if (state === "live" && next !== "live") since = now();
  state = next;
  const { word, sentence, kind } = sayConnection(state, "", sayTime(clockIn(timezone, since)));
  place("connection").dataset.state = state;
  place("connection-word").textContent = word;
  place("wall").dataset.state = state;
  const notice = place("notice");
  if (notice.textContent === sentence) return;
  notice.textContent = sentence;
  notice.className = sentence ? `notice ${kind}` : "";
}

function showSound() {
  const word = document.getElementById("sound-word");
  if (!sound || !word) return;
  sound.hidden = false;
  sound.dataset.sound = chime.sound;
  word.textContent = saySound(chime.sound);
}

/** @param {boolean} dark Revoked: nothing of the clinic stays on the screen. */
function turnDark(dark) {
  if (dark === isDark) return;
  isDark = dark;
  place("dark").hidden = !dark;
  place("wall").hidden = dark;
  if (dark) {
    rows = new Map();
    for (const id of ["calls", "queue", "columns"]) document.getElementById(id)?.replaceChildren();
  }
  draw();
}

/** Messages, the time, and whether this is still the page that is served. */
async function readFacts() {
  try {
    const response = await fetch(wall.facts, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (response.status === 404) turnDark(true);
    if (!response.ok) return;
    turnDark(false);
    const facts = await response.json();
    messages = facts.messages;
    clockError = Date.parse(facts.now) - Date.now();
    showTime();
    if (shouldReload(wall.version, facts.version, Date.now(), Number(sessionStorage.getItem(RELOADED)))) {
      sessionStorage.setItem(RELOADED, String(Date.now()));
      location.reload();
    }
  } catch {
    // The next look is a minute away; the stream says meanwhile that it is not live.
  }
}

new LiveWall({
  stream: frame.stream,
  heartbeatSeconds: frame.heartbeatSeconds,
  tickets: wall.tickets,
  token: wall.token,
  onevent: (name, told) => {
    turnDark(false);
    isOpened = true;
    place("main").removeAttribute("aria-busy");
    rows = applyEvent(rows, name, told);
    date = told.date;
    draw(true);
  },
  onstate: hearState,
  onrevoked: () => turnDark(true),
}).start();

sound?.addEventListener("click", () => chime.press());
if (sound) showSound();
showTime();
setInterval(showTime, 1000);
setInterval(() => draw(), DRAW_MS);
setInterval(readFacts, FACTS_MS);
addEventListener("resize", () => draw());
keepAwake();
offerFullScreen(place("full-screen"));
