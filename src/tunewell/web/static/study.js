// One study as the page knows it: what the server has said, what has changed since, and how it is looked at.

import { ask, read, Refused } from "./api.js";
import { Feed } from "./feed.js";
import { packedSet, place, unpackedSet } from "./place.js";
import { Trials } from "./trials.js";

/**
 * @typedef {{id: number, trial: number, kind: string, text: string, by: string, why: string, at: number,
 *   state: "asked" | "taken" | "refused", epoch: number | null, refused: string | null, branch: number | null,
 *   data: Record<string, any>}} Command
 * @typedef {{name: string, kind: "float" | "int" | "choice", low: number | null, high: number | null,
 *   scale: string | null, values: any[] | null, default: any, tier: number, live: boolean, when: Record<string, any[]>,
 *   text: string}} Param
 * @typedef {{trial: number, epoch: number, value: number}} Best
 */

export const mostCompared = 10;
const refreshMs = 8000;
const firstHealthMs = 2500; // what is looked at first comes first
const healthMs = 20_000;
const mostHeard = 100; // of a trial

/**
 * A study, with the events `change` (data, or how it is looked at; once a frame) and `commands`.
 */
export class Study extends EventTarget {
  /** @type {any} the overview, or null until it is read */
  known = null;
  /** @type {Trials | null} */
  trials = null;
  revision = 0;
  /** @type {Refused | null} why it could not be read */
  error = null;
  /** @type {string | null} why it is no longer there */
  gone = null;
  /** @type {{why: string, since: number} | null} while its store cannot be reached */
  lost = null;
  /** @type {"live" | "away" | "out"} the stream */
  status = "away";
  /** @type {{alerts: {kind: string, trials: number[], text: string}[], badges: Record<string, {title: string, confidence: number, seen: string, more: number}>}} */
  health = { alerts: [], badges: {} };
  /** @type {Map<number, {revision: number, epoch: number | null, value: number | null}[]>} what was heard of trials, oldest first */
  heard = new Map();
  /** @type {Map<number, Command>} those that were heard of while the page is open, by id */
  commands = new Map();

  /** @type {Set<string>} states that are hidden everywhere */
  hidden = new Set();
  filter = "";
  sort = "";
  /** @type {Set<number> | null} trials under the brush */
  brushed = null;
  /** @type {any} the figure that the brush is on */
  brushedBy = null;
  /** @type {number[]} trials that are picked, to compare */
  picked = [];

  /** Counts what changes of trials or of which are shown: a figure that was made of an older count is old. */
  shownCount = 0;
  /** @type {Uint8Array} */
  #shown = new Uint8Array();
  /** @type {Int32Array | null} */
  #order = null;
  /** @type {Feed} */
  #feed;
  #frame = 0;
  /** @type {any[] | null} what came before the trials were read */
  #early = [];
  #abort = new AbortController();
  #looked = "";
  #refreshing = 0;
  #examining = 0;
  #isExamined = false;

  /** @param {number} id in the store */
  constructor(id) {
    super();
    this.id = id;
    this.#feed = new Feed(id, {
      after: () => this.revision,
      message: (message) => this.#heard(message),
      status: (status) => this.#said(status),
    });
    place.addEventListener("change", () => this.#look(), { signal: this.#abort.signal });
    this.#look();
    this.#load();
  }

  close() {
    this.#abort.abort();
    this.#feed.close();
    clearTimeout(this.#refreshing);
    clearTimeout(this.#examining);
    cancelAnimationFrame(this.#frame);
  }

  /** @returns {boolean} */
  get maySteer() {
    return this.known?.role === "steer";
  }

  /** @returns {boolean} */
  get maximizes() {
    return this.known?.direction === "maximize";
  }

  /** @returns {Param[]} */
  get space() {
    return this.known?.space ?? [];
  }

  /** The column that the table is sorted by, and whether downwards. */
  get sorting() {
    const text = this.sort || (this.maximizes ? "-value" : "value");
    return { name: text.replace(/^-/, ""), isDown: text.startsWith("-") };
  }

  /** For each trial whether it is shown. */
  get shown() {
    this.#sift();
    return this.#shown;
  }

  /** The trials of the table: shown, under the brush if there is one, sorted. */
  get order() {
    this.#sift();
    const { name, isDown } = this.sorting;
    this.#order ??= this.trials?.order(this.#shown, this.brushed, name, isDown) ?? new Int32Array();
    return this.#order;
  }

  /** The trials that stand out in figures, or null. @returns {Set<number> | null} */
  get standingOut() {
    return this.brushed ?? (this.picked.length ? new Set(this.picked) : null);
  }

  /** Whether trials are hidden, by their state or by the filter. */
  get isSifted() {
    return this.hidden.size > 0 || this.filter !== "";
  }

  async #load() {
    try {
      const [known, { revision, table }] = await Promise.all([
        read(`studies/${this.id}`, this.#abort.signal),
        read(`studies/${this.id}/trials`, this.#abort.signal),
      ]);
      this.known = known;
      this.trials = new Trials(table);
      this.revision = Math.min(revision, known.revision ?? revision);
      this.error = null;
      const early = this.#early ?? [];
      this.#early = null;
      early.forEach((message) => this.#heard(message));
      this.#changed(true);
      this.#feed.start();
      this.#examineLater(firstHealthMs);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.error = /** @type {Refused} */ (error);
      this.#changed(false);
      if (this.error.status === 0 || this.error.status === 503) setTimeout(() => this.#abort.signal.aborted || this.#load(), 3000);
    }
  }

  /** @param {number} revision @param {number[]} trials @param {[number, number, number | null][]} points */
  #remember(revision, trials, points) {
    const of = new Map(points.map(([trial, epoch, value]) => [trial, { epoch, value }]));
    for (const trial of trials) {
      const said = { revision, ...(of.get(trial) ?? { epoch: null, value: null }) };
      this.heard.set(trial, [...(this.heard.get(trial) ?? []), said].slice(-mostHeard));
    }
  }

  /** Alerts and badges, now and then while the page is in sight. @param {number} ms */
  #examineLater(ms) {
    clearTimeout(this.#examining);
    this.#examining = setTimeout(() => this.#examine(), ms);
  }

  async #examine() {
    try {
      if (document.hidden || this.gone || this.lost) return;
      const health = await read(`studies/${this.id}/health`, this.#abort.signal);
      const known = new Set(this.health.alerts.map(keyOf));
      const isLater = this.#isExamined;
      this.#isExamined = true;
      this.health = health;
      for (const one of health.alerts) {
        if (isLater && !known.has(keyOf(one))) this.dispatchEvent(new CustomEvent("alert", { detail: one.text }));
      }
      this.#changed(false);
    } catch {
      // the feed says what has become of the store
    } finally {
      if (!this.#abort.signal.aborted) this.#examineLater(healthMs);
    }
  }

  /** Tell of trials that have just failed or diverged. @param {any} rows */
  #warn(rows) {
    const ends = /** @type {string[]} */ (rows?.state ?? []);
    const bad = ends.flatMap((state, i) => {
      const trial = rows.trial[i];
      const before = this.trials?.at("state", trial);
      return ["failed", "diverged"].includes(state) && before !== state ? [`trial ${trial} ${state}`] : [];
    });
    if (!bad.length) return;
    const text = bad.length > 3 ? `${bad.slice(0, 3).join(", ")} and ${bad.length - 3} more` : bad.join(", ");
    this.dispatchEvent(new CustomEvent("alert", { detail: text }));
  }

  /** Read the trials again: more have changed than are worth telling one by one. */
  async #reload() {
    try {
      const { revision, table } = await read(`studies/${this.id}/trials`, this.#abort.signal);
      if (revision < this.revision) return; // and what came since says the rest, or another reading
      this.trials = new Trials(table);
      this.#changed(true);
      this.refresh();
    } catch {
      // the feed says what has become of the store
    }
  }

  /** What the feed does not say of a study, now and then while it changes. */
  #refreshLater() {
    this.#refreshing ||= setTimeout(() => {
      this.#refreshing = 0;
      if (!document.hidden) this.refresh();
    }, refreshMs);
  }

  /** Read the overview again: after the space has changed, or the store has come back. */
  async refresh() {
    clearTimeout(this.#refreshing);
    this.#refreshing = 0;
    try {
      this.known = await read(`studies/${this.id}`, this.#abort.signal);
      this.#changed(false);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      if (/** @type {Refused} */ (error).status === 404) this.gone = /** @type {Refused} */ (error).message;
      this.#changed(false);
    }
  }

  /** @param {import("./feed.js").Message} message */
  #heard({ kind, id, data }) {
    if (this.#early) return void this.#early.push({ kind, id, data });
    this.revision = Math.max(this.revision, id, data.revision ?? 0);
    if (kind === "change") {
      const { rows, reload, points: _, revision: __, ...now } = data;
      if (reload) this.#reload();
      this.#warn(rows);
      this.#remember(id, rows?.trial ?? [], data.points ?? []);
      const columns = Object.entries(rows ?? {}).map(([name, values]) => ({ name, values }));
      const isOther = columns.length > 0 && columns.some(({ name }) => !this.trials?.columns.has(name));
      const changed = columns.length ? this.trials?.apply({ columns, rows: columns[0].values.length }) : [];
      const before = this.known;
      this.known = { ...before, ...now };
      this.#changed(Boolean(changed?.length));
      if (isOther || before.is_run !== now.is_run || before.is_paused !== now.is_paused) this.refresh();
      else if (changed?.length) this.#refreshLater();
    } else if (kind === "commands") data.commands.forEach((/** @type {Command} */ one) => this.#told(one));
    else if (kind === "gone") {
      this.gone = data.why;
      this.#feed.close();
    } else if (kind === "lost") this.lost = data;
    else if (kind === "back") {
      this.lost = null;
      this.refresh();
    }
    this.#changed(false);
  }

  /** @param {"live" | "away" | "out"} status */
  #said(status) {
    const wasOut = this.status !== "live";
    this.status = status;
    if (status === "out") this.refresh(); // the study may be gone, or the browser signed out
    if (status === "live" && wasOut && this.known) this.refresh();
    this.#changed(false);
  }

  /** @param {Command} command */
  #told(command) {
    const before = this.commands.get(command.id);
    if (before && before.state !== "asked" && command.state === "asked") return; // an answer that came late
    this.commands.set(command.id, command);
    if (before?.state !== command.state) this.dispatchEvent(new CustomEvent("commands", { detail: command }));
    this.#changed(false);
  }

  /** Ask something of a trial. @param {object} command @returns {Promise<Command>} */
  async command(command) {
    const told = await ask(`studies/${this.id}/commands`, command);
    this.#told(told);
    return told;
  }

  /** Ask something of the study. @param {string} what @param {object} [body] @returns {Promise<any>} */
  async demand(what, body = {}) {
    const told = await ask(`studies/${this.id}/${what}`, body);
    await this.refresh();
    return told;
  }

  // How it is looked at

  #look() {
    if (place.study !== this.id) return;
    const query = place.query;
    const looked = ["hide", "filter", "sort", "brush", "pick"].map((name) => query.get(name) ?? "");
    if (looked.join("\n") === this.#looked) return this.#changed(false);
    this.#looked = looked.join("\n");
    const [hide, filter, sort, brush, pick] = looked;
    const isOther = filter !== this.filter || hide !== [...this.hidden].join(",");
    this.hidden = new Set(hide.split(",").filter(Boolean));
    this.filter = filter;
    this.sort = sort;
    if (brush !== (this.brushed ? packedSet(this.brushed) : "")) {
      this.brushed = brush ? unpackedSet(brush) : null;
      this.brushedBy = null;
    }
    this.picked = [...unpackedSet(pick)].slice(0, mostCompared);
    this.#order = null;
    this.#changed(isOther);
  }

  /** @param {string} state */
  toggleState(state) {
    const hidden = new Set(this.hidden);
    if (!hidden.delete(state)) hidden.add(state);
    place.set({ hide: [...hidden].join(",") });
  }

  /** @param {string} name */
  sortBy(name) {
    const { name: before, isDown } = this.sorting;
    const isDownFirst = name === "value" ? this.maximizes : ["favourite", "notes"].includes(name);
    place.set({ sort: (name === before ? !isDown : isDownFirst) ? `-${name}` : name });
  }

  /** @param {Set<number> | null} trials @param {any} by the figure */
  brush(trials, by) {
    this.brushed = trials;
    this.brushedBy = by;
    this.#order = null;
    place.set({ brush: trials ? packedSet(trials) || "*" : "" });
  }

  /** Take a trial among those that are compared, or out. @param {number} trial */
  togglePick(trial) {
    const picked = this.picked.includes(trial) ? this.picked.filter((one) => one !== trial) : [...this.picked, trial];
    place.set({ pick: packedSet(picked.slice(-mostCompared)) });
  }

  #sift() {
    if (this.#shown.length || !this.trials) return;
    this.#shown = this.trials.shown(this.hidden, this.filter, this.known.metric);
  }

  /** Tell of it, once a frame. @param {boolean} ofTrials that trials have changed, or which are shown */
  #changed(ofTrials) {
    if (ofTrials) {
      this.shownCount += 1;
      this.#shown = new Uint8Array();
      this.#order = null;
    }
    // a tab out of sight draws no frames, and need not be told of each change
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.dispatchEvent(new Event("change"));
    });
  }
}

/** Return what makes an alert the same as before, though its numbers have gone on. @param {{kind: string, trials: number[]}} alert */
function keyOf({ kind, trials }) {
  return ["failed", "diverged"].includes(kind) ? kind : [kind, ...trials].join(" ");
}
