// @ts-check
/**
 * Columns of a day's hours with blocks in them, by `@event-calendar/build`, which `library.js` knows. It knows no visits: it
 * draws blocks, says what was clicked or dragged, and walks by keyboard. Names, roles and keys are its own; all that lies
 * behind and above the blocks is `Layers`.
 *
 * @typedef {import("./spans.js").Span} Span
 * @typedef {{ key: string, date: string, title: string, subtitle: string, isToday: boolean }} Column
 * @typedef {Span & { id: string, column: number, classes: string[], isMovable: boolean,
 *   signature: string, make: () => Node[] }} Block
 *   What `make` draws is the block's name, too.
 * @typedef {import("./layers.js").Ground} Ground
 * @typedef {{ column: number, from: number, to: number }} Spot
 * @typedef {{ onopen: (id: string) => void, ongap: (spot: { column: number, minute: number }) => void,
 *   ondrop: (id: string, spot: Spot) => void, canDrop: (id: string, spot: Spot) => boolean,
 *   oncursor: (spot: { column: number, minute: number }) => string, onrelease: () => void }} Hooks
 *   `oncursor` says what is under the cursor; `onrelease`: no block is held any more.
 */
import { Drawn } from "./drawn.js";
import { Layers, SNAP_MINUTES } from "./layers.js";
import { createGrid, dateOf, dropRoles, eventOf, spotOf } from "./library.js";
import { clockOf, spanAt, stepFrom } from "./spans.js";

export class Grid {
  /** @param {HTMLElement} host @param {{ label: string, sayTime: (clock: string) => string }} words @param {Hooks} hooks */
  constructor(host, words, hooks) {
    this._host = host;
    this._words = words;
    this._hooks = hooks;
    this._layers = new Layers(host);
    this._drawn = new Drawn();
    /** @type {any} */
    this._calendar = null;
    /** @type {Column[]} */
    this._columns = [];
    /** @type {Span} */
    this._shown = { from: 480, to: 1080 };
    this._step = 30;
    this._kind = "";
    /** @type {Map<string, Block>} */
    this._blocks = new Map();
    this._isMounted = false;
    /** Its roles are still the library's. */
    this._isStrange = true;
    /** The stop of the tab key. @type {HTMLElement | null} */
    this._stop = null;
    /** @type {Ground[][]} */
    this._grounds = [];
    /** @type {{ column: number, minute: number } | null} */
    this._now = null;
    this._cursor = { column: 0, minute: -1 };
    this._hasFocus = false;
    this._isHeld = false;
    /** @type {string | null} */
    this._wantedFocus = null;
    /** @type {(Spot & { id: string, isFree: boolean, text: string }) | null} */
    this._ghost = null;
    this._listen();
  }

  /**
   * Set the columns and hours. Blocks of other columns go.
   * @param {{ columns: Column[], kind: "people" | "days", shown: Span, step: number, locale: string }} wanted
   * @param {Block[]} blocks All there are; what has not changed stays as it is.
   */
  show({ columns, kind, shown, step, locale }, blocks) {
    const before = JSON.stringify([this._columns.map(({ key, date, title }) => [key, date, title]), this._kind, this._shown]);
    const after = JSON.stringify([columns.map(({ key, date, title }) => [key, date, title]), kind, shown]);
    this._columns = columns;
    this._shown = this._layers.shown = shown;
    this._step = step;
    this._kind = kind;
    if (before === after && this._calendar) return this._setBlocks(blocks);
    this._clampCursor();
    const options = {
      view: kind === "people" ? "resourceTimeGridDay" : "timeGridWeek",
      date: columns[0]?.date,
      resources: kind === "people" ? columns.map(({ key, title }) => ({ id: key, title })) : [],
      slotMinTime: clockOf(shown.from),
      slotMaxTime: clockOf(shown.to),
      slotLabelFormat: (/** @type {Date} */ at) => this._words.sayTime(clockOf(at.getHours() * 60 + at.getMinutes())),
      locale,
    };
    if (this._calendar) {
      this._isStrange = true;
      for (const [name, value] of Object.entries(options)) this._calendar.setOption(name, value);
      return this._setBlocks(blocks, true);
    }
    this._blocks = new Map(blocks.map((block) => [block.id, block]));
    this._calendar = createGrid(this._host, { ...options, ...this._callbacks() });
  }

  /** Callbacks of the library. */
  _callbacks() {
    return {
      dayHeaderFormat: (/** @type {Date} */ at) => this._drawn.heading(this._columns.find(({ date }) => date === dateOf(at))),
      resourceLabelContent: (/** @type {{ resource: { id: string } }} */ { resource }) => this._drawn.heading(this._columns.find(({ key }) => key === resource.id)),
      eventClassNames: (/** @type {any} */ { event }) => this._blocks.get(event.id)?.classes ?? [],
      eventContent: (/** @type {any} */ { event }) => this._contentOf(event),
      eventDidMount: (/** @type {any} */ { el, event }) => this._drawn.mounted(event.id, el, event.display !== "auto"),
      eventAllUpdated: () => this._tidy(),
      viewDidMount: () => queueMicrotask(() => this._mounted()),
      dragConstraint: (/** @type {any} */ moved) => this._allows(moved),
      resizeConstraint: (/** @type {any} */ moved) => this._allows(moved),
      eventDragStart: () => this._host.classList.add("is-dragging"),
      eventDragStop: () => this._endDrag(),
      eventResizeStart: () => this._host.classList.add("is-dragging"),
      eventResizeStop: () => this._endDrag(),
      eventDrop: (/** @type {any} */ moved) => this._dropped(moved),
      eventResize: (/** @type {any} */ moved) => this._dropped(moved),
    };
  }

  /** The columns stand: now the blocks. */
  _mounted() {
    if (!this._isMounted) {
      this._isMounted = true;
      this._calendar.setOption("events", [...this._blocks.values()].map((block) => this._eventOf(block)));
    }
    this._tidy();
  }

  /** @param {Block[]} blocks @param {boolean} [isNew] The columns are others. */
  _setBlocks(blocks, isNew = false) {
    const wanted = new Map(blocks.map((block) => [block.id, block]));
    const former = this._blocks;
    this._blocks = wanted;
    this._drawn.keep((id) => wanted.has(id));
    if (!this._isMounted) return;
    const changed = blocks.filter((block) => former.get(block.id)?.signature !== block.signature);
    const gone = [...former.keys()].filter((id) => !wanted.has(id));
    if (isNew || changed.length > blocks.length / 2) {
      this._calendar.setOption("events", blocks.map((block) => this._eventOf(block)));
    } else {
      for (const id of gone) this._calendar.removeEventById(id);
      for (const block of changed) {
        const before = former.get(block.id);
        // For each change that it is told of, the library computes all blocks again.
        if (before && isInPlace(before, block) && this._drawn.redraw(before, block)) continue;
        this._drawn.changing(block.id);
        if (before) this._calendar.updateEvent(this._eventOf(block));
        else this._calendar.addEvent(this._eventOf(block));
      }
    }
  }

  /** Draw a block where the model has it: a dragged one goes back. @param {string} id */
  putBack(id) {
    const block = this._blocks.get(id);
    const from = this._drawn.elementOf(id)?.getBoundingClientRect();
    if (!block) return;
    this._calendar.updateEvent(this._eventOf(block));
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        const element = this._drawn.elementOf(id);
        if (element && from) this._layers.slide(element, from);
      }),
    );
  }

  /** After `show`. @param {Ground[][]} grounds Of each column. @param {{ column: number, minute: number } | null} now The red line. */
  setGrounds(grounds, now) {
    this._grounds = grounds;
    this._now = now;
    if (this._isMounted) this._drawLayers();
  }

  /** Show where a block would go, and say whether it may. @param {string} id @param {Spot} spot @param {boolean} isFree @param {string} text */
  showGhost(id, spot, isFree, text) {
    this._ghost = { id, ...spot, isFree, text };
    this._layers.placeGhost(this._ghost);
  }

  hideGhost() {
    this._ghost = null;
    this._layers.placeGhost(null);
  }

  /** @param {string} id */
  focusOn(id) {
    const block = this._blocks.get(id);
    if (!block) return this.focus();
    this._cursor = { column: block.column, minute: Math.max(block.from, this._shown.from) };
    this._hasFocus = true;
    this._placeCursor();
    const stop = this._drawn.stopOf(id);
    if (stop) stop.focus();
    else this._wantedFocus = id;
  }

  /** The focus goes to where the cursor is. */
  focus() {
    this._hasFocus = true;
    this._clampCursor();
    this._placeCursor();
  }

  /** @param {{ column: number, minute: number }} spot */
  moveCursor(spot) {
    this._cursor = spot;
    this.focus();
  }

  /** The mouse holds a block: whatever moves the grid now makes it land elsewhere. */
  get isHeld() {
    return this._isHeld;
  }

  get cursor() {
    return { ...this._cursor };
  }

  /** @param {number} minute */
  scrollTo(minute) {
    this._layers.scrollTo(minute);
  }

  // Options and events of the library

  /** @param {Block} block */
  _eventOf(block) {
    return eventOf(block, this._columns[block.column], { kind: this._kind, first: this._shown.from });
  }

  /** @param {any} event */
  _contentOf(event) {
    if (event.display === "preview") {
      const text = document.createElement("strong");
      text.className = "grid-preview";
      const spot = this._spotOf(event);
      text.textContent = spot ? `${this._words.sayTime(clockOf(spot.from))}–${this._words.sayTime(clockOf(spot.to))}` : "";
      return { domNodes: [text] };
    }
    const block = this._blocks.get(event.id);
    if (!block) return { domNodes: [] };
    // Of a dragged block there are two.
    return event.display === "auto" ? this._drawn.block(block) : { domNodes: block.make() };
  }

  /** @param {any} event */
  _spotOf(event) {
    return spotOf(event, this._columns, this._kind);
  }

  /** @param {any} moved */
  _allows({ event }) {
    const spot = this._spotOf(event);
    return spot !== null && this._hooks.canDrop(event.id, spot);
  }

  /** @param {any} moved */
  _dropped({ event }) {
    const spot = this._spotOf(event);
    if (spot) this._hooks.ondrop(event.id, spot);
    else this.putBack(event.id);
  }

  _endDrag() {
    this._host.classList.remove("is-dragging");
    // The click that ends a drag opens nothing.
    this._draggedAt = performance.now();
  }

  // Names, roles and the cursor

  /** Roles that fit, and names; after each time the library has drawn. */
  _tidy() {
    if (!this._isMounted) return;
    if (this._isStrange) dropRoles(this._host);
    this._isStrange = false;
    this._drawn.nameAll();
    this._drawLayers();
    const id = this._wantedFocus;
    const stop = id === null ? null : this._drawn.stopOf(id);
    if (stop) {
      this._wantedFocus = null;
      stop.focus();
    }
  }

  _drawLayers() {
    this._layers.drawGrounds(this._grounds);
    this._layers.drawNow(this._now, this._kind === "people");
    if (this._ghost) this._layers.placeGhost(this._ghost);
    this._placeCursor();
  }

  /** One stop of the tab key: a block under the cursor, else the cursor itself. */
  _placeCursor() {
    const { column, minute } = this._cursor;
    const cell = this._layers.cells()[column];
    if (!cell) return;
    const under = minute < 0 ? null : spanAt(this._spansOf(column), minute);
    const target = under && this._drawn.stopOf(String(under.id));
    const stop = target ?? this._layers.cursor;
    if (this._stop && this._stop !== stop) this._stop.tabIndex = -1;
    this._stop = stop;
    stop.tabIndex = 0;
    this._layers.cursor.hidden = target !== null;
    if (!target) {
      const at = minute < 0 ? this._shown.from : minute;
      this._layers.placeCursor(cell, { from: at, to: at + this._step }, this._hooks.oncursor({ column, minute: at }));
    }
    if (this._hasFocus && document.activeElement !== stop && (document.activeElement === document.body || this._host.contains(document.activeElement))) stop.focus({ preventScroll: true });
  }

  _clampCursor() {
    const column = Math.min(Math.max(this._cursor.column, 0), Math.max(0, this._columns.length - 1));
    const { from, to } = this._shown;
    this._cursor = { column, minute: this._cursor.minute < 0 ? -1 : Math.min(Math.max(this._cursor.minute, from), to - SNAP_MINUTES) };
  }

  // Keys and clicks

  _listen() {
    this._host.addEventListener("click", (event) => this._clicked(event));
    this._host.addEventListener("keydown", (event) => this._pressed(event));
    this._host.addEventListener("focusin", (event) => {
      this._hasFocus = true;
      const id = blockAround(event.target);
      const block = id === undefined ? undefined : this._blocks.get(id);
      if (!block) return;
      const { column, minute } = this._cursor;
      if (column !== block.column || minute < block.from || minute >= block.to) {
        this._cursor = { column: block.column, minute: Math.max(block.from, this._shown.from) };
      }
    });
    this._host.addEventListener("pointerdown", (event) => {
      if (event.button === 0 && blockAround(event.target)) this._isHeld = true;
    });
    // Once the library has dropped it.
    const letGo = () => this._isHeld && setTimeout(() => this._release());
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, letGo, { capture: true });
    addEventListener("blur", letGo); // The window's: those of elements do not rise to it.
    // Only a focus that is lost because an element was drawn anew comes back.
    document.addEventListener("pointerdown", (event) => {
      if (!this._host.contains(/** @type {Node} */ (event.target))) this._hasFocus = false;
    });
    this._host.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !this._host.contains(/** @type {Node} */ (event.relatedTarget))) this._hasFocus = false;
    });
  }

  _release() {
    this._isHeld = false;
    this._hooks.onrelease();
  }

  /** @param {MouseEvent} event */
  _clicked(event) {
    if (performance.now() - (this._draggedAt ?? -1000) < 300) return;
    const target = /** @type {HTMLElement} */ (event.target);
    const id = blockAround(target);
    if (id) return this._hooks.onopen(id);
    if (target === this._layers.cursor) return this._hooks.ongap({ ...this._cursor, minute: Math.max(this._cursor.minute, this._shown.from) });
    const spot = this._layers.spotAt(event.clientX, event.clientY);
    if (!spot) return;
    this._cursor = { column: spot.column, minute: Math.floor(spot.minute / this._step) * this._step };
    this._placeCursor();
    this._hooks.ongap(this._cursor);
  }

  /** @param {KeyboardEvent} event */
  _pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this._ghost) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (!blockAround(target) && target !== this._layers.cursor) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      target.click();
    } else if (["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) {
      event.preventDefault();
      const at = { column: this._cursor.column, minute: Math.max(this._cursor.minute, this._shown.from) };
      const spans = this._columns.map((_, column) => this._spansOf(column));
      this._cursor = stepFrom(at, event.key, { columns: this._columns.length, shown: this._shown, step: this._step, spans });
      this._hasFocus = true;
      this._placeCursor();
      document.activeElement?.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }

  /** @param {number} column @returns {(Span & { id: any })[]} */
  _spansOf(column) {
    return [...this._blocks.values()].filter((block) => block.column === column).sort((a, b) => a.from - b.from || a.to - b.to);
  }
}

/** @param {Block} one @param {Block} other */
const isInPlace = (one, other) => one.column === other.column && one.from === other.from && one.to === other.to && one.isMovable === other.isMovable;

/** @param {EventTarget | null} target @returns {string | undefined} */
const blockAround = (target) => /** @type {HTMLElement | null} */ (/** @type {Element | null} */ (target)?.closest("[data-block]"))?.dataset.block;
