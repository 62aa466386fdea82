// The figure of curves with a colour for each of a few trials, instead of one for each state.

import { unpackedNumbers } from "./figures/data.js";

const arrays = ["x", "y"];
const rest = 7; // colours of series but for the last, which is for all others

/**
 * Return a figure of curves in which every trial has its own colour and its own entry in the legend.
 * @param {any} json of kind curves @param {number[]} trials in the order of their colours @param {(row: number) => number | null} trialOf
 */
export function coloredByTrial(json, trials, trialOf) {
  const place = new Map(trials.map((trial, i) => [trial, i]));
  const panels = json.panels.map((/** @type {any} */ panel) => {
    const isSplit = (/** @type {any} */ layer) => layer.mark === "line" && layer.color !== "forecast" && layer.rows;
    const lines = panel.layers.filter(isSplit).flatMap((/** @type {any} */ layer) => split(layer, place, trialOf));
    lines.sort((/** @type {any} */ a, /** @type {any} */ b) => a.order - b.order);
    return { ...panel, layers: [...lines, ...panel.layers.filter((/** @type {any} */ layer) => !isSplit(layer))] };
  });
  return { ...json, panels };
}

/** @param {any} layer @param {Map<number, number>} place @param {(row: number) => number | null} trialOf */
function split(layer, place, trialOf) {
  const rows = unpackedNumbers(layer.rows);
  /** @type {Map<number, number[]>} */
  const items = new Map();
  for (let i = 0; i < rows.length; i++) {
    const known = items.get(rows[i]);
    if (known) known.push(i);
    else items.set(rows[i], [i]);
  }
  return [...items].map(([row, at]) => {
    const trial = trialOf(row);
    const order = place.get(trial ?? -1) ?? rest;
    const one = { ...layer, color: `series-${Math.min(order, rest)}`, label: `trial ${trial}`, rows: Float64Array.from(at, () => row), order };
    for (const name of arrays) {
      const values = unpackedNumbers(layer[name]);
      one[name] = Float64Array.from(at, (i) => values[i]);
    }
    return one;
  });
}
