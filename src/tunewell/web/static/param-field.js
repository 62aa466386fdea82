// A field for the value of a parameter: a number in its range, with a slider on its scale, or one of its choices.

import { html, live, nothing } from "./vendor/lit.js";
import { View } from "./view.js";
import { valueText } from "./words.js";

const steps = 1000; // of a slider
const edge = 1e-9;

/** Return a number as it stands in a field. @param {any} value */
function written(value) {
  if (typeof value !== "number" || Number.isNaN(value)) return "";
  return String(value).length > 9 ? String(Number(value.toPrecision(6))) : String(value);
}

/** A scale's place of a value. @type {Record<string, (value: number) => number>} */
const placeOf = {
  linear: (value) => value,
  log: (value) => Math.log(Math.max(value, Number.MIN_VALUE)),
  log1m: (value) => -Math.log(Math.max(1 - value, edge)),
  logit: (value) => Math.log(Math.max(value, edge) / Math.max(1 - value, edge)),
};
/** @type {Record<string, (place: number) => number>} */
const valueAt = {
  linear: (at) => at,
  log: Math.exp,
  log1m: (at) => 1 - Math.exp(-at),
  logit: (at) => 1 / (1 + Math.exp(-at)),
};

/** Fires `tw-value`, detail {value}: null while what is written is no value of the parameter. */
export class ParamField extends View {
  static properties = { param: { attribute: false }, value: { attribute: false }, label: {}, describedby: {} };
  /** @type {string | null} what is being written: what the study has gained meanwhile takes nothing of it away */
  #typed = null;

  constructor() {
    super();
    /** @type {import("./study.js").Param} */
    this.param = /** @type {any} */ (null);
    /** @type {any} */
    this.value = null;
    this.label = "";
  }

  /** Why the value is none of the parameter's, or "". */
  get complaint() {
    const { kind, low, high } = this.param;
    if (kind === "choice" || this.value === null) return "";
    if (typeof this.value !== "number" || !Number.isFinite(this.value)) return "a number, please";
    if (kind === "int" && !Number.isInteger(this.value)) return "a whole number, please";
    if (this.value < Number(low) || this.value > Number(high)) return `between ${valueText(low)} and ${valueText(high)}, please`;
    return "";
  }

  /** @param {any} value */
  #give(value) {
    this.value = value;
    this.requestUpdate();
    this.dispatchEvent(new CustomEvent("tw-value", { detail: { value: this.complaint ? null : value }, bubbles: true }));
  }

  render() {
    const { kind, values, low, high, scale, name } = this.param;
    const label = this.label || name;
    if (kind === "choice") {
      const at = (values ?? []).findIndex((one) => one === this.value);
      return html`<select aria-label=${label} @change=${(/** @type {any} */ event) => this.#give(values?.[event.target.value])}>
        ${at < 0 ? html`<option value="-1" selected disabled>choose</option>` : nothing}
        ${(values ?? []).map((one, i) => html`<option value=${i} ?selected=${i === at}>${valueText(one, 12)}</option>`)}
      </select>`;
    }
    const [from, to, back] = [placeOf[scale ?? "linear"] ?? placeOf.linear, Number(low), valueAt[scale ?? "linear"] ?? valueAt.linear];
    const [first, last] = [from(to), from(Number(high))];
    const share = typeof this.value === "number" ? (from(this.value) - first) / (last - first || 1) : 0;
    const slid = (/** @type {any} */ event) => {
      const value = back(first + (Number(event.target.value) / steps) * (last - first));
      const rounded = kind === "int" ? Math.round(value) : Number(value.toPrecision(3));
      this.#give(Math.min(Math.max(rounded, Number(low)), Number(high)));
    };
    const complaint = this.complaint;
    return html`<span class="number-field">
      <input type="text" inputmode="decimal" spellcheck="false" autocomplete="off" aria-label=${label}
        aria-invalid=${complaint ? "true" : "false"} .value=${live(this.#typed ?? written(this.value))}
        @input=${(/** @type {any} */ event) => (this.#typed = event.target.value)}
        @change=${(/** @type {any} */ event) => { this.#typed = null; this.#give(event.target.value.trim() === "" ? NaN : Number(event.target.value)); }}
        @blur=${() => (this.#typed = null)}>
      <input type="range" min="0" max=${steps} .value=${live(String(Math.round(Math.min(Math.max(share || 0, 0), 1) * steps)))}
        aria-label="${label}, by slider" aria-valuetext=${valueText(this.value)} @input=${slid} tabindex="-1">
      <small class=${complaint ? "error" : "quiet"}>${complaint || `${valueText(low)} to ${valueText(high)}${scale && scale !== "linear" ? `, ${scale}` : ""}`}</small>
    </span>`;
  }
}
customElements.define("tw-param-field", ParamField);
