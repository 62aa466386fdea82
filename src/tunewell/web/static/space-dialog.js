// Another space from now on: other ranges, scales and choices, or a parameter held at a value; with a preview of what
// will be drawn.

import { ask, read } from "./api.js";
import { html, live, nothing, repeat } from "./vendor/lit.js";
import { Dialog } from "./dialog.js";
import { icon, say } from "./view.js";
import { valueText } from "./words.js";
import "./param-field.js";

const most = 40;
const scales = ["linear", "log", "log1m", "logit"];

class SpaceDialog extends Dialog {
  static properties = { ...Dialog.properties, changes: { state: true }, preview: { state: true }, search: { state: true } };
  /** @type {import("./study.js").Study} */
  study = /** @type {any} */ (null);
  why = "";
  #timer = 0;
  /** @type {Map<string, string>} what is being written into the ends of ranges */
  #typed = new Map();
  #turn = 0;

  constructor() {
    super();
    /** @type {Record<string, any>} */
    this.changes = {};
    /** @type {any} */
    this.preview = null;
    this.search = "";
  }

  get heading() {
    return "Edit the space";
  }

  get action() {
    return "Search in it from now on";
  }

  get isWide() {
    return true;
  }

  connectedCallback() {
    super.connectedCallback();
    this.#look(0);
  }

  /** @param {string} name @param {object | null} change null: as it is */
  #change(name, change) {
    const { [name]: before, ...rest } = this.changes;
    const next = change && ("fix" in change ? change : { ...(before && !("fix" in before) ? before : {}), ...change });
    this.changes = next ? { ...rest, [name]: next } : rest;
    this.#look(250);
  }

  /** @param {number} ms */
  #look(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      const turn = ++this.#turn;
      try {
        const isOther = Object.keys(this.changes).length > 0;
        const preview = isOther
          ? await ask(`studies/${this.study.id}/space/preview`, { changes: this.changes })
          : { figure: await read(`studies/${this.study.id}/figures/space`), text: "", error: null };
        if (turn === this.#turn) this.preview = preview;
      } catch (error) {
        if (turn === this.#turn) this.preview = { figure: null, text: "", error: /** @type {Error} */ (error).message };
      }
    }, ms);
  }

  fields() {
    const { study } = this;
    const search = this.search.toLowerCase();
    const found = study.space.filter(({ name }) => name.toLowerCase().includes(search) || name in this.changes);
    return html`<p class="quiet">Past trials stay as they are; new ones are drawn from what stands here. Narrow a range, widen it, or hold a parameter at one value.</p>
      ${study.space.length > 12 ? html`<label class="stacked">Find a parameter<input type="search" .value=${live(this.search)} @input=${(/** @type {any} */ event) => (this.search = event.target.value)}></label>` : nothing}
      <div class="space-grid">${repeat(found.slice(0, most), ({ name }) => name, (param) => this.#param(param))}</div>
      ${found.length > most ? html`<p class="quiet">and ${found.length - most} more: find them by name</p>` : nothing}
      <section aria-label="preview" class="preview">
        ${this.preview?.error ? html`<p class="banner bad">${icon("warning")}<span dir="auto">${this.preview.error}</span></p>` : nothing}
        ${this.preview?.text && !this.preview.error ? html`<pre dir="auto">${this.preview.text}</pre>` : nothing}
        ${(this.preview?.warnings ?? []).map((/** @type {string} */ one) => html`<p class="banner">${icon("warning")}<span dir="auto">${one}</span></p>`)}
        ${this.preview?.figure ? html`<tw-figure table-rows="0" .figure=${this.preview.figure}></tw-figure>` : nothing}</section>
      <label class="stacked"><span>Why <span class="quiet">(kept on record)</span></span><input type="text" maxlength="500" @input=${(/** @type {any} */ event) => (this.why = event.target.value)}></label>`;
  }

  /** @param {import("./study.js").Param} param */
  #param(param) {
    const change = this.changes[param.name];
    const isHeld = change && "fix" in change;
    // a preview that comes while somebody writes takes nothing of it away
    const number = (/** @type {"low" | "high"} */ end) => html`<input type="text" inputmode="decimal" aria-label="${end} end of ${param.name}" .value=${live(this.#typed.get(`${end} ${param.name}`) ?? String(change?.[end] ?? param[end]))}
      @input=${(/** @type {any} */ event) => this.#typed.set(`${end} ${param.name}`, event.target.value)}
      @change=${(/** @type {any} */ event) => { this.#typed.delete(`${end} ${param.name}`); this.#change(param.name, { [end]: Number(event.target.value) }); }}>`;
    return html`<div class="param ${change ? "changed" : ""}"><p><bdi class="cut" title=${param.name}>${param.name}</bdi>
        <label class="inline"><input type="checkbox" .checked=${live(Boolean(isHeld))} @change=${(/** @type {any} */ event) => this.#change(param.name, event.target.checked ? { fix: this.#usual(param) } : null)}>hold</label></p>
      ${isHeld
        ? html`<tw-param-field .param=${param} .value=${change.fix} label="hold ${param.name} at" @tw-value=${(/** @type {CustomEvent} */ event) => event.detail.value !== null && this.#change(param.name, { fix: event.detail.value })}></tw-param-field>`
        : param.kind === "choice"
          ? html`<div class="choices">${(param.values ?? []).map((one) => {
              const kept = change?.values ?? param.values ?? [];
              return html`<label class="inline"><input type="checkbox" .checked=${live(kept.includes(one))} @change=${(/** @type {any} */ event) => this.#change(param.name, { values: (param.values ?? []).filter((value) => (value === one ? event.target.checked : kept.includes(value))) })}><bdi class="cut" title=${valueText(one, 12)}>${valueText(one, 12)}</bdi></label>`;
            })}</div>`
          : html`<div class="range">${number("low")}<span class="quiet">to</span>${number("high")}
              <select aria-label="scale of ${param.name}" @change=${(/** @type {any} */ event) => this.#change(param.name, { scale: event.target.value })}>${scales.map((one) => html`<option value=${one} ?selected=${one === (change?.scale ?? param.scale ?? "linear")}>${one}</option>`)}</select></div>`}
      ${change ? html`<button type="button" class="bare quiet" @click=${() => this.#change(param.name, null)}>as it was</button>` : nothing}</div>`;
  }

  /** A value to hold a parameter at: the best trial's. @param {import("./study.js").Param} param */
  #usual(param) {
    const best = this.study.known.best?.trial;
    const value = best === undefined ? null : this.study.trials?.at(`param:${param.name}`, best);
    return value ?? param.default ?? param.values?.[0] ?? param.low;
  }

  async act() {
    if (!Object.keys(this.changes).length) throw new Error("nothing differs yet");
    if (this.preview?.error) throw new Error("the space cannot be so; see above");
    await this.study.demand("space", { changes: this.changes, why: this.why.trim() });
    say("New trials are drawn from the new space.");
  }
}
customElements.define("tw-space-dialog", SpaceDialog);

/** @param {import("./study.js").Study} study */
export function make(study) {
  return Object.assign(new SpaceDialog(), { study });
}
