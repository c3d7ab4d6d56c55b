// @ts-check
/** The page's part that is kept current, and the sentence that says how current it is. */
import "../elements/count-down.js";
import { frame } from "../page.js";
import { clockIn } from "../rules.js";
import { sayTime } from "../words.js";
import { Keeping } from "./keeping.js";

const part = document.getElementById("current");
const sentence = document.getElementById("freshness");

/** @param {(part: HTMLElement) => void} [prepare] Called for the part at first and whenever it is new. @returns {Keeping | null} */
export function keepCurrent(prepare = () => undefined) {
  if (!part) return null;
  prepare(part);
  const keeping = new Keeping({
    load: async () => {
      const gone = await readAgain(part);
      if (gone) keeping.stop();
      prepare(part);
    },
    onstate: say,
  });
  document.addEventListener("visibilitychange", () => keeping.hidden(document.hidden));
  window.addEventListener("online", () => keeping.changed());
  say("fresh", Date.now());
  return keeping;
}

/** @param {HTMLElement} part @returns {Promise<boolean>} Whether the row is gone. */
async function readAgain(part) {
  const address = new URL(location.href);
  address.searchParams.set("fragment", "1");
  const answer = await fetch(address, { cache: "no-store", headers: { Accept: "text/html" } });
  if (answer.redirected || answer.status === 403) {
    location.reload(); // Signed out, or not for this role any more.
    return false;
  }
  if (!answer.ok && answer.status !== 404) throw new Error(`The server answered ${answer.status}.`);
  const text = await answer.text();
  const focused = focusIn(part);
  const place = document.createElement("template");
  place.innerHTML = text;
  if (!isSame(part, place.content)) {
    part.replaceChildren(place.content);
    focused?.(part);
  }
  return answer.status === 404;
}

/** The CSRF token is another one each time. @param {HTMLElement} part @param {DocumentFragment} next */
function isSame(part, next) {
  const plain = (/** @type {Node} */ node) => {
    const copy = /** @type {Element} */ (node.cloneNode(true));
    for (const field of copy.querySelectorAll("[name=csrfmiddlewaretoken]")) field.remove();
    for (const changing of copy.querySelectorAll("count-down")) changing.textContent = "";
    const inside = document.createElement("div");
    inside.append(...copy.childNodes);
    return inside.innerHTML.replace(/\s+/g, " ").replaceAll(' data-ready=""', "").trim();
  };
  return plain(part) === plain(next);
}

/** A description of the focused element, to find it again in the new document. @param {HTMLElement} part */
function focusIn(part) {
  const element = document.activeElement;
  if (!(element instanceof HTMLElement) || !part.contains(element)) return null;
  const all = [...part.querySelectorAll("a, button, input")];
  const name = nameOf(element);
  const nth = all.filter((one) => nameOf(one) === name).indexOf(element);
  return (/** @type {HTMLElement} */ renewed) => {
    const same = [...renewed.querySelectorAll("a, button, input")].filter((one) => nameOf(one) === name);
    const found = same[nth] ?? same[0];
    if (found instanceof HTMLElement) found.focus({ preventScroll: true });
  };
}

/** @param {Element} element */
const nameOf = (element) => `${element.tagName} ${element.getAttribute("href") ?? ""} ${element.getAttribute("value") ?? ""} ${element.textContent?.trim()}`;

/** @param {"fresh" | "old"} state @param {number} at */
function say(state, at) {
  if (!sentence) return;
  const time = sayTime(clockIn(frame.clinic.timezone, at));
  const text = `${state === "fresh" ? sentence.dataset.fresh : sentence.dataset.old} ${time}`;
  if (sentence.dataset.state === state && state === "fresh") {
    sentence.setAttribute("aria-live", "off"); // Not read aloud every few seconds.
  } else {
    sentence.setAttribute("aria-live", "polite");
  }
  sentence.dataset.state = state;
  sentence.textContent = text;
}
