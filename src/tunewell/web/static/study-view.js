// A study: what it has found, and how it goes on.

import { place } from "./place.js";
import { html, live, nothing } from "./vendor/lit.js";
import { runMark, spentBar, stateBar } from "./studies-view.js";
import { View, icon, openDialog, say, stateMark } from "./view.js";
import { countOf, countText, durationText, fullMoment, meanings, momentText, roles, valueText } from "./words.js";
import "./figure-box.js";
import "./trial-table.js";

export const tabs = /** @type {const} */ ([
  ["overview", "Overview"],
  ["trials", "Trials"],
  ["curves", "Curves"],
  ["params", "Parameters"],
  ["timeline", "Timeline"],
  ["lineage", "Lineage"],
  ["plan", "Plan"],
]);

const many = 3000;

export class StudyView extends View {
  static properties = { study: { attribute: false }, tab: {}, typed: { state: true } };
  #typing = 0;
  /** @type {boolean | null} whether it has many trials: as it was when it came into sight, so that nothing on it moves */
  #hasMany = null;

  constructor() {
    super();
    /** @type {import("./study.js").Study} */
    this.study = /** @type {any} */ (null);
    this.tab = "overview";
    /** @type {string | null} what is being written into the filter */
    this.typed = null;
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("study") && this.study) this.watch(this.study);
    if (changed.has("tab") && this.tab === "lineage") import("./lineage-view.js");
    if (changed.has("tab") && this.tab === "plan") import("./plan-view.js");
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    const tab = changed.has("tab") && this.querySelector(".tabs [aria-current]");
    if (!tab) return;
    const { left, right } = tab.getBoundingClientRect();
    if (left < 0 || right > innerWidth) tab.scrollIntoView({ block: "nearest", inline: "center" }); // on a narrow screen
  }

  render() {
    const { study } = this;
    const known = study.known;
    if (!known) return study.error ? nothing : html`<div class="figure-wait tall" aria-label="being read"></div>`;
    return html`${this.#head(known)}
      <nav class="tabs" aria-label="views of the study">${tabs.map(([name, title]) => html`<a href=${place.link("study", study.id, ...(name === "overview" ? [] : [name]))}
        aria-current=${this.tab === name ? "page" : nothing}>${title}</a>`)}</nav>
      ${["lineage", "plan"].includes(this.tab) ? nothing : this.#tools(known)}
      ${this.#tab(known)}
      ${this.#basket()}`;
  }

  /** @param {any} known */
  #head(known) {
    const { study } = this;
    return html`<header class="study-head">
      <div class="study-line"><div><div class="study-title"><h1 class="cut" title=${known.name} dir="auto">${known.name}</h1>${runMark(known)}</div>
      <p class="quiet cut-lines">${hasSeveral(known) ? html`<bdi>${Object.entries(known.metrics).map(([name, direction]) => `${direction} ${name}`).join(", ")}</bdi>` : html`${known.direction} <bdi>${known.metric}</bdi>`}${known.scheduler ? html` · ${known.scheduler}` : nothing}${known.seed !== undefined && known.seed !== null ? html` · seed ${known.seed}` : nothing} · <span title=${fullMoment(known.created_at)}>begun ${momentText(known.created_at)}</span></p></div>${study.maySteer ? this.#actions(known) : nothing}</div>
      ${study.maySteer ? nothing : html`<p class="quiet view-only">${icon("eye")}View only: this browser may look, and changes nothing. Who started <code>tunewell web</code> has a link that may steer.</p>`}
      ${this.tab === "overview" ? this.#numbers(known) : this.#inShort(known)}
      ${known.waits ? html`<p class="banner">${icon("clock")}<span>${capitalized(known.waits)}</span></p>` : nothing}
      ${study.health.alerts.slice(0, 4).map(({ kind, trials, text }) => html`<p class="banner bad alert" data-kind=${kind}>${icon("warning")}<span dir="auto">${capitalized(text)}. ${trials.slice(0, 4).map((one) => html`<a href=${place.link("study", study.id, "trial", one)}>trial ${one}</a> `)}</span></p>`)}
      ${known.damage ? html`<p class="banner bad">${icon("warning")}<span>${known.damage}</span></p>` : nothing}
      ${this.tab === "overview" ? (known.at_bounds ?? []).map((/** @type {any} */ one) => html`<p class="banner">${icon("warning")}<span>${textOf(one)}</span></p>`) : nothing}
    </header>`;
  }

  /** @param {any} known */
  #inShort(known) {
    const { best, spent } = known;
    return html`<p class="in-short">${best ? html`<span>best <a href=${place.link("study", this.study.id, "trial", best.trial)}>${valueText(best.value, 5)}</a> <span class="quiet">trial ${best.trial}, epoch ${best.epoch}</span></span>` : html`<span class="quiet">no finite value yet</span>`}
      <span>${countOf(this.study.trials?.rows ?? known.trials, "trial")}</span>${spent ? html`<span>${spent.text || `${countText(spent.epochs)} epochs`} <span class="quiet">spent</span></span>` : nothing}</p>`;
  }

  /** @param {any} known */
  #numbers(known) {
    const { study } = this;
    return html`<div class="key-numbers">
        <section class="card"><h2>Best</h2>
          ${known.best
            ? html`<p class="value"><a href=${place.link("study", study.id, "trial", known.best.trial)}>${valueText(known.best.value, 5)}</a></p><p class="quiet">trial ${known.best.trial}, epoch ${known.best.epoch}</p>`
            : html`<p class="value">–</p><p class="quiet">no finite value yet</p>`}</section>
        <section class="card"><h2>Trials</h2><p class="value">${countText(study.trials?.rows ?? known.trials)}</p>${stateBar(known.states)}
          <p class="quiet">${Object.keys(roles).filter((state) => known.states[state]).map((state) => `${countText(known.states[state])} ${state}`).join(", ") || "none has begun"}</p></section>
        <section class="card"><h2>Spent</h2><p class="value">${known.spent?.epochs !== undefined ? countText(known.spent.epochs) : "–"}<small> epochs</small></p>
          ${spentBar(known)}<p class="quiet">${known.spent?.seconds ? durationText(known.spent.seconds) : ""}${known.spent?.retrained ? `, ${countText(known.spent.retrained)} epochs trained again` : ""}</p></section>
      </div>`;
  }

  /** @param {any} known */
  #actions(known) {
    return html`<div class="actions study-actions">
      <button @click=${() => this.#toggle(known)}>${icon(known.is_paused ? "play" : "pause")}${known.is_paused ? "Resume study" : "Pause study"}</button>
      <button @click=${() => this.#open("budget")}>${icon("gauge")}Budget</button>
      <button @click=${() => this.#open("queue")}>${icon("stack")}Queue trial</button>
      <button @click=${() => this.#open("space")}>${icon("sliders")}Edit space</button></div>`;
  }

  /** @param {any} known */
  async #toggle(known) {
    try {
      await this.study.demand(known.is_paused ? "resume" : "pause");
      say(known.is_paused ? "The study goes on." : "The study pauses: each training ends its epoch first.");
    } catch (error) {
      say(/** @type {Error} */ (error).message, "bad");
    }
  }

  /** @param {"budget" | "queue" | "space"} name */
  async #open(name) {
    const { make } = await import(`./${name}-dialog.js`);
    openDialog(make(this.study));
  }

  /** @param {any} known */
  #tools(known) {
    const { study } = this;
    const states = Object.keys(roles).filter((state) => known.states[state] || study.hidden.has(state));
    return html`<div class="tools" role="search">
      <label class="search grow">${icon("search")}<input type="search" data-find spellcheck="false" autocomplete="off" aria-label="filter trials"
        placeholder="Filter: learning_rate<0.01 optimizer=adam tag:baseline -state:failed" .value=${live(this.typed ?? study.filter)}
        @input=${this.#typed} @blur=${() => (this.typed = null)}></label>
      <div class="chips" role="group" aria-label="states that are shown">${states.map((state) => html`<button class="chip ${state}" aria-pressed=${!study.hidden.has(state)}
        title="${meanings[state]}; click to ${study.hidden.has(state) ? "show" : "hide"} everywhere" @click=${() => study.toggleState(state)}>${stateMark(state)} ${countText(known.states[state] ?? 0)}</button>`)}</div>
      ${study.brushed ? html`<button class="chip brushed" @click=${() => study.brush(null, null)} title="let the brush go (Escape)">${countOf(study.brushed.size, "trial")} brushed ${icon("close")}</button>` : nothing}
      ${study.isSifted ? html`<button class="chip" @click=${() => { this.typed = null; place.set({ filter: "", hide: "" }); }}>clear filter ${icon("close")}</button>` : nothing}
    </div>`;
  }

  /** @param {any} event */
  #typed(event) {
    this.typed = event.target.value;
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => place.set({ filter: event.target.value }), 120);
  }

  /** @param {any} known */
  #tab(known) {
    const { study } = this;
    const isVast = innerHeight >= 1800 && innerWidth >= 2400; // where else much would stand empty
    const box = (/** @type {string} */ kind, query = "", low = "", wide = false, height = isVast && low ? String(1.5 * Number(low)) : low) => html`<section class="card figure-card ${wide ? "wide" : ""}"><tw-figure-box kind=${kind} .study=${study} .query=${query} height=${height}></tw-figure-box></section>`;
    const numbers = study.space.map(({ name }) => name);
    switch (this.tab) {
      case "trials":
        return html`<tw-trial-table class="whole" .study=${study}></tw-trial-table>`;
      case "curves":
        return html`<div class="figures one">${box("curves", "", "560", true)}${study.picked.length ? box("curves", `trials=${study.picked.join(",")}`, "420", true) : nothing}</div>`;
      case "params": {
        const [x, y] = [place.query.get("x") ?? "", place.query.get("y") ?? ""];
        const choose = (/** @type {string} */ axis, /** @type {string} */ chosen) => html`<label>${axis} <select aria-label="${axis} axis" @change=${(/** @type {any} */ event) => { place.set({ [axis]: event.target.value }); this.requestUpdate(); }}>
          <option value="" ?selected=${!chosen}>the most important</option>${numbers.map((name) => html`<option value=${name} ?selected=${name === chosen}>${name.slice(0, 60)}</option>`)}</select></label>`;
        const query = new URLSearchParams([["x", x], ["y", y]].filter(([, name]) => name));
        return html`<div class="figures">${box("importance")}${box("ranks")}${box("parallel", "", "420", true)}${box("slices", "", "", true)}
          <section class="card figure-card wide"><div class="axes">${choose("x", x)}${choose("y", y)}</div><tw-figure-box kind="contour" .study=${study} .query=${query.toString()} height="520"></tw-figure-box></section></div>`;
      }
      case "timeline":
        return html`<div class="figures one">${box("timeline", "", "", true)}${box("distribution", "", "", true)}${known.sessions?.length ? this.#sessions(known.sessions) : nothing}</div>`;
      case "lineage":
        return html`<tw-lineage .study=${study}></tw-lineage>`;
      case "plan":
        return html`<tw-plan .study=${study}></tw-plan>`;
      default: {
        const front = hasSeveral(known) ? html`<div class="figures one">${box("front", "", "420", true)}</div>` : nothing;
        return html`${front}${(this.#hasMany ??= (study.trials?.rows ?? 0) > many) // the parallel lines of many trials are half of all that is read: when they are looked at
          ? html`<div class="figures">${box("history", "", "320")}${box("curves", "", "320")}</div><tw-trial-table .study=${study}></tw-trial-table><div class="figures one below">${box("parallel", "", "420", true)}</div>`
          : html`<div class="figures three">${box("history", "", "320")}${box("curves", "", "320")}${box("parallel", "", "340", true)}</div><tw-trial-table .study=${study}></tw-trial-table>`}`;
      }
    }
  }

  /** @param {any[]} sessions */
  #sessions(sessions) {
    const names = ["started_at", "ended_at", "host", "pid", "command", "directory", "git_commit", "git_dirty"];
    const cell = (/** @type {string} */ name, /** @type {any} */ value) =>
      /_at$/.test(name) ? momentText(value) : name === "pid" ? String(value) : name === "git_commit" ? String(value ?? "–").slice(0, 10) : valueText(value);
    return html`<section class="card"><h2>Processes that ran it</h2><div class="scroll"><table><thead><tr>${names.map((name) => html`<th>${name.replaceAll("_", " ")}</th>`)}</tr></thead>
      <tbody>${sessions.slice(-20).map((one) => html`<tr>${names.map((name) => html`<td title=${one[name] ?? ""}>${cell(name, one[name])}</td>`)}</tr>`)}</tbody></table></div></section>`;
  }

  #basket() {
    const { study } = this;
    if (!study.picked.length) return nothing;
    return html`<div class="basket" role="region" aria-label="trials to compare">
      <span>${study.picked.map((trial) => html`<button class="chip" title="take out" @click=${() => study.togglePick(trial)}>${trial} ${icon("close")}</button>`)}</span>
      <span class="grow"></span>
      ${study.picked.length > 1
        ? html`<a class="button primary" href=${place.link("study", study.id, "compare", study.picked.join(","))}>Compare ${study.picked.length}</a>`
        : html`<span class="quiet">pick another to compare</span>`}
      <button class="quiet icon-only" aria-label="pick none" @click=${() => place.set({ pick: "" })}>${icon("close")}</button></div>`;
  }
}
customElements.define("tw-study", StudyView);

/** @param {any} known */
const hasSeveral = (known) => Object.keys(known.metrics ?? {}).length > 1;

/** @param {string} text */
const capitalized = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

/** @param {any} one @returns {string} */
export function textOf(one) {
  return typeof one === "string" ? one : (one?.text ?? JSON.stringify(one));
}
