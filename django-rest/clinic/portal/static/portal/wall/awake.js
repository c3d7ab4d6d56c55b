// @ts-check
/** The screen stays on, where the browser lets a page ask for it. */

export function keepAwake() {
  const ask = () => document.visibilityState === "visible" && navigator.wakeLock?.request("screen").catch(() => {});
  document.addEventListener("visibilitychange", ask);
  ask();
}

/** @param {HTMLElement} button */
export function offerFullScreen(button) {
  if (!document.fullscreenEnabled) return;
  const show = () => (button.hidden = document.fullscreenElement !== null);
  button.addEventListener("click", () => document.documentElement.requestFullscreen().catch(() => {}));
  document.addEventListener("fullscreenchange", show);
  show();
}
