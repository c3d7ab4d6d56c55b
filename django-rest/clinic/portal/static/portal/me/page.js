// @ts-check
/** Common to the pages of a patient's account: forms are sent once, and a sign-out elsewhere is said. */
import "../patients/forms.js";
import { forgetOnSignOut, keepVisit } from "../app/visit.js";
import { Feed } from "../feed.js";
import { frame, session } from "../page.js";

/** @param {{ onrows?: () => void }} [wanted] Called for each change of the account's visits, not for those that the page shows. */
export async function follow({ onrows } = {}) {
  let isFirst = true;
  const feed = new Feed({
    stream: frame.stream,
    heartbeatSeconds: frame.heartbeatSeconds,
    session,
    onrows: () => {
      if (!isFirst) onrows?.();
      isFirst = false;
    },
    onstate: (state) => {
      if (state === "signed out") leave();
    },
  });
  await feed.start();
}

/** End the page: its content is not this person's to see any more. */
function leave() {
  const notice = document.getElementById("signed-out");
  if (!notice || !notice.hidden) return;
  keepVisit(null);
  const main = /** @type {HTMLElement} */ (document.getElementById("main"));
  for (const part of [...main.children]) if (part !== notice) part.remove();
  document.querySelector(".patient-bar form")?.remove();
  notice.hidden = false;
  notice.tabIndex = -1;
  notice.focus();
}

for (const form of document.querySelectorAll("form[data-chooses]")) {
  if (!(form instanceof HTMLFormElement)) continue;
  const button = form.querySelector("button");
  if (button) button.hidden = true;
  form.addEventListener("change", () => form.requestSubmit());
}

forgetOnSignOut();
if (!document.getElementById("current")) follow();
