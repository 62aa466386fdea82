// A figure's JSON, unpacked; `tunewell/figures/figure.py` has the format.

/**
 * @typedef {number[] | Float64Array | {u16: string | number, low: number, high: number, scale: "linear" | "log"}} Packed
 * @typedef {string | number | boolean | null} Word
 * @typedef {{title: string, scale: string, low: number, high: number, ticks: [number, string][],
 *   best: "low" | "high" | null}} Axis
 * @typedef {{mark: string, label: string | null, color: string, symbol: string | null, dash: string | null,
 *   x: Packed | null, y: Packed | null, x2: Packed | null, y2: Packed | null, low: Packed | null, high: Packed | null,
 *   value: Packed | null, hover: string[] | null, rows: Packed | null}} PackedLayer
 * @typedef {{title: string, x: Axis | null, y: Axis | null, color: Axis | null, axes: Axis[],
 *   layers: PackedLayer[]}} PackedPanel
 * @typedef {{name: string, values: Packed | Word[] | {u16: string | number, words: Word[]}}} PackedColumn
 * @typedef {{version: number, kind: string, title: string, caption: string, panels: PackedPanel[],
 *   table: {columns: PackedColumn[], rows: number}}} FigureJson
 *
 * @typedef {{mark: string, label: string | null, color: string, symbol: string | null, dash: string | null,
 *   x: Float64Array, y: Float64Array, x2: Float64Array, y2: Float64Array, low: Float64Array, high: Float64Array,
 *   value: Float64Array, hover: string[] | null, rows: Float64Array | null}} Layer
 * @typedef {{title: string, x: Axis | null, y: Axis | null, color: Axis | null, axes: Axis[],
 *   layers: Layer[]}} Panel
 * @typedef {{name: string, values: ArrayLike<Word>}} Column
 * @typedef {{kind: string, title: string, caption: string, panels: Panel[], columns: Column[], rows: number}} Figure
 */

const missingCode = 65535;
const arrayNames = ["x", "y", "x2", "y2", "low", "high", "value"];

/**
 * Return a figure with its arrays unpacked.
 * @param {FigureJson} json
 * @returns {Figure}
 */
export function unpackedFigure(json) {
  if (json.version !== 1) {
    throw new Error(`this page draws figures of version 1, and this one has version ${json.version}; reload the page`);
  }
  return {
    kind: json.kind,
    title: json.title,
    caption: json.caption,
    panels: json.panels.map((panel) => ({ ...panel, layers: panel.layers.map(unpackedLayer) })),
    columns: json.table.columns.map(({ name, values }) => ({ name, values: unpackedColumn(values) })),
    rows: json.table.rows,
  };
}

/** @param {PackedLayer} layer @returns {Layer} */
function unpackedLayer(layer) {
  const arrays = arrayNames.map((name) => [name, unpackedNumbers(/** @type {any} */ (layer)[name] ?? [])]);
  const rows = layer.rows === null ? null : unpackedNumbers(layer.rows);
  return { ...layer, ...Object.fromEntries(arrays), rows };
}

/** @param {Packed} data @returns {Float64Array} NaN where there is none */
export function unpackedNumbers(data) {
  if (data instanceof Float64Array) return data;
  if (Array.isArray(data)) return Float64Array.from(data, (value) => value ?? NaN);
  const step = (data.high - data.low) / (missingCode - 1);
  return Float64Array.from(codesOf(data.u16), (code) => {
    if (code === missingCode) return NaN;
    const place = data.low + step * code;
    return data.scale === "log" ? Math.exp(place) : place;
  });
}

/** @param {PackedColumn["values"]} data @returns {ArrayLike<Word>} */
export function unpackedColumn(data) {
  if (Array.isArray(data)) return data;
  if (data instanceof Float64Array) return data;
  if ("words" in data) return Array.from(codesOf(data.u16), (code) => data.words[code] ?? null);
  return unpackedNumbers(data);
}

/** @type {string[] | null} arrays that stand in the page once, though several figures have them */
let pageArrays = null;

/** @param {string | number} base64 or the place of an array of the page's @returns {Uint16Array} */
function codesOf(base64) {
  if (typeof base64 === "number") {
    pageArrays ??= /** @type {string[]} */ (JSON.parse(document.getElementById("tw-arrays")?.textContent ?? "[]"));
    base64 = pageArrays[base64];
  }
  const text = atob(base64);
  const codes = new Uint16Array(text.length / 2);
  for (let i = 0; i < codes.length; i++) codes[i] = text.charCodeAt(2 * i) | (text.charCodeAt(2 * i + 1) << 8);
  return codes;
}

/**
 * Return a value of the table as a person reads it.
 * @param {Word | undefined} value
 */
export function wordOf(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  return typeof value === "number" && !Number.isInteger(value) ? String(Number(value.toPrecision(5))) : String(value);
}

/**
 * Return a row of the table in lines, those without a value left out.
 * @param {Figure} figure @param {number} row
 */
export function rowText(figure, row) {
  const lines = [];
  for (const { name, values } of figure.columns) {
    const word = wordOf(values[row]);
    if (word !== "") lines.push(`${shortened(name, 40)}: ${shortened(word, 60)}`);
  }
  return lines.slice(0, 14).join("\n") + (lines.length > 14 ? `\nand ${lines.length - 14} more` : "");
}

/** Return a text of at most so many letters. @param {string} text @param {number} most */
export function shortened(text, most) {
  const letters = [...text];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : text;
}
