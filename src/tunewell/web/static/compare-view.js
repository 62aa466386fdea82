// Two to ten trials side by side: in what they differ, and their curves.

import { read } from "./api.js";
import { place } from "./place.js";
import { html, nothing } from "./vendor/lit.js";
import { View, icon, stateMark } from "./view.js";
import { countOf, valueText } from "./words.js";
import "./figure-box.js";

const leastMs = 1500;

export class CompareView extends View {
  static properties = { study: { attribute: false }, trials: {}, answer: { state: true }, error: { state: true } };
  #readOf = "";
  #timer = 0;
  #isReading = false;

  constructor() {
    super();
    /** @type {import("./study.js").Study} */
    this.study = /** @type {any} */ (null);
    /** As they stand in the URL: 3,7,12. */
    this.trials = "";
    /** @type {any} */
    this.answer = null;
    this.error = "";
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("study") && this.study) this.watch(this.study);
    if (changed.has("trials")) this.answer = null;
    this.told();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  told() {
    const of = `${this.trials} ${this.study.revision}`;
    if (this.#isReading || this.#timer || of === this.#readOf) return;
    this.#timer = setTimeout(() => this.#read(of), this.answer ? leastMs : 0);
  }

  /** @param {string} of */
  async #read(of) {
    this.#timer = 0;
    this.#isReading = true;
    this.#readOf = of;
    try {
      this.answer = await read(`studies/${this.study.id}/compare?trials=${encodeURIComponent(this.trials)}`);
      this.error = "";
    } catch (error) {
      this.error = /** @type {Error} */ (error).message;
    }
    this.#isReading = false;
  }

  render() {
    const { study, answer } = this;
    const head = html`<div class="page-head"><div><p class="crumb"><a href=${place.link("study", study.id)}>${icon("chevron")}<bdi class="cut">${study.known?.name ?? ""}</bdi></a></p><h1>Compare ${this.trials.split(",").length} trials</h1></div></div>`;
    if (this.error) return html`${head}<p class="banner bad">${icon("warning")}<span>${this.error}</span></p>`;
    if (!answer) return html`${head}<div class="figure-wait tall" aria-label="being read"></div>`;
    const best = (study.maximizes ? Math.max : Math.min)(...answer.trials.map((/** @type {any} */ one) => one.value).filter((/** @type {any} */ one) => typeof one === "number"));
    return html`${head}<div class="stack">
      <section class="card figure-card"><tw-figure-box .figure=${answer.curves} .study=${study} .trials=${answer.trials.map((/** @type {any} */ one) => one.trial)} height="420" label="curves"></tw-figure-box></section>
      <section class="card"><h2>${answer.differs.length ? `They differ in ${countOf(answer.differs.length, "parameter")}` : "They have the same settings"}</h2>
        <div class="scroll" tabindex="0" role="region" aria-label="differences"><table class="compare">
          <thead><tr><th scope="col"><span class="hidden">what</span></th>${answer.trials.map((/** @type {any} */ one) => html`<th scope="col"><a href=${place.link("study", study.id, "trial", one.trial)}>trial ${one.trial}</a></th>`)}</tr></thead>
          <tbody><tr><th scope="row"><bdi class="cut">${study.known?.metric}</bdi></th>${answer.trials.map((/** @type {any} */ one) => html`<td class=${one.value === best ? "best" : ""}>${valueText(one.value, 5)}${one.value === best ? html` <span class="quiet">best</span>` : nothing}</td>`)}</tr>
            <tr><th scope="row">state</th>${answer.trials.map((/** @type {any} */ one) => html`<td>${stateMark(one.state)}</td>`)}</tr>
            <tr class="last"><th scope="row">epochs</th>${answer.trials.map((/** @type {any} */ one) => html`<td>${valueText(one.epochs)}</td>`)}</tr>
            ${answer.differs.map((/** @type {any} */ one) => html`<tr><th scope="row" title=${one.name}><bdi class="cut">${one.name}</bdi></th>${one.values.map((/** @type {any} */ value) => this.#cell(value))}</tr>`)}
          </tbody></table></div>
        ${answer.same.length ? html`<details><summary>${countOf(answer.same.length, "parameter")} that they share</summary><dl class="facts">${answer.same.map((/** @type {any} */ one) => html`<div><dt title=${one.name}><bdi class="cut">${one.name}</bdi></dt><dd class="cut" dir="auto">${valueText(one.value, 6)}</dd></div>`)}</dl></details>` : nothing}
      </section></div>`;
  }

  /** @param {any} value */
  #cell(value) {
    return html`<td><span class="cut" dir="auto" title=${valueText(value, 12)}>${valueText(value, 6)}</span></td>`;
  }
}
customElements.define("tw-compare", CompareView);
