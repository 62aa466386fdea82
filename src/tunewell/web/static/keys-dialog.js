// The keys of the page.

import { html } from "./vendor/lit.js";
import { Dialog } from "./dialog.js";

const keys = [
  ["Everywhere", [["?", "these keys"], ["/", "to the filter"], ["t", "theme: the system's, light, dark"], ["h", "all studies"], ["o", "the study's overview"], ["1 … 7", "the study's views"], ["Esc", "let the brush go"], ["c", "compare what is picked"]]],
  ["In the table of trials", [["↑ ↓ j k", "row by row"], ["Page Up, Page Down, Home, End", "faster"], ["Enter", "open the trial"], ["Space", "pick it, to compare"], ["f", "favourite"]]],
  ["On a trial's page", [["n b", "next trial, the one before"], ["f", "favourite"], ["Ctrl Enter", "keep the note"]]],
  ["In a figure", [["Tab", "to the figure"], ["← →", "trial by trial"], ["Enter", "open the trial"], ["drag", "brush: everything follows"], ["Esc", "let the brush go"]]],
];

export class Keys extends Dialog {
  get heading() {
    return "Keys";
  }

  get isWide() {
    return true;
  }

  fields() {
    return html`<div class="keys">${keys.map(([title, list]) => html`<section><h3>${title}</h3><dl>${/** @type {string[][]} */ (list).map(([key, what]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${what}</dd></div>`)}</dl></section>`)}</div>`;
  }
}
customElements.define("tw-keys", Keys);
