// SPDX-License-Identifier: GPL-3.0-or-later
// Report pages in a browser: node check_report.mjs PICTURES PAGE.html... needs playwright-core, axe-core and CHROMIUM (a path;
// /usr/bin/chromium by default). Of every page: no error on the console, no request but the page itself, every chart
// drawn, every verdict reached by the keyboard and leading to its tap, nothing wider than a narrow screen, no control
// without a name, no finding of axe-core, light and dark. Pictures light, dark, narrow and printed go to PICTURES.
import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const installed = createRequire(resolve("build/browser/package.json"));
const { chromium } = installed("playwright-core");
const [pictures, ...pages] = process.argv.slice(2);
let passed = 0, failed = 0;

function check(name, ok, detail = "") {
  ok ? passed++ : failed++;
  console.log(`${ok ? "ok  " : "FAIL"} ${name}${ok || !detail ? "" : `: ${detail}`}`);
}

/** A page of the browser that tells what it asks for and what it complains about. */
async function open(browser, file, options) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const page = await context.newPage();
  const url = pathToFileURL(resolve(file)).href, seen = { errors: [], requests: [] };
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) seen.errors.push(message.text()); });
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("request", (request) => { if (request.url() !== url && !request.url().startsWith("data:")) seen.requests.push(request.url()); });
  await page.goto(url);
  await page.waitForTimeout(300);
  return { context, page, seen };
}

/** Of each canvas, the share of its pixels that something is drawn on. */
function inkOfCharts(page) {
  return page.$$eval("canvas", (list) => list.filter((canvas) => canvas.offsetParent !== null).map((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let ink = 0;
    for (let i = 3; i < data.length; i += 4) ink += data[i] > 0;
    return ink / (data.length / 4);
  }));
}

async function checkCharts(page, name) {
  const places = await page.$$eval("[data-chart]", (list) => list.filter((place) => place.offsetParent !== null).length);
  const ink = await inkOfCharts(page);
  check(`${name}: ${places} charts drawn`, places > 0 && ink.length === places && ink.every((share) => share > 0.003), JSON.stringify(ink));
  const empty = await page.$$eval("svg", (list) => list.filter((svg) => svg.getClientRects().length && !svg.querySelector("rect, path, line, circle, image")).length);
  check(`${name}: no empty drawing`, empty === 0, `${empty}`);
}

/** Walks the whole matrix by arrow keys: to the first cell by Tab, then row by row. */
async function checkKeyboard(page, name) {
  await page.evaluate(() => document.querySelector("#pick button")?.click()); // all candidates, where only some are shown
  await page.focus("#unfold");
  await page.keyboard.press("Enter");
  const cells = await page.$$eval("#matrix tbody a", (list) => list.length);
  const stops = await page.$$eval("#matrix tbody a, #matrix tbody button", (list) => list.filter((stop) => stop.tabIndex === 0).length);
  check(`${name}: the matrix is one tab stop`, stops === 1, `${stops}`);
  await page.keyboard.press("Tab");
  const reached = await page.evaluate(() => {
    const keys = new Set(), press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    const note = () => { if (document.activeElement.matches("#matrix tbody a")) keys.add(document.activeElement.getAttribute("aria-label") + document.activeElement.href); };
    for (;;) {
      for (let before; before !== document.activeElement;) { note(); before = document.activeElement; press("ArrowRight"); }
      press("Home");
      if (document.activeElement.matches("button")) press("ArrowRight");
      note();
      const row = document.activeElement.closest("tr");
      press("ArrowDown");
      if (document.activeElement.closest("tr") === row) return keys.size;
    }
  });
  const different = await page.$$eval("#matrix tbody a", (list) => new Set(list.map((a) => a.getAttribute("aria-label") + a.href)).size);
  check(`${name}: ${cells} verdicts reached by arrow keys`, cells > 0 && reached === different, `${reached} of ${different}`);
}

/** What the ledger found of both sides at a tap, and that a column comes out of its packing as the cells have it. */
async function checkLedger(page, name) {
  const { contradicted, words } = await page.evaluate(async () => {
    const cell = document.querySelector("#matrix .tap a.v8") ?? document.querySelector("#matrix .tap a.v3");
    location.hash = cell.hash;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return { contradicted: cell.matches(".v8"), words: document.querySelector("#detail .ledger")?.innerText ?? "" };
  });
  const sides = [...words.matchAll(/\b(exact|explained|coarse|contradicted|nonfinite|unchecked)\n?\t?/g)].map((match) => match[1]);
  check(`${name}: the tap shows the ledger of both sides`, sides.length >= 2 && sides.includes("contradicted") === contradicted, words.slice(0, 120));
  check(`${name}: with bound, coarseness and the worst element`, /its bound\t[\d.]+/.test(words) && /coarseness.*\t[\d.]+/.test(words) && /\(\d+, \d+\): /.test(words), words);
  check(`${name}: what is contradicted is explained`, !contradicted || /explained by\t.*falls to/.test(words), words);
  const wrong = await page.$$eval("#matrix tbody a", (list) => list.filter((a) => {
    const [c, t] = a.hash.slice(1).split(".").map(Number), value = DATA.candidates[c].part[0]?.[t] ?? 0;
    const row = a.closest("tr"), shown = Number(a.textContent.replace("\u2212", "-"));
    return !row.querySelector("button") && Number.isFinite(shown) && Math.abs(shown - value) > 6e-3 * Math.abs(shown);
  }).length);
  check(`${name}: the page's data are the cells'`, wrong === 0, `${wrong}`);
}

/** Real keys, once: a cell, its tap, back. */
async function checkTap(page, name, picture) {
  const cell = page.locator("#matrix tbody a[tabindex='0']");
  await cell.focus();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForTimeout(150);
  const words = await page.locator("#detail").innerText().catch(() => "");
  check(`${name}: Enter leads to the tap`, /clip-parity run .*record\..*=full/.test(words), words.slice(0, 80));
  await checkLedger(page, name);
  await page.evaluate(() => { location.hash = (document.querySelector("#matrix .tap a.v8, #matrix .tap a.v3") ?? document.querySelector("#matrix tbody a")).hash; });
  await page.waitForTimeout(150);
  await page.screenshot({ path: picture });
  await page.keyboard.press("Escape");
  const left = await page.evaluate(() => !document.getElementById("detail").open && document.activeElement.matches("#matrix a"));
  check(`${name}: Escape leads back to the cell`, left);
}

async function checkNames(page, name) {
  const nameless = await page.$$eval("a, button, select, input, [role=img], dialog", (list) => list.filter((node) =>
    !(node.getAttribute("aria-label") || node.getAttribute("aria-labelledby") || node.textContent.trim() || node.labels?.length)).length);
  check(`${name}: every control and drawing has a name`, nameless === 0, `${nameless}`);
  const images = await page.$$eval("img", (list) => list.filter((image) => !image.hasAttribute("alt") || !image.naturalWidth).length);
  check(`${name}: every image is there`, images === 0, `${images}`);
}

async function checkNarrow(browser, file, name) {
  const { context, page, seen } = await open(browser, file, { viewport: { width: 380, height: 800 } });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  check(`${name}: nothing is wider than 380 px`, width <= 380, `${width}`);
  check(`${name}: narrow, no error`, seen.errors.length === 0, seen.errors.join("; "));
  await page.screenshot({ path: join(pictures, `${name}-narrow.png`), fullPage: true });
  await context.close();
}

async function checkPrinted(browser, file, name) {
  const { context, page } = await open(browser, file, {});
  await page.emulateMedia({ media: "print" });
  const [drawings, canvases] = await page.evaluate(() => ["svg.static", "canvas"].map((kind) => [...document.querySelectorAll(kind)].filter((node) => node.getClientRects().length).length));
  check(`${name}: printed, drawings stand for the charts`, drawings > 0 && canvases === 0, `${drawings}, ${canvases}`);
  await page.screenshot({ path: join(pictures, `${name}-print.png`), fullPage: true });
  await page.pdf({ path: join(pictures, `${name}.pdf`), format: "A4" });
  await context.close();
  const plain = await open(browser, file, { javaScriptEnabled: false });
  const words = await plain.page.innerText("main");
  check(`${name}: readable without scripts`, words.includes("semantic") && (await plain.page.locator("svg.static").first().isVisible()));
  await plain.context.close();
}

/** The rules of axe-core, which the page's policy would not let in. */
async function checkAccessible(browser, file, name) {
  for (const colorScheme of ["light", "dark"]) {
    const { context, page } = await open(browser, file, { colorScheme, bypassCSP: true });
    await page.addScriptTag({ path: installed.resolve("axe-core/axe.min.js") });
    const violations = await page.evaluate(async () => (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 100)}`));
    check(`${name}, ${colorScheme}: accessible`, violations.length === 0, violations.join("; "));
    await context.close();
  }
}

async function checkPage(browser, file) {
  const name = basename(file, ".html"), { context, page, seen } = await open(browser, file, { colorScheme: "light" });
  await checkCharts(page, name);
  await page.screenshot({ path: join(pictures, `${name}-light.png`), fullPage: true });
  await page.emulateMedia({ colorScheme: "dark" });
  await page.waitForTimeout(200);
  await checkCharts(page, `${name}, dark`);
  await page.screenshot({ path: join(pictures, `${name}-dark.png`), fullPage: true });
  await page.emulateMedia({ colorScheme: "light" });
  await checkNames(page, name);
  await checkKeyboard(page, name);
  await checkTap(page, name, join(pictures, `${name}-tap.png`));
  check(`${name}: no error on the console`, seen.errors.length === 0, seen.errors.join("; "));
  check(`${name}: no request`, seen.requests.length === 0, seen.requests.join(" "));
  await context.close();
  await checkNarrow(browser, file, name);
  await checkPrinted(browser, file, name);
  await checkAccessible(browser, file, name);
}

mkdirSync(pictures, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const file of pages) await checkPage(browser, file);
await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
