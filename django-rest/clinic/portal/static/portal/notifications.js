// @ts-check
/** The bell: the newest own notifications, live, and how many are not read. */
import { html, render } from "lit";
import { sentenceOf } from "./api.js";
import { Feed } from "./feed.js";
import { api, frame, now, session } from "./page.js";
import { say, sayCount } from "./translate.js";
import { sayWhen } from "./words.js";

/** @typedef {{ id: number, title: string, body: string, appointment: number | null, created_at: string, read_at: string | null }} Notification */

/** @type {Notification[]} */
let rows = [];
let unread = 0;
let refusal = "";

/** @param {string} id */
const place = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

export function showNotifications() {
  const feed = new Feed({
    list: "LiveNotifications",
    stream: frame.stream,
    heartbeatSeconds: frame.heartbeatSeconds,
    session,
    onrows: (/** @type {any[]} */ all, _change, /** @type {{ unreadCount: number }} */ live) => {
      rows = all;
      unread = live.unreadCount;
      draw();
      document.dispatchEvent(new CustomEvent("chairside:notifications")); // For pages that show what they tell of.
    },
    onstate: () => {},
  });
  place("read-all").addEventListener("click", () => step(() => api.post("/api/v1/notifications/read-all")));
  feed.start();
}

function draw() {
  const count = place("bell-count");
  count.hidden = unread === 0;
  count.textContent = unread > 99 ? "99+" : String(unread);
  const words = unread ? sayCount("%(count)s notification is not read", "%(count)s notifications are not read", unread) : say("Notifications");
  place("bell").setAttribute("aria-label", words);
  place("bell").title = words;
  place("read-all").hidden = unread === 0;
  const note = place("no-notifications");
  note.hidden = rows.length > 0 && !refusal;
  if (refusal) note.textContent = refusal;
  render(rows.map(item), place("notifications-list"));
}

/** @param {Notification} row */
function item(row) {
  const { title, body, created_at: at, read_at: readAt } = row;
  const read = () => !readAt && step(() => api.post(`/api/v1/notifications/${row.id}/read`));
  return html`<li>
    <button type="button" class="notification" ?data-unread=${!readAt} @click=${read}>
      <strong>${title}${readAt ? "" : html`<span class="heard"> ${say("(not read)")}</span>`}</strong><span>${body}</span>
      <time datetime=${at}>${sayWhen(at, frame.clinic.timezone, now())}</time>
    </button>
  </li>`;
}

/** @param {() => Promise<unknown>} send */
async function step(send) {
  refusal = "";
  try {
    await send();
  } catch (problem) {
    refusal = sentenceOf(problem);
  }
  draw();
}
