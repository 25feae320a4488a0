// The report page in a browser: a run of 10,000 candidates is opened from its file, sorted, filtered, selected
// in, looked at on a phone and printed. Exit code 77, with a message, where something that it needs is missing.
// Usage: TIANYAN_BINARY=build/release/tianyan node tests/web/report.test.mjs
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { makeRun } from "./make_run.mjs";

const kCandidates = 10000;
const kBrowsers = [process.env.TIANYAN_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const kFlags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

function skip(why) {
  console.log(`skipped: ${why}`);
  process.exit(77);
}

function need() {
  const executablePath = kBrowsers.find((path) => path && existsSync(path));
  if (!executablePath) skip("no Chromium; install the package chromium or name one in TIANYAN_CHROMIUM");
  const binary = process.env.TIANYAN_BINARY;
  if (!binary || !existsSync(binary)) skip("TIANYAN_BINARY does not name the program");
  try {
    const { chromium } = createRequire(new URL("../../web/package.json", import.meta.url))("playwright-core");
    return { chromium, executablePath, binary };
  } catch {
    return skip("playwright-core is not installed: npm ci in web/");
  }
}

const { chromium, executablePath, binary } = need();
const directory = mkdtempSync(join(tmpdir(), "tianyan_report_"));
const made = makeRun(join(directory, "run"), kCandidates);
const file = execFileSync(binary, ["report", join(directory, "run")], { encoding: "utf8" }).trim();
const browser = await chromium.launch({ executablePath, args: kFlags });

/** A page of the report that is ready, and what it complained of or asked the network for. */
async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  const complaints = [], requests = [];
  page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => requests.push(request.url()));
  const begin = performance.now();
  await page.goto(pathToFileURL(file).href);
  await page.waitForSelector("html[data-ready]", { timeout: 120000 });
  return { page, complaints, requests, seconds: (performance.now() - begin) / 1000, close: () => context.close() };
}

const shownCount = async (page) => Number((await page.locator("#shown-count").textContent()).split(" of ")[0].replace(/\D/g, ""));
const firstRow = (page) => page.evaluate(() => window.tianyan.table.getRows("active")[0].getData().rank);
const count = (keep) => made.candidates.filter(keep).length;

const tests = {
  async "loads nothing and complains of nothing"() {
    const { page, complaints, requests, seconds, close } = await open();
    console.log(`  usable after ${seconds.toFixed(2)} s`);
    await page.mouse.wheel(0, 20000);
    await page.locator("#provenance").scrollIntoViewIfNeeded();
    assert.deepEqual(complaints, []);
    assert.deepEqual(requests.filter((url) => !url.startsWith("data:")), [pathToFileURL(file).href]);
    assert.equal(await page.locator("html").getAttribute("lang"), "en");
    assert.match(await page.title(), /run: tianyan report/);
    await close();
  },

  async "says first what was found and what is missing"() {
    const { page, close } = await open();
    const headline = await page.locator("h1").textContent();
    assert.match(headline, new RegExp(`^${made.detections.length} detections`));
    assert.match(headline, /Incomplete: M14 failed, M07 cut short/);
    assert.equal(await page.locator(".card").count(), made.detections.length);
    await page.locator(".card summary").first().click();
    assert.match(await page.locator(".card[open] .pairs").textContent(), /MJD/);
    await close();
  },

  async "sorts by a column, with the mouse and from the keyboard"() {
    const { page, close } = await open();
    const head = page.locator(".tabulator-col[tabulator-field=snr]");
    assert.equal(await firstRow(page), 1);
    await head.click();
    await page.waitForFunction((n) => window.tianyan.table.getRows("active")[0].getData().rank === n, kCandidates);
    await head.press("Enter");
    await page.waitForFunction(() => window.tianyan.table.getRows("active")[0].getData().rank === 1);
    const rows = await page.locator(".tabulator-row").count();
    assert.ok(rows < 200, `${rows} rows are in the document`);
    await close();
  },

  async "filters by class, DM, S/N and text"() {
    const { page, close } = await open();
    await page.locator(".chip[data-class=astrophysical]").click();
    assert.equal(await shownCount(page), count((c) => c.class === "astrophysical"));
    await page.locator(".chip[data-class=astrophysical]").click();
    await page.fill("#filter-dm-min", "100");
    await page.fill("#filter-dm-max", "300");
    assert.equal(await shownCount(page), count((c) => c.dm_pc_cm3.toFixed(4) >= 100 && c.dm_pc_cm3.toFixed(4) <= 300));
    await page.fill("#filter-snr-min", "10");
    assert.equal(await shownCount(page), count((c) => c.dm_pc_cm3.toFixed(4) >= 100 && c.dm_pc_cm3.toFixed(4) <= 300 && c.snr.toFixed(4) >= 10));
    await page.locator("#clear-filters").click();
    assert.equal(await shownCount(page), kCandidates);
    await page.fill("#filter-text", "b0531+21");
    assert.equal(await shownCount(page), count((c) => c.class === "known:B0531+21"));
    await close();
  },

  async "filters to a beam of the map and back"() {
    const { page, close } = await open();
    const beam = page.locator("#beam-map [data-beam='2']");
    await beam.click();
    assert.equal(await shownCount(page), count((c) => c.beam === 2));
    assert.equal(await beam.getAttribute("aria-pressed"), "true");
    await beam.press("Enter");
    assert.equal(await shownCount(page), kCandidates);
    await close();
  },

  async "selects the row of a point and shows its group's plot"() {
    const { page, complaints, close } = await open();
    const canvas = page.locator("#scatter");
    await canvas.scrollIntoViewIfNeeded();
    await page.waitForFunction(() => window.tianyan.scatter.points?.length > 0);
    const point = await page.evaluate(() => {
      const { x, y } = window.tianyan.scatter.points.find((p) => p.c.rank === 1);
      return { x, y };
    });
    await canvas.click({ position: point });
    await page.waitForSelector(".tabulator-row[aria-selected=true]", { state: "attached" });
    assert.match(await page.locator(".tabulator-row[aria-selected=true]").textContent(), new RegExp(made.candidates[0].snr.toFixed(1)));
    assert.equal(await page.locator("#selection img").count(), 1);
    await canvas.press("ArrowRight");
    assert.ok(await page.evaluate(() => window.tianyan.state.selected.rank !== 1));
    await page.keyboard.press("Escape");
    assert.ok(await page.locator("#selection").isHidden());
    assert.deepEqual(complaints, []);
    await close();
  },

  async "keeps what a box holds"() {
    const { page, close } = await open();
    await page.locator("#scatter").scrollIntoViewIfNeeded();
    const box = await page.locator("#scatter").boundingBox();
    await page.mouse.move(box.x + 200, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + 600, box.y + 220, { steps: 4 });
    await page.mouse.up();
    const [time, dm] = await page.evaluate(() => [window.tianyan.state.filter.time, window.tianyan.state.filter.dm]);
    assert.ok(time[0] < time[1] && dm[0] < dm[1]);
    assert.equal(await shownCount(page), count((c) => c.time_s >= time[0] && c.time_s <= time[1] && c.dm_pc_cm3 >= dm[0] && c.dm_pc_cm3 <= dm[1]));
    await close();
  },

  async "fits a phone"() {
    const { page, complaints, close } = await open({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
    assert.deepEqual(complaints, []);
    await close();
  },

  async "prints, with everything unfolded and the table cut to what matters"() {
    const { page, complaints, close } = await open({ colorScheme: "dark" });
    await page.evaluate(() => addEventListener("beforeprint", () => {
      window.printed = { folded: document.querySelectorAll("details:not([open])").length, rows: document.querySelectorAll("#print-table tbody tr").length };
    }));
    const pdf = await page.pdf({ preferCSSPageSize: true });
    assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
    const groups = new Set(made.detections.map((d) => d.id));
    assert.deepEqual(await page.evaluate(() => window.printed), { folded: 0, rows: 100 + count((c) => groups.has(c.detection)) });
    assert.deepEqual(complaints, []);
    await close();
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
    console.log(`ok      ${name}`);
  } catch (error) {
    ++failed;
    console.log(`FAILED  ${name}\n${error.stack}`);
  }
}
await browser.close();
rmSync(directory, { recursive: true });
console.log(`${Object.keys(tests).length - failed} of ${Object.keys(tests).length} passed`);
process.exit(failed ? 1 : 0);
