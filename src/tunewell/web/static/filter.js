// What is written into the filter of a study: words that must all hold of a trial.
//
//     optimizer=adam learning_rate<1e-3 tag:baseline -state:failed is:favourite 17 memory
//
// A word without a sign is looked for in the trial's number, state, tags, reason and chosen values; "-" before a word
// turns it round, and a name or value with spaces stands in double quotes.

const pattern = /(-?)(?:"([^"]*)"|([^\s"<>=!:]+))(?:(<=|>=|!=|=|<|>|:)(?:"([^"]*)"|([^\s"]*)))?/g;

/**
 * Return what says whether a row is looked for, or null if every one is.
 * @param {string} text @param {import("./trials.js").Trials} trials @param {string} metric
 * @returns {((row: number) => boolean) | null}
 */
export function matcherOf(text, trials, metric) {
  /** @type {((row: number) => boolean)[]} */
  const tests = [];
  for (const [, minus, quoted, bare, sign, quotedValue, bareValue] of text.matchAll(pattern)) {
    const name = quoted ?? bare;
    const value = quotedValue ?? bareValue ?? "";
    const test = sign ? compared(name, sign, value, trials, metric) : contained(name.toLowerCase(), trials);
    if (test) tests.push(minus ? (/** @type {number} */ row) => !test(row) : test);
  }
  if (!tests.length) return null;
  return tests.length === 1 ? tests[0] : (row) => tests.every((test) => test(row));
}

/**
 * @param {string} name @param {string} sign @param {string} value
 * @param {import("./trials.js").Trials} trials @param {string} metric
 * @returns {((row: number) => boolean) | null} null while the word is not written to its end
 */
function compared(name, sign, value, trials, metric) {
  if (!value) return null;
  if (sign === ":") return tagged(name, value, trials);
  const known = name === metric ? "value" : name;
  const column = trials.columns.get(`param:${known}`) ?? trials.columns.get(known);
  if (!column) return () => false;
  const number = Number(value);
  const low = value.toLowerCase();
  const isSame = (/** @type {any} */ one) => (typeof one === "number" && !Number.isNaN(number) ? near(one, number) : String(one).toLowerCase() === low);
  /** @type {Record<string, (one: any) => boolean>} */
  const tests = {
    "=": isSame,
    "!=": (one) => !isSame(one),
    "<": (one) => one < number,
    ">": (one) => one > number,
    "<=": (one) => one <= number || isSame(one),
    ">=": (one) => one >= number || isSame(one),
  };
  return (row) => {
    const one = column.at(row);
    return one !== null && tests[sign](one);
  };
}

/** @param {string} name @param {string} value @param {import("./trials.js").Trials} trials */
function tagged(name, value, trials) {
  if (name === "is") return (/** @type {number} */ row) => trials.at(value, row) === true || trials.at("state", row) === value;
  if (name === "tag") return (/** @type {number} */ row) => String(trials.at("tags", row) ?? "").split(" ").includes(value);
  if (name === "state") return (/** @type {number} */ row) => trials.at("state", row) === value;
  return null;
}

/** @param {string} word @param {import("./trials.js").Trials} trials */
function contained(word, trials) {
  const columns = [...trials.columns.values()].filter(({ isNumber }) => !isNumber);
  const number = /^#?\d+$/.test(word) ? Number(word.replace("#", "")) : -1;
  return (/** @type {number} */ row) =>
    row === number || columns.some((column) => String(column.at(row) ?? "").toLowerCase().includes(word));
}

/** Return whether two numbers are the same as far as the packed columns tell. @param {number} a @param {number} b */
function near(a, b) {
  return a === b || Math.abs(a - b) <= 2e-4 * Math.max(Math.abs(a), Math.abs(b));
}
