// SPDX-License-Identifier: GPL-3.0-or-later
// The pictures of README and docs: node pictures.mjs FOLDER PAGE.html... makes FOLDER/NAME.png of each page NAME.html that has a
// row here. Needs playwright-core and CHROMIUM, as check_report.mjs does.
import { createRequire } from "node:module";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const { chromium } = createRequire(resolve("build/browser/package.json"))("playwright-core");
const [folder, ...pages] = process.argv.slice(2);
const WIDTH = 1160;

/** Of each page the part to show: from the top of one element to the bottom of another. */
const PARTS = {
  "quickgelu-vs-gelu": { from: "header", to: "#growth ~ figure, #growth ~ .scroll" },
  "noise-floor": { from: "#growth", to: "#growth ~ figure, #growth ~ .scroll" },
  "which-layer": { from: "#attribution", to: "#attribution ~ figure, #attribution ~ .scroll" },
  "full-factorial": { from: "#attribution", to: "#attribution ~ figure, #attribution ~ .scroll" },
};

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const file of pages) {
  const name = basename(file, ".html"), part = PARTS[name];
  if (!part) throw new Error(`${file}: no row of PARTS`);
  const page = await browser.newPage({ viewport: { width: WIDTH, height: 1000 } });
  await page.goto(pathToFileURL(resolve(file)).href);
  await page.waitForTimeout(400);
  const [top, bottom] = await page.evaluate(({ from, to }) => [document.querySelector(from).getBoundingClientRect().top + scrollY,
    document.querySelector(to).getBoundingClientRect().bottom + scrollY], part);
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true, clip: { x: 0, y: Math.max(0, top - 24), width: WIDTH, height: bottom - top + 32 } });
  await page.close();
}
await browser.close();
