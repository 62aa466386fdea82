// What the page of `tunewell web` uses of Lit.
export { LitElement, html, nothing, svg } from "lit";
export { classMap } from "lit/directives/class-map.js";
export { live } from "lit/directives/live.js";
export { keyed } from "lit/directives/keyed.js";
export { repeat } from "lit/directives/repeat.js";
