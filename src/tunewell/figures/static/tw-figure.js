// <tw-figure>: draws a figure's JSON. It has no style in markup, so a strict Content-Security-Policy lets it be.
//
//     const element = document.createElement("tw-figure");
//     element.figure = await (await fetch("/api/figure")).json();
//
// or, in a page of its own, with the JSON in a <script type="application/json"> within the element.
//
// Attribute `height`: of the drawing, in pixels; else it follows from the figure. Attribute `table-rows`: how many rows
// the table for screen readers has, 200 at most; 0: none, where the page shows one of its own. Property `selected`: rows of the table
// that stand out, or null; `live`: items that came since, drawn over it at once, as {points: [x, y][], color, symbol}, in
// places of the first panel. Events: `tw-brush`, detail {rows: number[] | null}, while a stretch is dragged, null when it
// is let go; `tw-pick`, detail {row: number}, of a click or Enter. Parts: title, legend, plot, caption.

import { paletteOf } from "./colors.js";
import { rowText, unpackedFigure, wordOf } from "./data.js";
import { boxesOf, heightFor, leastWidthFor } from "./layout.js";
import { ParallelAxes } from "./marks.js";
import { chartOption, drawItems, drawLive, pointsOf, ratioOf, swatchOf } from "./panels.js";
import { init } from "./vendor/echarts.tw.js";

/** @typedef {import("./data.js").Layer} Layer */
/** @typedef {{layer: Layer, item: number, x: number, y: number, distance: number}} Hit */

const mostRows = 200;
const reach = 24; // pixels from an item at which a pointer still finds it
const slip = 4; // pixels that a click may move

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
  :host { display: block; position: relative; min-width: 0; font: 13px/1.45 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif;
    color: light-dark(#1f2328, #e6edf3); }
  :host([hidden]) { display: none; }
  .title { margin: 0 0 4px; font-size: 15px; font-weight: 600; overflow-wrap: anywhere; }
  .title, .caption { max-height: 9em; overflow: auto; }
  .caption { margin: 4px 0 0; color: light-dark(#59636e, #9198a1); overflow-wrap: anywhere; max-width: 110ch; }
  .legend { display: flex; flex-wrap: wrap; gap: 2px 10px; margin: 0 0 2px; align-items: center; }
  .legend button { all: unset; cursor: pointer; display: inline-flex; align-items: center; gap: 6px; padding: 2px 4px;
    border-radius: 4px; min-height: 20px; max-width: 260px; }
  .legend button span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .legend button[aria-pressed="false"] { opacity: 0.55; text-decoration: line-through; }
  .legend button:hover { background: light-dark(#eff1f3, #21262d); }
  .legend button:focus-visible, .plot:focus-visible { outline: 2px solid light-dark(#0072b2, #56b4e9); outline-offset: -2px; }
  .ramp { display: inline-flex; align-items: center; gap: 6px; padding: 2px 4px; max-width: 100%; }
  .ramp i { width: 90px; height: 10px; flex: none; border-radius: 2px; forced-color-adjust: none; }
  .ramp span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .plot { position: relative; width: 100%; touch-action: pan-x pan-y; cursor: crosshair;
    -webkit-user-select: none; user-select: none; }
  .scroll { overflow-x: auto; overflow-y: hidden; }
  .chart, canvas.own, canvas.over { position: absolute; inset: 0; width: 100%; height: 100%; }
  canvas.own, canvas.over { pointer-events: none; }
  .tip { position: absolute; left: 0; top: 0; z-index: 5; pointer-events: none; visibility: hidden; max-width: min(320px, 90%);
    padding: 6px 9px; border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 12px;
    background: light-dark(#ffffff, #1c2128); border: 1px solid light-dark(#c9d1d9, #444c56);
    box-shadow: 0 2px 8px rgb(0 0 0 / 0.18); }
  .tip.shown { visibility: visible; }
  .empty { position: absolute; inset: 0; display: grid; place-items: center; color: light-dark(#59636e, #9198a1); pointer-events: none; }
  .hidden { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  svg { flex: none; forced-color-adjust: none; }
  [hidden] { display: none !important; }
`);

/** @param {string} tag @param {Record<string, string>} [attributes] @param {string} [text] */
function made(tag, attributes = {}, text = "") {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  return element;
}

class TwFigure extends HTMLElement {
  static observedAttributes = ["height"];

  /** @type {any} */
  #json = null;
  /** @type {import("./data.js").Figure | null} */
  #figure = null;
  /** @type {number[] | null} */
  #selected = null;
  /** @type {Uint8Array | null} by row, 1 for those that are selected */
  #mask = null;
  /** @type {import("./panels.js").Live[]} */
  #live = [];
  /** @type {import("./layout.js").Box[]} */
  #boxes = [];
  /** @type {Map<any, ParallelAxes>} */
  #parallels = new Map();
  /** @type {Set<string>} labels that the legend has switched off */
  #off = new Set();
  /** @type {any} */
  #chart = null;
  /** @type {import("./colors.js").Palette | null} */
  #palette = null;
  /** @type {Map<Layer, {xs: Float32Array, ys: Float32Array}>} where items are, in pixels */
  #points = new Map();
  /** @type {{box: number, x: number, y: number, axis: number, isBrush: boolean} | null} */
  #drag = null;
  /** @type {{x: number, y: number, toX: number, toY: number} | null} */
  #brush = null;
  /** @type {Hit | null} */
  #hit = null;
  #focused = -1;
  /** How often it has been drawn: of use to tests. */
  drawings = 0;
  #frame = 0;
  #observer = new ResizeObserver(() => this.#later());
  #schemes = ["(prefers-color-scheme: dark)", "(forced-colors: active)"].map((query) => matchMedia(query));
  #restyle = () => this.#later();

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    this.titleLine = made("div", { class: "title", part: "title" });
    this.legend = made("div", { class: "legend", part: "legend", role: "group", "aria-label": "legend" });
    this.plot = made("div", { class: "plot", part: "plot", tabindex: "0", role: "img" });
    this.chart = made("div", { class: "chart" });
    this.own = /** @type {HTMLCanvasElement} */ (made("canvas", { class: "own" }));
    this.over = /** @type {HTMLCanvasElement} */ (made("canvas", { class: "over" }));
    this.empty = made("div", { class: "empty", hidden: "" }, "Nothing to draw yet");
    this.tip = made("div", { class: "tip" });
    this.caption = made("p", { class: "caption", part: "caption" });
    this.probe = made("span", { hidden: "" });
    this.spoken = made("div", { class: "hidden", "aria-live": "polite" });
    this.table = made("div", { class: "hidden" });
    this.plot.append(this.chart, this.own, this.over, this.empty, this.tip);
    this.scroll = made("div", { class: "scroll" });
    this.scroll.append(this.plot);
    root.append(this.titleLine, this.legend, this.scroll, this.caption, this.spoken, this.table, this.probe);
    this.plot.addEventListener("pointerdown", (event) => this.#down(event));
    this.plot.addEventListener("pointermove", (event) => this.#move(event));
    this.plot.addEventListener("pointerup", (event) => this.#up(event));
    this.plot.addEventListener("pointercancel", () => this.#cancel());
    this.plot.addEventListener("pointerleave", () => this.#drag ?? this.#show(null));
    this.plot.addEventListener("keydown", (event) => this.#key(event));
    this.plot.addEventListener("blur", () => this.#show(null));
  }

  connectedCallback() {
    const data = this.querySelector(':scope > script[type="application/json"]');
    if (data && !this.#json) this.figure = JSON.parse(data.textContent ?? "");
    this.#observer.observe(this.plot);
    for (const scheme of this.#schemes) scheme.addEventListener("change", this.#restyle);
    this.#later();
  }

  disconnectedCallback() {
    this.#observer.disconnect();
    for (const scheme of this.#schemes) scheme.removeEventListener("change", this.#restyle);
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#chart?.dispose();
    this.#chart = null;
  }

  attributeChangedCallback() {
    this.#later();
  }

  /** The JSON of a figure; null clears. */
  get figure() {
    return this.#json;
  }

  set figure(json) {
    this.#json = json;
    try {
      this.#figure = json ? unpackedFigure(json) : null;
      this.empty.textContent = "Nothing to draw yet";
    } catch (error) {
      this.#figure = null;
      this.empty.textContent = /** @type {Error} */ (error).message;
    }
    const before = this.#parallels;
    this.#parallels = new Map();
    this.#figure?.panels.forEach((panel, i) => {
      if (!panel.axes.length) return;
      const axes = new ParallelAxes(panel);
      const old = [...before.values()].find((one) => titlesOf(one.panel) === titlesOf(panel));
      if (old) axes.brushes = old.brushes; // new trials come under the brushes that are there
      this.#parallels.set(i, axes);
    });
    this.#hit = null;
    this.#live = [];
    this.#focused = -1;
    this.#boxes = []; // until it is laid out, nothing is drawn over it
    this.#describe();
    this.#later();
  }

  /** The rows that stand out, or null. @returns {number[] | null} */
  get selected() {
    return this.#selected && [...this.#selected];
  }

  set selected(rows) {
    this.#select(rows === null || rows === undefined ? null : [...new Set(rows)]);
    this.#drawOver();
  }

  /** What came since the figure was made. @returns {import("./panels.js").Live[]} */
  get live() {
    return this.#live;
  }

  set live(items) {
    if (!items.length && !this.#live.length) return;
    this.#live = items;
    this.#drawOver();
  }

  /** @param {number[] | null} rows each once */
  #select(rows) {
    this.#selected = rows;
    this.#mask = rows && new Uint8Array(rows.reduce((most, row) => Math.max(most, row + 1), 0));
    if (rows) for (const row of rows) /** @type {Uint8Array} */ (this.#mask)[row] = 1;
  }

  /** Lay out and draw what has changed, once a frame. */
  #later() {
    if (this.isConnected) this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#frame = 0;
    const figure = this.#figure;
    this.plot.style.minWidth = `${figure ? leastWidthFor(figure.panels) : 0}px`;
    const width = this.plot.clientWidth;
    if (!width) return;
    const given = Number(this.getAttribute("height"));
    const height = Math.round(given > 0 ? given : figure ? heightFor(figure.panels, width) : 160);
    this.plot.style.height = `${height}px`;
    const palette = paletteOf(this.probe);
    if (palette.key !== this.#palette?.key) {
      this.#palette = palette;
      if (figure) this.#drawLegend();
    }
    this.#boxes = figure ? boxesOf(figure.panels, width, height) : [];
    const ratio = ratioOf(width, height);
    for (const canvas of [this.own, this.over]) {
      const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
      if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
    }
    const isShown = (/** @type {Layer} */ layer) => !this.#off.has(layer.label ?? "");
    this.#points = new Map();
    const flat = this.#boxes.filter((box) => !box.panel.axes.length);
    for (const box of flat) {
      for (const layer of box.panel.layers) if (isShown(layer)) this.#points.set(layer, pointsOf(layer, box));
    }
    this.empty.hidden = Boolean(figure?.panels.some((panel) => panel.layers.length));
    if (flat.length) {
      this.#chart ??= init(this.chart, null, { renderer: "canvas", devicePixelRatio: ratio, width, height });
      if (this.#chart.getWidth() !== width || this.#chart.getHeight() !== height) this.#chart.resize({ width, height });
      this.#chart.setOption(chartOption(flat, palette, ratio, isShown), { notMerge: true });
    } else if (this.#chart) {
      this.#chart.dispose();
      this.#chart = null;
    }
    this.#parallels.forEach((axes, i) => {
      axes.hidden = new Set(axes.layers.filter((layer) => !isShown(layer)));
      axes.place(this.#boxes[i].cell, palette, ratio);
    });
    this.#drawOver();
    this.drawings += 1;
  }

  /** Draw what a pointer changes: the selection, the brush, and the parallel axes under it. */
  #drawOver() {
    const palette = this.#palette;
    const width = this.plot.clientWidth;
    if (!palette || !width || !this.#boxes.length) return;
    const ratio = this.over.width / width;
    const context = cleared(this.over, ratio);
    if (this.#parallels.size) {
      const own = cleared(this.own, ratio);
      for (const axes of this.#parallels.values()) axes.draw(own, this.#mask, Boolean(this.#drag));
    } else cleared(this.own, ratio);
    for (const box of this.#boxes) {
      if (box.panel.axes.length) continue;
      if (this.#selected) {
        context.globalAlpha = 0.72;
        context.fillStyle = palette.ground;
        context.fillRect(box.left, box.top, box.width, box.height);
        context.globalAlpha = 1;
        for (const layer of box.panel.layers) {
          const points = this.#points.get(layer);
          if (points && this.#mask) drawItems(context, layer, box, points, palette, this.#mask, ratio);
        }
      }
    }
    if (this.#live.length && !this.#boxes[0].panel.axes.length) drawLive(context, this.#live, this.#boxes[0], palette);
    if (this.#brush) {
      const { x, y, toX, toY } = this.#brush;
      context.fillStyle = context.strokeStyle = palette.text;
      context.globalAlpha = 0.1;
      context.fillRect(x, y, toX - x, toY - y);
      context.globalAlpha = 0.7;
      context.strokeRect(x, y, toX - x, toY - y);
      context.globalAlpha = 1;
    }
    if (this.#hit) {
      const row = rowOf(this.#hit);
      const axes = this.#parallels.values().next().value;
      if (axes && row !== null) axes.draw(context, only(row));
      else {
        context.strokeStyle = palette.text;
        context.lineWidth = 2;
        context.beginPath();
        context.arc(this.#hit.x, this.#hit.y, 7, 0, 7);
        context.stroke();
      }
    }
  }

  /** Write the title, the caption, the legend, and the table for screen readers. */
  #describe() {
    const figure = this.#figure;
    this.titleLine.textContent = figure?.title ?? "";
    this.caption.textContent = figure?.caption ?? "";
    this.caption.hidden = !figure?.caption;
    this.plot.setAttribute("aria-label", figure ? `${figure.title}. ${figure.caption}` : "");
    if (this.#palette) this.#drawLegend();
    this.table.replaceChildren();
    const most = Math.min(Number(this.getAttribute("table-rows") ?? mostRows), mostRows);
    if (!figure || !most) return;
    const table = /** @type {HTMLTableElement} */ (made("table"));
    table.append(made("caption", {}, `the data of: ${figure.title}`));
    const head = table.createTHead().insertRow();
    for (const { name } of figure.columns) head.append(made("th", { scope: "col" }, name));
    const body = table.createTBody();
    for (let row = 0; row < Math.min(figure.rows, most); row++) {
      const line = body.insertRow();
      for (const { values } of figure.columns) line.insertCell().textContent = wordOf(values[row]);
    }
    this.table.append(table);
    if (figure.rows > most) this.table.append(made("p", {}, `${figure.rows - most} more rows`));
  }

  #drawLegend() {
    const palette = /** @type {import("./colors.js").Palette} */ (this.#palette);
    /** @type {Map<string, {layer: Layer, panel: any}>} */
    const entries = new Map();
    for (const panel of this.#figure?.panels ?? []) {
      for (const layer of panel.layers) {
        const look = `${layer.label}\n${layer.color}`; // two studies may have one name
        if (layer.label && !entries.has(look)) entries.set(look, { layer, panel });
      }
    }
    const focused = /** @type {any} */ (this.shadowRoot)?.activeElement?.dataset?.label;
    const items = [...entries.values()].map(({ layer, panel }) => {
      const label = layer.label ?? "";
      const button = made("button", { type: "button", "aria-pressed": String(!this.#off.has(label)), title: label });
      button.dataset.label = label;
      button.append(swatchOf(layer, panel, palette), made("span", {}, label));
      button.addEventListener("click", () => {
        if (!this.#off.delete(label)) this.#off.add(label);
        button.setAttribute("aria-pressed", String(!this.#off.has(label)));
        this.#later();
      });
      return button;
    });
    const colored = this.#figure?.panels.find(
      (panel) => panel.color && panel.layers.some(({ color }) => color === "value" || color === "signed"),
    );
    if (colored) items.push(rampOf(colored, palette));
    this.legend.replaceChildren(...items);
    this.legend.hidden = !items.length;
    if (focused) items.find((item) => item.dataset.label === focused)?.focus();
  }

  /** @param {PointerEvent} event */
  #at(event) {
    const { left, top } = this.plot.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  /** Return which panel a point is in. @param {number} x @param {number} y */
  #boxAt(x, y) {
    return this.#boxes.findIndex(
      ({ cell }) => x >= cell.left && x < cell.left + cell.width && y >= cell.top && y < cell.top + cell.height,
    );
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button !== 0) return;
    const { x, y } = this.#at(event);
    const box = this.#boxAt(x, y);
    if (box < 0) return;
    const axes = this.#parallels.get(box);
    this.#drag = { box, x, y, axis: axes ? axes.axisNear(x) : -1, isBrush: false };
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const { x, y } = this.#at(event);
    const drag = this.#drag;
    if (!drag) return this.#show(this.#hitAt(x, y));
    if (!drag.isBrush) {
      if (Math.hypot(x - drag.x, y - drag.y) < slip) return;
      drag.isBrush = true;
      this.plot.setPointerCapture(event.pointerId);
      this.#show(null);
    }
    this.#brushTo(drag, x, y);
  }

  /** @param {PointerEvent} event */
  #up(event) {
    const drag = this.#drag;
    this.#drag = null;
    if (!drag) return;
    const { x, y } = this.#at(event);
    if (drag.isBrush) return this.#drawOver(); // with care, now that it stays
    const hit = this.#hitAt(x, y);
    const row = hit && rowOf(hit);
    const axes = this.#parallels.get(drag.box);
    if (axes?.brushes.has(drag.axis) && Math.abs(x - axes.axisAt(drag.axis)) < 10) {
      axes.brushes.delete(drag.axis);
      this.#brushed(axes.brushedRows());
    } else if (row !== null) {
      this.#show(hit);
      this.#pick(row);
    } else this.#clear();
  }

  #cancel() {
    this.#drag = null;
    this.#show(null);
  }

  /** @param {NonNullable<TwFigure["#drag"]>} drag @param {number} x @param {number} y */
  #brushTo(drag, x, y) {
    const axes = this.#parallels.get(drag.box);
    if (axes) {
      axes.brush(drag.axis, drag.y, y);
      return this.#brushed(axes.brushedRows());
    }
    const { left, top, width, height, panel } = this.#boxes[drag.box];
    const [toX, toY] = [clamped(x, left, left + width), clamped(y, top, top + height)];
    this.#brush = { x: clamped(drag.x, left, left + width), y: clamped(drag.y, top, top + height), toX, toY };
    const [x1, x2] = [this.#brush.x, toX].sort((a, b) => a - b);
    const [y1, y2] = [this.#brush.y, toY].sort((a, b) => a - b);
    const found = new Set(); // a line has many items of a row
    for (const layer of panel.layers) {
      const points = this.#points.get(layer);
      if (!points || !layer.rows) continue;
      for (let i = 0; i < layer.rows.length; i++) {
        if (points.xs[i] >= x1 && points.xs[i] <= x2 && points.ys[i] >= y1 && points.ys[i] <= y2) found.add(layer.rows[i]);
      }
    }
    this.#brushed([...found]);
  }

  /** @param {number[] | null} rows */
  #brushed(rows) {
    this.#select(rows);
    this.#drawOver();
    this.dispatchEvent(new CustomEvent("tw-brush", { detail: { rows }, bubbles: true, composed: true }));
  }

  #clear() {
    const had = this.#brush || this.#selected;
    this.#brush = null;
    for (const axes of this.#parallels.values()) axes.brushes.clear();
    if (had) this.#brushed(null);
  }

  /** @param {number} row */
  #pick(row) {
    this.dispatchEvent(new CustomEvent("tw-pick", { detail: { row }, bubbles: true, composed: true }));
  }

  /**
   * Return the item nearest to a point, the one on top where several are.
   * @param {number} x @param {number} y @returns {Hit | null}
   */
  #hitAt(x, y) {
    const at = this.#boxAt(x, y);
    const box = this.#boxes[at];
    if (!box) return null;
    const axes = this.#parallels.get(at);
    if (axes) return axes.nearest(x, y);
    /** @type {Hit | null} */
    let best = null;
    for (const layer of box.panel.layers) {
      const points = this.#points.get(layer);
      if (!points || (!layer.rows && !layer.hover && !layer.label)) continue;
      const { xs, ys } = points;
      for (let i = 0; i < xs.length; i++) {
        let [atX, atY] = [xs[i], ys[i]];
        if (layer.mark === "bars") {
          // the nearest point of the bar
          const [x2, y2] = [box.px(layer.x2[i]), box.py(layer.y2[i])];
          const [x1, y1] = [box.px(layer.x[i]), box.py(layer.y[i])];
          atX = clamped(x, Math.min(x1, x2), Math.max(x1, x2));
          atY = clamped(y, Math.min(y1, y2), Math.max(y1, y2));
        }
        const distance = Math.hypot(atX - x, atY - y);
        if (distance <= (best?.distance ?? reach)) best = { layer, item: i, x: atX, y: atY, distance };
      }
    }
    return best;
  }

  /** Show what an item is, or nothing. @param {Hit | null} hit */
  #show(hit) {
    if (hit?.layer === this.#hit?.layer && hit?.item === this.#hit?.item) return;
    this.#hit = hit;
    this.tip.classList.toggle("shown", Boolean(hit));
    if (hit) {
      this.tip.textContent = this.#textOf(hit);
      const [wide, high] = [this.tip.offsetWidth, this.tip.offsetHeight];
      const left = hit.x + 14 + wide > this.plot.clientWidth ? Math.max(0, hit.x - wide - 14) : hit.x + 14;
      const top = clamped(hit.y - high / 2, 0, Math.max(0, this.plot.clientHeight - high));
      this.tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
    }
    this.#drawOver();
  }

  /** @param {Hit} hit */
  #textOf(hit) {
    const row = rowOf(hit);
    const own = hit.layer.hover?.[hit.item];
    const lines = own ? own : row !== null && this.#figure ? rowText(this.#figure, row) : "";
    return [hit.layer.label, lines].filter(Boolean).join("\n");
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const steps = /** @type {Record<string, number>} */ ({ ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10 });
    const rows = this.#figure?.rows ?? 0;
    if (event.key === "Escape") {
      this.#show(null);
      this.#clear();
    } else if (event.key === "Enter" && this.#focused >= 0) this.#pick(this.#focused);
    else if (rows && (event.key in steps || event.key === "Home" || event.key === "End")) {
      event.preventDefault();
      if (event.key === "Home") this.#focused = 0;
      else if (event.key === "End") this.#focused = rows - 1;
      else this.#focused = clamped(this.#focused + steps[event.key], 0, rows - 1);
      const hit = this.#hitOf(this.#focused);
      this.#show(hit);
      this.spoken.textContent = hit ? this.#textOf(hit) : `${rowText(/** @type {any} */ (this.#figure), this.#focused)}, not drawn`;
    }
  }

  /** Return where a row is drawn. @param {number} row @returns {Hit | null} */
  #hitOf(row) {
    for (const axes of this.#parallels.values()) {
      const found = axes.pointOf(row);
      if (found) return { ...found, distance: 0 };
    }
    for (const [layer, { xs, ys }] of this.#points) {
      const item = layer.rows?.lastIndexOf(row) ?? -1;
      if (item >= 0 && xs[item] >= 0) return { layer, item, x: xs[item], y: ys[item], distance: 0 };
    }
    return null;
  }
}

/** Return a selection of one row. @param {number} row */
function only(row) {
  const mask = new Uint8Array(row + 1);
  mask[row] = 1;
  return mask;
}

/** Return the titles of a panel's axes in one. @param {import("./data.js").Panel} panel */
function titlesOf(panel) {
  return panel.axes.map(({ title }) => title).join("\n");
}

/** @param {Hit} hit */
function rowOf(hit) {
  return hit.layer.rows?.[hit.item] ?? null;
}

/** @param {number} value @param {number} low @param {number} high */
function clamped(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/** @param {HTMLCanvasElement} canvas @param {number} ratio */
function cleared(canvas, ratio) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  return context;
}

/** @param {import("./data.js").Panel} panel @param {import("./colors.js").Palette} palette */
function rampOf(panel, palette) {
  const axis = /** @type {import("./data.js").Axis} */ (panel.color);
  const isSigned = panel.layers.some(({ color }) => color === "signed");
  const bar = made("i");
  const ends = [axis.ticks[0]?.[0] ?? axis.low, axis.ticks.at(-1)?.[0] ?? axis.high];
  const stops = Array.from({ length: 12 }, (_, i) => {
    const share = (ends[0] + ((ends[1] - ends[0]) * i) / 11 - axis.low) / (axis.high - axis.low || 1);
    return isSigned ? palette.signed(share) : palette.ramp(share, axis.best);
  });
  bar.style.backgroundImage = `linear-gradient(to right, ${stops.join(", ")})`;
  const ramp = made("div", { class: "ramp" });
  const [first, last] = [axis.ticks[0]?.[1] ?? "low", axis.ticks.at(-1)?.[1] ?? "high"];
  ramp.append(made("span", {}, axis.title), made("span", {}, first), bar, made("span", {}, last));
  return ramp;
}

customElements.define("tw-figure", TwFigure);
