// SPDX-License-Identifier: GPL-3.0-or-later
// The page's data and what all its parts use. The page is complete without scripts but for what is drawn from here: charts
// with a cursor, a tap's detail, the places on the images.
"use strict";
document.documentElement.classList.add("js");

/** A column is a list, one number for all taps, or the list packed in base64: float32, or behind "~" its upper 24 bits. NaN, which means "not
    measured", becomes null. */
function unpack(column, taps) {
  if (typeof column === "number") return new Array(taps).fill(column);
  if (typeof column !== "string") return column;
  const narrow = column[0] === "~", size = narrow ? 3 : 4;
  const bytes = Uint8Array.from(atob(narrow ? column.slice(1) : column), (letter) => letter.charCodeAt(0));
  const bits = new DataView(new ArrayBuffer(4));
  return Array.from({ length: bytes.length / size }, (_, i) => {
    for (let b = 0; b < size; b++) bits.setUint8(b + 4 - size, bytes[size * i + b]);
    const value = bits.getFloat32(0, true);
    return Number.isNaN(value) ? null : value;
  });
}

function readData() {
  const data = JSON.parse(document.getElementById("data").textContent);
  for (const holder of [data, ...data.candidates])
    for (const key of ["floor", "bounds", "ledger", "baselineLedger", "part", "verdict", "mean", "worst", "localPart", "localVerdict"])
      if (holder[key]) holder[key] = holder[key].map((column) => unpack(column, data.taps.length));
  for (const candidate of data.candidates) {
    candidate.worstInput = unpack(candidate.worstInput, data.taps.length);
    candidate.cause = unpack(candidate.cause, data.taps.length);
    candidate.state = unpack(candidate.state, data.taps.length);
  }
  return data;
}

const DATA = readData();
const FLOOR = DATA.floor[0], [WORST, PROBABLE] = DATA.bounds; // null: not measured, not stated
const PARTS = ["total", "semantic", "rounding", "rounding_baseline"];
const PART_WORDS = ["total", "semantic: different function", "cand. error", "base error"];
const BOUND_WORDS = ["predicted rounding bound of the baseline, probable", "predicted rounding bound of the baseline, worst"];
const TOWERS = ["image tower", "text tower", "joint"];

/** An element: make("p", {class: "soft"}, "text", node, ...). Text is always text, never markup. */
function make(tag, attributes, ...children) {
  const svg = ["svg", "rect", "text", "line", "image", "path", "title", "g"].includes(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** 1.23e-4 as "1.23e-4"; whole numbers as they are; nothing as a dash. */
function number(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return "\u2013";
  if (!Number.isFinite(value)) return value > 0 ? "\u221e" : "\u2212\u221e";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e6) return String(value);
  if (size >= 0.1 && size < 1e4) return String(Number(value.toPrecision(digits)));
  return value.toExponential(digits - 1).replace("e+", "e");
}

function percent(value) {
  return value === null || value === undefined ? "\u2013" : `${number(100 * value)} %`;
}

/** A colour of the style sheet, as it is now (light, dark or print). */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** "visual.3" for everything inside that block; the tap itself elsewhere. */
function segmentOf(address) {
  const block = /^(visual|text)\.\d+/.exec(address);
  return block ? block[0] : address;
}

/** Which candidates are shown: all where they are few, the first of them otherwise; the reader picks. */
const MANY = 16;
const shown = DATA.candidates.map((_, c) => c < MANY);
const onPick = [];

function applyPick() {
  for (const node of document.querySelectorAll("[data-candidate]")) node.hidden = !shown[node.dataset.candidate];
  for (const row of document.querySelectorAll("#matrix tr"))
    for (let c = 0; c + 1 < row.cells.length; c++) row.cells[c + 1].hidden = !shown[c];
  for (const listener of onPick) listener();
}

function makePicker() {
  const place = document.getElementById("pick");
  if (!place || DATA.candidates.length <= MANY) return;
  const list = make("div", { class: "pick", role: "group", "aria-label": "Candidates shown" });
  const boxes = DATA.candidates.map((candidate, c) => {
    const box = make("input", { type: "checkbox", checked: shown[c], change: () => { shown[c] = box.checked; applyPick(); } });
    list.append(make("label", {}, box, ` ${candidate.name}`));
    return box;
  });
  const set = (value) => { boxes.forEach((box, c) => { if (!box.parentNode.hidden) shown[c] = box.checked = value; }); applyPick(); };
  const filter = make("input", { type: "search", placeholder: "name contains\u2026", "aria-label": "Find candidates", input: () => {
    boxes.forEach((box, c) => { box.parentNode.hidden = !DATA.candidates[c].name.includes(filter.value); });
  } });
  place.append(
    make("div", { class: "tools" }, `${DATA.candidates.length} candidates; shown are those ticked.`, filter,
      make("button", { type: "button", click: () => set(true) }, "tick all"),
      make("button", { type: "button", click: () => set(false) }, "none")),
    list);
  applyPick();
}

/** Thumbnails are stored once and shown wherever their image is named. */
function fillThumbnails() {
  for (const image of document.querySelectorAll("img[data-image]")) {
    const source = DATA.thumbs[image.dataset.image];
    if (source) image.src = source;
    else image.remove();
  }
}
