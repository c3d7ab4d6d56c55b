// @ts-check
/** Icons of the grid: copies of a symbol's lines. Hundreds of `use` elements cost a browser several times as much. */

const SVG = "http://www.w3.org/2000/svg";
/** @type {Map<string, SVGElement>} */
const drawn = new Map();

/** @param {string} name @returns {SVGElement} */
export function blockIcon(name) {
  let made = drawn.get(name);
  if (!made) {
    const symbol = document.getElementById(`icon-${name}`);
    made = document.createElementNS(SVG, "svg");
    made.setAttribute("class", "icon");
    made.setAttribute("aria-hidden", "true");
    made.setAttribute("viewBox", symbol?.getAttribute("viewBox") ?? "0 0 24 24");
    made.append(...[...(symbol?.children ?? [])].map((one) => one.cloneNode(true)));
    drawn.set(name, made);
  }
  return /** @type {SVGElement} */ (made.cloneNode(true));
}
