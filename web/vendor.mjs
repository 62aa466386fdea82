// Build what the vendor folders hold, with the licences of what is in it: `npm ci && npm run vendor`.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const figures = "../src/tunewell/figures/static/vendor";
const page = "../src/tunewell/web/static/vendor";

const shared = {
  bundle: true,
  minify: true,
  target: "es2022",
  charset: "utf8",
  legalComments: "none", // they are in the file of licences
  define: { "process.env.NODE_ENV": '"production"' },
};

await build({
  ...shared,
  entryPoints: ["echarts.mjs"],
  outfile: `${figures}/echarts.tw.js`,
  format: "iife", // one name, so that a page may have it and other scripts in one <script>
  globalName: "echarts_tw",
  footer: { js: "export const { init } = echarts_tw;" },
});
await writeLicences(`${figures}/echarts.LICENSE.txt`, [
  ["echarts", "LICENSE"],
  ["echarts", "NOTICE"],
  ["zrender", "LICENSE"],
  ["tslib", "LICENSE.txt"],
]);

await mkdir(page, { recursive: true });
await build({ ...shared, entryPoints: ["lit.mjs"], outfile: `${page}/lit.js`, format: "esm" });
await writeLicences(`${page}/lit.LICENSE.txt`, [
  ["lit", "LICENSE"],
  ["lit-html", "LICENSE"],
  ["lit-element", "LICENSE"],
  ["@lit/reactive-element", "LICENSE"],
]);

/** Write the licences of packages into one file. @param {string} path @param {string[][]} of package and file */
async function writeLicences(path, of) {
  const parts = [];
  for (const [name, file] of of) {
    const { version } = JSON.parse(await readFile(`node_modules/${name}/package.json`, "utf8"));
    const text = await readFile(`node_modules/${name}/${file}`, "utf8");
    parts.push(`${name} ${version}, ${file}\n\n${text.replaceAll("\r\n", "\n").trim()}\n`);
  }
  await writeFile(path, parts.join(`\n${"-".repeat(80)}\n\n`));
}
