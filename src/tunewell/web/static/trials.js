// The trials of a study as columns, as they came and as they change; order and filter of their rows.

import { unpackedColumn } from "./figures/data.js";
import { matcherOf } from "./filter.js";

/**
 * @typedef {string | number | boolean | null} Word
 * @typedef {{columns: {name: string, values: any}[], rows: number}} PackedTable
 */

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const room = 1.5; // how much longer columns of numbers are made than they need to be

/** One column: numbers, NaN where there is none, or words, null where there is none. */
class Column {
  /** @param {string} name @param {ArrayLike<any>} values */
  constructor(name, values) {
    this.name = name;
    this.isNumber = values instanceof Float64Array || isAllNumbers(values);
    /** @type {Float64Array | Word[]} */
    this.values = this.isNumber ? Float64Array.from(values, (value) => value ?? NaN) : Array.from(values);
  }

  /** @param {number} row @returns {Word} NaN never: null */
  at(row) {
    const value = this.values[row];
    return value === undefined || Number.isNaN(value) ? null : value;
  }

  /** @param {number} row @param {Word} value */
  put(row, value) {
    if (this.isNumber && typeof value !== "number" && value !== null) {
      this.values = Array.from(this.values, (one) => (Number.isNaN(one) ? null : one));
      this.isNumber = false;
    }
    if (this.isNumber && row >= this.values.length) {
      const longer = new Float64Array(Math.ceil((row + 16) * room)).fill(NaN);
      longer.set(/** @type {Float64Array} */ (this.values));
      this.values = longer;
    }
    this.values[row] = this.isNumber ? (value ?? NaN) : value;
  }
}

/** All trials; row i is trial i. */
export class Trials {
  /** @type {Map<string, Column>} */
  columns = new Map();
  rows = 0;

  /** @param {PackedTable} table */
  constructor(table) {
    this.rows = table.rows;
    for (const { name, values } of table.columns) this.columns.set(name, new Column(name, unpackedColumn(values)));
  }

  /** The names of the parameters, in the order of the space. */
  get params() {
    return [...this.columns.keys()].filter((name) => name.startsWith("param:")).map((name) => name.slice(6));
  }

  /** @param {string} column @param {number} row @returns {Word} */
  at(column, row) {
    return this.columns.get(column)?.at(row) ?? null;
  }

  /** Take what has changed, and return the rows. @param {PackedTable} table @returns {number[]} */
  apply(table) {
    const columns = table.columns.map(({ name, values }) => ({ name, values: unpackedColumn(values) }));
    const numbers = columns.find(({ name }) => name === "trial")?.values ?? [];
    const changed = [];
    for (let i = 0; i < table.rows; i++) {
      const row = Number(numbers[i]);
      if (!Number.isInteger(row) || row < 0) continue;
      for (const { name, values } of columns) {
        let column = this.columns.get(name);
        if (!column) this.columns.set(name, (column = new Column(name, [])));
        const value = values[i];
        column.put(row, value === undefined || Number.isNaN(value) ? null : /** @type {Word} */ (value));
      }
      this.rows = Math.max(this.rows, row + 1);
      changed.push(row);
    }
    return changed;
  }

  /**
   * Return for each row whether it is shown.
   * @param {Set<string>} hidden states @param {string} filter @param {string} metric as the filter may name it
   * @returns {Uint8Array}
   */
  shown(hidden, filter, metric) {
    const matches = matcherOf(filter, this, metric);
    const states = this.columns.get("state")?.values ?? [];
    const found = new Uint8Array(this.rows);
    for (let row = 0; row < this.rows; row++) {
      found[row] = hidden.has(String(states[row])) || (matches && !matches(row)) ? 0 : 1;
    }
    return found;
  }

  /**
   * Return the rows that are shown, sorted; those without a value come last, equals by number.
   * @param {Uint8Array} shown @param {Set<number> | null} among @param {string} name @param {boolean} isDown
   * @returns {Int32Array}
   */
  order(shown, among, name, isDown) {
    const rows = [];
    for (let row = 0; row < this.rows; row++) if (shown[row] && (!among || among.has(row))) rows.push(row);
    const order = Int32Array.from(rows);
    const column = this.columns.get(name);
    if (!column) return order;
    const sign = isDown ? -1 : 1;
    if (column.isNumber) {
      const values = /** @type {Float64Array} */ (column.values);
      const keys = new Float64Array(this.rows);
      for (const row of rows) {
        const value = sign * (values[row] ?? NaN);
        keys[row] = Number.isNaN(value) ? Infinity : value;
      }
      return order.sort((a, b) => (keys[a] === keys[b] ? a - b : keys[a] - keys[b]));
    }
    const distinct = [...new Set(rows.map((row) => column.at(row)))].filter((word) => word !== null && word !== "");
    distinct.sort((a, b) => sign * (typeof a === "number" && typeof b === "number" ? a - b : collator.compare(String(a), String(b))));
    const ranks = new Map(distinct.map((word, i) => [word, i])); // compared once each, however many trials have them
    const rank = (/** @type {number} */ row) => ranks.get(column.at(row)) ?? distinct.length;
    return order.sort((a, b) => rank(a) - rank(b) || a - b);
  }
}

/** @param {ArrayLike<any>} values */
function isAllNumbers(values) {
  for (let i = 0; i < values.length; i++) if (values[i] !== null && typeof values[i] !== "number") return false;
  return true; // also where nothing is known yet: words turn it into a column of words
}
