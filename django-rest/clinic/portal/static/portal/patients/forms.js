// @ts-check
/** Behaviour shared by the forms of these pages: one request for many clicks, a question before a final step, and undo. */

const sent = new WeakSet();

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || form.method !== "post") return;
  if (sent.has(form) || (form.dataset.confirm && !confirm(form.dataset.confirm))) {
    event.preventDefault();
    return;
  }
  sent.add(form);
  form.setAttribute("aria-busy", "true");
});
// A page that comes back from the browser's memory can be used again.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

for (const form of document.querySelectorAll("form.undo-bar")) {
  if (form instanceof HTMLFormElement) countDown(form);
}

/** @param {HTMLFormElement} form */
function countDown(form) {
  const ends = performance.now() + Number(form.dataset.seconds) * 1000;
  const left = form.querySelector("[data-left]");
  const show = () => {
    const seconds = Math.ceil((ends - performance.now()) / 1000);
    if (seconds <= 0) return form.remove();
    if (left) left.textContent = `${seconds} s`;
    setTimeout(show, 250);
  };
  show();
}

const refusal = document.getElementById("refusal");
if (refusal) {
  refusal.tabIndex = -1;
  refusal.focus();
}
