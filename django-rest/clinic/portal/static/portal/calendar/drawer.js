// @ts-check
/** One visit beside the grid: its card, steps, notes, history and messages. It stays right while others change the visit. */
import { element, icon, statusBadge } from "../cards.js";
import { allowedActions } from "../rules.js";
import { canMove } from "./spans.js";

/**
 * @typedef {import("../rules.js").Row} Row
 * @typedef {{ action: string, actor_name: string, at: string, reason: string, from_status: string, to_status: string,
 *   from_start: string | null, to_start: string | null }} Line
 * @typedef {{ id: number, channel: string, state: string, subject?: string, body: string, created_at: string, sent_at?: string | null, kind?: string }} Message
 * @typedef {{ row: Row, busy: string | undefined, now: number, today: string, actions: import("../rules.js").Action[],
 *   statuses: Record<string, string>, isGone: boolean, movedTo: string | null }} Scene
 * @typedef {{ onstep: (name: string) => void, onmove: () => void, onanswer: (isGranted: boolean) => void, onclose: (id: number) => void, onnotes: (notes: string) => Promise<boolean>,
 *   ongo: () => void, onrevoke: (() => void) | null, onendseries: (() => void) | null, loadHistory: (id: number) => Promise<Line[]>, loadMessages: ((id: number) => Promise<Message[]>) | null }} Hooks
 */

export class Drawer {
  /** @param {HTMLElement} place @param {import("./words.js").Sayings} say @param {Hooks} hooks */
  constructor(place, say, hooks) {
    this._place = place;
    this._say = say;
    this._hooks = hooks;
    /** @type {number | null} */
    this.id = null;
    this._signature = "";
    /** The visit, and its version, that the history is of. */
    this._loaded = "";
    /** @type {HTMLElement | null} Where the focus was before. */
    this._opener = null;
    this._card = element("div", { class: "drawer-card" });
    this._notesField = element("textarea", { class: "input", id: "drawer-notes", rows: 3, maxlength: 4000, "aria-describedby": "drawer-notes-hint" });
    this._notes = this._makeNotes();
    this._history = element("div", { class: "drawer-more" });
    this._messages = element("div", { class: "drawer-more" });
    place.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close();
    });
  }

  get isOpen() {
    return this.id !== null;
  }

  /** @param {Scene} scene */
  open(scene) {
    if (this.id === null) this._opener = /** @type {HTMLElement | null} */ (document.activeElement);
    this.id = scene.row.id;
    this._signature = this._loaded = "";
    this._place.hidden = false;
    document.body.classList.add("has-drawer");
    this._notesField.value = scene.row.notes ?? "";
    this._notesField.dataset.shown = scene.row.notes ?? "";
    this._place.replaceChildren(this._card, this._notes, this._history, this._messages);
    this.draw(scene);
    /** @type {HTMLElement | null} */ (this._place.querySelector("h2"))?.focus();
  }

  close() {
    const { id } = this;
    if (id === null) return;
    this.id = null;
    this._place.hidden = true;
    document.body.classList.remove("has-drawer");
    this._place.replaceChildren();
    if (this._opener?.isConnected && this._opener !== document.body) this._opener.focus();
    this._hooks.onclose(id);
  }

  /** @param {Scene} scene */
  draw(scene) {
    const { row, busy, isGone, movedTo, now, today } = scene;
    const possible = isGone ? [] : this._possible(scene);
    const signature = JSON.stringify([row, busy, isGone, movedTo, possible.map(({ name }) => name), canMove(row, now), today]);
    if (signature !== this._signature) {
      this._signature = signature;
      const focused = /** @type {HTMLElement | null} */ (document.activeElement);
      const part = this._card.contains(focused) ? focused?.dataset.part : undefined;
      this._card.replaceChildren(...this._cardOf(scene, possible));
      if (part) (/** @type {HTMLElement | null} */ (this._card.querySelector(`[data-part="${part}"]`)) ?? /** @type {HTMLElement | null} */ (this._card.querySelector("h2")))?.focus();
      this._notes.hidden = isGone;
      // Notes of others are shown, unless somebody is writing here.
      if (document.activeElement !== this._notesField && this._notesField.value === this._notesField.dataset.shown) {
        this._notesField.value = this._notesField.dataset.shown = row.notes ?? "";
      }
    }
    const loaded = `${row.id} ${row.version} ${isGone}`;
    if (loaded !== this._loaded) {
      this._loaded = loaded;
      this._load(row.id);
    }
  }

  /** @param {Scene} scene */
  _possible({ actions, row, now, today }) {
    const allowed = allowedActions(actions, row, { now, today });
    return row.status === "pending" ? allowed.filter(({ name }) => name !== "cancel") : allowed;
  }

  /** @param {Scene} scene @param {import("../rules.js").Action[]} possible */
  _cardOf(scene, possible) {
    const { row, busy, statuses, isGone, movedTo, now, today } = scene;
    const { t, time } = this._say;
    const close = element("button", { type: "button", class: "button bare square", "aria-label": t("close"), title: t("close"), "data-part": "close" }, icon("cross"));
    close.addEventListener("click", () => this.close());
    const facts = [
      [t("alert"), row.patient_alert],
      [t("time"), `${this._say.longDate(row.date)}, ${t("from_to", { from: time(row.time), to: time(row.end.slice(11, 16)) })}`],
      [t("treatment"), row.service_name ?? t("visit_without_service")],
      [t("with"), row.practitioner_name],
      [t("phone"), row.patient_phone && this._phone(row)],
      [t("email"), row.patient_email && element("a", { href: `mailto:${row.patient_email}` }, row.patient_email)],
      [t("promised"), row.attendance_confirmed_at && t("yes")],
      [t("says_here"), row.arrived_at && this._say.instant(row.arrived_at, today)],
      [t("asks_for"), row.requested_start && this._say.instant(row.requested_start, today)],
      [t("arrived"), row.checked_in_at && this._say.instant(row.checked_in_at, today)],
      [t("called"), row.called_at && [this._say.instant(row.called_at, today), row.room].filter(Boolean).join(", ")],
      [t("patient_wrote"), row.request_note],
      [t("reason"), row.cancel_reason],
      [t("series"), Boolean(row.series) && t("yes")],
      [t("link"), this._hooks.onrevoke && !isGone && this._linkOf(row, busy)],
      [t("overlap"), row.allow_overlap && t("yes")],
    ];
    const go = movedTo && element("button", { type: "button", class: "button quiet", "data-part": "go" }, t("go_there"));
    if (go) go.addEventListener("click", () => this._hooks.ongo());
    const buttons = possible.map((action, place) => {
      const kind = action.asksReason ? "danger" : place === 0 ? "" : "quiet";
      const button = element("button", { type: "button", class: `button ${kind}`, "data-part": action.name, "aria-disabled": busy !== undefined && "true", "aria-busy": busy === action.name && "true" }, icon(busy === action.name ? "turn" : action.icon), action.label);
      button.addEventListener("click", () => this._hooks.onstep(action.name));
      return button;
    });
    if (!isGone && row.requested_start) buttons.unshift(...this._answersTo(row, busy, today));
    if (!isGone && canMove(row, now)) {
      const move = element("button", { type: "button", class: "button quiet", "data-part": "move", "aria-keyshortcuts": "m" }, icon("move"), t("move"));
      move.addEventListener("click", () => this._hooks.onmove());
      const firstDanger = possible.findIndex((action) => action.asksReason);
      buttons.splice(firstDanger < 0 ? buttons.length : firstDanger, 0, move);
      if (row.series && this._hooks.onendseries) buttons.push(this._endOfSeries(busy));
    }
    return [
      element("header", { class: "drawer-head" }, element("h2", { tabindex: "-1", id: "drawer-title" }, row.patient_name), close),
      statusBadge(row.status, isGone ? t("deleted") : statuses[row.status]),
      isGone && element("p", { class: "notice", role: "status" }, t("gone")),
      movedTo && element("p", { class: "notice calm", role: "status" }, movedTo, go),
      element("dl", { class: "drawer-facts" }, ...facts.filter(([, fact]) => fact).flatMap(([name, fact]) => [element("dt", {}, /** @type {string} */ (name)), element("dd", {}, /** @type {any} */ (fact))])),
      buttons.length > 0 && element("div", { class: "drawer-buttons" }, ...buttons),
    ].filter((one) => one !== false && one !== null);
  }

  /** To a patient who asks for another time. @param {Row} row @param {string | undefined} busy @param {string} today */
  _answersTo(row, busy, today) {
    const { t } = this._say;
    const labels = { grant: t("grant_move", { when: this._say.instant(row.requested_start ?? "", today) }), keep: t("keep_time") };
    return /** @type {const} */ (["grant", "keep"]).map((name) => {
      const kind = name === "grant" ? "" : "quiet";
      const button = element("button", { type: "button", class: `button ${kind}`, "data-part": name, "aria-disabled": busy !== undefined && "true", "aria-busy": busy === name && "true" }, icon(busy === name ? "turn" : name === "grant" ? "move" : "cross"), labels[name]);
      button.addEventListener("click", () => this._hooks.onanswer(name === "grant"));
      return button;
    });
  }

  /** @param {string | undefined} busy */
  _endOfSeries(busy) {
    const isBusy = busy === "end-series";
    const end = element("button", { type: "button", class: "button danger", "data-part": "end-series", "aria-disabled": busy !== undefined && "true", "aria-busy": isBusy && "true" }, icon(isBusy ? "turn" : "cross"), this._say.t("end_series"));
    end.addEventListener("click", () => busy === undefined && this._hooks.onendseries?.());
    return end;
  }

  /** The page that the patient's link opens, and a new link. @param {Row} row @param {string | undefined} busy */
  _linkOf(row, busy) {
    const { t } = this._say;
    const revoke = element("button", { type: "button", class: "button quiet", "data-part": "revoke", "aria-disabled": busy !== undefined && "true", title: t("revoke_hint") }, t("revoke"));
    revoke.addEventListener("click", () => busy === undefined && this._hooks.onrevoke?.());
    const open = element("a", { href: `/a/${row.reference}`, target: "_blank", rel: "noopener noreferrer" }, t("link_open"));
    return element("span", { class: "drawer-link" }, open, revoke);
  }

  /** @param {Row} row */
  _phone({ patient_phone: number, patient_phone_extension: extension }) {
    if (!extension) return element("a", { href: `tel:${number}` }, number);
    return element("a", { href: `tel:${number},${extension}` }, `${number} ${this._say.t("extension")} ${extension}`);
  }

  _makeNotes() {
    const { t } = this._say;
    const field = this._notesField;
    const done = element("span", { class: "hint", role: "status" });
    const save = element("button", { type: "submit", class: "button quiet" }, t("save_notes"));
    const form = element(
      "form",
      { class: "drawer-notes" },
      element("div", { class: "field" }, element("label", { for: "drawer-notes" }, t("notes")), field, element("p", { class: "hint", id: "drawer-notes-hint" }, t("notes_hint"))),
      element("div", { class: "drawer-save" }, save, done),
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (field.value === field.dataset.shown || save.getAttribute("aria-disabled")) return;
      save.setAttribute("aria-disabled", "true");
      const written = field.value;
      const isSaved = await this._hooks.onnotes(written);
      save.removeAttribute("aria-disabled");
      if (isSaved) field.dataset.shown = written;
      done.textContent = isSaved ? t("saved") : "";
    });
    field.addEventListener("input", () => (done.textContent = ""));
    return form;
  }

  /** @param {number} id */
  async _load(id) {
    const { t } = this._say;
    await Promise.all([
      this._fill(this._history, t("history"), id, async () => (await this._hooks.loadHistory(id)).map((line) => this._lineOf(line))),
      this._hooks.loadMessages &&
        this._fill(this._messages, t("messages"), id, async () => {
          const messages = await /** @type {NonNullable<Hooks["loadMessages"]>} */ (this._hooks.loadMessages)(id);
          return messages.length ? messages.map((message) => this._messageOf(message)) : [element("li", { class: "hint" }, t("no_messages"))];
        }),
    ]);
  }

  /** @param {HTMLElement} place @param {string} title @param {number} id @param {() => Promise<HTMLElement[]>} load */
  async _fill(place, title, id, load) {
    try {
      const lines = await load();
      if (id === this.id) place.replaceChildren(element("h3", {}, title), element("ol", { class: "drawer-lines" }, ...lines));
    } catch {
      if (id !== this.id) return;
      const again = element("button", { type: "button", class: "button quiet" }, this._say.t("try_again"));
      again.addEventListener("click", () => this._load(id));
      place.replaceChildren(element("h3", {}, title), element("p", { class: "hint" }, this._say.t("not_loaded")), again);
    }
  }

  /** @param {Line} line */
  _lineOf({ action, actor_name: actor, at, reason, to_start: to, from_start: from }) {
    const { t, instant } = this._say;
    const name = t(`h_${action.replace(/-/g, "_")}`);
    const what = name.startsWith("h_") ? action : name;
    const where = to && from && to !== from ? ` ${instant(from, "")} → ${instant(to, "")}` : "";
    return element("li", {}, element("span", {}, element("strong", {}, what), where), reason && element("q", {}, reason), element("small", {}, [instant(at, ""), actor && t("by", { name: actor })].filter(Boolean).join(" · ")));
  }

  /** @param {Message} message */
  _messageOf({ channel, state, subject, body, created_at: at }) {
    const { t, instant } = this._say;
    const way = channel === "email" ? t("email") : channel === "sms" ? t("sms") : t("in_app");
    return element("li", {}, element("span", {}, element("strong", {}, way), ` · ${t(`m_${state}`)}`), (subject || body) && element("span", { class: "drawer-text" }, subject || body), element("small", {}, instant(at, "")));
  }
}
