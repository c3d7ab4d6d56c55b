// @ts-check
/** Shortcuts of single keys. They can be switched off, for people whose software types for them (WCAG 2.1.4). */

const KEY = "chairside-shortcuts";

/** @param {Record<string, (event: KeyboardEvent) => void>} actions By key. */
export function listenForKeys(actions) {
  addEventListener("keydown", (event) => {
    const action = actions[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (!areOn() && event.key !== "?") return;
    event.preventDefault();
    action(event);
  });
}

export function areOn() {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true;
  }
}

/** @param {boolean} on */
export function switchKeys(on) {
  try {
    localStorage.setItem(KEY, on ? "on" : "off");
  } catch {} // A browser that keeps nothing has them on.
}

/** @param {EventTarget | null} target */
const isTyping = (target) => target instanceof HTMLElement && target.matches("input:not([type=checkbox]), select, textarea");
