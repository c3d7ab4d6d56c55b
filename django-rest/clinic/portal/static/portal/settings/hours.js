// Pure: hours of a week as blocks, painted and taken away again. Minutes of a day; an end beyond 1440 is on the next day.
// @ts-check

export const DAY = 1440;
export const WEEK = 7 * DAY;
// Of hours across midnight; more would be a slip, and the server refuses it.
export const MAX_NIGHT = 16 * 60;

/** @typedef {{ weekday: number, start: number, end: number }} Block */
/** @typedef {{ from: number, until: number }} Span  Minutes of the week, from Monday 0:00. */

/** @param {string} text `HH:MM` */
export function minutesOf(text) {
  const [hours, minutes] = text.split(":").map(Number);
  return hours * 60 + (minutes || 0);
}

/** @param {number} minutes */
export function clockOf(minutes) {
  const of_day = ((minutes % DAY) + DAY) % DAY;
  return `${String(Math.floor(of_day / 60)).padStart(2, "0")}:${String(of_day % 60).padStart(2, "0")}`;
}

/** A block of the form; an end that is not after the start is on the next day.
 * @param {number} weekday @param {string} start @param {string} end @returns {Block} */
export function blockOf(weekday, start, end) {
  const from = minutesOf(start);
  const until = minutesOf(end);
  return { weekday, start: from, end: until > from ? until : until + DAY };
}

/** @param {Block} block @returns {Span[]} Two where it reaches beyond Sunday's midnight. */
function spansOf({ weekday, start, end }) {
  const from = weekday * DAY + start;
  const until = weekday * DAY + end;
  return until <= WEEK ? [{ from, until }] : [{ from, until: WEEK }, { from: 0, until: until - WEEK }];
}

/** The kind of a cell: worked as a whole ("own"), in part ("part"), or not.
 * @param {Block[]} blocks @param {number} weekday @param {number} from @param {number} until */
export function coverage(blocks, weekday, from, until) {
  const start = weekday * DAY + from;
  const end = weekday * DAY + until;
  let covered = 0;
  for (const span of blocks.flatMap(spansOf)) {
    covered += Math.max(0, Math.min(end, span.until) - Math.max(start, span.from));
  }
  return covered === 0 ? "" : covered >= end - start ? "own" : "part";
}

/** With this time of one day worked. Blocks that it touches or overlaps become one with it; the others stay as they are.
 * @param {Block[]} blocks @param {number} weekday @param {number} from @param {number} until @returns {Block[]} */
export function painted(blocks, weekday, from, until) {
  let start = weekday * DAY + from;
  let end = weekday * DAY + until;
  const stay = [];
  for (const block of blocks) {
    const spans = spansOf(block);
    if (spans.length === 1 && spans[0].from <= end && start <= spans[0].until) {
      start = Math.min(start, spans[0].from);
      end = Math.max(end, spans[0].until);
    } else if (spans.some((span) => span.from < end && start < span.until)) {
      // Around Sunday's midnight: what is painted adds to what is left of it.
      stay.push(...cut(block, start, end));
    } else {
      stay.push(block);
    }
  }
  return sorted([...stay, ...blocksOf(start, end)]);
}

/** Without this time of one day.
 * @param {Block[]} blocks @param {number} weekday @param {number} from @param {number} until @returns {Block[]} */
export function erased(blocks, weekday, from, until) {
  const start = weekday * DAY + from;
  const end = weekday * DAY + until;
  return sorted(blocks.flatMap((block) => cut(block, start, end)));
}

/** The parts of a block outside of a span of the week.
 * @param {Block} block @param {number} start @param {number} end @returns {Block[]} */
function cut(block, start, end) {
  const spans = spansOf(block);
  if (!spans.some((span) => span.from < end && start < span.until)) return [block];
  return spans.flatMap((span) => {
    const left = [
      { from: span.from, until: Math.min(span.until, start) },
      { from: Math.max(span.from, end), until: span.until },
    ];
    return left.filter((one) => one.until > one.from).flatMap((one) => blocksOf(one.from, one.until));
  });
}

/** A span of the week as blocks: whole where it is within a day or a night, else cut at each midnight.
 * @param {number} from @param {number} until @returns {Block[]} */
function blocksOf(from, until) {
  const weekday = Math.floor(from / DAY);
  const start = from - weekday * DAY;
  const end = until - weekday * DAY;
  if (end <= DAY || (end - start <= MAX_NIGHT && end < 2 * DAY)) return [{ weekday, start, end }];
  return [{ weekday, start, end: DAY }, ...blocksOf((weekday + 1) * DAY, until)];
}

/** @param {Block[]} blocks */
function sorted(blocks) {
  return blocks.sort((one, other) => one.weekday - other.weekday || one.start - other.start);
}
