// Build what static/vendor holds, with the licences of what is in it: `npm ci && npm run vendor`.
import { readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const into = "../src/tunewell/figures/static/vendor";

await build({
  entryPoints: ["echarts.mjs"],
  outfile: `${into}/echarts.tw.js`,
  bundle: true,
  minify: true,
  format: "iife", // one name, so that a page may have it and other scripts in one <script>
  globalName: "echarts_tw",
  footer: { js: "export const { init } = echarts_tw;" },
  target: "es2022",
  charset: "utf8",
  legalComments: "none", // they are in the file of licences
  define: { "process.env.NODE_ENV": '"production"' },
});

const parts = [];
for (const [name, file] of [
  ["echarts", "LICENSE"],
  ["echarts", "NOTICE"],
  ["zrender", "LICENSE"],
  ["tslib", "LICENSE.txt"],
]) {
  const { version } = JSON.parse(await readFile(`node_modules/${name}/package.json`, "utf8"));
  const text = await readFile(`node_modules/${name}/${file}`, "utf8");
  parts.push(`${name} ${version}, ${file}\n\n${text.replaceAll("\r\n", "\n").trim()}\n`);
}
await writeFile(`${into}/echarts.LICENSE.txt`, parts.join(`\n${"-".repeat(80)}\n\n`));
