// The preview beside the words that are being typed. What it shows comes from the server, by what sends messages. The
// placeholders become buttons that put themselves where the cursor is.
// @ts-check

const PAUSE = 250;
const form = /** @type {HTMLFormElement} */ (document.getElementById("wording"));
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let asked = 0;

/** @param {string} name */
const part = (name) => document.getElementById(`preview-${name}`);

/** @param {string} name @param {string} text */
function say(name, text) {
  const element = part(name);
  if (!element) return;
  element.textContent = text;
  element.hidden = !text;
}

/** @param {{ subject: string, text: string, html: string, faults: string[] }} shown */
function show({ subject, text, html, faults }) {
  say("fault", faults.join(" "));
  if (faults.length) return; // The last that could be sent stays in view.
  say("subject", subject);
  say("text", text);
  const frame = part("html");
  if (frame instanceof HTMLIFrameElement && frame.srcdoc !== html) frame.srcdoc = html;
}

async function ask() {
  const mine = (asked += 1);
  try {
    const answer = await fetch(form.dataset.previewUrl ?? "", { method: "POST", body: new FormData(form) });
    if (mine === asked && answer.ok) show(await answer.json());
  } catch {
    // The page stays as it is; the next letter asks again.
  }
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(ask, PAUSE);
}

/** @type {HTMLInputElement | HTMLTextAreaElement | null} */
let written = form.querySelector("textarea");
form.addEventListener("focusin", (event) => {
  if (event.target instanceof HTMLTextAreaElement || (event.target instanceof HTMLInputElement && event.target.name === "subject")) written = event.target;
});
for (const code of form.querySelectorAll(".placeholders code")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "name";
  button.append(code.cloneNode(true));
  button.addEventListener("click", () => {
    if (!written) return;
    written.setRangeText(code.textContent ?? "", written.selectionStart ?? 0, written.selectionEnd ?? 0, "end");
    written.focus();
    later();
  });
  code.replaceWith(button);
}
form.addEventListener("input", later);
