// @ts-check
/** The owner's figures: live tiles of today, and a report of some days compared with the period before. */
import { html, render } from "lit";
import { sentenceOf } from "../api.js";
import { api, now, session } from "../page.js";
import { formatOf } from "../rules.js";
import { say, sayCount } from "../translate.js";
import { LOCALE, sayLongDate } from "../words.js";
import { drawChart, legend, onScheme, shortWeek, table } from "./charts.js";
import { Absences, tileList } from "./parts.js";
import { daysOf, heatOf, hoursOf, latePatients, requestsByUrgency, waitingPatients } from "./rules.js";
import { Visits, news, onNotification, page, place, today } from "./visits.js";

/**
 * @typedef {{ visits: number, counts: Record<string, number>, booked_minutes: number, available_minutes: number,
 *   utilisation: number | null, no_show_rate: number | null, cancelled_share: number | null }} Figures
 * @typedef {{ received: number, answered: number, expired: number, withdrawn: number, waiting: number,
 *   median_minutes: number | null, ninety_percent_minutes: number | null }} Answers
 * @typedef {{ first_date: string, last_date: string, figures: Figures, requests: Answers, sources: Record<string, number>,
 *   waitlist: { visits: number, minutes: number } }} Period
 * @typedef {{ current: Period, before: Period, weeks: (Figures & { week: string })[], weeks_before: (Figures & { week: string })[],
 *   by_practitioner: (Figures & { practitioner: number, practitioner_name: string, active: boolean, before: Figures })[],
 *   cells: { week: string, practitioner: number, utilisation: number | null }[], heat_map: number[][] }} Report
 */

const absences = page.absences && new Absences(page.absences, drawNow);
const visits = new Visits(drawNow);
const form = /** @type {HTMLFormElement} */ (place("range"));
const preset = /** @type {HTMLSelectElement} */ (place("preset"));
const first = /** @type {HTMLInputElement} */ (place("from"));
const last = /** @type {HTMLInputElement} */ (place("to"));
let asked = 0;
/** Of the newest report. */
let drawCharts = () => {};
onScheme(() => drawCharts());

function drawNow() {
  const rows = visits.rows;
  const own = (rows ?? []).filter((row) => row.date === today() && !["cancelled", "rejected"].includes(row.status));
  const requests = requestsByUrgency(rows ?? []);
  const late = latePatients(rows ?? [], today(), now());
  const waiting = waitingPatients(rows ?? [], today(), now());
  const shown = (/** @type {number} */ number) => (rows ? number : "–");
  render(
    tileList([
      { label: say("Visits today"), value: shown(own.length), href: "/board" },
      { label: say("Completed"), value: shown(own.filter(({ status }) => status === "completed").length) },
      { label: say("Waiting here"), value: shown(waiting.length) },
      { label: say("Late"), value: shown(late.length), kind: late.length ? "warning" : "plain" },
      { label: say("Missed today"), value: shown(own.filter(({ status }) => status === "no_show").length) },
      { label: say("Open requests"), value: shown(requests.length), href: "/board" },
    ]),
    place("tiles"),
  );
  if (absences) render(absences.list(), place("absences-list"));
}

// The report

/** @param {number | null} value */
const percent = (value) => (value === null ? "–" : new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 1 }).format(value));
/** @param {number} value */
const number = (value) => new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 1 }).format(value);
/** @param {number} minutes */
const hours = (minutes) => say("%(hours)s h", { hours: number(minutes / 60) });
/** @param {number | null} minutes */
function soon(minutes) {
  if (minutes === null) return "–";
  if (minutes < 120) return say("%(minutes)s min", { minutes });
  return minutes < 48 * 60 ? hours(minutes) : sayCount("%(count)s day", "%(count)s days", Math.round(minutes / 1440));
}

/** @param {number | null} value @param {number | null} before @param {(value: number) => string} format */
function compared(value, before, format) {
  if (value === null || before === null) return say("before: %(value)s", { value: before === null ? "–" : format(before) });
  const sign = value > before ? "▲" : value < before ? "▼" : "=";
  return `${sign} ${say("before: %(value)s", { value: format(before) })}`;
}

async function show() {
  const mine = ++asked;
  place("report").setAttribute("aria-busy", "true");
  place("report-note").textContent = say("Adding up…");
  try {
    const report = await api.get("/api/v1/reports/summary", { from: first.value, to: last.value });
    if (mine !== asked) return;
    draw(report);
  } catch (problem) {
    if (mine === asked) place("report-note").textContent = sentenceOf(problem);
  } finally {
    if (mine === asked) place("report").setAttribute("aria-busy", "false");
  }
}

/** @param {Report} report */
function draw(report) {
  const { current, before } = report;
  place("report-note").textContent = say("%(from)s to %(to)s, compared with %(before)s to %(until)s.", {
    from: sayLongDate(current.first_date),
    to: sayLongDate(current.last_date),
    before: sayLongDate(before.first_date),
    until: sayLongDate(before.last_date),
  });
  const weeks = report.weeks.map(({ week }) => week);
  const aligned = (/** @type {keyof Figures} */ name) => weeks.map((_, index) => /** @type {number | null} */ (report.weeks_before[index]?.[name] ?? null));
  /** @type {import("./charts.js").Series[]} */
  const use = [
    { label: say("Utilisation"), values: report.weeks.map(({ utilisation }) => utilisation), color: "primary" },
    { label: say("Period before"), values: aligned("utilisation"), color: "muted", pattern: "dashed" },
  ];
  /** @type {import("./charts.js").Series[]} */
  const lost = [
    { label: say("Missed"), values: report.weeks.map(({ counts }) => counts.no_show), color: "missed" },
    { label: say("Cancelled"), values: report.weeks.map(({ counts }) => counts.cancelled), color: "called-off", pattern: "dotted" },
  ];
  const one = current.figures;
  const former = before.figures;
  render(
    html`<ul class="tiles figures" aria-label=${say("Figures")}>${tileList([
        { label: say("Utilisation"), value: percent(one.utilisation), note: compared(one.utilisation, former.utilisation, percent) },
        { label: say("Visits"), value: number(one.visits), note: compared(one.visits, former.visits, number) },
        { label: say("Missed"), value: percent(one.no_show_rate), note: compared(one.no_show_rate, former.no_show_rate, percent) },
        { label: say("Cancelled"), value: percent(one.cancelled_share), note: compared(one.cancelled_share, former.cancelled_share, percent) },
        { label: say("Half of the requests answered within"), value: soon(current.requests.median_minutes), note: compared(current.requests.median_minutes, before.requests.median_minutes, soon) },
        { label: say("Hours filled from the waitlist"), value: hours(current.waitlist.minutes), note: compared(current.waitlist.minutes, before.waitlist.minutes, hours) },
      ])}</ul>
      <div class="report-grid">
        ${panel("use", say("Utilisation by week"), html`${legend(use)}<div class="chart" id="chart-use" role="img" aria-label=${say("Utilisation by week; the table below has the figures")}></div>${table(say("Utilisation by week"), say("Week of"), weeks.map(shortWeek), use, percent)}`)}
        ${panel("lost", say("Missed and cancelled by week"), html`${legend(lost)}<div class="chart" id="chart-lost" role="img" aria-label=${say("Missed and cancelled visits by week; the table below has the figures")}></div>${table(say("Missed and cancelled by week"), say("Week of"), weeks.map(shortWeek), lost, number)}`)}
        ${panel("people", say("Practitioners"), practitioners(report))}
        ${panel("cells", say("Utilisation by week and practitioner"), cells(report, weeks))}
        ${panel("heat", say("When visits begin"), heat(report.heat_map))}
        ${panel("sources", say("How visits were booked"), sources(current.sources, before.sources))}
        ${panel("answers", say("Requests"), answers(current.requests, before.requests))}
      </div>`,
    place("report-body"),
  );
  drawCharts = () => {
    drawChart(place("chart-use"), weeks, use, { format: percent, most: 1 });
    drawChart(place("chart-lost"), weeks, lost, { format: number, most: 4 });
  };
  drawCharts();
}

/** @param {string} name @param {string} title @param {unknown} content */
const panel = (name, title, content) => html`<section class="card panel chart-panel" id="panel-${name}" aria-labelledby="panel-${name}-title"><header><h3 id="panel-${name}-title">${title}</h3></header><div class="panel-body">${content}</div></section>`;

/** @param {string} caption @param {string[]} heads @param {unknown[][]} rows */
const plainTable = (caption, heads, rows) => html`<div class="table-scroll" tabindex="0" role="group" aria-label=${caption}><table><caption class="heard">${caption}</caption><thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
  <tbody>${rows.map(([head, ...cells]) => html`<tr><th scope="row">${head}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table></div>`;

/** @param {Report} report */
const practitioners = (report) =>
  plainTable(
    say("Practitioners"),
    [say("Practitioner"), say("Utilisation"), say("Before"), say("Booked"), say("Available"), say("Visits"), say("Missed"), say("Cancelled")],
    report.by_practitioner.map((one) => [one.practitioner_name, bar(one.utilisation), percent(one.before.utilisation), hours(one.booked_minutes), hours(one.available_minutes), number(one.visits), percent(one.no_show_rate), percent(one.cancelled_share)]),
  );

/** @param {number | null} value */
const bar = (value) => html`<span class="meter"><meter min="0" max="1" value=${value ?? 0} aria-hidden="true"></meter>${percent(value)}</span>`;

/** @param {Report} report @param {string[]} weeks */
function cells(report, weeks) {
  const found = new Map(report.cells.map((one) => [`${one.week}:${one.practitioner}`, one.utilisation]));
  return plainTable(
    say("Utilisation by week and practitioner"),
    [say("Practitioner"), ...weeks.map(shortWeek)],
    report.by_practitioner.map(({ practitioner, practitioner_name: name }) => [
      name,
      ...weeks.map((week) => {
        const value = found.get(`${week}:${practitioner}`) ?? null;
        return html`<span class="cell" data-heat=${value === null ? 0 : heatOf(Math.min(value, 1), 1)}>${percent(value)}</span>`;
      }),
    ]),
  );
}

/** @param {number[][]} map */
function heat(map) {
  const { first: from, last: to, most } = hoursOf(map);
  const columns = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const days = map.map((_, weekday) => formatOf(LOCALE, { timeZone: "UTC", weekday: "short" }).format(Date.UTC(2024, 0, 1 + weekday)));
  return html`<div class="table-scroll" tabindex="0" role="group" aria-label=${say("Visits by weekday and hour")}><table class="heat"><caption class="heard">${say("Visits by weekday and hour")}</caption>
    <thead><tr><td></td>${columns.map((hour) => html`<th scope="col">${hour}</th>`)}</tr></thead>
    <tbody>${map.map((day, weekday) => html`<tr><th scope="row">${days[weekday]}</th>${columns.map((hour) => html`<td data-heat=${heatOf(day[hour], most)}>${day[hour] || html`<span class="heard">0</span>`}</td>`)}</tr>`)}</tbody></table></div>`;
}

/** @param {Record<string, number>} now @param {Record<string, number>} before */
function sources(now, before) {
  const names = Object.keys(page.sources).filter((name) => now[name] || before[name]);
  const total = Object.values(now).reduce((sum, count) => sum + count, 0);
  if (!names.length) return html`<p class="panel-empty">${say("No visits on these days.")}</p>`;
  return plainTable(say("How visits were booked"), [say("Source"), say("Share"), say("Visits"), say("Before")], names.map((name) => [page.sources[name], bar(total ? now[name] / total : null), number(now[name]), number(before[name])]));
}

/** @param {Answers} now @param {Answers} before */
const answers = (now, before) =>
  plainTable(say("Requests"), [say("Requests"), say("These days"), say("Before")], [
    [say("Received"), number(now.received), number(before.received)],
    [say("Answered"), number(now.answered), number(before.answered)],
    [say("Half answered within"), soon(now.median_minutes), soon(before.median_minutes)],
    [say("Nine of ten answered within"), soon(now.ninety_percent_minutes), soon(before.ninety_percent_minutes)],
    [say("Not answered before their start"), number(now.expired), number(before.expired)],
    [say("Taken back by the patient"), number(now.withdrawn), number(before.withdrawn)],
    [say("Still open"), number(now.waiting), number(before.waiting)],
  ]);

async function download() {
  try {
    const query = new URLSearchParams({ from: first.value, to: last.value });
    const token = await session.token();
    const response = await fetch(`/api/v1/reports/export.csv?${query}`, { headers: { Authorization: `Bearer ${token}` }, cache: "no-store" });
    if (!response.ok) throw new Error(String(response.status));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await response.blob());
    link.download = `report-${first.value}-${last.value}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  } catch {
    news.refused(say("The file could not be made. Choose other days, and try again."));
  }
}

function choose() {
  if (preset.value === "own") return first.focus();
  const { from, to } = daysOf(preset.value, today());
  first.value = from;
  last.value = to;
  show();
}

preset.addEventListener("change", choose);
for (const field of [first, last]) field.addEventListener("change", () => (preset.value = "own"));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  show();
});
place("csv").addEventListener("click", download);
// A canvas keeps the colours it was drawn in.
new MutationObserver(() => show()).observe(document.documentElement, { attributeFilter: ["data-theme"] });

visits.start();
choose();
if (absences) onNotification(() => absences.again());
