// @ts-check
/** The days as lists, and as pages of paper. */
import { now } from "../page.js";
import { shiftDate } from "../rules.js";
import { drawSheets } from "./agenda.js";
import { chosen, clinic, columnOf, data, date, nowMinutes, place, say, scheduleOf, services, shownRows, slotMinutes, state, statuses, t, today } from "./scene.js";
import { DAY_MINUTES, blockedSpan, claimsTime, gapsOf, groundsOf, mondayOf, spanOn } from "./spans.js";

/**
 * @typedef {import("../rules.js").Row} Row
 * @typedef {import("./spans.js").Place} Place
 * @typedef {import("./grid.js").Spot} Spot
 * @typedef {import("./scene.js").Practitioner} Practitioner
 */

/** @returns {import("./agenda.js").Part[]} */
export function agendaParts() {
  const rows = shownRows();
  const holds = data.holds(now());
  const people = chosen();
  const dates = state.asked.view === "week" ? Array.from({ length: 7 }, (_, day) => shiftDate(mondayOf(date()), day)) : [date()];
  return dates.flatMap((on) =>
    people.map((one) => ({
      title: one.name,
      subtitle: state.asked.view === "week" ? say.shortDate(on) : one.specialisation,
      entries: entriesOf(on, one, rows, holds),
    })),
  ).filter(({ entries }) => state.asked.view === "day" || entries.length > 0);
}

/** @param {string} on @param {Practitioner} one @param {Row[]} rows @param {import("./spans.js").Hold[]} holds @returns {import("./agenda.js").Entry[]} */
function entriesOf(on, one, rows, holds) {
  const known = services();
  const column = Math.max(0, columnOf(one.id, on));
  /** @type {import("./agenda.js").Entry[]} */
  const entries = [];
  /** @type {import("./spans.js").Span[]} */
  const taken = [];
  for (const row of rows.filter(({ practitioner }) => practitioner === one.id)) {
    const span = spanOn(row, on);
    if (!span) continue;
    if (claimsTime(row)) taken.push(blockedSpan(row, known, on) ?? span);
    const more = [row.service_name, row.patient_alert && `${t("alert")}: ${row.patient_alert}`, row.notes && t("has_notes")].filter(Boolean).join(" · ");
    entries.push({ key: `v${row.id}`, id: `v${row.id}`, column, ...span, kind: "visit", text: row.patient_name, more, label: "", status: row.status, statusName: statuses[row.status] });
  }
  for (const hold of holds.filter(({ practitioner }) => practitioner === one.id)) {
    const span = spanOn(hold, on);
    if (!span) continue;
    taken.push(spanOn({ start: hold.blocked_from, end: hold.blocked_until }, on) ?? span);
    const offer = data.offerOf(hold.id);
    const text = offer ? (offer.patient_name ? t("offered", { patient: offer.patient_name }) : t("offered_hidden")) : t(hold.kind === "undo" ? "freed" : "hold");
    entries.push({ key: `h${hold.id}`, column, ...span, kind: "hold", text, more: "", label: "", expires: hold.expires_at });
  }
  const schedule = scheduleOf(one.id, on);
  for (const ground of groundsOf(schedule, { from: 0, to: DAY_MINUTES })) {
    if (ground.kind === "closed") continue;
    const text = ground.kind === "break" ? t("break") : [ground.isWhole ? t("clinic_closed") : t("absent"), ground.label].filter(Boolean).join(": ");
    entries.push({ key: `g${ground.from}`, column, from: ground.from, to: ground.to, kind: "ground", text, more: "", label: "" });
  }
  const earliest = on < today() ? DAY_MINUTES : on === today() ? nowMinutes() - (nowMinutes() % 5) : 0;
  for (const gap of gapsOf(schedule, taken, slotMinutes, earliest)) {
    entries.push({ key: `f${gap.from}`, column, ...gap, kind: "gap", text: t("free"), more: "", label: t("book_with", { who: one.name }) });
  }
  return entries.sort((a, b) => a.from - b.from || a.to - b.to);
}

/** One page of paper for each practitioner, made when somebody prints. */
export function drawPaper() {
  const dates = state.asked.view === "week" ? Array.from({ length: 7 }, (_, day) => shiftDate(mondayOf(date()), day)) : [date()];
  const rows = shownRows();
  const sheets = chosen().map((one) => ({
    title: one.name,
    date: state.asked.view === "week" ? t("week", { date: say.longDate(mondayOf(date())) }) : say.longDate(date()),
    lines: dates.flatMap((on) =>
      rows
        .filter((row) => row.practitioner === one.id && row.date === on)
        .map((row) => ({
          time: `${state.asked.view === "week" ? `${say.date(on, { weekday: "short", day: "numeric" })} ` : ""}${say.time(row.time)}–${say.time(row.end.slice(11, 16))}`,
          patient: row.patient_name,
          phone: [row.patient_phone, row.patient_phone_extension].filter(Boolean).join(" / "),
          treatment: row.service_name ?? "",
          status: statuses[row.status],
          notes: row.notes,
        })),
    ),
  }));
  drawSheets(place("paper"), sheets, `${clinic.name} · ${t("printed", { time: say.instant(new Date(now()).toISOString(), "") })}`, say);
}
