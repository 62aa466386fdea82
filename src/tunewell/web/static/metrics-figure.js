// All metrics that a trial reported, as a figure: a panel a metric, of what its page has already.

import { unpackedColumn } from "./figures/data.js";

const most = 12;

/** @param {{columns: {name: string, values: any}[], rows: number}} reports with the columns epoch, at, and metric:NAME */
export function metricsFigure(reports) {
  const columns = reports.columns.map(({ name, values }) => ({ name: name.replace(/^metric:/, ""), isMetric: name.startsWith("metric:"), values: Array.from(unpackedColumn(values), (one) => (typeof one === "number" && Number.isFinite(one) ? one : null)) }));
  const epochs = /** @type {number[]} */ (columns.find(({ name, isMetric }) => name === "epoch" && !isMetric)?.values ?? []);
  const metrics = columns.filter(({ isMetric }) => isMetric);
  const x = axisOf("epoch", epochs, true);
  return {
    version: 1,
    kind: "metrics",
    title: "all metrics by epoch",
    caption: metrics.length > most ? `The first ${most} of ${metrics.length}.` : "",
    panels: metrics.slice(0, most).map(({ name, values }, i) => ({
      title: name,
      x,
      y: axisOf("", values),
      color: null,
      axes: [],
      layers: [layer("line", i, epochs, values), layer("points", i, epochs.length < 60 ? epochs : [], epochs.length < 60 ? values : [])],
    })),
    table: { columns: [{ name: "epoch", values: epochs }, ...metrics], rows: reports.rows },
  };
}

/** @param {string} mark @param {number} i @param {(number | null)[]} x @param {(number | null)[]} y */
function layer(mark, i, x, y) {
  const none = { x2: null, y2: null, low: null, high: null, value: null, hover: null };
  return { mark, label: null, color: `series-${i % 8}`, symbol: null, dash: null, x, y, ...none, rows: x.map((_, row) => row) };
}

/** Return an axis around values, with ticks at round numbers. @param {string} title @param {(number | null)[]} values @param {boolean} [isWhole] */
function axisOf(title, values, isWhole = false) {
  const known = values.filter((one) => one !== null);
  let low = known.length ? known.reduce((a, b) => Math.min(a, b)) : 0;
  let high = known.length ? known.reduce((a, b) => Math.max(a, b)) : 1;
  if (low === high) [low, high] = [low - (Math.abs(low) || 1) / 10, high + (Math.abs(high) || 1) / 10];
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(isWhole ? 1 : 0, ([1, 2, 5, 10].find((one) => one * power >= rough) ?? 10) * power);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) ticks.push([i * step, String(Number((i * step).toPrecision(6)))]);
  const room = isWhole ? 0 : 0.05 * (high - low);
  return { title, scale: "linear", low: low - room, high: high + room, ticks, best: null };
}
