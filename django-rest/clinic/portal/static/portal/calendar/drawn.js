// @ts-check
/**
 * Blocks and headings as elements. The library asks for all of them again with each change of one, and measures each new
 * heading: what has not changed is the same object again.
 *
 * @typedef {{ signature: string, content: { domNodes: Node[] } }} Known
 */

export class Drawn {
  constructor() {
    /** @type {Map<string, Known>} */
    this._contents = new Map();
    /** @type {Map<string, Known>} */
    this._headings = new Map();
    /** @type {Map<string, HTMLElement>} */
    this._elements = new Map();
    /** Blocks that may have been drawn anew since they were named. @type {Set<string>} */
    this._unnamed = new Set();
  }

  /** @param {import("./grid.js").Block} block */
  block(block) {
    return same(this._contents, block.id, block.signature, block.make);
  }

  /** Draw the inside of a block that stays where it is. @param {import("./grid.js").Block} before @param {import("./grid.js").Block} block @returns {boolean} Whether it was there. */
  redraw(before, block) {
    const element = this.elementOf(block.id);
    const body = element && bodyOf(element);
    if (!element || !body) return false;
    body.replaceChildren(...this.block(block).domNodes);
    element.classList.remove(...before.classes);
    element.classList.add(...block.classes);
    return true;
  }

  /** @param {import("./grid.js").Column | undefined} column */
  heading(column) {
    const { key, title, subtitle, isToday } = column ?? { key: "", title: "", subtitle: "", isToday: false };
    return same(this._headings, key, JSON.stringify([title, subtitle, isToday]), () => {
      const head = document.createElement("span");
      head.className = isToday ? "grid-head today" : "grid-head";
      const name = document.createElement("strong");
      name.textContent = name.title = title;
      const more = document.createElement("small");
      more.textContent = subtitle;
      head.append(name, more);
      return [head];
    });
  }

  /** @param {string} id @param {HTMLElement} element @param {boolean} isCopy Of a block that is being dragged. */
  mounted(id, element, isCopy) {
    element.dataset.block = id;
    if (!isCopy) this._elements.set(id, element);
    name(element);
  }

  /** @param {string} id It will be drawn anew. */
  changing(id) {
    this._unnamed.add(id);
  }

  /** The library has drawn. */
  nameAll() {
    for (const id of this._unnamed) {
      const element = this.elementOf(id);
      if (element) name(element);
    }
    this._unnamed.clear();
  }

  /** @param {(id: string) => boolean} isWanted */
  keep(isWanted) {
    for (const id of this._contents.keys()) {
      if (isWanted(id)) continue;
      this._contents.delete(id);
      this._elements.delete(id);
    }
  }

  /** @param {string} id @returns {HTMLElement | null} */
  elementOf(id) {
    const element = this._elements.get(id);
    return element?.isConnected ? element : null;
  }

  /** @param {string} id @returns {HTMLElement | null} The part of a block that has the focus and the name. */
  stopOf(id) {
    const element = this.elementOf(id);
    return element && bodyOf(element);
  }
}

/** @param {Map<string, Known>} known @param {string} key @param {string} signature @param {() => Node[]} make */
function same(known, key, signature, make) {
  const former = known.get(key);
  if (former?.signature === signature) return former.content;
  const content = { domNodes: make() };
  known.set(key, { signature, content });
  return content;
}

/** @param {HTMLElement} element Of a block. */
function name(element) {
  element.setAttribute("role", "presentation");
  const stop = bodyOf(element);
  if (!stop || stop.getAttribute("role") === "button") return;
  stop.setAttribute("role", "button");
  stop.tabIndex = -1;
}

/** @param {HTMLElement} element @returns {HTMLElement | null} */
const bodyOf = (element) => element.querySelector(":scope > .ec-event-body");
