// The preview beside the words that are being typed. What it shows comes from the server, by what sends messages.
(() => {
  const preview = document.getElementById("wording-preview");
  const form = preview.closest("form");
  const part = (name) => preview.querySelector(`.wording-${name}`);
  const KIND = ["template", "channel", "language"];
  const PAUSE = 250;
  let timer;
  let asked = 0;

  const typed = (name) => form.elements[name]?.value ?? preview.dataset[name] ?? "";

  function say(name, text) {
    part(name).textContent = text;
    part(name).hidden = !text;
  }

  function show({ subject, text, html, faults }) {
    say("fault", faults.join(" "));
    if (faults.length) return; // The last that could be sent stays in view.
    say("subject", subject);
    say("text", text);
    part("html").hidden = part("as-text").hidden = !html;
    if (part("html").srcdoc !== html) part("html").srcdoc = html;
  }

  async function ask() {
    const mine = ++asked;
    const body = new FormData();
    for (const name of [...KIND, "clinic", "subject", "body", "csrfmiddlewaretoken"]) body.set(name, typed(name));
    try {
      const answer = await fetch(preview.dataset.url, { method: "POST", body });
      if (mine !== asked) return;
      if (answer.ok) show(await answer.json());
      else say("fault", "There is no preview of this.");
    } catch {
      if (mine === asked) say("fault", "The preview cannot be had at the moment.");
    }
  }

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  form.addEventListener("change", (event) => {
    if (!preview.dataset.isNew || !KIND.includes(event.target.name)) return;
    // Another message begins with its own standard wording.
    location.search = new URLSearchParams(KIND.map((name) => [name, typed(name)]));
  });
  ask();
})();
