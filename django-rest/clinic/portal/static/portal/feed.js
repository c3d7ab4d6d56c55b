// @ts-check
/** Live rows of a page, by the client that others use, too. */
export { Feed } from "../client/live.js";

/**
 * @typedef {import("./rules.js").Row} Row
 * @typedef {{ upserts: Row[], removes: number[], isSnapshot: boolean }} Change
 */
