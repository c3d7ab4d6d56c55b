// @ts-check
/** Web push on this device for the page's account or visit: turned on and off. */
import { sentenceOf } from "../api.js";
import { say } from "../translate.js";
import { idsHere, keepIds, keptIds } from "./subscriptions.js";

/**
 * @typedef {{ api: import("../api.js").Api, base: string }} Whose `base`: where the API lists the subscriptions.
 */

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export function bytesOf(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

/** Show the page's switch where the browser has web push. @param {Whose} whose */
export async function offerPush(whose) {
  const section = document.getElementById("push");
  const button = section?.querySelector("button");
  if (!section || !button || !("serviceWorker" in navigator) || !("PushManager" in window)) return;
  const { pushManager } = await navigator.serviceWorker.ready;
  const sentence = /** @type {HTMLElement} */ (section.querySelector("[role=status]"));
  const show = async () => {
    const isOn = (await idsOn(whose, pushManager)).length > 0;
    button.textContent = isOn ? say("Turn off for this device") : say("Turn on for this device");
    button.setAttribute("aria-pressed", String(isOn));
    return isOn;
  };
  await show();
  section.hidden = false;
  button.addEventListener("click", async () => {
    button.setAttribute("aria-busy", "true");
    try {
      if (await show()) await turnOff(whose, pushManager);
      else await turnOn(whose, pushManager, section.dataset.key ?? "");
      sentence.textContent = "";
    } catch (problem) {
      sentence.textContent =
        problem instanceof DOMException ? say("The browser does not allow it. Its settings for this page say so.") : sentenceOf(problem);
    }
    button.removeAttribute("aria-busy");
    await show();
  });
}

/** Subscriptions of this browser that the server still has: the push service may have ended one. @param {Whose} whose @param {PushManager} manager */
async function idsOn({ api, base }, manager) {
  const kept = keptIds();
  if (kept.length === 0 || (await manager.getSubscription()) === null) return [];
  const listed = await api.get(base).catch(() => []);
  return idsHere(listed.results ?? listed, kept);
}

/** @param {Whose} whose @param {PushManager} manager @param {string} key */
async function turnOn({ api, base }, manager, key) {
  const subscription = await manager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(key) });
  const { endpoint, keys } = subscription.toJSON();
  const { id } = await api.post(base, { endpoint, keys });
  keepIds([...keptIds(), id]);
}

/** The browser's own subscription stays as long as another account or visit uses it. @param {Whose} whose @param {PushManager} manager */
async function turnOff(whose, manager) {
  const ending = await idsOn(whose, manager);
  for (const id of ending) await whose.api.delete(`${whose.base}/${id}`);
  const others = keptIds().filter((id) => !ending.includes(id));
  keepIds(others);
  if (others.length === 0) await (await manager.getSubscription())?.unsubscribe();
}
