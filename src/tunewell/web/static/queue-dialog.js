// A trial by hand: a setting of one's own, or that of another trial with changes.

import { html, live, nothing, repeat } from "./vendor/lit.js";
import { Dialog } from "./dialog.js";
import { read } from "./api.js";
import { place } from "./place.js";
import { say } from "./view.js";
import { valueText } from "./words.js";
import "./param-field.js";

const most = 40; // fields at once

class QueueDialog extends Dialog {
  static properties = { ...Dialog.properties, like: { state: true }, search: { state: true }, params: { state: true } };
  /** @type {import("./study.js").Study} */
  study = /** @type {any} */ (null);
  why = "";
  epochs = "";

  constructor() {
    super();
    this.like = "";
    this.search = "";
    /** @type {Record<string, any>} what differs; null while it is no value */
    this.params = {};
    /** @type {Record<string, any>} */
    this.base = {};
  }

  get heading() {
    return this.like === "" ? "Queue a trial" : `Queue a trial like ${this.like}, but`;
  }

  get action() {
    return "Queue it";
  }

  get isWide() {
    return true;
  }

  /** @param {string} like */
  async begin(like) {
    this.like = like;
    this.error = "";
    if (like === "") this.base = {};
    else {
      try {
        this.base = (await read(`studies/${this.study.id}/trials/${Number(like)}`)).params;
      } catch (error) {
        this.error = /** @type {Error} */ (error).message;
      }
    }
    this.requestUpdate();
  }

  fields() {
    const { study } = this;
    const rows = study.trials?.rows ?? 0;
    const search = this.search.toLowerCase();
    const found = study.space.filter(({ name }) => name.toLowerCase().includes(search) || name in this.params);
    return html`<div class="row"><label class="stacked">Like trial<input type="number" min="0" max=${Math.max(0, rows - 1)} placeholder="none: the defaults" data-first .value=${live(String(this.like))} @change=${(/** @type {any} */ event) => this.begin(event.target.value)}></label>
        <label class="stacked">Epochs at first<input type="number" min="1" placeholder="as the scheduler has it" @input=${(/** @type {any} */ event) => (this.epochs = event.target.value)}></label></div>
      ${study.space.length > 12 ? html`<label class="stacked">Find a parameter<input type="search" .value=${live(this.search)} @input=${(/** @type {any} */ event) => (this.search = event.target.value)}></label>` : nothing}
      <div class="param-grid">${repeat(found.slice(0, most), ({ name }) => name, (param) => {
        const isOther = param.name in this.params;
        const value = isOther ? this.params[param.name] : (this.base[param.name] ?? param.default ?? null);
        return html`<div class="param ${isOther ? "changed" : ""}"><p><bdi class="cut" title=${param.name}>${param.name}</bdi>${isOther ? html`<button type="button" class="bare quiet" @click=${() => this.#leave(param.name)}>as before: ${valueText(this.base[param.name] ?? param.default)}</button>` : nothing}</p>
          <tw-param-field .param=${param} .value=${value} @tw-value=${(/** @type {CustomEvent} */ event) => (this.params = { ...this.params, [param.name]: event.detail.value })}></tw-param-field>
          ${Object.keys(param.when).length ? html`<small class="quiet" dir="auto">only where ${Object.entries(param.when).map(([name, values]) => `${name} is ${values.map((one) => valueText(one)).join(" or ")}`).join(", ")}</small>` : nothing}</div>`;
      })}</div>
      ${found.length > most ? html`<p class="quiet">and ${found.length - most} more: find them by name</p>` : nothing}
      <label class="stacked"><span>Why <span class="quiet">(kept on record)</span></span><input type="text" maxlength="500" @input=${(/** @type {any} */ event) => (this.why = event.target.value)}></label>`;
  }

  /** @param {string} name */
  #leave(name) {
    const { [name]: _, ...rest } = this.params;
    this.params = rest;
  }

  async act() {
    const wrong = Object.keys(this.params).find((name) => this.params[name] === null || Number.isNaN(this.params[name]));
    if (wrong) throw new Error(`${wrong.slice(0, 80)}: write a value that it may have`);
    const body = { params: this.params, why: this.why.trim(), ...(this.like === "" ? {} : { like: Number(this.like) }), ...(this.epochs === "" ? {} : { epochs: Number(this.epochs) }) };
    const { trial } = await this.study.demand("queue", body);
    say(`Trial ${trial} is queued: it is trained next.`);
    place.go("study", this.study.id, "trial", trial);
  }
}
customElements.define("tw-queue-dialog", QueueDialog);

/** @param {import("./study.js").Study} study @param {number} [like] */
export function make(study, like) {
  const dialog = Object.assign(new QueueDialog(), { study });
  const first = like ?? study.known.best?.trial;
  if (first !== undefined) dialog.begin(String(first));
  return dialog;
}
