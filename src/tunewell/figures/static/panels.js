// Panels with an x and a y axis: their layers as an option of ECharts, and single items of them on a canvas.

import { isDarkColor } from "./colors.js";
import { font, isMatrix } from "./layout.js";
import { cellsOf, colorsOf, packedColor } from "./marks.js";

/** @typedef {import("./data.js").Layer} Layer */
/** @typedef {import("./data.js").Panel} Panel */
/** @typedef {import("./layout.js").Box} Box */
/** @typedef {import("./colors.js").Palette} Palette */
/** @typedef {{points: [number, number][], color: string, symbol: string | null}} Live */

const dashes = /** @type {Record<string, number[]>} */ ({ dash: [6, 4], dot: [2, 3] });
const quietRoles = ["some", "paused", "failed", "forecast"];
const manyPoints = 1000; // of which none is a shape of its own: they are drawn as one picture
const manyOpacity = 0.7;
const mostPixels = 12e6;

/** Symbols as polygons around 0, of size 1. @type {Record<string, number[][]>} */
const polygons = {
  square: [[-0.44, -0.44], [0.44, -0.44], [0.44, 0.44], [-0.44, 0.44]],
  diamond: [[0, -0.62], [0.55, 0], [0, 0.62], [-0.55, 0]],
  "triangle-up": [[0, -0.55], [0.55, 0.45], [-0.55, 0.45]],
  "triangle-down": [[0, 0.55], [0.55, -0.45], [-0.55, -0.45]],
  cross: [
    [-0.5, -0.36], [-0.36, -0.5], [0, -0.14], [0.36, -0.5], [0.5, -0.36], [0.14, 0],
    [0.5, 0.36], [0.36, 0.5], [0, 0.14], [-0.36, 0.5], [-0.5, 0.36], [-0.14, 0],
  ],
}; // prettier-ignore

/** Return how many device pixels a pixel of the drawing has. @param {number} width @param {number} height */
export function ratioOf(width, height) {
  const ratio = Math.max(1, devicePixelRatio || 1);
  return width * height * ratio * ratio > mostPixels ? 1 : ratio;
}

/**
 * Return where the items of a layer are, in pixels, for pointers and brushes; none of marks that are not made of items.
 * @param {Layer} layer @param {Box} box
 */
export function pointsOf(layer, box) {
  const hasItems = ["line", "step", "points", "bars", "segments"].includes(layer.mark);
  const n = hasItems ? layer.x.length : 0;
  const [xs, ys] = [new Float32Array(n), new Float32Array(n)];
  const isStretch = layer.mark === "bars" || layer.mark === "segments";
  for (let i = 0; i < n; i++) {
    xs[i] = box.px(isStretch ? (layer.x[i] + layer.x2[i]) / 2 : layer.x[i]);
    ys[i] = box.py(isStretch ? (layer.y[i] + layer.y2[i]) / 2 : layer.y[i]);
  }
  return { xs, ys };
}

/** @param {Layer} layer */
function sizeOf(layer) {
  if (layer.color === "best") return 11;
  return layer.x.length <= 300 ? 8 : layer.x.length <= 3000 ? 6 : 4;
}

/** @param {Layer} layer */
function lineStyleOf(layer) {
  if (layer.mark === "segments" || layer.mark === "step" || layer.color === "best") return { width: 2, opacity: 1 };
  if (!quietRoles.includes(layer.color)) return { width: 1.6, opacity: 1 };
  return { width: 1.1, opacity: layer.x.length > 2000 ? 0.45 : 0.75 };
}

/**
 * Return the panels as an option of ECharts.
 * @param {Box[]} boxes @param {Palette} palette @param {number} ratio @param {(layer: Layer) => boolean} isShown
 */
export function chartOption(boxes, palette, ratio, isShown) {
  return {
    animation: false,
    textStyle: { fontFamily: font.slice(5), fontSize: 12 },
    grid: boxes.map(({ left, top, width, height }) => ({ left, top, width, height, outerBoundsMode: "none" })),
    xAxis: boxes.map((box, i) => axisOption(box, i, palette, true)),
    yAxis: boxes.map((box, i) => axisOption(box, i, palette, false)),
    series: boxes.flatMap((box, i) => [
      ...box.panel.layers.flatMap((layer, z) => (isShown(layer) ? seriesOf(layer, box, i, z + 3, palette, ratio) : [])),
      titleOf(box, palette),
    ]),
  };
}

/** @param {Box} box @param {number} i @param {Palette} palette @param {boolean} isX */
function axisOption(box, i, palette, isX) {
  const axis = (isX ? box.panel.x : box.panel.y) ?? { low: 0, high: 1, ticks: [], scale: "linear", title: "" };
  const labels = isX ? box.xLabels : box.yLabels;
  const texts = new Map(labels.map(({ place, label }) => [place, label]));
  const width = axis.high - axis.low || 1;
  const textOf = (/** @type {number} */ place) =>
    texts.get(place) ?? labels.find((label) => Math.abs(label.place - place) < 1e-9 * width)?.label ?? "";
  return {
    type: "value",
    gridIndex: i,
    min: axis.low,
    max: axis.low + width,
    position: isX ? "bottom" : "left",
    name: isX ? box.xTitle : box.yTitle,
    nameLocation: "middle",
    nameGap: isX ? box.xGap + 4 : box.yGap + 10,
    nameTextStyle: { color: palette.text, fontSize: 12 },
    axisLine: { show: true, onZero: false, lineStyle: { color: palette.grid } },
    axisTick: { show: false, customValues: axis.ticks.map(([place]) => place) },
    axisLabel: {
      customValues: labels.map(({ place }) => place),
      formatter: textOf,
      color: palette.quiet,
      fontSize: 12,
      rotate: isX && box.isTilted ? 45 : 0,
      hideOverlap: false,
      showMinLabel: true,
      showMaxLabel: true,
      margin: 8,
    },
    splitLine: { show: !isMatrix(box.panel) && axis.scale !== "category", lineStyle: { color: palette.grid, width: 1 } },
  };
}

/** @param {Box} box @param {Palette} palette */
function titleOf(box, palette) {
  const style = { x: box.left, y: box.cell.top + 8, text: box.title, fill: palette.text, font: `600 ${font}` };
  return drawing(box, 2, box.title ? [{ type: "text", style }] : [], false);
}

/**
 * Return a series that draws these shapes, in pixels.
 * @param {Box} box @param {number} z @param {any[]} children
 */
function drawing(box, z, children, isClipped = true) {
  const { left, top, width, height } = box;
  const clip = { type: "rect", shape: { x: left - 1, y: top - 1, width: width + 2, height: height + 2 } };
  const group = { type: "group", children, ...(isClipped ? { clipPath: clip } : {}) };
  return { type: "custom", coordinateSystem: "none", silent: true, z, data: [0], renderItem: () => group };
}

/**
 * @param {Layer} layer @param {Box} box @param {number} i the panel @param {number} z @param {Palette} palette
 * @param {number} ratio @returns {any[]}
 */
function seriesOf(layer, box, i, z, palette, ratio) {
  const color = palette.role(layer.color);
  const { left, top, width, height } = box;
  switch (layer.mark) {
    case "line":
    case "step":
      return [lineOf(layer, i, z, color)];
    case "points":
      return pointSeries(layer, box, i, z, palette, ratio);
    case "bars":
      return [drawing(box, z, pathsOf(layer, box, palette, barPath, { opacity: 0.88 }, true))];
    case "segments":
      return [drawing(box, z, pathsOf(layer, box, palette, segmentPath, { lineWidth: 2 }, false))];
    case "band":
      return [drawing(box, z, [{ type: "path", shape: { pathData: bandPath(layer, box) }, style: { fill: color, opacity: 0.18 } }])];
    case "heat":
    case "density": {
      const image = cellsOf(layer, box, palette, ratio);
      const opacity = layer.color === "value" ? 0.75 : 1;
      return [drawing(box, z, [{ type: "image", style: { image, x: left, y: top, width, height, opacity } }])];
    }
    case "rule": {
      const pathData = [
        ...Array.from(layer.x, (place) => `M${box.px(place)} ${top}V${top + height}`),
        ...Array.from(layer.y, (place) => `M${left} ${box.py(place)}H${left + width}`),
      ].join("");
      const style = { stroke: color, fill: "none", lineWidth: layer.label ? 1.6 : 1, lineDash: dashes[layer.dash ?? ""] };
      return [drawing(box, z, [{ type: "path", shape: { pathData }, style }])];
    }
    case "text":
      return [drawing(box, z, textsOf(layer, box, palette), false)];
    default:
      return [];
  }
}

/** @param {Layer} layer @param {number} i @param {number} z @param {string} color */
function lineOf(layer, i, z, color) {
  let last = layer.x[0];
  const data = Array.from(layer.x, (x, at) => {
    if (!Number.isNaN(x)) last = x;
    return [last, Number.isNaN(x) || Number.isNaN(layer.y[at]) ? "-" : layer.y[at]];
  });
  return {
    type: "line",
    xAxisIndex: i,
    yAxisIndex: i,
    step: layer.mark === "step" ? "end" : false,
    data,
    z,
    color,
    silent: true,
    showSymbol: false,
    connectNulls: false,
    lineStyle: { ...lineStyleOf(layer), type: dashes[layer.dash ?? ""] ?? "solid", join: "round" },
  };
}

/**
 * @param {Layer} layer @param {Box} box @param {number} i @param {number} z @param {Palette} palette
 * @param {number} ratio
 */
function pointSeries(layer, box, i, z, palette, ratio) {
  const size = sizeOf(layer);
  const n = layer.x.length;
  const isValue = layer.color === "value" || layer.color === "signed";
  const role = palette.role(layer.color);
  const colorOf = isValue ? colorsOf(box.panel, layer.color, palette) : () => role;
  if (n > manyPoints) {
    const { picture, ...place } = stamped(layer, box, pointsOf(layer, box), colorOf, null, size, manyOpacity, ratio);
    return [drawing(box, z, [{ type: "image", style: { image: picture, ...place } }], false)];
  }
  const isRing = layer.symbol === "ring";
  const polygon = polygons[layer.symbol ?? ""];
  const hasEdge = layer.symbol !== "cross" && !isRing;
  const style = { opacity: n <= 300 ? 0.95 : manyOpacity, ...(hasEdge ? { borderColor: palette.ground, borderWidth: 0.8 } : {}) };
  const own = isValue ? {} : isRing ? { color: "transparent", borderColor: role, borderWidth: 1.5 } : { color: role };
  const data = Array.from(layer.x, (x, at) => {
    const value = [x, layer.y[at]];
    return isValue ? { value, itemStyle: { color: colorOf(layer.value[at]) } } : value;
  });
  return [{
    type: "scatter",
    xAxisIndex: i,
    yAxisIndex: i,
    z,
    silent: true,
    clip: false,
    symbol: polygon ? `path://${pathOf(polygon, 100)}` : "circle",
    symbolSize: layer.symbol === "cross" ? size + 1 : size,
    progressive: 0,
    data,
    itemStyle: { ...style, ...own },
  }]; // prettier-ignore
}

/**
 * Return one path for each colour of a layer.
 * @param {Layer} layer @param {Box} box @param {Palette} palette
 * @param {(layer: Layer, box: Box, i: number) => string} pathOfItem @param {any} style @param {boolean} isFilled
 */
function pathsOf(layer, box, palette, pathOfItem, style, isFilled) {
  const isValue = layer.color === "value" || layer.color === "signed";
  const colorOf = isValue ? colorsOf(box.panel, layer.color, palette) : () => palette.role(layer.color);
  /** @type {Map<string, string[]>} */
  const paths = new Map();
  for (let i = 0; i < layer.x.length; i++) {
    const color = colorOf(layer.value[i]);
    if (!paths.has(color)) paths.set(color, []);
    paths.get(color)?.push(pathOfItem(layer, box, i));
  }
  const dash = { lineDash: dashes[layer.dash ?? ""] };
  return [...paths].map(([color, parts]) => ({
    type: "path",
    shape: { pathData: parts.join("") },
    style: { ...style, ...dash, ...(isFilled ? { fill: color } : { fill: "none", stroke: color }) },
  }));
}

/** @param {Layer} layer @param {Box} box @param {number} i */
function barPath(layer, box, i) {
  const [x1, x2] = [box.px(layer.x[i]), box.px(layer.x2[i])].sort((a, b) => a - b);
  const [y1, y2] = [box.py(layer.y[i]), box.py(layer.y2[i])].sort((a, b) => a - b);
  const gap = x2 - x1 > 6 && layer.symbol !== null ? 1 : 0; // bars of a time line that follow on each other stay apart
  return `M${x1} ${y1}H${x2 - gap}V${y2}H${x1}Z`;
}

/** @param {Layer} layer @param {Box} box @param {number} i */
function segmentPath(layer, box, i) {
  return `M${box.px(layer.x[i])} ${box.py(layer.y[i])}L${box.px(layer.x2[i])} ${box.py(layer.y2[i])}`;
}

/** Return the area between low and high; each gap ends one. @param {Layer} layer @param {Box} box */
function bandPath(layer, box) {
  const parts = [];
  let run = /** @type {number[]} */ ([]);
  for (let i = 0; i <= layer.x.length; i++) {
    if (i < layer.x.length && !Number.isNaN(layer.x[i] + layer.low[i] + layer.high[i])) {
      run.push(i);
      continue;
    }
    if (run.length) {
      const over = run.map((at) => `${box.px(layer.x[at])} ${box.py(layer.high[at])}`);
      const under = run.reverse().map((at) => `${box.px(layer.x[at])} ${box.py(layer.low[at])}`);
      parts.push(`M${[...over, ...under].join("L")}Z`);
    }
    run = [];
  }
  return parts.join("");
}

/** @param {Layer} layer @param {Box} box @param {Palette} palette */
function textsOf(layer, box, palette) {
  const heat = box.panel.layers.find(({ mark }) => mark === "heat");
  const x = box.panel.x ?? { low: 0, high: 1, scale: "linear", title: "", ticks: [], best: null };
  const middle = (x.low + x.high) / 2;
  const colorOf = heat && colorsOf(box.panel, heat.color, palette);
  const room = heat ? Math.abs(box.px(1) - box.px(0)) : Infinity;
  if (room < 34) return []; // the colours say it
  return (layer.hover ?? []).map((text, i) => {
    const isCentred = heat || Math.abs(layer.x[i] - middle) < 1e-9 * (x.high - x.low);
    const fill = heat && colorOf ? (isDarkColor(colorOf(heat.value[i])) ? "#ffffff" : "#1f2328") : palette.quiet;
    const style = { x: box.px(layer.x[i]), y: box.py(layer.y[i]), text, fill, font, align: isCentred ? "center" : "left", verticalAlign: "middle" };
    return { type: "text", style };
  });
}

/** @param {number[][]} polygon @param {number} size */
function pathOf(polygon, size) {
  return `M${polygon.map(([x, y]) => `${(x * size).toFixed(1)} ${(y * size).toFixed(1)}`).join("L")}Z`;
}

/**
 * Draw the items of a layer whose rows are selected, on a canvas.
 * @param {CanvasRenderingContext2D} context @param {Layer} layer @param {Box} box
 * @param {{xs: Float32Array, ys: Float32Array}} points @param {Palette} palette
 * @param {Uint8Array} selected by row, 1 for those that are @param {number} ratio device pixels a pixel
 */
export function drawItems(context, layer, box, { xs, ys }, palette, selected, ratio) {
  const { rows } = layer;
  if (!rows || !xs.length) return;
  const isValue = layer.color === "value" || layer.color === "signed";
  const role = palette.role(layer.color);
  const colorOf = isValue ? colorsOf(box.panel, layer.color, palette) : () => role;
  if (layer.mark === "points" && rows.length > manyPoints) {
    const shown = rows.reduce((n, row) => n + (selected[row] ? 1 : 0), 0);
    if (shown > manyPoints) {
      const size = Math.max(6, sizeOf(layer));
      const { picture, x, y, width, height } = stamped(layer, box, { xs, ys }, colorOf, selected, size, 1, ratio);
      return context.drawImage(picture, x, y, width, height);
    }
  }
  context.save();
  if (layer.mark === "line" || layer.mark === "step") {
    context.strokeStyle = colorOf(0);
    context.lineWidth = 2.2;
    context.setLineDash(dashes[layer.dash ?? ""] ?? []);
    context.beginPath();
    for (let i = 0; i < xs.length; i++) {
      if (!selected[rows[i]] || Number.isNaN(ys[i])) continue;
      const goesOn = i > 0 && rows[i - 1] === rows[i] && !Number.isNaN(ys[i - 1]);
      if (goesOn) context.lineTo(xs[i], ys[i]);
      else context.moveTo(xs[i], ys[i]);
    }
    context.stroke();
  } else {
    const size = Math.max(6, sizeOf(layer));
    for (let i = 0; i < xs.length; i++) {
      if (!selected[rows[i]]) continue;
      const color = colorOf(layer.value[i]);
      if (layer.mark === "points") drawSymbol(context, layer.symbol, xs[i], ys[i], size, color);
      else {
        const path = new Path2D(layer.mark === "bars" ? barPath(layer, box, i) : segmentPath(layer, box, i));
        context.fillStyle = context.strokeStyle = color;
        context.lineWidth = 3;
        if (layer.mark === "bars") context.fill(path);
        else context.stroke(path);
      }
    }
  }
  context.restore();
}

/**
 * Return a picture of many points, made pixel by pixel, and where it lies: as shapes they take ten times as long.
 * @param {Layer} layer @param {Box} box @param {{xs: Float32Array, ys: Float32Array}} points
 * @param {(value: number) => string} colorOf @param {Uint8Array | null} selected by row; null: all
 * @param {number} size pixels @param {number} opacity @param {number} ratio device pixels a pixel
 */
function stamped(layer, box, { xs, ys }, colorOf, selected, size, opacity, ratio) {
  const { offsets, cover, side } = stampOf(layer.symbol, size, ratio);
  const picture = document.createElement("canvas");
  const [wide, high] = [Math.ceil(box.width * ratio) + 2 * side, Math.ceil(box.height * ratio) + 2 * side];
  [picture.width, picture.height] = [wide, high];
  const image = new ImageData(wide, high);
  const { data } = image;
  /** @type {Map<string, number>} */
  const packed = new Map();
  for (let i = 0; i < xs.length; i++) {
    if (selected && !selected[/** @type {any} */ (layer.rows)[i]]) continue;
    const left = Math.round((xs[i] - box.left) * ratio - side / 2) + side;
    const top = Math.round((ys[i] - box.top) * ratio - side / 2) + side;
    if (!(left >= 0 && top >= 0 && left + side <= wide && top + side <= high)) continue; // nor where there is no place
    const name = colorOf(layer.value[i]);
    let color = packed.get(name);
    if (color === undefined) packed.set(name, (color = packedColor(name)));
    const [red, green, blue] = [color & 255, (color >> 8) & 255, (color >> 16) & 255];
    for (let k = 0; k < cover.length; k++) {
      const at = 4 * ((top + Math.floor(offsets[k] / side)) * wide + left + (offsets[k] % side));
      const over = cover[k] * opacity;
      const under = (data[at + 3] / 255) * (1 - over);
      const share = over / (over + under);
      data[at] += (red - data[at]) * share;
      data[at + 1] += (green - data[at + 1]) * share;
      data[at + 2] += (blue - data[at + 2]) * share;
      data[at + 3] = 255 * (over + under);
    }
  }
  /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d")).putImageData(image, 0, 0);
  const place = { x: box.left - side / ratio, y: box.top - side / ratio, width: wide / ratio, height: high / ratio };
  return { picture, ...place };
}

/**
 * Return the pixels of a symbol within a square, and how much of each it covers.
 * @param {string | null} symbol @param {number} size pixels @param {number} ratio
 */
function stampOf(symbol, size, ratio) {
  const side = Math.ceil((size + 3) * ratio);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [side, side];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.scale(ratio, ratio);
  drawSymbol(context, symbol, side / ratio / 2, side / ratio / 2, size, "#000");
  const alpha = context.getImageData(0, 0, side, side).data.filter((_, i) => i % 4 === 3);
  const offsets = Array.from(alpha.keys()).filter((i) => alpha[i] > 12);
  return { offsets, cover: offsets.map((i) => alpha[i] / 255), side };
}

/**
 * @param {CanvasRenderingContext2D} context @param {string | null} symbol @param {number} x @param {number} y
 * @param {number} size @param {string} color
 */
function drawSymbol(context, symbol, x, y, size, color) {
  context.beginPath();
  const polygon = polygons[symbol ?? ""];
  if (polygon) {
    for (const [dx, dy] of polygon) context.lineTo(x + dx * size, y + dy * size);
    context.closePath();
  } else context.arc(x, y, size / 2, 0, 7);
  if (symbol === "ring") {
    context.strokeStyle = color;
    context.lineWidth = 1.5;
    context.stroke();
  } else {
    context.fillStyle = color;
    context.fill();
  }
}

/**
 * Draw what came since the panel was made: a line through the points of each, and its symbol at the last.
 * @param {CanvasRenderingContext2D} context @param {Live[]} live @param {Box} box @param {Palette} palette
 */
export function drawLive(context, live, box, palette) {
  const x = box.panel.x ?? { low: 0, high: 1 };
  const y = box.panel.y ?? { low: 0, high: 1 };
  context.save();
  for (const { points, color, symbol } of live) {
    const places = points.map(([atX, atY]) => [
      box.px(Math.min(Math.max(atX, x.low), x.high)), // beyond the axis it lies at its end, until the figure is made anew
      box.py(Math.min(Math.max(atY, y.low), y.high)),
    ]);
    const role = palette.role(color);
    context.strokeStyle = role;
    context.lineWidth = 1.6;
    context.beginPath();
    for (const [px, py] of places) context.lineTo(px, py);
    if (places.length > 1) context.stroke();
    const [px, py] = /** @type {number[]} */ (places.at(-1));
    drawSymbol(context, symbol, px, py, 8, role);
  }
  context.restore();
}

/**
 * Return what a layer looks like, for the legend.
 * @param {Layer} layer @param {Panel} panel @param {Palette} palette
 */
export function swatchOf(layer, panel, palette) {
  const svg = element("svg", { width: 20, height: 12, viewBox: "-10 -6 20 12", "aria-hidden": "true" });
  const isValue = layer.color === "value" || layer.color === "signed";
  const color = isValue ? palette.ramp(0.5, panel.color?.best ?? null) : palette.role(layer.mark === "density" ? "ended" : layer.color);
  const dash = (dashes[layer.dash ?? ""] ?? []).join(" ") || "none";
  if (layer.mark === "points") {
    const polygon = polygons[layer.symbol ?? ""];
    const own = layer.symbol === "ring" ? { fill: "none", stroke: color, "stroke-width": 1.6 } : { fill: color };
    svg.append(polygon ? element("path", { d: pathOf(polygon, 10), ...own }) : element("circle", { r: 4, ...own }));
  } else if (["bars", "heat", "density"].includes(layer.mark)) {
    svg.append(element("rect", { x: -8, y: -5, width: 16, height: 10, rx: 1, fill: color, "fill-opacity": layer.mark === "density" ? 0.5 : 0.9 }));
  } else if (layer.mark === "band") {
    svg.append(element("rect", { x: -9, y: -5, width: 18, height: 10, fill: color, "fill-opacity": 0.3 }));
  } else {
    svg.append(element("path", { d: "M-10 0H10", stroke: color, "stroke-width": 2, "stroke-dasharray": dash }));
  }
  return svg;
}

/** @param {string} name @param {Record<string, string | number>} attributes */
function element(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}
