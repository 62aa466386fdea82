// Roles of colour, resolved for the ground that a figure stands on.

import theme from "./theme.json" with { type: "json" };

/**
 * @typedef {{key: string, ground: string, text: string, quiet: string, grid: string,
 *   role: (name: string) => string, ramp: (share: number, best: "low" | "high" | null) => string,
 *   signed: (share: number) => string}} Palette
 */

/**
 * Return the colours for an element: those of its color-scheme, or the system's where it forces its own.
 * @param {HTMLElement} probe an element without a look of its own
 * @returns {Palette}
 */
export function paletteOf(probe) {
  const forced = matchMedia("(forced-colors: active)").matches;
  const isDark = computedColor(probe, "light-dark(#fff, #000)") === "rgb(0, 0, 0)";
  const named = forced ? systemColors(probe) : /** @type {any} */ (theme)[isDark ? "dark" : "light"];
  const ramp = isDark ? theme.ramp : [...theme.ramp].reverse(); // towards the end that stands out of the ground
  return {
    key: JSON.stringify(named),
    ground: named.ground,
    text: named.text,
    quiet: named.quiet,
    grid: named.grid,
    role: (name) => {
      const [kind, number] = name.split("-");
      return kind === "series" ? named.series[Number(number) % named.series.length] : (named[name] ?? named.some);
    },
    ramp: (share, best) => mixed(ramp, best === "low" ? 1 - share : share),
    signed: (share) => mixed(theme.signed, share),
  };
}

/** @param {HTMLElement} probe */
function systemColors(probe) {
  const [ground, text, quiet, mark, link] = ["Canvas", "CanvasText", "GrayText", "Highlight", "LinkText"].map((name) =>
    computedColor(probe, name),
  );
  return {
    ground, text, quiet: text, grid: quiet, best: mark, some: text, ended: link, failed: text, paused: text,
    running: link, forecast: quiet, range: link, series: [link, text, mark, quiet],
  }; // prettier-ignore
}

/** @param {HTMLElement} probe @param {string} color */
function computedColor(probe, color) {
  probe.style.color = color;
  const found = getComputedStyle(probe).color;
  probe.style.color = "";
  return found;
}

/**
 * Return the colour at a share of the way through some colours.
 * @param {string[]} colors as #rrggbb @param {number} share
 */
function mixed(colors, share) {
  const at = Math.min(Math.max(share || 0, 0), 1) * (colors.length - 1);
  const from = Math.min(Math.floor(at), colors.length - 2);
  const parts = [1, 3, 5].map((i) => {
    const [one, other] = [colors[from], colors[from + 1]].map((color) => parseInt(color.slice(i, i + 2), 16));
    return Math.round(one + (other - one) * (at - from));
  });
  return `rgb(${parts.join(", ")})`;
}

/** Return whether white stands out of a colour better than black. @param {string} color as rgb(...) */
export function isDarkColor(color) {
  const [r, g, b] = (color.match(/\d+/g) ?? []).map((part) => (Number(part) / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b < 0.18;
}
