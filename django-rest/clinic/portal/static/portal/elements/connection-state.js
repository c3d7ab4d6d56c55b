// @ts-check
/** `<connection-state>`: whether what a page shows is live, as a sign and a word. Its page sets `state` and `reason`. */
import { LitElement, html } from "lit";
import { frame, now } from "../page.js";
import { clockIn } from "../rules.js";
import { sayConnection, sayTime } from "../words.js";

export class ConnectionState extends LitElement {
  static properties = { state: {}, reason: {} };

  constructor() {
    super();
    this.state = "connecting";
    this.reason = "";
    this._since = now();
  }

  createRenderRoot() {
    return this;
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("state")) this._since = now();
  }

  render() {
    const { word, sentence } = sayConnection(this.state, this.reason, sayTime(clockIn(frame.clinic.timezone, this._since)));
    return html`<span class="connection" data-state=${this.state} role="status" title=${sentence}><span class="connection-sign" aria-hidden="true"></span>${word}</span>`;
  }
}

customElements.define("connection-state", ConnectionState);
