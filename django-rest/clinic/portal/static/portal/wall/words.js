// @ts-check
/** Words of a wall. */
import { say } from "../translate.js";

/** @param {import("./rules.js").WaitingRow} row */
export const sayWho = (row) => row.name ?? (row.number === null ? "" : say("Number %(number)s", { number: row.number }));

/** @param {string} room As the clinic types it: "2", or "Room 2". */
export const sayRoom = (room) => (/^\d+\w?$/.test(room) ? say("Room %(room)s", { room }) : room);

/** @param {import("./chime.js").Sound} sound */
export const saySound = (sound) => ({ on: say("Sound on"), muted: say("Sound off"), refused: say("Press for sound") })[sound];

/** @param {number} page From 1. @param {number} pages */
export const sayPage = (page, pages) => say("Page %(page)s of %(pages)s", { page, pages });

/** @param {number} count Visits that are completed, cancelled or missed. */
export const sayOver = (count) => say("%(count)s closed", { count });

/** @param {string} names Practitioners. */
export const sayFinished = (names) => say("Nothing more today: %(names)s", { names });
