// One trial: its curves, its settings as they changed, what holds it back, what was asked of it, and where it came from.

import { read } from "./api.js";
import { metricsFigure } from "./metrics-figure.js";
import { place } from "./place.js";
import { favour, remark } from "./remarks.js";
import { announceFix, fixOf } from "./fixes.js";
import { html, nothing } from "./vendor/lit.js";
import { View, icon, openDialog, stateMark } from "./view.js";
import { durationText, fullMoment, meanings, momentText, valueText } from "./words.js";
import "./figure-box.js";
import "./steering.js";

const leastMs = 500; // between two readings
const diagnosisMs = 10_000;
const mostSettings = 40;
const mostFindings = 4;

export class TrialView extends View {
  static properties = {
    study: { attribute: false },
    number: { type: Number },
    detail: { state: true },
    error: { state: true },
    diagnosis: { state: true },
    diagnosisError: { state: true },
    isTagging: { state: true },
    note: { state: true },
    hasAll: { state: true },
  };
  #of = "";
  #timer = 0;
  #isReading = false;
  #diagnosedOf = "";
  #diagnosedAt = -Infinity;
  #diagnosisTimer = 0;
  #metrics = { of: /** @type {any} */ (null), figure: /** @type {any} */ (null) };

  constructor() {
    super();
    /** @type {import("./study.js").Study} */
    this.study = /** @type {any} */ (null);
    this.number = 0;
    /** @type {any} */
    this.detail = null;
    this.error = "";
    /** @type {any} */
    this.diagnosis = null;
    this.diagnosisError = "";
    this.isTagging = false;
    this.note = "";
    this.hasAll = false;
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("study") && this.study) this.watch(this.study);
    if (changed.has("number")) {
      this.detail = this.diagnosis = null;
      this.error = this.diagnosisError = this.note = "";
      this.#of = this.#diagnosedOf = "";
      this.#diagnosedAt = -Infinity;
    }
    this.#follow();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
    clearTimeout(this.#diagnosisTimer);
    this.#timer = this.#diagnosisTimer = 0;
  }

  told() {
    this.requestUpdate();
  }

  /** What was asked of this trial, newest first, as the answer has it and as was heard since. */
  get commands() {
    /** @type {Map<number, import("./study.js").Command>} */
    const found = new Map((this.detail?.commands ?? []).map((/** @type {any} */ one) => [one.id, one]));
    for (const [id, one] of this.study.commands) {
      if (one.trial === this.number && !(one.state === "asked" && found.has(id))) found.set(id, one);
    }
    return [...found.values()].sort((a, b) => b.id - a.id);
  }

  /** What of the trial has changed, if anything of this has. */
  get #now() {
    const { trials } = this.study;
    const row = ["state", "epochs", "value", "tags", "notes", "favourite", "until"].map((name) => trials?.at(name, this.number));
    const commands = [...this.study.commands.values()].filter(({ trial }) => trial === this.number).map(({ id, state }) => `${id}${state}`);
    return [this.number, ...row, commands, this.study.known?.is_paused, this.study.known?.is_run].join(" ");
  }

  #follow() {
    if (!this.study.trials || this.#isReading || this.#timer || this.#now === this.#of) return;
    this.#timer = setTimeout(() => this.#read(), this.detail ? leastMs : 0);
  }

  async #read() {
    this.#timer = 0;
    this.#isReading = true;
    const [of, number] = [this.#now, this.number];
    try {
      const detail = await read(`studies/${this.study.id}/trials/${number}`);
      if (number === this.number) {
        this.detail = detail;
        this.error = "";
        this.#of = of;
        this.#diagnose();
      }
    } catch (error) {
      if (number === this.number) {
        this.error = /** @type {Error} */ (error).message;
        this.#of = of;
      }
    }
    this.#isReading = false;
    this.requestUpdate();
  }

  /** Look what holds it back: at first, and when it has reported more, not more than every ten seconds. */
  #diagnose() {
    const epochs = this.detail.reports?.rows ?? 0;
    const of = `${this.number} ${epochs} ${this.detail.trial.state}`;
    if (!epochs || of === this.#diagnosedOf || this.#diagnosisTimer) return;
    const wait = Math.max(0, this.#diagnosedAt + diagnosisMs - performance.now());
    this.#diagnosisTimer = setTimeout(async () => {
      const number = this.number;
      this.#diagnosedOf = of;
      try {
        const found = await read(`studies/${this.study.id}/trials/${number}/diagnosis`);
        if (number === this.number) [this.diagnosis, this.diagnosisError] = [found, ""];
      } catch (error) {
        if (number === this.number) this.diagnosisError = /** @type {Error} */ (error).message;
      }
      this.#diagnosedAt = performance.now();
      this.#diagnosisTimer = 0;
    }, wait);
  }

  render() {
    const { study, detail, number } = this;
    const rows = study.trials?.rows ?? 0;
    const state = String(study.trials?.at("state", number) ?? detail?.trial.state ?? "");
    const metric = study.trials?.at("value", number);
    const isFavourite = study.trials?.at("favourite", number) === true;
    const crumb = html`<p class="crumb"><a href=${place.link("study", study.id)}>${icon("chevron")}<bdi class="cut">${study.known?.name ?? "study"}</bdi></a></p>`;
    if (this.error && !detail) return html`${crumb}<p class="banner bad">${icon("warning")}<span>${this.error}</span></p>`;
    if (!detail) return html`${crumb}<h1>Trial ${number}</h1><div class="figure-wait tall" aria-label="being read"></div>`;
    const { trial, reason } = detail;
    return html`${crumb}
      <header class="trial-head-line"><h1>Trial ${number}</h1><span title=${meanings[state] ?? ""}>${stateMark(state)}</span>
        <button class="bare star big" aria-pressed=${isFavourite} ?disabled=${!study.maySteer} aria-label="favourite" title="favourite (f)" data-favourite @click=${() => favour(study, number, !isFavourite)}>${icon("star")}</button>
        <span class="grow"></span>
        <button @click=${() => study.togglePick(number)} aria-pressed=${study.picked.includes(number)}>${icon(study.picked.includes(number) ? "check" : "plus")}Compare</button>
        ${study.maySteer ? html`<button @click=${() => this.#queue()}>${icon("stack")}Like this, but</button>` : nothing}
        <span class="pager"><a class="button icon-only" aria-label="trial before (b)" data-before href=${place.link("study", study.id, "trial", Math.max(0, number - 1))} ?hidden=${number <= 0}><span class="turned">${icon("chevron")}</span></a>
          <a class="button icon-only" aria-label="next trial (n)" data-next href=${place.link("study", study.id, "trial", number + 1)} ?hidden=${number >= rows - 1}>${icon("chevron")}</a></span></header>
      <p class="trial-facts"><span class="value">${valueText(metric, 5)}</span> <span class="quiet"><bdi>${study.known?.metric}</bdi>${trial.best_epoch ? ` at epoch ${trial.best_epoch}` : ""}</span>
        <span>${valueText(study.trials?.at("epochs", number) ?? trial.epochs)}${trial.until === null ? "" : ` of ${trial.until}`} epochs</span>
        <span class="quiet" title=${fullMoment(trial.began_at)}>begun ${momentText(trial.began_at)}</span>
        ${trial.ended_at ? html`<span class="quiet" title=${fullMoment(trial.ended_at)}>took ${durationText(trial.ended_at - trial.began_at)}</span>` : nothing}
        ${detail.parent !== null && detail.parent !== undefined ? html`<span>branch of <a href=${place.link("study", study.id, "trial", detail.parent)}>trial ${detail.parent}</a>${trial.parent_epoch ? ` at epoch ${trial.parent_epoch}` : ""}</span>` : nothing}
        ${(detail.children ?? []).length ? html`<span>branches: ${detail.children.slice(0, 12).map((/** @type {number} */ one) => html`<a href=${place.link("study", study.id, "trial", one)}>${one}</a> `)}</span>` : nothing}</p>
      ${this.#tags()}
      ${reason ? html`<details class="banner ${state === "failed" || state === "diverged" ? "bad" : ""}" ?open=${reason.length < 300}><summary>${icon("warning")}<span dir="auto">${lastLine(reason)}</span></summary>${reason.trim().includes("\n") ? html`<pre dir="auto">${reason}</pre>` : nothing}</details>` : nothing}
      ${this.error ? html`<p class="banner bad">${icon("warning")}<span>${this.error}</span></p>` : nothing}
      <div class="trial-page"><div class="trial-main">
          ${this.#curves()}${this.#diagnosed()}${this.#settings()}${this.#whys()}${this.#events()}${this.#provenance()}
        </div><aside class="trial-side">
          <tw-steering .study=${study} .detail=${detail}></tw-steering>
          <section class="card"><h2>Commands</h2><tw-commands .study=${study} .commands=${this.commands.filter(({ kind }) => !["note", "tag", "untag"].includes(kind))}></tw-commands></section>
          ${this.#notes()}
        </aside></div>`;
  }

  #tags() {
    const { study, number } = this;
    const tags = String(study.trials?.at("tags", number) ?? "").split(" ").filter(Boolean);
    if (!tags.length && !study.maySteer) return nothing;
    const tag = async (/** @type {any} */ event) => {
      event.preventDefault();
      const input = event.target.querySelector("input");
      const name = input.value.trim();
      if (name && (await remark(study, { trial: number, kind: "tag", name }))) {
        this.isTagging = false;
        this.#put("tags", [...new Set([...tags, name])].join(" "));
      }
    };
    return html`<div class="tag-line">${tags.map((one) => html`<span class="chip" title=${one}><bdi class="cut">${one}</bdi>${study.maySteer
        ? html`<button class="bare" aria-label="take the tag ${one} away" @click=${async () => (await remark(study, { trial: number, kind: "untag", name: one })) && this.#put("tags", tags.filter((other) => other !== one).join(" "))}>${icon("close")}</button>` : nothing}</span>`)}
      ${study.maySteer
        ? this.isTagging
          ? html`<form @submit=${tag}><input type="text" maxlength="60" placeholder="one word" aria-label="a tag" @blur=${(/** @type {any} */ event) => event.target.value || (this.isTagging = false)} @keydown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && (this.isTagging = false)}></form>`
          : html`<button class="quiet" data-tag @click=${async () => { this.isTagging = true; await this.updateComplete; /** @type {any} */ (this.querySelector(".tag-line input"))?.focus(); }}>${icon("tag")}Tag</button>`
        : nothing}</div>`;
  }

  /** Show at once what the server has taken; the feed says the same. @param {string} column @param {any} value */
  #put(column, value) {
    this.study.trials?.apply({ columns: [{ name: "trial", values: [this.number] }, { name: column, values: [value || null] }], rows: 1 });
    this.study.dispatchEvent(new Event("change"));
  }

  #curves() {
    const { study, detail, number } = this;
    const line = [number, ...(detail.parent !== null && detail.parent !== undefined ? [detail.parent] : []), ...(detail.children ?? []).slice(0, 8)];
    const metrics = (detail.reports?.columns ?? []).filter((/** @type {any} */ one) => !["epoch", "at"].includes(one.name));
    return html`<section class="card figure-card"><tw-figure-box kind="curves" .study=${study} .query=${`trials=${line.join(",")}`} .trials=${line} height="340"></tw-figure-box></section>
      ${metrics.length > 1 ? html`<section class="card figure-card"><tw-figure-box .figure=${this.#metricsFigure()} label="all metrics"></tw-figure-box></section>` : nothing}`;
  }

  #metricsFigure() {
    if (this.#metrics.of !== this.detail.reports) this.#metrics = { of: this.detail.reports, figure: metricsFigure(this.detail.reports) };
    return this.#metrics.figure;
  }

  #diagnosed() {
    const findings = this.diagnosis?.findings ?? [];
    if (!this.diagnosis && !this.diagnosisError) return nothing;
    return html`<section class="card" aria-label="diagnosis"><h2>What holds it back</h2>
      ${this.diagnosisError ? html`<p class="quiet">${this.diagnosisError}</p>` : nothing}
      ${this.diagnosis && !findings.length ? html`<p>Nothing was found.</p>` : nothing}
      ${findings.slice(0, mostFindings).map((/** @type {any} */ one, /** @type {number} */ i) => html`<details class="finding" ?open=${i === 0}><summary><span class="sure" title="how sure">${Math.round(one.confidence * 100)} %</span><strong dir="auto">${one.title}</strong></summary>
        <p dir="auto">${one.seen}</p>${one.means ? html`<p class="quiet" dir="auto">${one.means}</p>` : nothing}
        ${one.figure ? html`<tw-figure-box .figure=${one.figure} height="220" label="evidence"></tw-figure-box>` : nothing}
        ${one.change?.param ? html`<p><span class="quiet">Next:</span> <span dir="auto">${one.change.line || `${one.change.direction} ${one.change.param}${one.change.value === null ? "" : ` to ${valueText(one.change.value)}`}`}</span>${one.change.why ? html` <span class="quiet" dir="auto">${one.change.why}</span>` : nothing}</p>` : nothing}
        ${one.check ? html`<p class="quiet" dir="auto">To check: ${one.check}</p>` : nothing}
        ${one.fix?.instead ? html`<p class="quiet" dir="auto">Instead: ${one.fix.instead}</p>` : nothing}
        ${one.fix && this.study.maySteer ? html`<button class="primary" data-fix @click=${() => this.#fix(one.fix)}>${icon(one.fix.action === "queue" ? "stack" : one.fix.action === "set" ? "check" : "branch")}<bdi class="cut">${one.fix.text}</bdi></button>` : nothing}</details>`)}
      ${this.diagnosis?.note ? html`<p class="quiet" dir="auto">${this.diagnosis.note}</p>` : nothing}</section>`;
  }

  /** @param {any} fix */
  async #fix(fix) {
    announceFix(await fixOf(this.study, this.number, fix));
  }

  #settings() {
    const { study, detail } = this;
    const known = new Map(study.space.map((one) => [one.name, one]));
    const rows = Object.entries(detail.params).map(([name, begun]) => {
      /** @type {{value: any, first: number}[]} */
      const values = [];
      for (const { first, values: at } of detail.schedule ?? []) {
        if (name in at && (!values.length || values.at(-1)?.value !== at[name])) values.push({ value: at[name], first });
      }
      const now = detail.values?.[name] ?? begun;
      if (!values.length) values.push({ value: begun, first: 1 });
      if (values.at(-1)?.value !== now) values.push({ value: now, first: NaN });
      return { name, values, now, param: known.get(name) };
    });
    const best = study.known?.best?.trial;
    const more = rows.length - mostSettings;
    return html`<section class="card"><h2>Settings</h2><div class="scroll"><table class="settings"><thead><tr><th scope="col">parameter</th><th scope="col">value</th><th scope="col">range</th>${best !== undefined && best !== this.number ? html`<th scope="col">best trial</th>` : nothing}</tr></thead>
      <tbody>${rows.slice(0, this.hasAll ? undefined : mostSettings).map(({ name, values, param }) => html`<tr><th scope="row" title=${name}><span class="named"><bdi class="cut">${name}</bdi>${param?.live ? html`<span class="live" title="may be set while it trains">live</span>` : nothing}</span></th>
        <td><span class="cut-cell" dir="auto">${values.map(({ value, first }, i) => html`${i ? html`<span class="quiet"> → </span>` : nothing}<span title=${valueText(value, 12)}>${valueText(value, 6)}</span>${i ? html`<span class="quiet"> ${Number.isNaN(first) ? "next" : `from epoch ${first}`}</span>` : nothing}`)}</span></td>
        <td class="quiet"><span class="cut" title=${param?.text ?? ""}>${param ? (param.kind === "choice" ? `${param.values?.length} choices` : `${valueText(param.low)} to ${valueText(param.high)}${param.scale && param.scale !== "linear" ? `, ${param.scale}` : ""}`) : ""}</span></td>
        ${best !== undefined && best !== this.number ? html`<td class="quiet"><span class="cut" dir="auto">${valueText(study.trials?.at(`param:${name}`, best), 6)}</span></td>` : nothing}</tr>`)}</tbody></table></div>${more > 0 && !this.hasAll ? html`<button class="quiet" @click=${() => (this.hasAll = true)}>Show ${more} more</button>` : nothing}</section>`;
  }

  #whys() {
    const whys = this.detail.why ?? [];
    const twins = this.detail.twins ?? [];
    if (!whys.length && !twins.length) return nothing;
    return html`<section class="card"><h2>Why it was trained</h2><ul class="lines">${whys.slice(-40).map((/** @type {any} */ one) => html`<li dir="auto">${one.text}</li>`)}
      ${twins.map((/** @type {any} */ one) => html`<li dir="auto"><a href=${place.link("study", this.study.id, "trial", one.trial)}>twin, trial ${one.trial}</a>: ${one.is_none ? "no difference to be seen" : `the change made ${valueText(one.mean, 3)} of difference, +- ${valueText(one.margin, 3)}, over ${one.epochs} epochs`}</li>`)}</ul></section>`;
  }

  #events() {
    const events = (this.detail.events ?? []).filter((/** @type {any} */ one) => one.kind !== "decided");
    if (!events.length) return nothing;
    return html`<section class="card"><h2>Events</h2><ol class="events">${events.slice(-60).reverse().map((/** @type {any} */ one) => html`<li><span class="quiet" title=${fullMoment(one.at)}>${momentText(one.at)}</span>
      <span>${one.epoch !== null && one.epoch !== undefined ? html`<span class="chip">epoch ${one.epoch}</span> ` : nothing}<span dir="auto">${one.text ?? one.kind}</span> <span class="quiet"><bdi>${one.by}</bdi></span></span></li>`)}</ol></section>`;
  }

  #provenance() {
    const { id: _, beats: __, process: ___, ...known } = this.detail.provenance ?? {};
    const facts = flattened({ seed: this.detail.seed, ...known });
    if (!facts.length) return nothing;
    return html`<section class="card"><h2>Provenance</h2><dl class="facts">${facts.slice(0, 80).map(([name, value]) => html`<div><dt title=${name}><bdi class="cut">${name}</bdi></dt><dd class="cut" dir="auto" title=${value}>${value}</dd></div>`)}</dl></section>`;
  }

  #notes() {
    const notes = this.detail.notes ?? [];
    const { study, number } = this;
    if (!notes.length && !study.maySteer) return nothing;
    const send = async () => {
      if (this.note.trim() && (await remark(study, { trial: number, kind: "note", text: this.note.trim() }))) this.note = "";
    };
    return html`<section class="card notes"><h2>Notes</h2>
      <ul class="lines">${notes.map((/** @type {any} */ one) => html`<li><p class="pre" dir="auto">${one.text}</p><p class="quiet"><bdi>${one.by}</bdi>, <span title=${fullMoment(one.at)}>${momentText(one.at)}</span></p></li>`)}</ul>
      ${study.maySteer ? html`<textarea rows="2" maxlength="10000" aria-label="a note" placeholder="Write a note" dir="auto" .value=${this.note} @input=${(/** @type {any} */ event) => (this.note = event.target.value)}
        @keydown=${(/** @type {KeyboardEvent} */ event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && send()}></textarea><button data-note ?disabled=${!this.note.trim()} @click=${send}>${icon("note")}Keep note</button>` : nothing}</section>`;
  }

  async #queue() {
    const { make } = await import("./queue-dialog.js");
    openDialog(make(this.study, this.number));
  }
}
customElements.define("tw-trial", TrialView);

/** @param {string} text */
function lastLine(text) {
  return text.trim().split("\n").at(-1) ?? "";
}

/** Return an object's facts as names and texts, nested ones by dotted names. @param {any} value @param {string} [prefix] @returns {[string, string][]} */
function flattened(value, prefix = "") {
  return Object.entries(value).flatMap(([name, one]) => {
    if (one === null || one === undefined || one === "") return [];
    if (typeof one === "object" && !Array.isArray(one)) return flattened(one, `${prefix}${name}.`);
    if (typeof one === "number" && /(^|_)at$/.test(name)) return [[`${prefix}${name.replaceAll("_", " ")}`, fullMoment(one)]];
    if (Number.isInteger(one)) return [[`${prefix}${name}`, String(one)]]; // it names something, such as a process
    return [/** @type {[string, string]} */ ([`${prefix}${name}`, Array.isArray(one) ? one.map((part) => valueText(part, 8)).join(", ") : valueText(one, 8)])];
  });
}

