// @ts-check
/** Subscriptions of web push made in this browser, by their ids: for an account, for visits by their links. */

const KEY = "chairside-push";

/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} Store */

/** @param {Store} [store] @returns {number[]} */
export function keptIds(store = localStorage) {
  try {
    const kept = JSON.parse(store.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter(Number.isInteger) : [];
  } catch {
    return [];
  }
}

/** @param {number[]} ids @param {Store} [store] */
export function keepIds(ids, store = localStorage) {
  try {
    if (ids.length) store.setItem(KEY, JSON.stringify([...new Set(ids)]));
    else store.removeItem(KEY);
  } catch {} // A browser that keeps nothing asks again.
}

/** @param {{ id: number }[]} rows Of the account or visit, as the server has them. @param {number[]} kept @returns {number[]} Those of this browser. */
export const idsHere = (rows, kept) => rows.map(({ id }) => id).filter((id) => kept.includes(id));
