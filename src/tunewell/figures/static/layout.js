// Where the panels of a figure lie, and which labels of their axes have room.

export const font = '12px system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif';
const lineHeight = 16;
const leastPanel = 300;

const measuring = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));

/** Return how wide a text is. @param {string} text */
export function widthOf(text) {
  measuring.font = font;
  return measuring.measureText(text.slice(0, 400)).width;
}

/** Return a text cut to a width. @param {string} text @param {number} width */
export function cutTo(width, text) {
  if (widthOf(text) <= width) return text;
  const letters = [...text.slice(0, 400)];
  let [fits, not] = [0, letters.length];
  while (not - fits > 1) {
    const middle = (fits + not) >> 1;
    if (widthOf(`${letters.slice(0, middle).join("")}…`) <= width) fits = middle;
    else not = middle;
  }
  return `${letters.slice(0, fits).join("").trimEnd()}…`;
}

/**
 * @typedef {import("./data.js").Axis} Axis
 * @typedef {import("./data.js").Panel} Panel
 * @typedef {{place: number, label: string}} Label
 * @typedef {{panel: Panel, cell: {left: number, top: number, width: number, height: number},
 *   left: number, top: number, width: number, height: number, xLabels: Label[], yLabels: Label[], isTilted: boolean,
 *   xTitle: string, yTitle: string, title: string, yGap: number, xGap: number,
 *   px: (place: number) => number, py: (place: number) => number}} Box
 */

/**
 * Return how many columns of panels there are.
 * @param {number} panels @param {number} width
 */
export function columnsFor(panels, width) {
  const most = Math.max(1, Math.min(panels, 4, Math.floor(width / leastPanel)));
  return Math.ceil(panels / Math.ceil(panels / most)) || 1;
}

/** Return how narrow a figure may be drawn: parallel axes rather scroll than touch. @param {Panel[]} panels */
export function leastWidthFor(panels) {
  return Math.max(0, ...panels.map(({ axes }) => 74 * axes.length));
}

/**
 * Return how high the panels of a figure stand, where nobody says.
 * @param {Panel[]} panels @param {number} width
 */
export function heightFor(panels, width) {
  const columns = columnsFor(panels.length, width);
  const rows = Math.ceil(panels.length / columns);
  const heights = panels.map((panel) => {
    if (panel.axes.length) return Math.min(Math.max(0.42 * width, 320), 620);
    if (isMatrix(panel) && panel.y) return Math.min(30 * panel.y.ticks.length + 120, 900);
    if (panel.y?.scale === "category" && !panel.layers.some((layer) => layer.mark === "heat")) return Math.min(Math.max(30 * panel.y.ticks.length + 70, 140), 1600);
    return rows > 1 ? 240 : Math.min(Math.max(0.45 * (width / columns), 300), 640);
  });
  return Math.max(120, ...heights) * rows;
}

/** Return whether a panel's cells carry texts. @param {Panel} panel */
export function isMatrix(panel) {
  return panel.layers.some((layer) => layer.mark === "heat" && layer.color === "signed");
}

/**
 * Return a box for each panel.
 * @param {Panel[]} panels @param {number} width @param {number} height
 * @returns {Box[]}
 */
export function boxesOf(panels, width, height) {
  const columns = columnsFor(panels.length, width);
  const rows = Math.ceil(panels.length / columns);
  const hasTitles = panels.some((panel) => panel.title);
  const first = panels[0]?.y ? JSON.stringify(panels[0].y) : null;
  const isShared = panels.length > 1 && panels.every((panel) => JSON.stringify(panel.y) === first);
  return panels.map((panel, i) => {
    const cell = {
      left: (i % columns) * (width / columns),
      top: Math.floor(i / columns) * (height / rows),
      width: width / columns,
      height: height / rows,
    };
    return boxOf(panel, cell, hasTitles, isShared && i % columns > 0);
  });
}

/**
 * @param {Panel} panel @param {Box["cell"]} cell @param {boolean} hasTitles @param {boolean} withoutY
 * @returns {Box}
 */
function boxOf(panel, cell, hasTitles, withoutY) {
  const x = panel.x ?? { title: "", scale: "linear", low: 0, high: 1, ticks: [], best: null };
  const y = panel.y ?? x;
  const isTight = cell.width < 520;
  const top = cell.top + (hasTitles ? 30 : 12);
  // names may take a third of the width; numbers are never cut
  const mostY = y.scale === "category" ? cell.width * (isTight ? 0.32 : 0.3) : Math.max(60, cell.width * 0.2);
  const yTexts = withoutY ? [] : y.ticks.map(([, label]) => cutTo(mostY, label));
  const yGap = Math.ceil(Math.max(0, ...yTexts.map(widthOf))) + (yTexts.length ? 10 : 0);
  const left = cell.left + Math.max(18, 6 + (y.title && !withoutY ? 20 : 0) + yGap); // half of the first label is beside it
  const lastX = x.ticks.at(-1);
  const overhang = lastX && x.scale !== "category" ? widthOf(lastX[1]) / 2 : 0;
  const width = Math.max(20, cell.left + cell.width - left - Math.max(14, Math.min(overhang, 40)));
  const px = (/** @type {number} */ place) => left + ((place - x.low) / (x.high - x.low || 1)) * width;
  const { labels: xLabels, isTilted, gap: xGap } = labelsBelow(x, px, width);
  const bottom = cell.top + cell.height - 8 - xGap - (x.title ? 22 : 0);
  const height = Math.max(20, bottom - top);
  const py = (/** @type {number} */ place) => top + height - ((place - y.low) / (y.high - y.low || 1)) * height;
  const yLabels = thinned(y.ticks.map(([place], i) => ({ place, label: yTexts[i] ?? "" })), (one, other) =>
    Math.abs(py(one.place) - py(other.place)) >= lineHeight - 2,
  );
  return {
    panel, cell, left, top, width, height, xLabels, yLabels: withoutY ? [] : yLabels, isTilted,
    xTitle: cutTo(width, x.title),
    yTitle: withoutY ? "" : cutTo(height, y.title),
    title: cutTo(cell.width - 16, panel.title),
    yGap, xGap, px, py,
  }; // prettier-ignore
}

/** @param {Axis} x @param {(place: number) => number} px @param {number} width */
function labelsBelow(x, px, width) {
  const all = x.ticks.map(([place, label]) => ({ place, label }));
  if (!all.length) return { labels: all, isTilted: false, gap: 4 };
  const room = x.scale === "category" ? width / Math.max(1, x.high - x.low) : 0;
  const widest = Math.max(...all.map(({ label }) => widthOf(label)));
  if (x.scale !== "category" || widest + 8 <= room) {
    const labels = thinned(
      all.map(({ place, label }) => ({ place, label: cutTo(Math.max(60, width / 3), label) })),
      (one, other) => px(other.place) - px(one.place) >= (widthOf(one.label) + widthOf(other.label)) / 2 + 8,
    );
    return { labels, isTilted: false, gap: 22 };
  }
  const cut = all.map(({ place, label }) => ({ place, label: cutTo(110, label) }));
  const labels = thinned(cut, (one, other) => px(other.place) - px(one.place) >= lineHeight);
  return { labels, isTilted: true, gap: Math.ceil(Math.min(widest, 110) * 0.71) + 20 };
}

/**
 * Return every label, or every second, third, ... so that none touches the next.
 * @param {Label[]} labels @param {(one: Label, other: Label) => boolean} isApart
 */
function thinned(labels, isApart) {
  for (let step = 1; step < labels.length; step++) {
    const shown = labels.filter((_, i) => i % step === 0);
    if (shown.every((label, i) => i === 0 || isApart(shown[i - 1], label))) return shown;
  }
  return labels.slice(0, 1);
}
