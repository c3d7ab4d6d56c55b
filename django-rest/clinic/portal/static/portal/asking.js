// @ts-check
/**
 * The dialogs: for a reason before something is called off, for the room into which a patient is called, and for the
 * record that a guest's request belongs to.
 */
import { say } from "./translate.js";

/** @param {HTMLDialogElement} dialog @returns {(words: { title: string, button: string }) => Promise<string | null>} */
export function reasonAskedIn(dialog) {
  const title = /** @type {HTMLElement} */ (dialog.querySelector("h2"));
  const field = /** @type {HTMLTextAreaElement} */ (dialog.querySelector("textarea"));
  const confirm = /** @type {HTMLButtonElement} */ (dialog.querySelector("[value=confirm]"));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    confirm.click();
  });
  for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close(""));
  return (words) => {
    title.textContent = words.title;
    confirm.textContent = words.button;
    field.value = "";
    dialog.returnValue = "";
    dialog.showModal();
    field.focus();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "confirm" ? field.value.trim() : null), { once: true });
    });
  };
}

/** @param {HTMLDialogElement} dialog @returns {(title: string, room: string) => Promise<string | null>} `null`: nobody is called. */
export function roomAskedIn(dialog) {
  const heading = /** @type {HTMLElement} */ (dialog.querySelector("h2"));
  const field = /** @type {HTMLInputElement} */ (dialog.querySelector("input"));
  for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close(""));
  return (title, room) => {
    heading.textContent = title;
    field.value = room;
    dialog.returnValue = "";
    dialog.showModal();
    field.select();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "confirm" ? field.value.trim() : null), { once: true });
    });
  };
}

/**
 * @typedef {{ id: number, name: string, phone: string, email: string, has_account: boolean }} KnownRecord
 * @param {HTMLDialogElement} dialog
 * @returns {(title: string, records: KnownRecord[]) => Promise<number | "new" | null>} The id of the record chosen; "new"
 *   if it is none of them; `null`: nothing is approved yet.
 */
export function recordAskedIn(dialog) {
  const title = /** @type {HTMLElement} */ (dialog.querySelector("h2"));
  const list = /** @type {HTMLElement} */ (dialog.querySelector("[data-records]"));
  for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close(""));
  return (words, records) => {
    title.textContent = words;
    list.replaceChildren(...records.map(recordButton));
    dialog.returnValue = "";
    dialog.showModal();
    list.querySelector("button")?.focus();
    return new Promise((resolve) => {
      const answered = () => resolve(dialog.returnValue === "" ? null : dialog.returnValue === "new" ? "new" : Number(dialog.returnValue));
      dialog.addEventListener("close", answered, { once: true });
    });
  };
}

/** @param {KnownRecord} record */
function recordButton({ id, name, phone, email, has_account: hasAccount }) {
  const button = document.createElement("button");
  button.className = "button";
  button.value = String(id);
  button.textContent = [say("Link to %(name)s", { name }), phone, email, hasAccount ? say("has an account") : ""].filter(Boolean).join(", ");
  return button;
}
