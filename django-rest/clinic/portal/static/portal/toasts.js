// @ts-check
/** A sentence at the foot of any page, for some seconds. */
import { html, render } from "lit";
import { say } from "./translate.js";

const SHOWN_MS = 9_000;

/** @param {string} sentence */
export function showToast(sentence) {
  const place = document.getElementById("frame-toasts");
  if (!place) return;
  const toast = document.createElement("div");
  toast.className = "toast";
  const remove = () => toast.remove();
  render(html`<p>${sentence}</p><button type="button" class="button bare square" aria-label=${say("Close")} @click=${remove}><svg class="icon" aria-hidden="true"><use href="#icon-cross"></use></svg></button>`, toast);
  place.append(toast);
  setTimeout(remove, SHOWN_MS);
}
