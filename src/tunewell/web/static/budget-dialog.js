// Another budget for a study.

import { html } from "./vendor/lit.js";
import { Dialog } from "./dialog.js";
import { say } from "./view.js";

class BudgetDialog extends Dialog {
  /** @type {import("./study.js").Study} */
  study = /** @type {any} */ (null);
  budget = "";
  why = "";

  get heading() {
    return "Budget";
  }

  get action() {
    return "Set budget";
  }

  fields() {
    return html`<p class="quiet">It is ${this.study.known.budget || "not set"}; what was spent so far counts.</p>
      <label class="stacked">New budget<input type="text" data-first autocomplete="off" spellcheck="false" placeholder="40, 900epochs, 100trials or 2h" .value=${this.budget} @input=${(/** @type {any} */ event) => (this.budget = event.target.value)}>
        <small class="quiet">A number of full trainings, or with a unit: <code>900epochs</code>, <code>100trials</code>, <code>2h</code></small></label>
      <label class="stacked"><span>Why <span class="quiet">(kept on record)</span></span><input type="text" maxlength="500" @input=${(/** @type {any} */ event) => (this.why = event.target.value)}></label>`;
  }

  async act() {
    if (!this.budget.trim()) throw new Error("write a budget, such as 900epochs");
    await this.study.demand("budget", { budget: this.budget.trim(), why: this.why.trim() });
    say("The study has its new budget.");
  }
}
customElements.define("tw-budget-dialog", BudgetDialog);

/** @param {import("./study.js").Study} study */
export function make(study) {
  return Object.assign(new BudgetDialog(), { study });
}
