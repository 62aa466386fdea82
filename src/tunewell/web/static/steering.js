// The controls of a trial: what may be asked of it, and what became of what was asked.

import { place } from "./place.js";
import { html, nothing, repeat } from "./vendor/lit.js";
import { View, icon, say } from "./view.js";
import { fullMoment, momentText, valueText } from "./words.js";
import "./param-field.js";

/** @typedef {import("./study.js").Command} Command */

export class Steering extends View {
  static properties = {
    study: { attribute: false },
    detail: { attribute: false },
    name: { state: true },
    value: { state: true },
    changes: { state: true },
    from: { state: true },
    why: { state: true },
    note: { state: true },
    twin: { state: true },
    isBusy: { state: true },
    error: { state: true },
  };

  constructor() {
    super();
    /** @type {import("./study.js").Study} */
    this.study = /** @type {any} */ (null);
    /** @type {number | null} of how many epochs a twin goes on without the change; null: there is none */
    this.twin = null;
    /** @type {any} what the server says of the trial */
    this.detail = null;
    this.name = "";
    /** @type {any} undefined: as it is now; null: what is written is no value */
    this.value = undefined;
    /** @type {{name: string, value: any}[]} for a rewind or a branch */
    this.changes = [];
    this.from = "";
    this.why = "";
    this.note = "";
    this.isBusy = false;
    this.error = "";
  }

  /** @returns {number} */
  get trial() {
    return this.detail.trial.trial;
  }

  /** The parameters that may be set while it trains. */
  get live() {
    return this.study.space.filter(({ name, live }) => live && name in this.detail.params);
  }

  /** @param {object} command */
  async #send(command) {
    this.isBusy = true;
    this.error = "";
    try {
      await this.study.command({ trial: this.trial, why: this.why.trim(), ...command });
      this.why = "";
      return true;
    } catch (error) {
      this.error = /** @type {Error} */ (error).message;
      return false;
    } finally {
      this.isBusy = false;
    }
  }

  /** @param {string} kind @param {string} title @param {string} look @param {() => void} [act] */
  #button(kind, title, look = "", act = () => void this.#send({ kind })) {
    const not = this.detail.actions?.[kind] ?? null;
    return html`<button class=${look} ?disabled=${not !== null || this.isBusy} title=${not ?? ""} @click=${act}>${icon({ resume: "play", checkpoint: "download", set: "check" }[kind] ?? kind)}${title}</button>`;
  }

  render() {
    const { detail } = this;
    if (!detail) return nothing;
    if (!this.study.maySteer) return html`<section class="card"><h2>View only</h2><p class="quiet">${icon("eye")}This browser may look, and changes nothing.</p></section>`;
    const nots = [...new Set(["pause", "set", "rewind", "branch"].map((kind) => detail.actions?.[kind]).filter(Boolean))];
    return html`<section class="card steering" aria-label="steer trial ${this.trial}"><h2>Steer</h2>
      <div class="actions">
        ${detail.trial.state === "held" ? this.#button("resume", "Resume", "primary") : this.#button("pause", "Pause")}
        ${this.#button("stop", "Stop", "danger", () => this.#stop())}
        ${"checkpoint" in (detail.actions ?? {}) ? this.#button("checkpoint", "Checkpoint") : nothing}</div>
      ${nots.length ? html`<p class="quiet reasons">${nots[0]}</p>` : nothing}
      <p class="error" role="alert">${this.error}</p>
      ${this.#setting()}
      ${this.#going()}
      <label class="stacked"><span>Why <span class="quiet">(kept with the next command)</span></span><input type="text" maxlength="500" .value=${this.why} @input=${(/** @type {any} */ event) => (this.why = event.target.value)}></label>
    </section>`;
  }

  #setting() {
    const live = this.live;
    if (!live.length) return html`<p class="quiet">No parameter of this study is live: none can be set while a trial trains. Branch with another value instead.</p>`;
    const param = live.find(({ name }) => name === this.name) ?? live[0];
    const now = this.detail.values?.[param.name] ?? this.detail.params[param.name];
    const value = this.value === undefined ? now : this.value;
    const not = this.detail.actions?.set ?? null;
    if (not !== null && this.detail.trial.ended_at) return nothing; // why is said above
    const set = async () => {
      if (await this.#send({ kind: "set", name: param.name, value, ...(this.twin ? { twin: this.twin } : {}) })) [this.value, this.twin] = [undefined, null];
    };
    return html`<fieldset ?disabled=${not !== null}><legend>Set a live parameter</legend>
      <div class="set-row"><select aria-label="the parameter" @change=${(/** @type {any} */ event) => { this.name = event.target.value; this.value = undefined; }}>
        ${live.map(({ name }) => html`<option value=${name} ?selected=${name === param.name}>${name.slice(0, 60)}</option>`)}</select>
        <span class="quiet now">now ${valueText(now)}</span></div>
      <tw-param-field .param=${param} .value=${value} @tw-value=${(/** @type {CustomEvent} */ event) => (this.value = event.detail.value)}></tw-param-field>
      <div class="line"><label class="line"><input type="checkbox" data-twin .checked=${this.twin !== null} @change=${(/** @type {any} */ event) => (this.twin = event.target.checked ? 5 : null)}>and a twin goes on without it</label>
        ${this.twin === null ? nothing : html`<label class="line">for <input class="few" type="number" min="1" max="9999" step="1" aria-label="epochs of the twin" .value=${String(this.twin || "")} @input=${(/** @type {any} */ event) => (this.twin = Math.max(0, Math.trunc(Number(event.target.value))))}> epochs</label>`}</div>
      ${this.twin === null ? nothing : html`<p class="quiet">Trained beside it from where it is now; the trial then says what the change has done, with an interval.</p>`}
      <button class="primary" data-set ?disabled=${not !== null || this.isBusy || value === null || value === now || this.twin === 0} @click=${set}>Set <bdi class="cut">${param.name}</bdi></button>
    </fieldset>`;
  }

  #going() {
    const { detail } = this;
    const saved = detail.checkpoints ?? [];
    const cannot = detail.actions ?? {};
    if (cannot.branch && cannot.rewind) return nothing;
    const free = this.study.space.filter(({ name }) => name in detail.params && !this.changes.some((one) => one.name === name));
    const params = () => Object.fromEntries(this.changes.map(({ name, value }) => [name, value]));
    const isWrong = this.changes.some(({ value }) => value === null);
    const done = () => { this.changes = []; this.from = ""; };
    const branch = async () => (await this.#send({ kind: "branch", params: params(), ...(this.from === "" ? {} : { epoch: Number(this.from) }) })) && done();
    const rewind = async () => (await this.#send({ kind: "rewind", epoch: Number(this.from), params: params() })) && done();
    return html`<fieldset><legend>Go on from an earlier epoch</legend>
      <label class="line">From <select aria-label="from which epoch" @change=${(/** @type {any} */ event) => (this.from = event.target.value)}>
        <option value="" ?selected=${this.from === ""}>where it is now</option><option value="0" ?selected=${this.from === "0"}>the beginning, its seed</option>
        ${[...saved].reverse().map((/** @type {number} */ epoch) => html`<option value=${epoch} ?selected=${this.from === String(epoch)}>epoch ${epoch}</option>`)}</select></label>
      ${repeat(this.changes, ({ name }) => name, (change) => html`<div class="change"><span class="cut" title=${change.name}><bdi>${change.name}</bdi></span>
        <button class="quiet icon-only" aria-label="leave ${change.name} as it is" @click=${() => (this.changes = this.changes.filter((one) => one !== change))}>${icon("close")}</button>
        <tw-param-field .param=${this.study.space.find(({ name }) => name === change.name)} .value=${change.value}
          @tw-value=${(/** @type {CustomEvent} */ event) => { change.value = event.detail.value; this.requestUpdate(); }}></tw-param-field></div>`)}
      <label class="line">With another <select aria-label="a parameter to change" @change=${(/** @type {any} */ event) => { this.#add(event.target.value); event.target.value = ""; }}>
        <option value="" selected>choose a parameter</option>${free.map(({ name }) => html`<option value=${name}>${name.slice(0, 60)}</option>`)}</select></label>
      <div class="actions">
        <button ?disabled=${Boolean(cannot.branch) || isWrong || this.isBusy} title=${cannot.branch ?? "another trial goes on from there, beside this one"} @click=${branch}>${icon("branch")}Branch</button>
        <button ?disabled=${Boolean(cannot.rewind) || isWrong || this.isBusy || this.from === ""} title=${cannot.rewind ?? (this.from === "" ? "choose an epoch to go back to" : "this trial ends, and goes on from there as another")} @click=${rewind}>${icon("rewind")}Rewind</button></div>
    </fieldset>`;
  }

  /** @param {string} name */
  #add(name) {
    if (name) this.changes = [...this.changes, { name, value: this.detail.values?.[name] ?? this.detail.params[name] }];
  }

  async #stop() {
    const { confirmed } = await import("./confirm-dialog.js");
    if (await confirmed(`Stop trial ${this.trial}?`, "It ends after its epoch, and cannot be resumed. A branch from one of its checkpoints still can.", "Stop trial")) this.#send({ kind: "stop" });
  }
}
customElements.define("tw-steering", Steering);

/** What was asked of a trial, the newest first, each as asked, taken up, or refused. */
export class Commands extends View {
  static properties = { study: { attribute: false }, commands: { attribute: false } };

  constructor() {
    super();
    /** @type {import("./study.js").Study} */
    this.study = /** @type {any} */ (null);
    /** @type {Command[]} */
    this.commands = [];
  }

  render() {
    if (!this.commands.length) return html`<p class="quiet">Nothing was asked of it.</p>`;
    return html`<ol class="commands">${repeat(this.commands, ({ id }) => id, (one) => this.#command(one))}</ol>`;
  }

  /** @param {Command} one */
  #command(one) {
    const waits = this.study.trials?.at("state", one.trial) === "running" ? "waits for the end of the epoch" : "waits until the process that runs the study looks at it";
    const [mark, words] = { asked: ["clock", `asked; ${waits}`], taken: ["check", one.epoch === null ? "done" : `taken up at epoch ${one.epoch}`], refused: ["warning", "refused"] }[one.state];
    return html`<li class=${one.state} data-command=${one.id} data-state=${one.state}>${icon(mark)}
      <div><p class="what">${one.state === "taken" && one.text !== one.kind ? nothing : html`<strong>${one.kind}</strong> `}<span dir="auto">${one.text === one.kind ? "" : wishOf(one)}</span></p>
        <p class="outcome">${words}${one.refused ? html`: <span dir="auto">${one.refused}</span>` : nothing}${one.branch !== null && one.branch !== undefined ? html`, as <a href=${place.link("study", this.study.id, "trial", one.branch)}>trial ${one.branch}</a>` : nothing}</p>
        <p class="quiet"><bdi>${one.by}</bdi>, <span title=${fullMoment(one.at)}>${momentText(one.at)}</span>${one.why ? html`: <span dir="auto">${one.why}</span>` : nothing}</p></div></li>`;
  }
}
customElements.define("tw-commands", Commands);

/** Return what a command is to do, or has done. @param {Command} one */
function wishOf({ kind, state, text, data }) {
  if (state === "taken") return text;
  const params = Object.entries(data.params ?? {}).map(([name, value]) => `${name} ${valueText(value)}`);
  if (kind === "set") return `${data.name} to ${valueText(data.value)}`;
  if (kind === "rewind" || kind === "branch") return [data.epoch === null || data.epoch === undefined ? "where it is" : `at epoch ${data.epoch}`, ...params].join(", ");
  return data.text ?? data.name ?? "";
}

/** Say what became of a command, once it is known. @param {Command} one */
export function announce(one) {
  if (one.state === "taken" && !["note", "tag", "untag"].includes(one.kind)) say(`Trial ${one.trial}: ${one.kind} taken up at epoch ${one.epoch}.`);
  if (one.state === "refused") say(`Trial ${one.trial}: ${one.kind} refused: ${one.refused}`, "bad");
}
