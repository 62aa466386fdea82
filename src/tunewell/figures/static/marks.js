// Marks that are drawn on a canvas of our own: cells, the density of curves, and parallel axes that can be brushed.

import { cutTo, font, widthOf } from "./layout.js";

/** @typedef {import("./data.js").Layer} Layer */
/** @typedef {import("./data.js").Panel} Panel */
/** @typedef {import("./layout.js").Box} Box */
/** @typedef {import("./colors.js").Palette} Palette */

const shades = 64;
const mostStroked = 800; // lines; more of them are counted pixel by pixel, which costs the same however dense they are
const mostCounted = 4e6; // pixels that are counted while a pointer drags; of more, every other column or every third
const mostSkipped = 4; // columns

/**
 * Return the colour of a value on a panel's axis of colour.
 * @param {Panel} panel @param {string} role @param {Palette} palette
 * @returns {(value: number) => string}
 */
export function colorsOf(panel, role, palette) {
  const { low, high, best } = panel.color ?? { low: 0, high: 1, best: null };
  const share = (/** @type {number} */ value) => (value - low) / (high - low || 1);
  if (role === "signed") return (value) => palette.signed(share(value));
  const ramp = Array.from({ length: shades }, (_, i) => palette.ramp(i / (shades - 1), best));
  return (value) => ramp[shadeOf(share(value))];
}

/** @param {number} share */
function shadeOf(share) {
  return Math.round(Math.min(Math.max(share || 0, 0), 1) * (shades - 1));
}

/**
 * Return the cells of a heat map or of a density as a picture of the panel.
 * @param {Layer} layer @param {Box} box @param {Palette} palette @param {number} ratio device pixels a pixel
 */
export function cellsOf(layer, box, palette, ratio) {
  const picture = document.createElement("canvas");
  picture.width = Math.max(1, Math.round(box.width * ratio));
  picture.height = Math.max(1, Math.round(box.height * ratio));
  const context = /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"));
  const colorOf = colorsOf(box.panel, layer.color, palette);
  const isDensity = layer.mark === "density";
  const xs = edgesOf(layer.x).map((place) => Math.round((box.px(place) - box.left) * ratio));
  const ys = edgesOf(layer.y).map((place) => Math.round((box.py(place) - box.top) * ratio));
  const gap = layer.color === "signed" && layer.x.length < 40 ? Math.round(ratio) : 0;
  if (isDensity) context.fillStyle = palette.role("ended");
  for (let row = 0; row < layer.y.length; row++) {
    for (let column = 0; column < layer.x.length; column++) {
      const value = layer.value[row * layer.x.length + column];
      if (Number.isNaN(value) || (isDensity && value === 0)) continue;
      if (isDensity) context.globalAlpha = 0.08 + 0.87 * Math.sqrt(value);
      else context.fillStyle = colorOf(value);
      const [left, top] = [xs[column], ys[row + 1]];
      context.fillRect(left, top, xs[column + 1] - left - gap, ys[row] - top - gap);
    }
  }
  return picture;
}

/** Return the edges of cells around these middles. @param {Float64Array} middles */
function edgesOf(middles) {
  const half = middles.length > 1 ? (middles[1] - middles[0]) / 2 : 0.5;
  return [...Array.from(middles, (middle) => middle - half), (middles.at(-1) ?? 0) + half];
}

/** Lines across parallel axes, of which each can be brushed. */
export class ParallelAxes {
  /** @param {Panel} panel */
  constructor(panel) {
    this.panel = panel;
    /** @type {Map<number, [number, number]>} the brushed stretch of an axis, in places */
    this.brushes = new Map();
    this.layers = panel.layers.filter((layer) => layer.mark === "parallel");
    /** @type {Set<Layer>} those that the legend has switched off */
    this.hidden = new Set();
    /** @type {HTMLCanvasElement | null} */
    this.ground = null;
    /** @type {{canvas: HTMLCanvasElement, picture: ImageData, tally: Uint32Array} | null} */
    this.room = null;
    this.left = this.right = this.top = this.width = this.height = 0;
    this.ratio = 1;
  }

  get axes() {
    return this.panel.axes;
  }

  /**
   * Take the room in which to draw.
   * @param {Box["cell"]} cell @param {Palette} palette @param {number} ratio
   */
  place(cell, palette, ratio) {
    this.palette = palette;
    this.ratio = ratio;
    const last = this.axes.at(-1);
    const right = Math.max(16, ...(last?.ticks ?? []).map(([, label]) => Math.min(widthOf(label), 90) + 14));
    this.left = cell.left + 16;
    this.right = cell.left + cell.width;
    this.width = Math.max(20, cell.width - 16 - right);
    this.gap = this.axes.length > 1 ? this.width / (this.axes.length - 1) : this.width;
    this.top = cell.top + 44;
    this.height = Math.max(20, cell.height - 44 - 12);
    // where each line crosses each axis, in pixels from the top, and its shade: worked out once a size
    const { low, high, best } = this.panel.color ?? { low: 0, high: 1, best: null };
    this.drawn = this.layers.map((layer) => {
      const crossings = new Float32Array(layer.y.length);
      const k = this.axes.length;
      for (let i = 0; i < crossings.length; i++) {
        const axis = this.axes[i % k];
        crossings[i] = this.height * (1 - (layer.y[i] - axis.low) / (axis.high - axis.low || 1));
      }
      const isValue = layer.color === "value";
      const shade = Uint8Array.from({ length: layer.y.length / k || 0 }, (_, i) =>
        isValue ? shadeOf((layer.value[i] - low) / (high - low || 1)) : 0,
      );
      const colors = isValue
        ? Array.from({ length: shades }, (_, i) => palette.ramp(i / (shades - 1), best))
        : [palette.role(layer.color)];
      return { layer, crossings, shade, colors, bestIsLow: best === "low" };
    });
    this.ground = null;
  }

  /** @param {number} i @returns {number} */
  axisAt(i) {
    return this.left + i * (this.gap ?? 0);
  }

  /**
   * Draw the lines and axes; with some selected, the others pale.
   * @param {CanvasRenderingContext2D} context @param {Uint8Array | null} selected by row, 1 for those that are
   * @param {boolean} isRough the next drawing comes at once
   */
  draw(context, selected, isRough = false) {
    if (!this.ground) {
      this.ground = canvasLike(context.canvas);
      this.#lines(/** @type {CanvasRenderingContext2D} */ (this.ground.getContext("2d")), null, false);
    }
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = selected ? 0.14 : 1;
    context.drawImage(this.ground, 0, 0);
    context.restore();
    if (selected) this.#lines(context, selected, isRough);
    this.#axes(context);
  }

  /** @param {CanvasRenderingContext2D} context @param {Uint8Array | null} selected @param {boolean} isRough */
  #lines(context, selected, isRough) {
    context.save();
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    for (const drawn of this.drawn ?? []) {
      if (this.hidden.has(drawn.layer)) continue;
      const { rows } = drawn.layer;
      const n = drawn.shade.length;
      let m = 0;
      const all = new Uint32Array(selected && !rows ? 0 : n);
      for (let i = 0; i < all.length; i++) if (!selected || !rows || selected[rows[i]]) all[m++] = i;
      const shown = all.subarray(0, m);
      if (m > mostStroked) this.#counted(context, drawn, shown, isRough);
      else this.#stroked(context, drawn, shown);
    }
    context.restore();
  }

  /**
   * Draw few lines, one by one.
   * @param {CanvasRenderingContext2D} context @param {any} drawn @param {Uint32Array} shown
   */
  #stroked(context, { layer, crossings, shade, colors }, shown) {
    const k = this.axes.length;
    context.lineWidth = shown.length <= 40 ? 1.8 : 1.1;
    context.lineJoin = "round";
    context.globalAlpha = Math.min(Math.max(60 / Math.max(1, shown.length), 0.3), 0.9);
    context.setLineDash(layer.dash ? [2, 3] : []);
    for (const i of shown) {
      context.strokeStyle = colors[shade[i]];
      context.beginPath();
      let isOpen = false;
      for (let j = 0; j < k; j++) {
        const y = crossings[i * k + j];
        if (Number.isNaN(y)) isOpen = false;
        else {
          if (isOpen) context.lineTo(this.axisAt(j), this.top + y);
          else context.moveTo(this.axisAt(j), this.top + y);
          isOpen = true;
        }
      }
      context.stroke();
    }
  }

  /**
   * Draw many lines as how many of them pass through a pixel, in the shade of the best of them.
   * @param {CanvasRenderingContext2D} context @param {any} drawn @param {Uint32Array} shown @param {boolean} isRough
   */
  #counted(context, { crossings, shade, colors, bestIsLow }, shown, isRough) {
    const k = this.axes.length;
    const high = Math.ceil(this.height) + 1;
    const skipped = isRough ? Math.min(Math.ceil((shown.length * this.width) / mostCounted), mostSkipped) : 1;
    const wide = Math.ceil(this.width / skipped);
    const gap = (this.gap ?? 0) / skipped;
    const { canvas, picture, tally } = this.#roomFor(wide, high);
    // a pixel's tally is the shade of the best, above 16 bits of how many
    for (let j = 0; j + 1 < k; j++) {
      const [from, to] = [Math.round(j * gap), Math.min(wide, Math.round((j + 1) * gap))];
      const columns = to - from;
      for (let m = 0; m < shown.length; m++) {
        const at = shown[m] * k + j;
        const slope = (crossings[at + 1] - crossings[at]) / columns;
        if (slope !== slope) continue;
        const own = (bestIsLow ? shades - 1 - shade[shown[m]] : shade[shown[m]]) << 16;
        let y = crossings[at] + 0.5;
        for (let x = from; x < to; x++, y += slope) {
          const pixel = (y | 0) * wide + x;
          const known = tally[pixel];
          tally[pixel] = known >= own ? known + 1 : (known & 0xffff) + 1 + own;
        }
      }
    }
    const pixels = new Uint32Array(picture.data.buffer);
    const reds = colors.map(packedColor);
    const alpha = Uint8Array.from({ length: 256 }, (_, count) => Math.min(255, 70 + 45 * Math.log2(1 + count)));
    for (let i = 0; i < pixels.length; i++) {
      const count = tally[i] & 0xffff;
      if (count === 0) continue;
      const best = tally[i] >>> 16;
      const own = colors.length === 1 ? 0 : bestIsLow ? shades - 1 - best : best;
      pixels[i] = reds[own] | (alpha[count > 255 ? 255 : count] << 24);
    }
    /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(picture, 0, 0);
    context.globalAlpha = 1;
    context.drawImage(canvas, this.left, this.top, wide * skipped, high);
  }

  /**
   * Return an empty picture of a size and what counts its pixels: the same again, since a drag asks for many.
   * @param {number} wide @param {number} high
   */
  #roomFor(wide, high) {
    if (this.room?.canvas.width !== wide || this.room.canvas.height !== high) {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [wide, high];
      this.room = { canvas, picture: new ImageData(wide, high), tally: new Uint32Array(wide * high) };
    } else {
      this.room.picture.data.fill(0);
      this.room.tally.fill(0);
    }
    return this.room;
  }

  /** @param {CanvasRenderingContext2D} context */
  #axes(context) {
    const palette = /** @type {Palette} */ (this.palette);
    const gap = this.gap ?? 0;
    context.save();
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.font = font;
    context.lineWidth = 1;
    context.lineJoin = "round";
    const last = this.axes.length - 1;
    this.axes.forEach((axis, i) => {
      const x = Math.round(this.axisAt(i)) + 0.5;
      context.strokeStyle = palette.quiet;
      context.beginPath();
      context.moveTo(x, this.top);
      context.lineTo(x, this.top + this.height);
      context.stroke();
      const brush = this.brushes.get(i);
      if (brush) {
        const [from, to] = brush.map((place) => this.yOf(i, place));
        context.fillStyle = palette.text;
        context.globalAlpha = 0.22;
        context.fillRect(x - 7, to, 14, Math.max(2, from - to));
        context.globalAlpha = 1;
        context.strokeRect(x - 7, Math.round(to) + 0.5, 14, Math.max(2, Math.round(from - to)));
      }
      context.textBaseline = "middle";
      let before = Infinity;
      for (const [place, label] of axis.ticks) {
        const y = this.yOf(i, place);
        context.strokeStyle = palette.quiet;
        context.beginPath();
        context.moveTo(x, y);
        context.lineTo(x + 4, y);
        context.stroke();
        if (Math.abs(before - y) < 15) continue;
        before = y;
        const text = cutTo(Math.max(24, Math.min(i === last ? 90 : 110, gap - 14)), label);
        outlined(context, text, x + 7, y, palette);
      }
      // titles on two heights where they would touch
      context.textBaseline = "alphabetic";
      const isLow = gap < 110 && i % 2 === 1;
      const right = this.right - 2;
      // the last one, which the edge pushes to the left, stays off the one before it on its height
      const half = gap < 110 ? gap - 6 : gap / 2 - 5;
      const room = Math.max(40, Math.min(2 * half, half + (i === last ? Math.max(right - x, 0) : half)));
      const title = cutTo(room, axis.title);
      const wide = widthOf(title);
      const at = Math.min(Math.max(this.left - 14, x - wide / 2), Math.max(this.left - 14, right - wide));
      context.fillStyle = palette.text;
      context.fillText(title, at, this.top - (isLow || gap >= 110 ? 12 : 28));
    });
    context.restore();
  }

  /** @param {number} i @param {number} place */
  yOf(i, place) {
    const { low, high } = this.axes[i];
    return this.top + this.height * (1 - (place - low) / (high - low || 1));
  }

  /** Return which axis a pointer is over. @param {number} x */
  axisNear(x) {
    return Math.min(Math.max(Math.round((x - this.left) / (this.gap || 1)), 0), this.axes.length - 1);
  }

  /**
   * Brush an axis between two heights.
   * @param {number} i @param {number} one @param {number} other
   */
  brush(i, one, other) {
    const { low, high } = this.axes[i];
    const [from, to] = [one, other]
      .map((y) => low + (high - low) * (1 - Math.min(Math.max((y - this.top) / this.height, 0), 1)))
      .sort((a, b) => a - b);
    this.brushes.set(i, [from, to]);
  }

  /** Return the rows within all brushes, or null where nothing is brushed. */
  brushedRows() {
    if (!this.brushes.size) return null;
    const k = this.axes.length;
    const brushes = [...this.brushes];
    const found = [];
    for (const layer of this.layers) {
      if (!layer.rows || this.hidden.has(layer)) continue;
      const { rows, y } = layer;
      lines: for (let i = 0; i < rows.length; i++) {
        for (const [j, [low, high]] of brushes) {
          const place = y[i * k + j];
          if (!(place >= low && place <= high)) continue lines;
        }
        found.push(rows[i]);
      }
    }
    return found;
  }

  /**
   * Return the line nearest to a point.
   * @param {number} x @param {number} y
   * @returns {{layer: Layer, item: number, distance: number, x: number, y: number} | null}
   */
  nearest(x, y) {
    const k = this.axes.length;
    const along = Math.min(Math.max((x - this.left) / (this.gap || 1), 0), k - 1);
    const j = Math.min(Math.floor(along), Math.max(0, k - 2));
    const share = along - j;
    let best = null;
    for (const { layer, crossings, shade } of this.drawn ?? []) {
      if (this.hidden.has(layer)) continue;
      for (let i = 0; i < shade.length; i++) {
        const from = crossings[i * k + j];
        const to = k > 1 ? crossings[i * k + j + 1] : from;
        const at = this.top + from + (to - from) * share;
        const distance = Math.abs(at - y);
        if (distance <= (best?.distance ?? 12)) best = { layer, item: i, distance, x, y: at };
      }
    }
    return best;
  }

  /**
   * Return where the middle of a row's line is.
   * @param {number} row
   */
  pointOf(row) {
    const k = this.axes.length;
    for (const { layer, crossings } of this.drawn ?? []) {
      const i = layer.rows?.indexOf(row) ?? -1;
      if (i >= 0 && !this.hidden.has(layer)) return { layer, item: i, x: this.axisAt(k - 1), y: this.top + crossings[i * k + k - 1] };
    }
    return null;
  }
}

/** @param {CanvasRenderingContext2D} context @param {string} text @param {number} x @param {number} y @param {Palette} palette */
function outlined(context, text, x, y, palette) {
  context.strokeStyle = palette.ground;
  context.lineWidth = 4;
  context.strokeText(text, x, y);
  context.lineWidth = 1;
  context.fillStyle = palette.text;
  context.fillText(text, x, y);
}

/** @param {HTMLCanvasElement} other */
function canvasLike(other) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [other.width, other.height];
  return canvas;
}

/** Return a colour as the bytes of a pixel, without its alpha. @param {string} color as #rrggbb or rgb(...) */
export function packedColor(color) {
  const [r, g, b] = color.startsWith("#")
    ? [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16))
    : (color.match(/\d+/g) ?? ["0", "0", "0"]).map(Number);
  return (b << 16) | (g << 8) | r;
}
