// @ts-check
/** The service worker, and the hint that the page can be installed. */

if ("serviceWorker" in navigator) {
  addEventListener("load", () => {
    navigator.serviceWorker.register("/service-worker.js").catch(() => undefined); // Not on plain http: the page works without.
  });
}

const hint = document.getElementById("install");
const isInstalled = matchMedia("(display-mode: standalone)").matches;
const isApple = /iPhone|iPad/.test(navigator.userAgent);

/** @type {any} */
let offered = null;
addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  offered = event;
  show("browser");
});
if (isApple && !isInstalled) show("apple");

/** @param {"browser" | "apple"} how */
function show(how) {
  if (!hint || isInstalled) return;
  for (const part of hint.querySelectorAll("[data-how]")) if (part instanceof HTMLElement) part.hidden = part.dataset.how !== how;
  hint.hidden = false;
}

hint?.querySelector("button")?.addEventListener("click", async () => {
  await offered?.prompt();
  hint.hidden = true;
});
addEventListener("appinstalled", () => {
  if (hint) hint.hidden = true;
});
