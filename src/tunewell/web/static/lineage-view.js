// Which trial branched from which: trees of branches, rewinds and twins.

import { read } from "./api.js";
import { place } from "./place.js";
import { html, nothing } from "./vendor/lit.js";
import { View, icon, stateMark } from "./view.js";
import { valueText } from "./words.js";

const leastMs = 2000;
const most = 200;

export class LineageView extends View {
  static properties = { study: { attribute: false }, trees: { state: true }, error: { state: true } };
  #readOf = -1;
  #timer = 0;
  #isReading = false;

  constructor() {
    super();
    /** @type {import("./study.js").Study} */
    this.study = /** @type {any} */ (null);
    /** @type {any[] | null} */
    this.trees = null;
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
    this.requestUpdate();
    if (this.#isReading || this.#timer || this.study.revision === this.#readOf) return;
    this.#timer = setTimeout(() => this.#read(), this.trees ? leastMs : 0);
  }

  async #read() {
    this.#timer = 0;
    this.#isReading = true;
    this.#readOf = this.study.revision;
    try {
      this.trees = treesOf((await read(`studies/${this.study.id}/lineage`)).trials);
      this.error = "";
    } catch (error) {
      this.error = /** @type {Error} */ (error).message;
    }
    this.#isReading = false;
  }

  render() {
    if (this.error) return html`<p class="banner bad">${icon("warning")}<span>${this.error}</span></p>`;
    if (!this.trees) return html`<div class="figure-wait tall" aria-label="being read"></div>`;
    if (!this.trees.length) return html`<div class="none big"><p>No trial has branched yet.</p><p class="quiet">A branch or a rewind, from a trial's page, begins a tree.</p></div>`;
    return html`<div class="lineage card">${this.trees.slice(0, most).map((tree) => html`<ul class="tree">${this.#node(tree)}</ul>`)}
      ${this.trees.length > most ? html`<p class="quiet">and ${this.trees.length - most} more trees</p>` : nothing}</div>`;
  }

  /** @param {any} node @returns {any} */
  #node(node) {
    const word = { branch: "branched", rewind: "rewound", twin: "twin" }[/** @type {string} */ (node.kind)] ?? "";
    return html`<li><div class="tree-node ${node.kind}"><a href=${place.link("study", this.study.id, "trial", node.trial)}>trial ${node.trial}</a>${stateMark(node.state)}
      <strong class="number">${valueText(node.value)}</strong><span class="quiet">${node.epochs} epochs</span>
      ${word ? html`<span class="how">${icon(node.kind === "rewind" ? "rewind" : "branch")}${word}${node.parent_epoch === null ? "" : ` at epoch ${node.parent_epoch}`}</span>` : nothing}
      ${node.changed.map((/** @type {any} */ one) => html`<span class="chip" title=${one.name}><bdi class="cut">${one.name}</bdi> ${valueText(one.from)} → ${valueText(one.to)}</span>`)}
      ${node.twin ? html`<span class="quiet">${node.twin.is_none ? "no difference to be seen" : `the change made ${valueText(node.twin.mean, 3)} of difference, +- ${valueText(node.twin.margin, 3)}`}</span>` : nothing}</div>
      ${node.children?.length ? html`<ul>${node.children.map((/** @type {any} */ one) => this.#node(one))}</ul>` : nothing}</li>`;
  }
}
customElements.define("tw-lineage", LineageView);

/** Return the trees of a list in which parents come first. @param {any[]} trials */
function treesOf(trials) {
  const nodes = new Map(trials.map((one) => [one.trial, { ...one, children: [] }]));
  const roots = [];
  for (const node of nodes.values()) {
    const parent = nodes.get(node.parent);
    if (parent) parent.children.push(node);
    else roots.push(node);
  }
  return roots;
}
