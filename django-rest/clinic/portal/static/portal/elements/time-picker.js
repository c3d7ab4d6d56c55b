// @ts-check
/**
 * `<time-picker>`: days, people, and large buttons of open times, live: a time that is taken vanishes and says so.
 *
 *     picker.setup = setup;              // of the server: `portal/time_picker.py`
 *     picker.addEventListener("pick", ({ detail }) => …)   // { time, practitioner, hold }
 *
 * With `holds` (the default), a choice is held at once and its countdown takes the place of the times; it can be held
 * longer once, and a reload of the page finds it again. Without, as for moving a visit, a choice is only marked.
 * `pick`: a time is chosen; `hold` is null without `holds`. `lost`: the chosen time is not the visitor's any more, or was
 * given back. `who`: another person is asked for, or anybody (0). `empty`: nothing is open as far ahead as patients book.
 */
import { LitElement, html, nothing } from "lit";
import { LiveTaken, hasFreed, withoutTaken } from "../../client/open_times.js";
import { Refusal, sentenceOf } from "../api.js";
import { openApi } from "../open_api.js";
import { dateIn } from "../rules.js";
import { say, sayCount } from "../translate.js";
import { sayMonthAndDay, sayNear, sayShortDay, sayTime, useTwelveHours } from "../words.js";
import { KeptHold, clockOf, isSaid, secondsLeft } from "./time-picker/hold.js";
import { dayToShow, daysOf, lostAmong, nearestTo, partsOf, shifted, timesFrom, timesOf } from "./time-picker/times.js";

/**
 * @typedef {import("../../client/open_times.js").OpenTime} OpenTime
 * @typedef {import("../../client/open_times.js").Taken} Taken
 * @typedef {import("./time-picker/hold.js").Hold} Hold
 * @typedef {{ id: number, name: string, specialisation: string, photo: string | null }} Person
 * @typedef {{ clinic: number, timezone: string, twelveHours: boolean, now: string, stream: string, lastDate: string, service: number | null,
 *   buffers: import("../../client/open_times.js").Buffers, people: Person[], from?: string, minutes: number, times?: [string, number[]][], practitioner?: number, date?: string,
 *   own?: { start: string, practitioner: number, minutes: number } | null }} Setup `own`: of the visit that moves, its time, which is not offered, and its length.
 */

const DAYS = 14;
const TICK_MS = 500;
const VANISHES_MS = 4_000;
const SPREAD_MS = 4_000;

const PARTS = { morning: () => say("Morning"), afternoon: () => say("Afternoon"), evening: () => say("Evening") };

export class TimePicker extends LitElement {
  static properties = {
    setup: { attribute: false }, holds: { type: Boolean }, times: { state: true }, first: { state: true }, day: { state: true }, who: { state: true },
    chosen: { state: true }, hold: { state: true }, said: { state: true }, near: { state: true }, isBusy: { state: true }, isLive: { state: true },
  };

  constructor() {
    super();
    /** @type {Setup | null} */
    this.setup = null;
    this.holds = true;
    /** As read; null: not yet. @type {OpenTime[] | null} */
    this.times = null;
    /** The first day of the strip. */
    this.first = "";
    this.day = "";
    /** 0: anybody. */
    this.who = 0;
    /** @type {OpenTime | null} */
    this.chosen = null;
    /** @type {Hold | null} */
    this.hold = null;
    /** A sentence that is shown and read aloud. */
    this.said = "";
    /** @type {OpenTime[]} Instead of a lost time. */
    this.near = [];
    this.isBusy = false;
    this.isLive = false;
    this._api = openApi;
    /** @type {Taken[]} */
    this._taken = [];
    /** Empty: not heard yet. */
    this._schedule = "";
    /** The first day that the stream tells of. */
    this._followed = "";
    /** Times that have just been taken, until they vanish. @type {Map<string, OpenTime>} */
    this._vanishing = new Map();
    /** @type {LiveTaken | null} */
    this._live = null;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._timer = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._reading = undefined;
    /** @type {AbortController | null} */
    this._asking = null;
    this._clockError = 0;
    this._heldTime = "";
  }

  createRenderRoot() {
    return this;
  }

  connectedCallback() {
    super.connectedCallback();
    this._timer = setInterval(() => this._tick(), TICK_MS);
  }

  disconnectedCallback() {
    clearInterval(this._timer);
    clearTimeout(this._reading);
    this._live?.stop();
    super.disconnectedCallback();
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("setup") && this.setup) this._begin(this.setup);
    else if (changed.has("first") && this.first !== this._followed) this._follow();
  }

  /** @param {Setup} setup */
  _begin(setup) {
    if (!this.hasUpdated) this.replaceChildren(); // Drawn by the server for browsers without scripts.
    this._clockError = Date.parse(setup.now) - Date.now();
    useTwelveHours(setup.twelveHours);
    Object.assign(this, { times: setup.times ? timesFrom(setup.times, setup.minutes) : null, first: setup.from ?? this._today, who: setup.practitioner ?? 0, chosen: null, hold: null, said: "", near: [] });
    this._taken = [];
    this._vanishing.clear();
    this._kept = new KeptHold(`${setup.clinic}:${setup.service ?? ""}`);
    this.day = dayToShow(this.days, setup.date ?? this.first);
    const kept = this.holds ? this._kept.read(this._now) : null;
    if (kept) queueMicrotask(() => this._restore(kept));
    if (!setup.times) this.read(setup.date ?? this._today);
    this._follow();
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    if (changed.has("day") || changed.has("first")) this.querySelector(".tp-day:has(:checked)")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  get _now() {
    return Date.now() + this._clockError;
  }

  get _today() {
    return dateIn(this.setup?.timezone ?? "UTC", this._now);
  }

  /** Times of all, as they are free now. @returns {OpenTime[]} */
  get open() {
    const own = this.setup?.own ?? null;
    const mine = this.hold ?? own;
    const open = withoutTaken(this.times ?? [], this._taken, this.setup?.buffers ?? { before: 0, after: 0 }, mine);
    return own ? open.filter(({ start }) => Date.parse(start) !== Date.parse(own.start)) : open;
  }

  get days() {
    return daysOf(timesOf(this.open, this.who), this.first, DAYS);
  }

  // Reading

  /** Read the open times of the days from `date` on; where nothing is open, of the first days that have some. @param {string} date */
  async read(date, isQuiet = false) {
    const { setup } = this;
    if (!setup) return;
    this._asking?.abort();
    const { signal } = (this._asking = new AbortController());
    if (!isQuiet) this.times = null;
    try {
      const times = await this._ask(setup, date, signal);
      if (times.length === 0 && !isQuiet) return this._readSoonest(setup, date, signal);
      const before = this.times && this.open;
      this.first = date;
      this.times = times;
      if (before && isQuiet) this._sayLost(before, this.open);
      if (!isQuiet) this.day = dayToShow(this.days, this.day >= date ? this.day : date);
    } catch (problem) {
      if (signal.aborted || isQuiet) return;
      this.times = [];
      this.said = sentenceOf(problem);
    }
  }

  /** @param {Setup} setup @param {string} date @param {AbortSignal} signal @returns {Promise<OpenTime[]>} */
  async _ask({ clinic, service, own }, date, signal) {
    return (await this._api.get("/api/v1/slots", { clinic, service, minutes: own?.minutes ?? null, from: date, to: shifted(date, DAYS - 1) }, signal)).slots;
  }

  /** @param {Setup} setup @param {string} date @param {AbortSignal} signal */
  async _readSoonest(setup, date, signal) {
    const query = { clinic: setup.clinic, service: setup.service, minutes: setup.own?.minutes ?? null, practitioner: this.who || null, from: date, count: 1 };
    const [soonest] = (await this._api.get("/api/v1/slots/soonest", query, signal)).slots;
    if (!soonest) {
      this.times = [];
      this.first = date;
      this.day = date;
      this.dispatchEvent(new CustomEvent("empty"));
      return;
    }
    this.times = await this._ask(setup, soonest.date, signal);
    this.first = this.day = soonest.date;
  }

  /** Not all visitors at once. */
  _readSoon() {
    clearTimeout(this._reading);
    this._reading = setTimeout(() => this.read(this.first, true), Math.random() * SPREAD_MS);
  }

  // Live

  /** The stream of the days that are shown. */
  _follow() {
    const { setup } = this;
    if (!setup) return;
    this._live?.stop();
    this._followed = this.first;
    this._schedule = "";
    this._taken = [];
    this._live = new LiveTaken({
      stream: setup.stream,
      query: { clinic: String(setup.clinic), from: this.first, to: shifted(this.first, DAYS - 1) },
      onchange: (now) => this._heard(now),
      onaway: () => this.read(this.first, true),
      onstate: (isLive) => (this.isLive = isLive),
    });
    this._live.start();
  }

  /** @param {import("../../client/open_times.js").Availability} now */
  _heard({ taken, schedule }) {
    const before = this.open;
    const isOther = this._schedule !== "" && schedule !== this._schedule;
    const isFreed = hasFreed(this._taken, taken);
    this._taken = taken;
    this._schedule = schedule;
    this._sayLost(before, this.open);
    if (isOther || isFreed) this._readSoon();
    this.requestUpdate();
  }

  /** @param {OpenTime[]} before @param {OpenTime[]} after */
  _sayLost(before, after) {
    const [shown, still] = [before, after].map((times) => timesOf(times, this.who).filter(({ date }) => date === this.day));
    // The time being held at this moment is the visitor's own.
    const lost = lostAmong(shown, still).filter(({ start }) => !(this.isBusy && start === this.chosen?.start));
    for (const time of lost) {
      this._vanishing.set(time.start, time);
      setTimeout(() => this._vanishing.delete(time.start) && this.requestUpdate(), VANISHES_MS);
    }
    const { chosen } = this;
    const isMineLost = chosen && !this.hold && !this.isBusy && lostAmong(before, after).some(({ start }) => start === chosen.start);
    if (isMineLost) this._lose(say("%(time)s has just been taken.", { time: sayTime(chosen.time) }), chosen);
    else if (lost.length && !this.hold) this.said = sayTaken(lost);
  }

  // Choosing

  /** @param {OpenTime} time */
  async choose(time) {
    if (this.isBusy || this._vanishing.has(time.start)) return;
    Object.assign(this, { said: "", near: [], chosen: time });
    if (!this.holds) return this._tell("pick", { time, practitioner: this.who || time.practitioners[0], hold: null });
    this.isBusy = true;
    try {
      const hold = await this._take(time);
      this._keep(hold);
      await this._focusHeld(); // A page may lead further.
      this._tell("pick", { time, practitioner: hold.practitioner, hold });
    } catch (problem) {
      this.chosen = null;
      this._refuse(problem, time);
    } finally {
      this.isBusy = false;
    }
  }

  /** Of the chosen person, or of anybody: the server chooses fairly. @param {OpenTime} time @returns {Promise<Hold>} */
  async _take(time) {
    const { service, clinic } = /** @type {Setup} */ (this.setup);
    return this._api.post("/api/v1/holds", { ...(this.who ? { practitioner: this.who } : { clinic: String(clinic) }), start: time.start, service });
  }

  /** @param {unknown} problem @param {OpenTime} time */
  _refuse(problem, time) {
    const isTaken = problem instanceof Refusal && problem.code === "slot_taken";
    if (!isTaken) {
      this.said = sentenceOf(problem);
      return;
    }
    this.times = (this.times ?? []).flatMap((one) => this._without(one, time));
    this._lose(say("Somebody else has just taken %(time)s.", { time: sayTime(time.time) }), time);
    this._readSoon();
  }

  /** @param {OpenTime} one @param {OpenTime} lost @returns {OpenTime[]} */
  _without(one, lost) {
    if (one.start !== lost.start) return [one];
    const others = this.who ? one.practitioners.filter((id) => id !== this.who) : [];
    return others.length ? [{ ...one, practitioners: others }] : [];
  }

  /** @param {string} sentence @param {OpenTime} time */
  _lose(sentence, time) {
    this._forget();
    this.near = nearestTo(timesOf(this.open, this.who), time.start);
    this.said = sentence;
    this._tell("lost", { time });
    this.updateComplete.then(() => /** @type {HTMLElement | null} */ (this.querySelector(".tp-near button"))?.focus());
  }

  // The hold

  /** @param {Hold} hold */
  _keep(hold) {
    this.hold = hold;
    this._kept?.write(hold);
  }

  _forget() {
    this.hold = null;
    this.chosen = null;
    this._kept?.clear();
  }

  /** After a reload. @param {Hold} hold */
  _restore(hold) {
    const time = { start: hold.start, end: hold.end, date: hold.start.slice(0, 10), time: hold.start.slice(11, 16), practitioners: [hold.practitioner] };
    Object.assign(this, { hold, chosen: time, day: time.date });
    this._tell("pick", { time, practitioner: hold.practitioner, hold, isRestored: true });
  }

  _tick() {
    if (!this.hold) return;
    const left = secondsLeft(this.hold.expires_at, this._now);
    if (left === 0 && this.chosen) {
      const lost = this.chosen;
      this._lose(say("%(time)s is no longer held for you. Choose it again, or another time.", { time: sayTime(lost.time) }), lost);
      this.read(this.first, true);
      return;
    }
    if (isSaid(left)) this._heldTime = clockOf(left);
    this.requestUpdate();
  }

  async renew() {
    const { hold } = this;
    if (!hold || this.isBusy) return;
    this.isBusy = true;
    try {
      this._keep(await this._api.post(`/api/v1/holds/${hold.id}/renew`, {}, { "X-Hold-Token": hold.token }));
      this.said = say("Your time is held longer.");
    } catch (problem) {
      this.said = sentenceOf(problem);
    } finally {
      this.isBusy = false;
    }
  }

  /** Give the chosen time back, and show the times again. */
  async letGo() {
    const { hold, chosen } = this;
    this._forget();
    Object.assign(this, { said: "", near: [] });
    if (chosen) this._tell("lost", { time: chosen });
    // Without an answer it ends by itself.
    if (hold) await this._api.delete(`/api/v1/holds/${hold.id}`, { "X-Hold-Token": hold.token }).catch(() => {});
    this._taken = this._taken.filter(({ practitioner, start, end }) => practitioner !== hold?.practitioner || !isWithin(hold.start, start, end));
    this.read(this.first, true);
    await this.updateComplete;
    const again = [...this.querySelectorAll(".tp-time")].find((button) => /** @type {HTMLElement} */ (button).dataset.start === chosen?.start);
    /** @type {HTMLElement | null} */ (again ?? this.querySelector(".tp-time"))?.focus();
  }

  /** The hold is booked: nothing is left to keep. */
  booked() {
    this._kept?.clear();
  }

  /** @param {string} name @param {object} detail */
  _tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  async _focusHeld() {
    await this.updateComplete;
    /** @type {HTMLElement | null} */ (this.querySelector(".tp-held"))?.focus();
  }

  // Drawing

  render() {
    if (!this.setup) return nothing;
    return html`${this.hold && this.chosen ? this._held(this.hold, this.chosen) : html`${this._people()} ${this._days()} ${this._times()}`}
      <div class="tp-said notice calm" role="status" aria-live="polite" ?hidden=${!this.said}><p>${this.said}</p>${this.near.length ? this._near() : nothing}</div>`;
  }

  /** @param {Hold} hold @param {OpenTime} time */
  _held(hold, time) {
    const left = secondsLeft(hold.expires_at, this._now);
    const person = this.setup?.people.find(({ id }) => id === hold.practitioner);
    return html`<div class="tp-held" tabindex="-1" role="group" aria-label=${say("Your time")}>
      ${person ? photo(person) : nothing}
      <div class="tp-held-what"><strong>${sayMonthAndDay(time.date)}, ${sayTime(time.time)}</strong>
        ${person ? html`<span>${say("with %(practitioner)s", { practitioner: person.name })}</span>` : nothing}
        <span class="tp-countdown" ?data-soon=${left <= 60} role="timer" aria-live="off"><svg class="icon" aria-hidden="true"><use href="#icon-clock"></use></svg>${say("Your time is held for %(time)s", { time: clockOf(left) })}</span>
        <span class="heard" aria-live="polite">${this._heldTime ? say("Your time is held for %(time)s", { time: this._heldTime }) : nothing}</span></div>
      <div class="tp-held-buttons">
        ${hold.renewable ? html`<button type="button" class="button quiet" ?disabled=${this.isBusy} @click=${this.renew}>${say("Hold it longer")}</button>` : nothing}
        <button type="button" class="button bare" @click=${this.letGo}>${say("Change the time")}</button></div>
    </div>`;
  }

  _people() {
    const people = this.setup?.people ?? [];
    if (people.length < 2) return nothing;
    /** @param {number} id @param {unknown} face @param {string} name @param {string} about */
    const one = (id, face, name, about) => html`<label class="tp-person"><input type="radio" name="tp-who" .value=${String(id)} .checked=${this.who === id} @change=${() => this._askFor(id)} />
      ${face}<span class="tp-person-name">${name}${about ? html`<small>${about}</small>` : nothing}</span></label>`;
    return html`<fieldset class="tp-people"><legend>${say("With whom")}</legend><div class="tp-row">
      ${one(0, html`<span class="tp-photo" aria-hidden="true"><svg class="icon"><use href="#icon-people"></use></svg></span>`, say("Anybody"), say("the most times"))}
      ${people.map((person) => one(person.id, photo(person), person.name, person.specialisation))}</div></fieldset>`;
  }

  /** @param {number} who */
  _askFor(who) {
    Object.assign(this, { who, said: "", near: [] });
    this._tell("who", { practitioner: who, name: this.setup?.people.find(({ id }) => id === who)?.name ?? "" });
    this.day = dayToShow(this.days, this.day);
    if (this.times && !this.days.some(({ count }) => count)) this.read(this.first);
  }

  _days() {
    const [today, { lastDate }] = [this._today, /** @type {Setup} */ (this.setup)];
    const later = shifted(this.first, DAYS);
    /** @param {{ date: string, count: number }} day */
    const one = ({ date, count }) => html`<label class="tp-day"><input type="radio" name="tp-day" .value=${date} .checked=${this.day === date} ?disabled=${count === 0} @change=${() => this._show(date)} />
      <span aria-hidden="true"><small>${sayShortDay(date, "weekday")}</small><strong>${sayShortDay(date, "day")}</strong><small>${count || "–"}</small></span>
      <span class="heard">${sayMonthAndDay(date)}, ${count ? sayCount("%(count)s time", "%(count)s times", count) : say("nothing free")}</span></label>`;
    // A row that scrolls needs a place for the keyboard, also where no day has a time.
    const isFull = !this.days.some(({ count }) => count);
    return html`<fieldset class="tp-days"><legend>${this.day ? sayMonthAndDay(this.day) : say("Day")}</legend><div class="tp-strip">
      <button type="button" class="button bare square" aria-label=${say("Earlier days")} ?disabled=${this.first <= today || this.times === null} @click=${() => this._turn(-DAYS)}><svg class="icon" aria-hidden="true"><use href="#icon-left"></use></svg></button>
      <div class="tp-row" tabindex=${isFull ? "0" : nothing}>${this.days.filter(({ date }) => date <= lastDate).map(one)}</div>
      <button type="button" class="button bare square" aria-label=${say("Later days")} ?disabled=${later > lastDate || this.times === null} @click=${() => this._turn(DAYS)}><svg class="icon" aria-hidden="true"><use href="#icon-right"></use></svg></button></div></fieldset>`;
  }

  /** @param {number} days */
  _turn(days) {
    const date = shifted(this.first, days);
    Object.assign(this, { said: "", near: [] });
    this.read(date < this._today ? this._today : date);
  }

  /** @param {string} date */
  _show(date) {
    Object.assign(this, { day: date, said: "", near: [] });
  }

  _times() {
    if (this.times === null) return html`<p class="tp-note" role="status">${say("Looking for times…")}</p>`;
    const shown = timesOf(this.open, this.who).filter(({ date }) => date === this.day);
    const vanishing = [...this._vanishing.values()].filter(({ date, start }) => date === this.day && !shown.some((time) => time.start === start));
    const all = [...shown, ...vanishing].sort((a, b) => Date.parse(a.start) - Date.parse(b.start));
    if (all.length === 0) return html`<p class="tp-note">${say("Nothing is free on these days.")}</p>`;
    return html`<div class="tp-times" role="group" aria-label=${sayMonthAndDay(this.day)} aria-busy=${this.isBusy ? "true" : "false"}>
      ${partsOf(all).map(({ part, times }) => html`<h3 class="tp-part">${PARTS[part]()}</h3><div class="tp-grid">${times.map((time) => this._time(time))}</div>`)}</div>`;
  }

  /** @param {OpenTime} time */
  _time(time) {
    const isGone = this._vanishing.has(time.start);
    return html`<button type="button" class="tp-time" data-start=${time.start} aria-disabled=${isGone ? "true" : "false"} aria-pressed=${this.chosen?.start === time.start ? "true" : "false"}
      @click=${() => this.choose(time)}>${sayTime(time.time)}${isGone ? html`<small>${say("taken")}</small>` : nothing}</button>`;
  }

  _near() {
    return html`<p>${say("The nearest times:")}</p><div class="tp-near">${this.near.map(
      (time) => html`<button type="button" class="tp-time" @click=${() => this._chooseNear(time)}>${sayNear(time.date, this._today)}, ${sayTime(time.time)}</button>`,
    )}</div>`;
  }

  /** @param {OpenTime} time */
  _chooseNear(time) {
    this.day = time.date;
    return this.choose(time);
  }
}

/** @param {string} at @param {string} from @param {string} until All instants. */
const isWithin = (at, from, until) => Date.parse(from) <= Date.parse(at) && Date.parse(at) < Date.parse(until);

/** @param {OpenTime[]} lost */
const sayTaken = (lost) =>
  lost.length === 1
    ? say("%(time)s has just been taken.", { time: sayTime(lost[0].time) })
    : sayCount("%(count)s time has just been taken.", "%(count)s times have just been taken.", lost.length);

/** @param {Person} person */
const photo = (person) =>
  person.photo
    ? html`<img class="tp-photo" src=${person.photo} alt="" width="44" height="44" loading="lazy" />`
    : html`<span class="tp-photo" aria-hidden="true">${initialsOf(person.name)}</span>`;

/** @param {string} name @returns {string} Without a title: of "Dr Petra Lang", PL. */
function initialsOf(name) {
  const words = name.split(/\s+/).filter((word) => !/^(dr|prof|mr|mrs|ms|herr|frau)\.?$/i.test(word));
  return words.length > 1 ? words[0][0] + words[words.length - 1][0] : (words[0] ?? name).slice(0, 2);
}

customElements.define("time-picker", TimePicker);
