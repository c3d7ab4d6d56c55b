// Behaviour that all pages of the settings add to their forms: countries in the reader's language, the undo's countdown, a moved
// visit's time chooses its "Move", and the first thing to decide gets the focus.
// @ts-check

const language = document.documentElement.lang || "en";

function nameCountries() {
  const select = document.querySelector("select[name='phone_region']");
  if (!(select instanceof HTMLSelectElement) || typeof Intl.DisplayNames !== "function") return;
  const names = new Intl.DisplayNames([language], { type: "region", fallback: "none" });
  for (const option of select.options) option.textContent = names.of(option.value) ?? option.textContent;
  const chosen = select.value;
  const sorted = [...select.options].sort((one, other) => one.text.localeCompare(other.text, language));
  select.append(...sorted);
  select.value = chosen;
}

function chooseMoveWithItsTime() {
  for (const select of document.querySelectorAll("select[data-selects]")) {
    if (!(select instanceof HTMLSelectElement)) continue;
    select.addEventListener("change", () => {
      const move = document.querySelector(`input[name="${select.dataset.selects}"][value="move"]`);
      if (move instanceof HTMLInputElement) move.checked = true;
    });
  }
}

function countUndoDown() {
  for (const form of document.querySelectorAll("form[data-undo]")) {
    if (!(form instanceof HTMLFormElement)) continue;
    const ends = performance.now() + Number(form.dataset.undo) * 1000;
    const left = form.querySelector("[data-left]");
    const show = () => {
      const seconds = Math.ceil((ends - performance.now()) / 1000);
      if (seconds <= 0) return form.remove();
      if (left) left.textContent = `${seconds} s`;
      setTimeout(show, 250);
    };
    show();
  }
}

function sendOnChange() {
  for (const button of document.querySelectorAll("[data-only-without-scripts]")) {
    if (!(button instanceof HTMLElement)) continue;
    const form = button.closest("form");
    button.hidden = true;
    form?.addEventListener("change", () => form.submit());
  }
}

function copyOnPress() {
  const status = document.getElementById("copy-status");
  for (const button of document.querySelectorAll("button[data-copies]")) {
    if (!(button instanceof HTMLButtonElement)) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const field = /** @type {HTMLInputElement} */ (document.getElementById(button.dataset.copies ?? ""));
      field.select();
      // `navigator.clipboard` is there on https and localhost alone; what is selected is copied by its keys.
      await navigator.clipboard?.writeText(field.value).catch(() => {});
      if (status) status.textContent = status.dataset.said ?? "";
    });
  }
}

document.querySelector(".settings-nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
nameCountries();
chooseMoveWithItsTime();
countUndoDown();
sendOnChange();
copyOnPress();
const first = document.getElementById("conflicts") ?? document.getElementById("refusal");
if (first) {
  first.tabIndex = -1;
  first.focus();
}
