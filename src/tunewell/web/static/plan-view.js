// What comes next in a study, and what it would take.

import { read } from "./api.js";
import { html, nothing } from "./vendor/lit.js";
import { spentBar } from "./studies-view.js";
import { textOf } from "./study-view.js";
import { View, icon } from "./view.js";
import { momentText } from "./words.js";

const leastMs = 3000;

export class PlanView extends View {
  static properties = { study: { attribute: false }, plan: { state: true }, finish: { state: true }, error: { state: true } };
  #readOf = -1;
  #timer = 0;
  #isReading = false;

  constructor() {
    super();
    /** @type {import("./study.js").Study} */
    this.study = /** @type {any} */ (null);
    /** @type {any} */
    this.plan = null;
    /** @type {{at: number, left: {low: number, middle: number, high: number} | null, why: string | null} | null} */
    this.finish = null;
    this.error = "";
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("study") && this.study) {
      this.watch(this.study);
      this.told();
    }
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  told() {
    if (this.#isReading || this.#timer || this.study.revision === this.#readOf) return;
    this.#timer = setTimeout(() => this.#read(), this.plan ? leastMs : 0);
  }

  async #read() {
    this.#timer = 0;
    this.#isReading = true;
    this.#readOf = this.study.revision;
    try {
      [this.plan, this.finish] = await Promise.all([read(`studies/${this.study.id}/plan`), read(`studies/${this.study.id}/finish`)]);
      this.error = "";
    } catch (error) {
      this.error = /** @type {Error} */ (error).message;
    }
    this.#isReading = false;
  }

  /** When the budget is spent: a fan from now on, as wide as it is uncertain. */
  #finish() {
    if (!this.finish) return nothing;
    const { at, left, why } = this.finish;
    if (!left) return html`<section class="card"><h2>When it ends</h2><p>Not known: ${why}.</p></section>`;
    if (left.high <= 0) return html`<section class="card"><h2>When it ends</h2><p>Its budget is spent.</p></section>`;
    const whole = left.high * 1.08;
    const [low, middle, high] = [left.low, left.middle, left.high].map((seconds) => (100 * seconds) / whole);
    const when = (/** @type {number} */ seconds) => momentText(at + seconds);
    const isSharp = high - low < 0.5;
    return html`<section class="card"><h2>When it ends</h2>
      <p class="lead">${isSharp ? when(left.middle) : html`${when(left.low)} to ${when(left.high)}`} <span class="quiet">${isSharp ? "" : `most likely ${when(left.middle)}; the interval holds in four of five cases`}</span></p>
      <svg class="fan" viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true"><path class="band" d="M0 19L${low} 1H${high}Z"/><path class="middle" d="M0 19L${middle} 1"/><path class="end" d="M0 1H100M0 19H100"/></svg>
      <div class="fan-ends quiet"><span>now</span><span>${when(left.high)}</span></div></section>`;
  }

  render() {
    const plan = this.plan;
    if (this.error) return html`<p class="banner bad">${icon("warning")}<span>${this.error}</span></p>`;
    if (!plan) return html`<div class="figure-wait tall" aria-label="being read"></div>`;
    const list = (/** @type {string} */ title, /** @type {any[] | undefined} */ lines) =>
      lines?.length ? html`<section class="card"><h2>${title}</h2><ul class="lines">${lines.map((one) => html`<li dir="auto">${textOf(one)}</li>`)}</ul></section>` : nothing;
    return html`<div class="plan">
      <section class="card"><h2>Next</h2><p class="lead" dir="auto">${plan.next ? textOf(plan.next) : "No process runs the study; whoever runs it again decides."}</p></section>
      ${this.#finish()}
      <section class="card"><h2>What more would bring</h2><p dir="auto">${plan.outlook ? textOf(plan.outlook) : "Too few decisions were made by a model to say."}</p></section>
      <section class="card"><h2>Spent</h2>${spentBar(this.study.known)}</section>
      ${list("At the end of their range", plan.at_bounds)}
      <section class="card figure-card wide"><tw-figure-box kind="curves" .study=${this.study} height="420"></tw-figure-box></section>
    </div>`;
  }
}
customElements.define("tw-plan", PlanView);
