// What dialogs have in common: a modal <dialog>, a form, what went wrong, and a way out.

import { html, nothing } from "./vendor/lit.js";
import { View, icon } from "./view.js";

export class Dialog extends View {
  static properties = { error: { state: true }, isBusy: { state: true } };

  constructor() {
    super();
    this.error = "";
    this.isBusy = false;
  }

  /** Its heading. */
  get heading() {
    return "";
  }

  /** What its button says; none if it has no button. */
  get action() {
    return "";
  }

  get isWide() {
    return false;
  }

  /** Whether it stays when what it is for is done, to show what came of it. */
  get staysOpen() {
    return false;
  }

  /** Its fields. @returns {unknown} */
  fields() {
    return nothing;
  }

  /** Do what it is for; what is thrown is shown, and it stays open. */
  async act() {}

  firstUpdated() {
    const dialog = /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
    dialog.showModal();
    /** @type {HTMLElement | null} */ (dialog.querySelector("[data-first]"))?.focus();
  }

  close() {
    this.querySelector("dialog")?.close();
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    if (this.isBusy) return;
    this.isBusy = true;
    this.error = "";
    try {
      await this.act();
      if (!this.staysOpen) this.close();
    } catch (error) {
      this.error = /** @type {Error} */ (error).message;
    } finally {
      this.isBusy = false;
    }
  }

  render() {
    return html`<dialog class=${this.isWide ? "wide" : ""} aria-labelledby="dialog-heading"
      @close=${() => this.dispatchEvent(new Event("tw-closed"))}
      @click=${(/** @type {MouseEvent} */ event) => event.target === event.currentTarget && this.close()}>
      <form @submit=${this.#submit} novalidate>
        <header><h2 id="dialog-heading" dir="auto">${this.heading}</h2>
          <button type="button" class="quiet icon-only" aria-label="close" @click=${() => this.close()}>${icon("close")}</button></header>
        <div class="dialog-body">${this.fields()}</div>
        ${this.action
          ? html`<footer><p class="error" role="alert">${this.error}</p>
              <button type="button" @click=${() => this.close()}>Cancel</button>
              <button type="submit" class="primary" ?disabled=${this.isBusy}>${this.action}</button></footer>`
          : nothing}
      </form></dialog>`;
  }
}
