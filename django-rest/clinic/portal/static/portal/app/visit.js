// @ts-check
/** The last known visit, for the page without a network: in this browser alone, and gone with the sign-out or the visit's link. */

const KEY = "chairside-visit";

/** @typedef {{ when: string, what: string, clinic: string, phone: string, at: number, of?: string }} Visit `of`: the mark of the page that showed it. */

/** @param {Visit | null} visit */
export function keepVisit(visit) {
  try {
    if (visit) localStorage.setItem(KEY, JSON.stringify(visit));
    else localStorage.removeItem(KEY);
  } catch {} // A browser that keeps nothing shows none.
}

/** @returns {Visit | null} */
export function keptVisit() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "null");
    return kept && typeof kept.when === "string" && typeof kept.at === "number" ? kept : null;
  } catch {
    return null;
  }
}

/** A page's address as it is kept: it may be a secret. @param {string} path @returns {string} */
export function pageMark(path) {
  let mark = 0x811c9dc5; // FNV-1a: short, and nothing leads back.
  for (const letter of path) mark = Math.imul(mark ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  return (mark >>> 0).toString(36);
}

/** The visit of a page that has none to show any more; another page's stays. @param {string} mark */
export function forgetVisitOf(mark) {
  if (keptVisit()?.of === mark) keepVisit(null);
}

/** @param {number} ms @returns {{ unit: "minute" | "hour" | "day", count: number }} How old it is, in the unit that people would use. */
export function ageOf(ms) {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 60) return { unit: "minute", count: minutes };
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? { unit: "hour", count: hours } : { unit: "day", count: Math.floor(hours / 24) };
}

/** Forms that sign out, and what else ends somebody's time at this browser. */
export function forgetOnSignOut() {
  for (const form of document.querySelectorAll("form[data-clears-visit]")) form.addEventListener("submit", () => keepVisit(null));
}
