// @ts-check
/** The dialog that asks for a reason before something is called off. */

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
