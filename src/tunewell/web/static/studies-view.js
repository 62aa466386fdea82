// All studies of the store.

import { read } from "./api.js";
import { place } from "./place.js";
import { html, live, nothing } from "./vendor/lit.js";
import { View, icon, stateMark } from "./view.js";
import { countOf, countText, fullMoment, momentText, valueText, roles } from "./words.js";

const everyMs = 4000;

export class StudiesView extends View {
  static properties = { answer: { state: true }, error: { state: true }, search: { state: true } };
  #timer = 0;
  #abort = new AbortController();

  constructor() {
    super();
    /** @type {any} */
    this.answer = null;
    this.error = "";
    this.search = "";
  }

  connectedCallback() {
    super.connectedCallback();
    this.#abort = new AbortController();
    document.addEventListener("visibilitychange", () => document.hidden || this.#read(), { signal: this.#abort.signal });
    this.#read();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#abort.abort();
    clearTimeout(this.#timer);
  }

  async #read() {
    clearTimeout(this.#timer);
    const signal = this.#abort.signal;
    try {
      this.answer = await read("studies", signal);
      this.error = "";
      dispatchEvent(new CustomEvent("tw-known", { detail: this.answer }));
    } catch (error) {
      if (signal.aborted) return;
      this.error = /** @type {Error} */ (error).message;
    }
    if (!document.hidden) this.#timer = setTimeout(() => this.#read(), everyMs);
  }

  render() {
    const studies = this.answer?.studies ?? [];
    const search = this.search.toLowerCase();
    const found = studies.filter((/** @type {any} */ one) => one.name.toLowerCase().includes(search));
    return html`<div class="page-head"><div><h1>Studies</h1>
        <p class="quiet">${this.answer ? countOf(studies.length, "study").replace("studys", "studies") : " "}</p></div>
        ${studies.length > 5 ? html`<label class="search">${icon("search")}<input type="search" data-find placeholder="Find a study" aria-label="find a study" .value=${live(this.search)} @input=${(/** @type {any} */ event) => (this.search = event.target.value)}></label>` : nothing}</div>
      ${this.error ? html`<p class="banner bad" role="alert">${icon("warning")}<span>${this.error}</span></p>` : nothing}
      ${this.answer && !studies.length ? html`<div class="none big"><p>No study is in this store yet.</p><p class="quiet">Begin one: <code>tunewell tune train.py</code>, or <code>tunewell demo</code>. It appears here.</p></div>` : nothing}
      <ul class="studies">${found.map((/** @type {any} */ one) => this.#card(one))}</ul>
      ${!this.answer && !this.error ? html`<div class="figure-wait tall" aria-label="being read"></div>` : nothing}`;
  }

  /** @param {any} study */
  #card(study) {
    return html`<li><a class="card study-card" href=${place.link("study", study.id)}>
      <header><h2 class="cut" title=${study.name} dir="auto">${study.name}</h2>${runMark(study)}</header>
      ${study.damage ? html`<p class="error">${study.damage}</p>` : nothing}
      <div class="study-best"><strong class="value">${study.best ? valueText(study.best.value) : "–"}</strong>
        <span class="quiet cut" title="${study.direction} ${study.metric}"><bdi>${study.metric}</bdi>, ${study.direction}d${study.best ? html`, trial ${study.best.trial}` : nothing}</span></div>
      ${stateBar(study.states)}
      <p class="counts">${countOf(study.trials, "trial")}${Object.keys(roles).filter((state) => study.states[state]).slice(0, 4).map((state) => html`<span>${stateMark(state)} ${countText(study.states[state])}</span>`)}</p>
      ${spentBar(study)}
      <p class="quiet" title=${fullMoment(study.created_at)}>begun ${momentText(study.created_at)}${study.confirms ? html`, confirms <bdi>${study.confirms}</bdi>` : nothing}</p>
    </a></li>`;
  }
}
customElements.define("tw-studies", StudiesView);

/** Return whether a study is trained, as a mark. @param {any} study */
export function runMark(study) {
  if (study.is_paused) return html`<span class="run-mark paused" title="its trials pause until somebody resumes it">${icon("pause")}paused</span>`;
  if (study.is_run) return html`<span class="run-mark running" title="a process runs it"><i class="pulse" aria-hidden="true"></i>running</span>`;
  return html`<span class="run-mark" title="no process runs it">at rest</span>`;
}

/** Return the shares of states as a bar. @param {Record<string, number>} states */
export function stateBar(states) {
  const all = Object.values(states).reduce((sum, n) => sum + n, 0);
  if (!all) return html`<div class="state-bar" aria-hidden="true"></div>`;
  return html`<div class="state-bar" aria-hidden="true">${Object.keys(roles).map((state) => (states[state] ? html`<i class=${state} .style=${`flex-grow: ${states[state]}`}></i>` : nothing))}</div>`;
}

/** Return what is spent of the budget. @param {any} study */
export function spentBar({ spent, budget }) {
  const share = spent?.share;
  return html`<div class="spent"><p><span title=${budget ?? ""}>${spent?.text || (budget ? `budget ${budget}` : "no budget is set")}</span></p>
    ${typeof share === "number" ? html`<div class="meter" role="meter" aria-label="spent of the budget" aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(share * 100)}><i .style=${`width: ${Math.min(100, share * 100)}%`}></i></div>` : nothing}</div>`;
}
