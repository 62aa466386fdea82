// A link for somebody who may look, and changes nothing.

import { ask } from "./api.js";
import { html, nothing } from "./vendor/lit.js";
import { Dialog } from "./dialog.js";
import { icon } from "./view.js";

export class ShareDialog extends Dialog {
  static properties = { link: { state: true }, isCopied: { state: true } };

  constructor() {
    super();
    this.link = "";
    this.isCopied = false;
  }

  get heading() {
    return "Share, for looking only";
  }

  get action() {
    return this.link ? "" : "Make a link";
  }

  fields() {
    const isHere = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
    return html`<p>A link lets one browser in, once. Who opens it sees every study of this store live, and can change nothing.</p>
      ${isHere ? html`<p class="quiet">This page is reached from this machine alone, and so is the link. From elsewhere SSH carries it: <code>ssh -L ${location.port}:127.0.0.1:${location.port} HOST</code></p>` : nothing}
      ${this.link ? html`<label class="stacked">The link<span class="set-row"><input class="grow" type="text" readonly data-link .value=${this.link} @focus=${(/** @type {any} */ event) => event.target.select()}>
        <button type="button" @click=${() => this.#copy()}>${icon(this.isCopied ? "check" : "copy")}${this.isCopied ? "Copied" : "Copy"}</button></span></label>` : nothing}
      ${this.link && this.error ? html`<p class="error" role="alert">${this.error}</p>` : nothing}`;
  }

  async act() {
    const { path } = await ask("links", {});
    this.link = location.origin + path;
    await this.updateComplete;
    /** @type {HTMLInputElement | null} */ (this.querySelector("[data-link]"))?.focus();
  }

  get staysOpen() {
    return true;
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.link);
      this.isCopied = true;
    } catch {
      this.error = "the browser lets this page copy nothing; select the link, and copy it";
    }
  }
}
customElements.define("tw-share", ShareDialog);
