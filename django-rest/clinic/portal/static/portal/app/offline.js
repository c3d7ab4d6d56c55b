// @ts-check
/** The page without a network: the last known visit with its age, and the page that was wanted when the network is back. */
import { ageOf, keptVisit } from "./visit.js";
import { say } from "../translate.js";

/** @param {string} id */
const place = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

place("again").addEventListener("click", () => location.reload());

const AGAIN_MS = 3_000;

/** The wanted page, once the server answers: a device says that it is online before that, and some never say it. */
async function open() {
  try {
    const answer = await fetch("/service-worker.js", { method: "HEAD", cache: "no-store" });
    if (answer.ok) location.reload();
  } catch {} // Not yet.
}

// Under its own address no page waits behind it.
if (location.pathname !== "/offline") {
  addEventListener("online", open);
  setInterval(() => document.visibilityState === "visible" && open(), AGAIN_MS);
}

const visit = keptVisit();
if (visit) {
  place("visit-when").textContent = visit.when;
  place("visit-what").textContent = visit.what;
  place("visit-clinic").textContent = [visit.clinic, visit.phone].filter(Boolean).join(" · ");
  const show = () => {
    const { unit, count } = ageOf(Date.now() - visit.at);
    const ago = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" }).format(-count, unit);
    place("visit-age").textContent = say("Last known %(ago)s. It may have changed since.", { ago });
  };
  show();
  setInterval(show, 30_000);
  place("visit").hidden = false;
}
