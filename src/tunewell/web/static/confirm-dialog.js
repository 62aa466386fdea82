// A question before what cannot be undone.

import { html } from "./vendor/lit.js";
import { Dialog } from "./dialog.js";
import { openDialog } from "./view.js";

class ConfirmDialog extends Dialog {
  question = "";
  words = "";
  verb = "";
  isConfirmed = false;

  get heading() {
    return this.question;
  }

  get action() {
    return this.verb;
  }

  fields() {
    return html`<p>${this.words}</p>`;
  }

  async act() {
    this.isConfirmed = true;
  }
}
customElements.define("tw-confirm", ConfirmDialog);

/** Ask, and return whether it is to be done. @param {string} question @param {string} words @param {string} verb @returns {Promise<boolean>} */
export function confirmed(question, words, verb) {
  const dialog = new ConfirmDialog();
  Object.assign(dialog, { question, words, verb });
  return new Promise((resolve) => {
    dialog.addEventListener("tw-closed", () => resolve(dialog.isConfirmed));
    openDialog(dialog);
  });
}
