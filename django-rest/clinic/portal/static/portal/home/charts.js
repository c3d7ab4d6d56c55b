// @ts-check
/** Charts by period, each with its figures as a table for screen readers. */
import { html } from "lit";
import uPlot from "uplot";
import { say } from "../translate.js";
import { LOCALE } from "../words.js";

/** @typedef {{ label: string, values: (number | null)[], color: string, pattern?: keyof typeof PATTERNS }} Series */

/** So that lines are told apart without their colours. */
const PATTERNS = {
  solid: { width: 2.5, dash: [], isHollow: false },
  dashed: { width: 1.5, dash: [5, 4], isHollow: false },
  dotted: { width: 2.5, dash: [2, 5], isHollow: true },
};

const HEIGHT = 220;
/** @type {Map<HTMLElement, { plot: any, watcher: ResizeObserver }>} */
const drawn = new Map();

/** @param {string} name Of a colour of the design system. */
const color = (name) => {
  // A canvas knows no custom properties, nor light-dark(): the browser computes it.
  const probe = document.createElement("span");
  probe.className = `ink-${name}`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
};

/**
 * @param {HTMLElement} place @param {string[]} weeks Mondays. @param {Series[]} series
 * @param {{ format: (value: number) => string, most?: number }} how
 */
export function drawChart(place, weeks, series, { format, most }) {
  drawn.get(place)?.plot.destroy();
  drawn.get(place)?.watcher.disconnect();
  const axis = { stroke: color("muted"), grid: { stroke: color("line"), width: 1 }, ticks: { show: false }, font: "12px sans-serif" };
  const named = weeks.map(shortWeek);
  const plot = new uPlot(
    {
      width: Math.max(240, place.clientWidth),
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false, range: [-0.5, Math.max(weeks.length - 0.5, 0.5)] }, y: { range: (_plot, _low, high) => [0, Math.max(most ?? 0, high * 1.1, 0.1)] } },
      axes: [
        { ...axis, grid: { show: false }, values: (/** @type {any} */ _plot, /** @type {number[]} */ ticks) => ticks.map((tick) => named[tick] ?? "") },
        { ...axis, size: 56, values: (/** @type {any} */ _plot, /** @type {number[]} */ ticks) => ticks.map(format) },
      ],
      series: [
        {},
        ...series.map(lineOf),
      ],
    },
    [weeks.map((_, index) => index), ...series.map(({ values }) => values)],
    place,
  );
  const watcher = new ResizeObserver(() => plot.setSize({ width: Math.max(240, place.clientWidth), height: HEIGHT }));
  watcher.observe(place);
  drawn.set(place, { plot, watcher });
}

/** @param {Series} series */
function lineOf({ label, color: name, pattern = "solid" }) {
  const { width, dash, isHollow } = PATTERNS[pattern];
  return { label, stroke: color(name), width, dash, points: { show: true, size: 8, fill: color(isHollow ? "surface" : name) }, spanGaps: true };
}

/** @param {Series[]} series */
export const legend = (series) => html`<ul class="legend" aria-hidden="true">${series.map(({ label, color: name, pattern = "solid" }) => html`<li class="ink-${name}" data-pattern=${pattern}><span></span>${label}</li>`)}</ul>`;

/** A canvas keeps the colours it was drawn with. @param {() => void} redraw */
export function onScheme(redraw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}

/** The same as a table. @param {string} caption @param {string} first @param {string[]} rows @param {Series[]} series @param {(value: number) => string} format */
export const table = (caption, first, rows, series, format) => html`<details class="as-table"><summary>${say("As a table")}</summary><div class="table-scroll" tabindex="0" role="group" aria-label=${caption}><table><caption class="heard">${caption}</caption>
  <thead><tr><th scope="col">${first}</th>${series.map(({ label }) => html`<th scope="col">${label}</th>`)}</tr></thead>
  <tbody>${rows.map((row, index) => html`<tr><th scope="row">${row}</th>${series.map(({ values }) => html`<td>${values[index] === null || values[index] === undefined ? "–" : format(/** @type {number} */ (values[index]))}</td>`)}</tr>`)}</tbody></table></div></details>`;

/** @param {string} monday */
export const shortWeek = (monday) => new Intl.DateTimeFormat(LOCALE, { timeZone: "UTC", day: "numeric", month: "short" }).format(Date.parse(`${monday}T00:00:00Z`));
