// @ts-check
/** Patients are found as one types. Without scripts the form does it. */
import "./forms.js";
import { Search } from "./search.js";

const form = document.getElementById("search-form");
const field = document.getElementById("search");
const found = document.getElementById("found");

if (form instanceof HTMLFormElement && field instanceof HTMLInputElement && found) {
  const search = new Search({
    ask: async (text, signal) => {
      const address = addressOf(text);
      address.searchParams.set("fragment", "1");
      const answer = await fetch(address, { signal, cache: "no-store", headers: { Accept: "text/html" } });
      if (answer.redirected) location.reload();
      if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
      return answer.text();
    },
    show: (text, answer) => {
      found.innerHTML = answer;
      history.replaceState(null, "", addressOf(text));
    },
    fail: () => form.submit(),
  });
  field.addEventListener("input", () => search.typed(field.value.trim()));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    search.now(field.value.trim());
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown") return;
    const first = found.querySelector("a.person");
    if (first instanceof HTMLElement) {
      event.preventDefault();
      first.focus();
    }
  });
  found.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const people = /** @type {HTMLElement[]} */ ([...found.querySelectorAll("a.person")]);
    const place = people.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (step === 0 || place < 0) return;
    event.preventDefault();
    (people[place + step] ?? (step < 0 ? field : people[place])).focus();
  });
}

/** @param {string} text */
function addressOf(text) {
  const address = new URL(location.pathname, location.origin);
  if (text) address.searchParams.set("search", text);
  return address;
}
