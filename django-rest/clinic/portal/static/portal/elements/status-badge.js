// @ts-check
/** `<status-badge status="confirmed">`: a shape, a word and a colour. */
import { LitElement, html } from "lit";
import { frame } from "../page.js";

export class StatusBadge extends LitElement {
  static properties = { status: {} };

  constructor() {
    super();
    this.status = "";
  }

  createRenderRoot() {
    return this;
  }

  render() {
    return html`<span class="status" data-status=${this.status}><svg class="icon" aria-hidden="true"><use href="#icon-${this.status}"></use></svg>${frame.statuses[this.status] ?? this.status}</span>`;
  }
}

customElements.define("status-badge", StatusBadge);
