// Open pages of figures in a browser, use them, and print what happened: `node browser.mjs PAGE.html ...`.
import { chromium } from "playwright-core";

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
}); // prettier-ignore
const found = [];
for (const colorScheme of ["light", "dark"]) {
  const page = await browser.newPage({ colorScheme, viewport: { width: 1280, height: 900 } });
  let complaints = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => request.url().startsWith("file:") || complaints.push(request.url()));
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const busy = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration").value;
  };
  for (const file of process.argv.slice(2)) {
    complaints = [];
    const begin = await busy();
    await page.goto(`file://${file}`);
    await page.waitForFunction(() => document.querySelector("tw-figure").drawings > 0);
    const drawn = await busy();
    await page.evaluate(() => {
      window.brushed = [];
      window.picked = [];
      addEventListener("tw-brush", (event) => window.brushed.push(event.detail.rows));
      addEventListener("tw-pick", (event) => window.picked.push(event.detail.row));
    });
    const plot = await page.locator("tw-figure .plot").boundingBox();
    const [x, y] = [plot.x + 20, plot.y + 60];
    await page.mouse.move(x, y);
    await page.mouse.down();
    const before = await busy();
    const moves = 5;
    for (let i = 1; i <= moves; i++) {
      await page.mouse.move(x + (plot.width - 60) * (i / moves), y + (plot.height - 60) * (i / moves));
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
    const after = await busy();
    await page.mouse.up();
    await page.keyboard.press("Tab");
    await page.locator("tw-figure .plot").focus();
    await page.keyboard.press("Escape");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    const tip = await page.locator("tw-figure .tip.shown").allTextContents();
    found.push({
      file, colorScheme, complaints, tip: tip.join(),
      drawSeconds: drawn - begin, brushSeconds: (after - before) / moves,
      ...(await page.evaluate(() => {
        const root = document.querySelector("tw-figure").shadowRoot;
        const colors = new Set();
        for (const canvas of root.querySelectorAll("canvas")) {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const pixels = new Uint32Array(data.buffer);
          for (let i = 0; i < pixels.length; i += 3) colors.add(pixels[i]);
        }
        const text = root.querySelector(".title").textContent;
        return { brushed: window.brushed, picked: window.picked, colors: colors.size, title: text,
          rows: root.querySelectorAll("tbody tr").length, label: root.querySelector(".plot").ariaLabel };
      })),
    }); // prettier-ignore
  }
  await page.close();
}
await browser.close();
console.log(JSON.stringify(found));
