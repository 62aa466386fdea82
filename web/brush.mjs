// Measure what a brush over a page's figure costs the browser: `node brush.mjs PAGE.html ...` prints a line of JSON each.
//
// Milliseconds of the page's main thread (TaskDuration, by its processor time), a frame of dragging each.
import { chromium } from "playwright-core";

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
}); // prettier-ignore
const moves = 12;
for (const file of process.argv.slice(2)) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const busy = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return 1000 * metrics.find(({ name }) => name === "TaskDuration").value;
  };
  const begin = await busy();
  await page.goto(`file://${file}`);
  await page.waitForFunction(() => document.querySelector("tw-figure").drawings > 0);
  const drawMs = (await busy()) - begin;
  const plot = await page.locator("tw-figure .plot").boundingBox();
  const [x, y] = [plot.x + 20, plot.y + 60];
  await page.mouse.move(x, y);
  await page.mouse.down();
  const each = [];
  for (let i = 1; i <= moves; i++) {
    const before = await busy();
    await page.mouse.move(x + ((plot.width - 60) * i) / moves, y + ((plot.height - 60) * i) / moves);
    await page.evaluate(() => new Promise(requestAnimationFrame));
    each.push((await busy()) - before);
  }
  await page.mouse.up();
  const sorted = [...each].sort((a, b) => a - b);
  console.log(JSON.stringify({ file, drawMs: Math.round(drawMs), brushMs: Math.round(sorted[moves / 2]), brushMostMs: Math.round(sorted.at(-1)) }));
  await page.close();
}
await browser.close();
