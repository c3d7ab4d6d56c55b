// @ts-check
/**
 * The text of a stream as blocks: WHATWG HTML, section 9.2.6. Pure.
 *
 * @typedef {{ id?: string, event: string, data?: string, retry?: number }} Block
 */

/** Reads each character once, however the text is cut: an unfinished line waits in pieces. */
export class BlockReader {
  /** @param {(block: Block) => void} onblock */
  constructor(onblock) {
    this._onblock = onblock;
    /** @type {string[]} The line that has not ended yet. */
    this._pieces = [];
    /** @type {string[]} The lines of the block that has not ended yet. */
    this._lines = [];
    this._endedInReturn = false;
  }

  /** @param {string} text */
  feed(text) {
    if (text === "") return;
    // A carriage return at the end of the last text ended its line; a line feed here belongs to it.
    let from = this._endedInReturn && text[0] === "\n" ? 1 : 0;
    const lineEnd = /\r\n?|\n/g;
    lineEnd.lastIndex = from;
    for (let end = lineEnd.exec(text); end !== null; end = lineEnd.exec(text)) {
      this._pieces.push(text.slice(from, end.index));
      this._endLine();
      from = lineEnd.lastIndex;
    }
    if (from < text.length) this._pieces.push(text.slice(from));
    this._endedInReturn = text[text.length - 1] === "\r";
  }

  _endLine() {
    const line = this._pieces.length === 1 ? this._pieces[0] : this._pieces.join("");
    this._pieces = [];
    if (line !== "") {
      this._lines.push(line);
      return;
    }
    const lines = this._lines;
    this._lines = [];
    if (lines.length) this._onblock(blockOf(lines));
  }
}

/** @param {string[]} lines @returns {Block} */
function blockOf(lines) {
  /** @type {Block} */
  const block = { event: "message" };
  /** @type {string[]} */
  const data = [];
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon === 0) continue;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "data") data.push(value);
    else if (name === "id") block.id = value;
    else if (name === "event") block.event = value || "message";
    else if (name === "retry" && /^\d+$/.test(value)) block.retry = Number(value);
  }
  if (data.length) block.data = data.length === 1 ? data[0] : data.join("\n");
  return block;
}
