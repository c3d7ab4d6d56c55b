// @ts-check
/** After a sign-out a page lets go of all that it shows of patients. */

/** @param {string[]} emptied Ids. @param {string[]} hidden Selectors. */
export function letGo(emptied, hidden) {
  for (const dialog of document.querySelectorAll("dialog")) if (dialog.open) dialog.close();
  for (const id of emptied) document.getElementById(id)?.replaceChildren();
  for (const one of document.querySelectorAll(hidden.join(", "))) /** @type {HTMLElement} */ (one).hidden = true;
}
