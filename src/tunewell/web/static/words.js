// Numbers, times and states as a person reads them.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** The roles of colour of states, in the order in which they are told. */
export const roles = /** @type {const} */ ({
  running: "running",
  paused: "paused",
  held: "paused",
  complete: "ended",
  stopped: "ended",
  diverged: "failed",
  failed: "failed",
});

/** What a state means, for titles. @type {Record<string, string>} */
export const meanings = {
  running: "training now",
  paused: "waits for a later step; the scheduler decides whether it goes on",
  held: "paused by hand, until somebody resumes it",
  complete: "trained to its last epoch",
  stopped: "ended before its last epoch",
  diverged: "its metric is no longer a finite number",
  failed: "its code raised an error",
};

/** Return a value with `digits` significant digits; "–" for none. @param {unknown} value @param {number} [digits] */
export function valueText(value, digits = 4) {
  if (value === null || value === undefined || (typeof value === "number" && Number.isNaN(value))) return "–";
  if (typeof value !== "number") return typeof value === "object" ? JSON.stringify(value) : String(value);
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (Number.isInteger(value)) return Math.abs(value) < 1e4 ? String(value) : Math.abs(value) < 1e12 ? whole.format(value) : value.toExponential(3);
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e6 ? String(Number(value.toPrecision(digits))) : value.toExponential(digits - 1).replace(/\.?0+e/, "e");
}

/** @param {number} n */
export function countText(n) {
  return whole.format(n);
}

/** Return "1 trial" or "1,204 trials". @param {number} n @param {string} noun */
export function countOf(n, noun) {
  return `${whole.format(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/** @param {number | null | undefined} seconds */
export function durationText(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Number((seconds / 3600).toFixed(1))} h`;
  return `${Number((seconds / 86400).toFixed(1))} days`;
}

/** Return a moment, seconds since 1970, as "3 min ago" or a date. @param {number | null | undefined} at */
export function momentText(at) {
  if (at === null || at === undefined || !Number.isFinite(at)) return "–";
  const ago = Date.now() / 1000 - at;
  if (ago < -60) return short.format(at * 1000); // a clock that was put back
  if (ago < 5) return "just now";
  if (ago < 5400) return `${durationText(ago)} ago`;
  return short.format(at * 1000);
}

/** @param {number | null | undefined} at */
export function fullMoment(at) {
  return at === null || at === undefined || !Number.isFinite(at) ? "" : full.format(at * 1000);
}
