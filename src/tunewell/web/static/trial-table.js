// The table of trials: only the rows in sight are in the page, however many there are.

import { place } from "./place.js";
import { html, live, nothing, repeat } from "./vendor/lit.js";
import { View, icon, stateMark } from "./view.js";
import { countText, durationText, fullMoment, meanings, momentText, valueText } from "./words.js";

const rowHeight = 36;
const spare = 6; // rows above and below those in sight
const paramsAtFirst = 6;
const mostColumns = 24;
const narrow = matchMedia("(max-width: 640px)");

/** @typedef {{name: string, title: string, look: string, width: number}} Shown */

export class TrialTable extends View {
  static properties = { study: { attribute: false }, top: { state: true }, room: { state: true }, focused: { state: true }, isChoosing: { state: true }, search: { state: true } };

  #observer = new ResizeObserver(([entry]) => {
    if (entry.contentRect.height) this.room = entry.contentRect.height;
  });
  #takesFocus = false;

  constructor() {
    super();
    /** @type {import("./study.js").Study} */
    this.study = /** @type {any} */ (null);
    this.top = 0;
    this.room = 600;
    /** The row that the keyboard is on, by its place in the order. */
    this.focused = 0;
    this.isChoosing = false;
    this.search = "";
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("study") && this.study) this.watch(this.study);
  }

  firstUpdated() {
    const body = this.querySelector(".trial-rows");
    if (body) this.#observer.observe(body);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#observer.disconnect();
  }

  /** All columns that the table can have. @returns {Shown[]} */
  get all() {
    const { known, trials } = this.study;
    const isNarrow = narrow.matches;
    const fixed = [
      { name: "trial", title: "trial", look: "trial", width: isNarrow ? 60 : 72 },
      { name: "state", title: "state", look: "state", width: isNarrow ? 132 : 124 },
      { name: "value", title: known?.metric ?? "value", look: "number", width: isNarrow ? 92 : 110 },
      { name: "epochs", title: "epochs", look: "epochs", width: 92 },
    ];
    const params = (trials?.params ?? []).map((name) => {
      const isNumber = trials?.columns.get(`param:${name}`)?.isNumber;
      return { name: `param:${name}`, title: name, look: isNumber ? "number" : "word", width: Math.round(Math.min(152, Math.max(96, 46 + 7.8 * name.length))) };
    });
    return [
      ...fixed,
      ...params,
      { name: "best_epoch", title: "best at epoch", look: "number", width: 104 },
      { name: "seconds", title: "time", look: "duration", width: 84 },
      { name: "began_at", title: "begun", look: "moment", width: 118 },
      { name: "ended_at", title: "ended", look: "moment", width: 118 },
      { name: "parent", title: "branch of", look: "number", width: 88 },
      { name: "tags", title: "tags", look: "tags", width: 130 },
      { name: "notes", title: "notes", look: "number", width: 68 },
      { name: "reason", title: "why it ended", look: "word", width: 240 },
    ];
  }

  /** Those that are shown. */
  get columns() {
    const all = this.all;
    const chosen = place.query.get("cols");
    if (chosen) {
      const names = new Set(chosen.split("~"));
      return all.filter(({ name }) => names.has(name) || name === "trial").slice(0, mostColumns);
    }
    const first = new Set(all.filter(({ name }) => name.startsWith("param:")).slice(0, paramsAtFirst).map(({ name }) => name));
    return all.filter(({ name }) => first.has(name) || ["trial", "state", "value", "epochs", "seconds", "tags"].includes(name));
  }

  /** @param {string} name */
  #toggleColumn(name) {
    const names = new Set(this.columns.map((one) => one.name));
    if (!names.delete(name)) names.add(name);
    place.set({ cols: [...names].join("~") });
    this.requestUpdate();
  }

  render() {
    const { study } = this;
    if (!study?.trials) return nothing;
    const order = study.order;
    const columns = this.columns;
    this.focused = Math.max(0, Math.min(this.focused, order.length - 1));
    const begin = Math.max(0, Math.floor(this.top / rowHeight) - spare);
    const end = Math.min(order.length, Math.ceil((this.top + this.room) / rowHeight) + spare);
    const { name: sorted, isDown } = study.sorting;
    const marks = narrow.matches ? 32 : 40;
    const template = `${marks}px ${marks}px ${columns.map(({ width, look }) => (look === "trial" ? `${width}px` : `minmax(${width}px, 1fr)`)).join(" ")}`;
    const rows = Array.from(order.subarray(begin, end), (row, i) => ({ row, at: begin + i }));
    return html`<div class="table-tools">
        <p class="quiet" aria-live="polite">${countText(order.length)}${order.length === study.trials.rows ? "" : ` of ${countText(study.trials.rows)}`} trials</p>
        <span class="grow"></span>
        <div class="menu-host"><button aria-expanded=${this.isChoosing} @click=${() => (this.isChoosing = !this.isChoosing)}>${icon("columns")}Columns</button>
          ${this.isChoosing ? this.#chooser(columns) : nothing}</div>
        <a class="button" href="api/studies/${study.id}/export.csv" download>${icon("download")}CSV</a>
        <a class="button" href="api/studies/${study.id}/export.json" download>JSON</a>
      </div>
      <div class="trial-rows" role="grid" aria-label="trials" aria-rowcount=${order.length + 1} aria-colcount=${columns.length + 2}
        aria-multiselectable="true" .style=${`--all: ${Math.max(order.length, 4) * rowHeight + 56}px`} @scroll=${(/** @type {any} */ event) => (this.top = event.target.scrollTop)} @keydown=${this.#key}>
        <div class="trial-sheet" .style=${`--columns: ${template}; --height: ${order.length * rowHeight}px; --least: ${2 * marks + columns.reduce((sum, { width }) => sum + width, 0)}px`}>
          <div class="trial-head" role="row" aria-rowindex="1">
            <span role="columnheader" class="quiet"><span class="hidden">compare</span></span><span role="columnheader"><span class="hidden">favourite</span></span>
            ${columns.map((column) => {
              const isSorted = column.name === sorted;
              return html`<span role="columnheader" class="${column.look}" aria-sort=${isSorted ? (isDown ? "descending" : "ascending") : "none"}>
                <button class="bare" title="sort by ${column.title}" @click=${() => study.sortBy(column.name)}><bdi class="cut">${column.title}</bdi>${isSorted ? html`<i class="sort ${isDown ? "down" : "up"}" aria-hidden="true"></i>` : nothing}</button></span>`;
            })}
          </div>
          <div class="trial-body" role="rowgroup">
            ${repeat(rows, ({ row }) => row, ({ row, at }) => this.#row(row, at, columns))}
          </div>
        </div>
        ${order.length ? nothing : html`<p class="none">${study.trials.rows ? "No trial is left by the filter." : "No trial has begun yet."}</p>`}
      </div>`;
  }

  /** @param {number} row @param {number} at @param {Shown[]} columns */
  #row(row, at, columns) {
    const { study } = this;
    const isPicked = study.picked.includes(row);
    const isFavourite = study.trials?.at("favourite", row) === true;
    const isBest = study.known?.best?.trial === row;
    return html`<div role="row" class="trial-row ${isPicked ? "picked" : ""} ${isBest ? "best" : ""}" aria-rowindex=${at + 2} aria-selected=${isPicked}
      tabindex=${at === this.focused ? 0 : -1} data-at=${at} data-trial=${row} .style=${`transform: translateY(${at * rowHeight}px)`}
      @focus=${() => (this.focused = at)} @dblclick=${() => this.#open(row)}>
      <span role="gridcell"><input type="checkbox" tabindex="-1" .checked=${live(isPicked)} aria-label="compare trial ${row}" @change=${() => study.togglePick(row)}></span>
      <span role="gridcell"><button class="bare star" tabindex="-1" aria-pressed=${isFavourite} ?disabled=${!study.maySteer}
        aria-label="favourite, trial ${row}" @click=${() => this.#favour(row, isFavourite)}>${icon("star")}</button></span>
      ${columns.map((column) => this.#cell(row, column))}
    </div>`;
  }

  /** @param {number} row @param {Shown} column */
  #cell(row, { name, look }) {
    const trials = /** @type {import("./trials.js").Trials} */ (this.study.trials);
    const value = trials.at(name, row);
    if (look === "trial") return html`<span role="gridcell" class="trial"><a tabindex="-1" href=${place.link("study", this.study.id, "trial", row)}>${row}</a></span>`;
    if (look === "state") {
      const badge = this.study.health.badges[row];
      const told = badge ? `${badge.title} (${Math.round(100 * badge.confidence)} %): ${badge.seen}${badge.more ? `; and ${badge.more} more` : ""}` : "";
      return html`<span role="gridcell" title=${meanings[String(value)] ?? ""}>${stateMark(String(value ?? ""))}${badge
        ? html`<a class="badge" tabindex="-1" href=${place.link("study", this.study.id, "trial", row)} title=${told} aria-label="diagnosis: ${told}">${icon("warning")}</a>` : nothing}</span>`;
    }
    if (look === "epochs") {
      const until = trials.at("until", row);
      const text = until !== null && until !== value ? html`${valueText(value)}<span class="quiet">/${valueText(until)}</span>` : valueText(value);
      return html`<span role="gridcell" class="number">${text}</span>`;
    }
    if (look === "tags") return html`<span role="gridcell" class="tags">${value ? String(value).split(" ").map((tag) => html`<span class="chip cut" title=${tag} dir="auto">${tag}</span>`) : nothing}</span>`;
    if (look === "duration") return html`<span role="gridcell" class="number">${durationText(/** @type {any} */ (value))}</span>`;
    if (look === "moment") return html`<span role="gridcell" title=${fullMoment(/** @type {any} */ (value))}>${momentText(/** @type {any} */ (value))}</span>`;
    if (look === "number") return html`<span role="gridcell" class="number" title=${value === null ? "" : valueText(value, 10)}>${value === null ? "" : valueText(value)}</span>`;
    const text = value === null ? "" : String(value);
    return html`<span role="gridcell" class="cut" title=${text.length > 14 ? text : ""} dir="auto">${text}</span>`;
  }

  /** @param {Shown[]} columns */
  #chooser(columns) {
    const shown = new Set(columns.map(({ name }) => name));
    const search = this.search.toLowerCase();
    const found = this.all.filter(({ name, title }) => name !== "trial" && title.toLowerCase().includes(search));
    return html`<div class="menu" @keydown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && (this.isChoosing = false)}>
      <input type="search" placeholder="Find a column" aria-label="find a column" .value=${live(this.search)} @input=${(/** @type {any} */ event) => (this.search = event.target.value)}>
      <div class="menu-list">${found.slice(0, 60).map(({ name, title }) => html`<label title=${title}><input type="checkbox" .checked=${live(shown.has(name))}
        ?disabled=${!shown.has(name) && shown.size >= mostColumns} @change=${() => this.#toggleColumn(name)}><bdi class="cut">${title}</bdi></label>`)}
        ${found.length > 60 ? html`<p class="quiet">and ${found.length - 60} more: write a part of the name</p>` : nothing}</div>
      <footer><button class="quiet" @click=${() => { place.set({ cols: "" }); this.requestUpdate(); }}>As at first</button></footer></div>`;
  }

  /** @param {number} row */
  #open(row) {
    place.go("study", this.study.id, "trial", row);
  }

  /** @param {number} row @param {boolean} isFavourite */
  async #favour(row, isFavourite) {
    const { favour } = await import("./remarks.js");
    await favour(this.study, row, !isFavourite);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (!target.classList.contains("trial-row")) return;
    const page = Math.max(1, Math.floor(this.room / rowHeight) - 2);
    const last = this.study.order.length - 1;
    /** @type {Record<string, number>} */
    const to = { ArrowDown: this.focused + 1, ArrowUp: this.focused - 1, PageDown: this.focused + page, PageUp: this.focused - page, Home: 0, End: last, j: this.focused + 1, k: this.focused - 1 };
    const row = this.study.order[this.focused];
    if (event.key in to) this.#focus(Math.max(0, Math.min(to[event.key], last)));
    else if (event.key === "Enter") this.#open(row);
    else if (event.key === " ") this.study.togglePick(row);
    else if (event.key === "f" && this.study.maySteer) this.#favour(row, this.study.trials?.at("favourite", row) === true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {number} at */
  #focus(at) {
    this.focused = at;
    const body = /** @type {HTMLElement} */ (this.querySelector(".trial-rows"));
    const top = at * rowHeight;
    const room = body.clientHeight - rowHeight; // under the head
    if (top < body.scrollTop) body.scrollTop = top;
    else if (top + rowHeight > body.scrollTop + room) body.scrollTop = top + rowHeight - room;
    this.top = body.scrollTop;
    this.#takesFocus = true;
  }

  updated() {
    if (!this.#takesFocus) return;
    this.#takesFocus = false;
    /** @type {HTMLElement | null} */ (this.querySelector(`[data-at="${this.focused}"]`))?.focus({ preventScroll: true });
  }
}
customElements.define("tw-trial-table", TrialTable);
