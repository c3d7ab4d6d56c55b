// @ts-check
/** The card of one visit, kept current: the server draws it anew whenever something has changed. */
import { offerPush } from "../app/push.js";
import { forgetVisitOf, keepVisit, pageMark } from "../app/visit.js";
import { openApi } from "../open_api.js";
import { LiveVisit } from "./live.js";
import { offerTimes } from "./moving.js";
import { sayAhead, sayState } from "./words.js";
import { nameZone } from "./zone.js";

const frame = JSON.parse(document.getElementById("frame")?.textContent ?? "null");
const place = /** @type {HTMLElement} */ (document.getElementById("visit"));
const news = /** @type {HTMLElement} */ (document.getElementById("visit-news"));

const page = pageMark(location.pathname);

const MINUTE_MS = 60_000;

/** @type {number | null} */
let ahead = null;
let isDrawing = false;
let isOutdated = false;

const card = () => place.querySelector("article");
const headline = () => document.getElementById("visit-status")?.textContent ?? "";

async function draw() {
  if (isDrawing) {
    isOutdated = true;
    return;
  }
  isDrawing = true;
  try {
    const response = await fetch(place.dataset.card ?? "", { cache: "no-store" });
    if (response.status === 404) return leave();
    if (response.ok) show(await response.text());
    if (response.ok) keep();
  } catch {
    // The next change, or the next look, draws it.
  } finally {
    isDrawing = false;
  }
  if (isOutdated) {
    isOutdated = false;
    draw();
  }
}

/** For the page without a network: the visit as long as it is ahead. */
function keep() {
  const { when, what = "" } = card()?.dataset ?? {};
  const { name = "", phone = "" } = frame?.clinic ?? {};
  if (when) return keepVisit({ when, what, clinic: name, phone, at: Date.now(), of: page });
  forgetVisitOf(page);
  document.getElementById("push")?.remove(); // There is nothing more to tell.
}

/** The link leads nowhere any more. */
function leave() {
  forgetVisitOf(page);
  location.reload();
}

/** @param {string} text The card as the server draws it. */
function show(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("article");
  if (!fresh || fresh.dataset.shows === card()?.dataset.shows) return;
  const before = headline();
  const wasCalled = place.querySelector(".visit-call") !== null;
  const open = [...place.querySelectorAll("details[open]")].map((part) => part.id);
  const focused = document.activeElement?.closest("[id]")?.id;
  const hadFocus = place.contains(document.activeElement);
  place.replaceChildren(document.adoptNode(fresh));
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  offerTimes(place);
  nameZone(frame.clinic.timezone);
  if (hadFocus) (document.getElementById(focused ?? "") ?? document.getElementById("main"))?.focus();
  showAhead();
  document.getElementById("done")?.remove();
  const call = place.querySelector(".visit-call");
  if (call && !wasCalled) navigator.vibrate?.(300);
  if (call && !wasCalled) news.textContent = call.textContent;
  else if (headline() !== before) news.textContent = headline();
}

function showAhead() {
  const line = document.getElementById("ahead");
  if (!line) return;
  line.hidden = ahead === null;
  line.textContent = ahead === null ? "" : sayAhead(ahead);
}

/** @param {"connecting" | "live" | "offline"} state */
function showState(state) {
  const sign = document.getElementById("connection");
  const word = document.getElementById("connection-word");
  if (!sign || !word) return;
  sign.hidden = false;
  sign.dataset.state = state;
  word.textContent = sayState(state);
}

if (place) {
  offerTimes(place);
  keep();
  offerPush({ api: openApi, base: `${place.dataset.api}/push-subscriptions` });
}
if (frame) nameZone(frame.clinic.timezone);

// Time alone changes what is possible on the day: "I am here" from an hour before the start.
setInterval(() => document.visibilityState === "visible" && card()?.dataset.today !== undefined && draw(), MINUTE_MS);

// The stream may stand at the same address: `frame.stream` is then empty.
if (frame && place) {
  const live = new LiveVisit({
    stream: frame.stream,
    heartbeatSeconds: frame.heartbeatSeconds,
    api: place.dataset.api ?? "",
    version: () => card()?.dataset.version ?? "",
    onchange: draw,
    onahead: (number) => {
      ahead = number;
      showAhead();
    },
    onstate: showState,
  });
  live.start();
}
