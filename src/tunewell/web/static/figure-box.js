// A figure of a study in its box: read when it comes into sight, read again when trials have changed, and sifted and
// marked as the study is looked at.

import { read } from "./api.js";
import { unpackedColumn, unpackedNumbers, wordOf } from "./figures/data.js";
import { coloredByTrial } from "./line-figure.js";
import { place } from "./place.js";
import { html, nothing } from "./vendor/lit.js";
import { View, icon } from "./view.js";
import { countText, roles } from "./words.js";
import "./figures/tw-figure.js";

const leastMs = 1000; // between two readings
const share = 8; // a figure that took a second to make is made every eight seconds at most
const many = 2000; // trials, of which a figure is not made anew for each that changes
const changedShare = 0.02; // so many of them at a time
const longestMs = 60_000; // or after as long
const mostRows = 50;
/** @type {Record<string, string>} as figures have them */
const symbols = { complete: "circle", stopped: "square", paused: "ring", held: "diamond", running: "triangle-up", diverged: "triangle-down", failed: "cross" };
const ofOthers = new Set(["importance", "ranks", "space", "distribution", "confirmed"]); // rows that are no trials
const mostColumns = 14;
const captionRoom = 60; // of the title and the caption, in pixels
const arrays = ["x", "y", "x2", "y2", "low", "high", "value"];

/** Attributes: kind, height. Properties: study, query, or a figure that is there already. */
export class FigureBox extends View {
  static properties = {
    kind: {},
    height: {},
    study: { attribute: false },
    query: { attribute: false },
    figure: { attribute: false },
    label: {},
    trials: { attribute: false },
    hasTable: { state: true },
    error: { state: true },
    isRead: { state: true },
  };

  #seen = false;
  #isReading = false;
  #readOf = "";
  #wanted = "";
  #readAt = -Infinity;
  #cost = 0;
  /** @type {number | undefined} the study's best value when it was read */
  #bestThen;
  #timer = 0;
  /** @type {AbortController | null} */
  #abort = null;
  /** @type {any} as it came */
  #json = null;
  /** @type {any} */
  #given = null;
  #drawnOf = "";
  /** @type {Map<number, number[]> | null} the rows of each trial, where they differ from its number */
  #rowsOf = null;
  /** @type {Set<number> | null | undefined} */
  #marked;
  #observer = new IntersectionObserver(
    ([entry]) => {
      this.#seen = entry.isIntersecting;
      if (this.#seen) this.told();
    },
    { rootMargin: "60px" },
  );

  constructor() {
    super();
    this.kind = "";
    this.height = "";
    /** @type {import("./study.js").Study | null} */
    this.study = null;
    this.query = "";
    /** @type {any} */
    this.figure = null;
    this.label = "";
    /** @type {number[] | null} each of these in a colour of its own */
    this.trials = null;
    this.hasTable = false;
    this.error = "";
    this.isRead = false;
  }

  connectedCallback() {
    super.connectedCallback();
    this.#observer.observe(this);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#observer.disconnect();
    this.#abort?.abort();
    clearTimeout(this.#timer);
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("study") && this.study) this.watch(this.study);
  }

  updated() {
    this.told();
  }

  told() {
    if (!this.#seen) return;
    if (this.figure) {
      if (this.#given !== this.figure) this.#take((this.#given = this.figure), "given");
      else this.#draw();
      return;
    }
    const study = this.study;
    if (!study?.trials) return;
    const isOther = (this.#isReading ? this.#wanted : this.#readOf).split("\n")[0] !== this.#what;
    const isOld = this.#readOf !== `${this.#what}\n${study.revision}`;
    if (isOther || (isOld && !this.#isLive(study))) this.#readLater(isOther);
    else if (isOld) this.#readMuchLater();
    this.#draw();
  }

  /**
   * Whether what has changed since the figure was made is little beside what it shows, so that it is drawn over it.
   * @param {import("./study.js").Study} study
   */
  #isLive(study) {
    const rows = this.#json?.table.rows ?? 0;
    if (rows < many || this.#isReading || performance.now() > this.#readAt + longestMs) return false;
    const since = Number(this.#readOf.split("\n")[1]);
    let changed = (study.trials?.rows ?? 0) - rows;
    if (changed < 0) return false; // they are others
    for (const [trial, said] of study.heard) changed += trial < rows && (said.at(-1)?.revision ?? 0) > since ? 1 : 0;
    return changed <= changedShare * rows && study.known.best?.value === this.#bestThen;
  }

  /** Read it again when it has been long ago, whether or not more comes. */
  #readMuchLater() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.told(), Math.max(leastMs, this.#readAt + longestMs + leastMs - performance.now()));
  }

  /** What came since, where the figure has a place for it. @param {import("./study.js").Study} study */
  #liveItems(study) {
    const y = this.#json.panels[0]?.y;
    const place = y && placeOn(y);
    if (!place || !["history", "curves"].includes(this.kind) || (this.#json.table.rows ?? 0) < many) return [];
    const since = Number(this.#readOf.split("\n")[1]);
    const items = [];
    for (const [trial, all] of study.heard) {
      const said = all.filter(({ revision }) => revision > since);
      if (!said.length || study.shown[trial] === 0) continue;
      const state = String(study.trials?.at("state", trial));
      const look = { color: roles[/** @type {keyof typeof roles} */ (state)] ?? "running", symbol: symbols[state] ?? "triangle-up" };
      const value = study.trials?.at("value", trial) ?? null;
      if (this.kind === "history") {
        const worst = y.best === "low" ? y.high : y.low;
        const isSound = value !== null && look.color !== "failed";
        items.push({ points: [[trial, isSound ? place(Number(value)) : worst]], ...look });
      } else {
        const points = said.filter((one) => one.epoch !== null && one.value !== null).map((one) => [one.epoch, place(Number(one.value))]);
        if (points.length) items.push({ points, ...look });
      }
    }
    return items;
  }

  get #what() {
    return `${this.kind}?${this.query}`;
  }

  /** @param {boolean} isOther another figure: at once */
  #readLater(isOther) {
    if (isOther && this.#isReading) this.#abort?.abort();
    else if (this.#isReading) return;
    clearTimeout(this.#timer);
    const wait = isOther ? 0 : Math.max(0, this.#readAt + Math.max(leastMs, share * this.#cost) - performance.now());
    this.#timer = setTimeout(() => this.#read(), wait);
  }

  async #read() {
    const study = /** @type {import("./study.js").Study} */ (this.study);
    if (!this.isConnected || !this.#seen) return;
    const abort = (this.#abort = new AbortController());
    const begin = performance.now();
    const readOf = `${this.#what}\n${study.revision}`;
    const best = study.known.best?.value;
    this.#isReading = true;
    this.#wanted = readOf;
    try {
      const query = [this.query, ofOthers.has(this.kind) ? "" : "table=none"].filter(Boolean).join("&");
      const json = await read(`studies/${study.id}/figures/${this.kind}?${query}`, abort.signal);
      this.#readOf = `${readOf.split("\n")[0]}\n${json.revision}`; // it may be one that was made before
      this.#bestThen = best;
      this.error = "";
      this.#take(json, this.#readOf);
    } catch (error) {
      if (abort.signal.aborted) return;
      this.#readOf = readOf;
      this.error = /** @type {Error} */ (error).message;
    } finally {
      if (abort === this.#abort) {
        this.#isReading = false;
        this.isRead = true;
        this.#readAt = performance.now();
        this.#cost = this.#readAt - begin;
        requestAnimationFrame(() => setTimeout(() => (this.#cost = performance.now() - begin))); // with its drawing
        if (study.revision !== Number(this.#readOf.split("\n")[1])) this.told();
      }
    }
  }

  /** @param {any} json @param {string} of */
  #take(json, of) {
    this.#json = json.table ? json : { ...json, table: { of: "trials", columns: [], rows: this.study?.trials?.rows ?? 0 } };
    this.#rowsOf = rowsOf(this.#json);
    this.#drawnOf = "";
    this.isRead = true;
    this.#draw(of);
  }

  #draw(of = this.#readOf) {
    const element = /** @type {any} */ (this.querySelector("tw-figure"));
    const study = this.study;
    if (!element || !this.#json) return;
    const isSifted = Boolean(study?.isSifted);
    const drawnOf = `${of}\n${isSifted ? study?.shownCount : ""}`;
    const isNew = drawnOf !== this.#drawnOf;
    if (isNew) {
      this.#drawnOf = drawnOf;
      element.figure = this.#sifted(isSifted);
      if (this.hasTable) this.requestUpdate();
    }
    if (study && !this.figure) element.live = this.#liveItems(study);
    const marked = study?.standingOut ?? null;
    if (study?.brushedBy === this && marked && !isNew) this.#marked = marked;
    else if (isNew || marked !== this.#marked) {
      this.#marked = marked;
      element.selected = marked && this.#isOfTrials ? this.#rows(marked) : null;
    }
  }

  get #isOfTrials() {
    return this.#json?.table.of === "trials" || this.#rowsOf !== null;
  }

  /** @param {Set<number>} trials */
  #rows(trials) {
    if (!this.#rowsOf) return [...trials];
    const rows = [];
    for (const trial of trials) rows.push(...(this.#rowsOf.get(trial) ?? []));
    return rows;
  }

  /** @param {number} row @returns {number | null} the trial */
  #trialOf(row) {
    if (this.#json?.table.of === "trials") return row;
    const column = this.#json?.table.columns.find((/** @type {any} */ one) => one.name === "trial");
    const trial = column ? Number(unpackedColumn(column.values)[row]) : NaN;
    return Number.isInteger(trial) ? trial : null;
  }

  /** Return the figure with the columns that the page has already, and without what is hidden. @param {boolean} isSifted */
  #sifted(isSifted) {
    const json = this.trials ? coloredByTrial(this.#json, this.trials, (row) => this.#trialOf(row)) : this.#json;
    const study = this.study;
    const ofTrials = json.table.of === "trials";
    const table = ofTrials && study?.trials ? { columns: columnsOf(study, json.table.rows), rows: json.table.rows } : json.table;
    if (!isSifted || !study || !this.#isOfTrials) return { ...json, table };
    const shown = study.shown;
    const isShown = (/** @type {number} */ row) => {
      const trial = ofTrials ? row : this.#trialOf(row);
      return trial === null || trial >= shown.length || shown[trial] === 1;
    };
    const panels = json.panels.map((/** @type {any} */ panel) => ({
      ...panel,
      layers: panel.layers.map((/** @type {any} */ layer) => siftedLayer(layer, isShown)),
    }));
    const hidden = shown.reduce((n, one) => n - one, shown.length);
    const note = hidden ? ` ${countText(hidden)} of ${countText(shown.length)} trials are hidden by the filter.` : "";
    return { ...json, panels, table, caption: json.caption + note };
  }

  render() {
    const name = this.label || this.#json?.title || this.kind;
    // as high as it will be, so that what stands below it does not come into sight, and is not read, before it should
    const waits = this.isRead || this.error ? "" : `min-height: ${(Number(this.height) || 260) + captionRoom}px`;
    return html`<div class="figure-box" .style=${waits}>
      <div class="figure-tools"><button class="quiet icon-only" aria-pressed=${this.hasTable} title="the data as a table"
        aria-label="the data of ${name} as a table" @click=${() => (this.hasTable = !this.hasTable)}>${icon("table")}</button></div>
      <tw-figure table-rows="0" height=${this.height || nothing} ?hidden=${Boolean(this.error) || !this.isRead}
        @tw-brush=${this.#brushed} @tw-pick=${this.#picked}></tw-figure>
      ${this.error ? html`<p class="figure-none">${this.error}</p>` : nothing}
      ${!this.isRead && !this.error ? html`<div class="figure-wait" aria-label="being drawn"></div>` : nothing}
      ${this.hasTable && this.#json ? this.#table() : nothing}
    </div>`;
  }

  #table() {
    const figure = /** @type {any} */ (this.querySelector("tw-figure"))?.figure ?? this.#json;
    const columns = figure.table.columns.slice(0, mostColumns).map((/** @type {any} */ one) => ({ name: one.name, values: unpackedColumn(one.values) }));
    const rows = Math.min(figure.table.rows, mostRows);
    return html`<div class="scroll figure-table" tabindex="0" role="region" aria-label="the data of ${figure.title}"><table>
      <thead><tr>${columns.map((/** @type {any} */ { name }) => html`<th scope="col" title=${name}><span class="cut" dir="auto">${name}</span></th>`)}</tr></thead>
      <tbody>${Array.from({ length: rows }, (_, row) => html`<tr>${columns.map((/** @type {any} */ { values }) => html`<td><span class="cut" dir="auto">${wordOf(values[row])}</span></td>`)}</tr>`)}</tbody></table>
      ${figure.table.rows > rows || figure.table.columns.length > mostColumns
        ? html`<p class="quiet">The first ${rows} of ${countText(figure.table.rows)} rows; all are in the CSV file.</p>` : nothing}</div>`;
  }

  /** @param {CustomEvent<{rows: number[] | null}>} event */
  #brushed({ detail: { rows } }) {
    if (!this.study || !this.#isOfTrials) return;
    const trials = rows && new Set(rows.map((row) => this.#trialOf(row)).filter((one) => one !== null));
    this.#marked = trials;
    this.study.brush(trials, this);
  }

  /** @param {CustomEvent<{row: number}>} event */
  #picked({ detail: { row } }) {
    const trial = this.#isOfTrials ? this.#trialOf(row) : null;
    if (this.study && trial !== null) place.go("study", this.study.id, "trial", trial);
  }
}
customElements.define("tw-figure-box", FigureBox);

/** @param {any} json @returns {Map<number, number[]> | null} */
function rowsOf(json) {
  if (json.table.of === "trials") return null;
  const column = json.table.columns.find((/** @type {any} */ one) => one.name === "trial");
  if (!column) return null;
  /** @type {Map<number, number[]>} */
  const found = new Map();
  const values = unpackedColumn(column.values);
  for (let row = 0; row < json.table.rows; row++) {
    const trial = Number(values[row]);
    const rows = found.get(trial);
    if (rows) rows.push(row);
    else found.set(trial, [row]);
  }
  return found;
}

/** Return the columns of a figure whose rows are the trials. @param {import("./study.js").Study} study @param {number} rows */
function columnsOf(study, rows) {
  const trials = /** @type {import("./trials.js").Trials} */ (study.trials);
  const names = [["trial", "trial"], ["state", "state"], ["value", study.known.metric], ["epochs", "epochs"]];
  for (const name of trials.params) names.push([`param:${name}`, name]);
  return names.flatMap(([of, name]) => {
    const column = trials.columns.get(of);
    if (!column) return [];
    return [{ name, values: column.isNumber ? /** @type {Float64Array} */ (column.values).subarray(0, rows) : column.values.slice(0, rows) }];
  });
}

/** Return where on an axis a value lies. @param {any} axis @returns {((value: number) => number) | null} */
function placeOn({ scale }) {
  if (scale === "log") return (value) => (value > 0 ? Math.log(value) : -Infinity);
  if (scale === "log1m") return (value) => (value < 1 ? -Math.log1p(-value) : Infinity);
  return scale === "linear" ? (value) => value : null;
}

/** Return a layer without the items whose row is not shown. @param {any} layer @param {(row: number) => boolean} isShown */
function siftedLayer(layer, isShown) {
  if (layer.rows === null) return layer;
  const rows = unpackedNumbers(layer.rows);
  const kept = [];
  for (let i = 0; i < rows.length; i++) if (isShown(rows[i])) kept.push(i);
  if (kept.length === rows.length) return layer;
  /** @type {any} */
  const sifted = { ...layer, rows: Float64Array.from(kept, (i) => rows[i]) };
  for (const name of arrays) {
    if (layer[name] === null || layer[name] === undefined) continue;
    const values = unpackedNumbers(layer[name]);
    const each = rows.length ? Math.round(values.length / rows.length) : 1; // parallel lines have a place on each axis
    const some = new Float64Array(kept.length * each);
    kept.forEach((i, j) => some.set(values.subarray(i * each, (i + 1) * each), j * each));
    sifted[name] = some;
  }
  if (layer.hover) sifted.hover = kept.map((i) => layer.hover[i]);
  return sifted;
}
