// What all elements of the page have in common: they stand in the page itself, under its one style sheet, and draw
// themselves again when what they show has changed.

import { LitElement, html, svg } from "./vendor/lit.js";

export class View extends LitElement {
  /** @type {AbortController | null} */
  #watching = null;
  /** @type {EventTarget[]} */
  watched = [];

  createRenderRoot() {
    return this; // no shadow: one style sheet for the whole page
  }

  connectedCallback() {
    super.connectedCallback();
    this.#watching = new AbortController();
    for (const one of this.watched) this.#watch(one);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#watching?.abort();
    this.#watching = null;
  }

  /** Draw again when it says `change`. @param {EventTarget} one */
  watch(one) {
    if (this.watched.includes(one)) return;
    this.watched.push(one);
    if (this.#watching) this.#watch(one);
  }

  /** @param {EventTarget} one */
  #watch(one) {
    one.addEventListener("change", () => this.told(), { signal: /** @type {AbortController} */ (this.#watching).signal });
  }

  told() {
    this.requestUpdate();
  }
}

/** @type {Record<string, any>} paths on a ground of 20 by 20 */
const icons = {
  pause: svg`<path d="M7 5v10M13 5v10"/>`,
  play: svg`<path d="M7 4.5v11l8.5-5.5z"/>`,
  stop: svg`<rect x="5.5" y="5.5" width="9" height="9" rx="1"/>`,
  star: svg`<path d="m10 3 2.1 4.5 4.9.6-3.6 3.4.9 4.9L10 14l-4.3 2.4.9-4.9L3 8.1l4.9-.6z"/>`,
  branch: svg`<circle cx="6" cy="4.5" r="1.7"/><circle cx="6" cy="15.5" r="1.7"/><circle cx="14" cy="6.5" r="1.7"/><path d="M6 6.2v7.6M14 8.2c0 3.3-8 2-8 5.6"/>`,
  rewind: svg`<path d="M4 10a6 6 0 1 0 2-4.5L4 7.2M4 3.5v3.7h3.7"/>`,
  note: svg`<path d="M4 4.5h12v8l-3.5 3.5H4zM12.5 16v-3.5H16M7 8h6M7 11h3"/>`,
  tag: svg`<path d="M3.5 3.5H10l6.5 6.5-6.5 6.5L3.5 10z"/><circle cx="7" cy="7" r=".8"/>`,
  download: svg`<path d="M10 3.5v9M6.5 9.5l3.5 3.5 3.5-3.5M4 16.5h12"/>`,
  sun: svg`<circle cx="10" cy="10" r="3.2"/><path d="M10 2.5v2M10 15.5v2M2.5 10h2M15.5 10h2M4.7 4.7l1.4 1.4M13.9 13.9l1.4 1.4M4.7 15.3l1.4-1.4M13.9 6.1l1.4-1.4"/>`,
  moon: svg`<path d="M16 11.8A6.5 6.5 0 0 1 8.2 4a6.5 6.5 0 1 0 7.8 7.8z"/>`,
  auto: svg`<circle cx="10" cy="10" r="6.2"/><path d="M10 3.8v12.4a6.2 6.2 0 0 0 0-12.4z" fill="currentColor"/>`,
  close: svg`<path d="m5.5 5.5 9 9M14.5 5.5l-9 9"/>`,
  search: svg`<circle cx="9" cy="9" r="5"/><path d="m13 13 3.5 3.5"/>`,
  columns: svg`<path d="M3.5 4.5h13v11h-13zM8 4.5v11M12 4.5v11"/>`,
  plus: svg`<path d="M10 4.5v11M4.5 10h11"/>`,
  check: svg`<path d="m4.5 10.5 3.7 3.7 7.3-8"/>`,
  clock: svg`<circle cx="10" cy="10" r="6.5"/><path d="M10 6.2V10l2.6 1.8"/>`,
  warning: svg`<path d="M10 3.5 17 16H3zM10 8.2v3.6M10 13.8v.3"/>`,
  bell: svg`<path d="M5 13.5c1-1 1.2-2.4 1.2-4.3a3.8 3.8 0 0 1 7.6 0c0 1.9.2 3.3 1.2 4.3zM8.4 15.8a1.7 1.7 0 0 0 3.2 0"/>`,
  share: svg`<path d="M8 10.6 12.4 8M8 9.4"/><circle cx="6" cy="10.5" r="2.2"/><circle cx="14" cy="5.8" r="2.2"/><circle cx="14" cy="15" r="2.2"/><path d="m8 11.6 4.1 2.3"/>`,
  copy: svg`<rect x="7" y="7" width="9.5" height="9.5" rx="1.5"/><path d="M13 7V5a1.5 1.5 0 0 0-1.5-1.5H5A1.5 1.5 0 0 0 3.5 5v6.5A1.5 1.5 0 0 0 5 13h2"/>`,
  eye: svg`<path d="M2.5 10S5.2 5 10 5s7.5 5 7.5 5-2.7 5-7.5 5-7.5-5-7.5-5z"/><circle cx="10" cy="10" r="2.2"/>`,
  chevron: svg`<path d="m8 5 5 5-5 5"/>`,
  table: svg`<path d="M3.5 4.5h13v11h-13zM3.5 8h13M3.5 11.7h13M8.5 8v7.5"/>`,
  sliders: svg`<path d="M3 6h8M15 6h2M3 14h2M9 14h8"/><circle cx="13" cy="6" r="1.8"/><circle cx="7" cy="14" r="1.8"/>`,
  stack: svg`<path d="M4 5.5h12M4 10h12M4 14.5h7M14.5 12.5v4M12.5 14.5h4"/>`,
  gauge: svg`<path d="M3.5 14a6.7 6.7 0 1 1 13 0M10 13l3-4.5"/>`,
};

/** @param {string} name */
export function icon(name) {
  return html`<svg class="icon" viewBox="0 0 20 20" aria-hidden="true">${icons[name]}</svg>`;
}

/** Return a state with its colour and its symbol. @param {string} state */
export function stateMark(state) {
  return html`<span class="state ${state}"><i class="mark" aria-hidden="true"></i>${state}</span>`;
}

/** Say something at the foot of the page. @param {string} text @param {"plain" | "bad"} [look] */
export function say(text, look = "plain") {
  dispatchEvent(new CustomEvent("tw-say", { detail: { text, look } }));
}

/** Open a dialog over the page. @param {HTMLElement} element an element of the page's that is a dialog */
export function openDialog(element) {
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  document.body.append(element);
  element.addEventListener("tw-closed", () => {
    element.remove();
    before?.focus();
  });
}
