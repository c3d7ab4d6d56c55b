// @ts-check
/** One practitioner after another, on a narrow screen: by the arrows above the grid, or by a swipe over it. */
import { chosen, place, shownPeople, state } from "./scene.js";

const SWIPE_PIXELS = 60;

/** @param {HTMLElement} surface @param {() => void} draw */
export function turnBySwipes(surface, draw) {
  const turn = (/** @type {number} */ by) => {
    const people = chosen();
    const at = people.findIndex(({ id }) => id === shownPeople()[0]?.id);
    state.alone = people[(at + by + people.length) % people.length]?.id ?? null;
    draw();
  };
  place("one-earlier").addEventListener("click", () => turn(-1));
  place("one-later").addEventListener("click", () => turn(1));
  /** @type {{ x: number, y: number } | null} */
  let touched = null;
  surface.addEventListener("touchstart", ({ touches }) => (touched = touches.length === 1 ? { x: touches[0].clientX, y: touches[0].clientY } : null), { passive: true });
  surface.addEventListener("touchend", ({ changedTouches: [touch] }) => {
    if (!touched || place("one").hidden) return;
    const [x, y] = [touch.clientX - touched.x, touch.clientY - touched.y];
    touched = null;
    if (Math.abs(x) > SWIPE_PIXELS && Math.abs(x) > 2 * Math.abs(y)) turn(x < 0 ? 1 : -1);
  });
}
