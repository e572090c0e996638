// SPDX-License-Identifier: GPL-3.0-or-later
// Error over depth (uPlot): one chart of all candidates, one of each candidate's parts. On paper and without scripts the
// SVG beside each stands for it.
"use strict";

const ALL = -1;
const charts = new Map(); // element -> uPlot

/** The log axis has no place for zero: identical bits leave a gap. */
function positive(values) {
  return (values ?? DATA.taps).map((value) => (value > 0 && Number.isFinite(value) ? value : null));
}

function line(label, name, values, options = {}) {
  return { values: positive(values), label, stroke: colour(name), width: 1.5, points: { show: false }, ...options };
}

const EIGHT = [[], [7, 3], [2, 3], [10, 3, 2, 3], [5, 5], [12, 4], [3, 6], [1, 2]];

/** What the candidates' lines are seen against: floor of noise, bounds before any measurement. */
function backdrop() {
  const lines = [];
  if (FLOOR) lines.push(line("noise floor", "floor", FLOOR, { dash: [2, 3] }));
  if (PROBABLE) lines.push(line(BOUND_WORDS[0], "bound", PROBABLE, { paths: () => null }));
  if (WORST) lines.push(line(BOUND_WORDS[1], "bound", WORST, { paths: () => null }));
  return lines;
}

function linesOf(which) {
  if (which === ALL)
    return DATA.candidates
      .map((candidate, c) => line(candidate.name, `s${c % 8}`, candidate.part[0], { show: shown[c], width: Math.max(1.3, 3.6 - 1.1 * c), dash: EIGHT[(c + Math.floor(c / 8)) % 8] }))
      .filter((_, c) => shown[c] || DATA.candidates.length <= 24)
      .concat(backdrop());
  const part = DATA.candidates[which].part;
  return [
    line(PART_WORDS[1], "semantic", part[1], { width: 4.5, alpha: 0.7 }),
    line(PART_WORDS[2], "candidate", part[2]),
    line(PART_WORDS[3], "baseline", part[3], { dash: [5, 3] }),
    line(PART_WORDS[0], "total", part[0], { width: 1 }),
  ].concat(backdrop());
}

const starts = DATA.towers.map((tower, t) => (t === 0 || tower !== DATA.towers[t - 1] ? t : -1)).filter((t) => t >= 0);
const blocks = DATA.addresses.map((address, t) => (t === 0 || segmentOf(address) !== segmentOf(DATA.addresses[t - 1]) ? t : -1))
  .filter((t) => t >= 0 && /\.\d+$/.test(segmentOf(DATA.addresses[t])));

/** Where bounds are stated, a bar from the probable to the worst: no line, since the taps between have none. */
function drawBounds(chart) {
  const probable = chart.series.findIndex((series) => series.label === BOUND_WORDS[0]);
  if (probable < 0 || !chart.series[probable].show || !WORST) return;
  const { ctx } = chart, width = Math.max(1, 0.5 * (chart.valToPos(1, "x", true) - chart.valToPos(0, "x", true)));
  ctx.save();
  ctx.beginPath();
  ctx.rect(chart.bbox.left, chart.bbox.top, chart.bbox.width, chart.bbox.height);
  ctx.clip();
  ctx.fillStyle = colour("bound");
  ctx.globalAlpha = 0.3;
  PROBABLE.forEach((low, t) => {
    if (!(low > 0) || !(WORST[t] > 0)) return;
    const bottom = chart.valToPos(low, "y", true), top = chart.valToPos(WORST[t], "y", true);
    ctx.fillRect(chart.valToPos(t, "x", true) - width / 2, top, width, Math.max(2 * devicePixelRatio, bottom - top));
  });
  ctx.restore();
}

/** A line where a tower begins, with its name. */
function drawTowers(chart) {
  const { ctx } = chart, { left, top, height, width } = chart.bbox, ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.fillStyle = ctx.strokeStyle = colour("soft");
  ctx.textBaseline = "top";
  ctx.textAlign = "left";
  for (const start of starts) {
    const x = Math.max(chart.valToPos(start - 0.5, "x", true), left);
    if (x > left + width) continue;
    ctx.globalAlpha = 0.6;
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    ctx.globalAlpha = 1;
    const words = TOWERS[DATA.towers[start]], room = ctx.measureText(words).width + 8 * ratio;
    if (x + room < left + width + 4 * ratio) ctx.fillText(words, x + 4 * ratio, top + 3 * ratio);
  }
  ctx.restore();
}

/** Whole powers of ten, at most nine of them. */
function decades(chart, axis, low, high) {
  const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9), step = Math.ceil((last - first + 1) / 9);
  const powers = [];
  for (let power = first; power <= last; power += step) powers.push(10 ** power);
  return powers;
}

function axes() {
  const grid = { stroke: colour("line"), width: 1 }, font = "11px system-ui, sans-serif", stroke = colour("soft");
  return [
    { stroke, font, grid: { show: false }, ticks: grid, size: 34, gap: 4,
      splits: (chart, axis, low, high) => {
        const inside = blocks.filter((t) => t >= low && t <= high);
        const step = Math.ceil(inside.length / Math.max(2, chart.width / 75));
        return inside.filter((_, i) => i % step === 0);
      },
      values: (chart, splits) => splits.map((t) => segmentOf(DATA.addresses[t] || "")) },
    { stroke, font, grid, ticks: grid, size: 50, splits: decades,
      values: (chart, splits) => splits.map((v) => (v ? `1e${Math.round(Math.log10(v))}` : "")) },
  ];
}

function optionsOf(place, lines, which) {
  const values = lines.flatMap((l) => (l.show === false ? [] : l.values.filter((v) => v)));
  const low = values.length ? Math.floor(Math.log10(Math.max(1e-20, Math.min(...values)))) : -8;
  const high = values.length ? Math.ceil(Math.log10(Math.max(...values))) : 0;
  return {
    width: place.clientWidth, height: place.clientWidth < 560 ? 240 : 300,
    scales: { x: { time: false }, y: { distr: 3, range: [10 ** low, 10 ** Math.max(high, low + 1)] } },
    cursor: { y: false, points: { size: 6 }, drag: { x: true, y: false } },
    legend: { live: true, markers: { width: 0, fill: (chart, i) => chart.series[i].stroke?.(chart, i) ?? null } },
    hooks: { drawClear: [drawBounds], draw: [drawTowers], ready: [(chart) => keyboard(chart, which)],
      setCursor: [(chart) => chart.root.classList.toggle("reading", typeof chart.cursor.idx === "number")] },
    axes: axes(),
    series: [{ label: "tap", value: (chart, t) => (t === null || t === undefined ? "\u2013" : DATA.addresses[t]) },
      ...lines.map(({ values, ...series }) => ({ ...series, value: (chart, v) => number(v) }))],
  };
}

/** Arrow keys move the cursor, Enter opens the tap; the legend's entries are switches. */
function keyboard(chart, which) {
  const over = chart.over, taps = DATA.addresses.length;
  over.tabIndex = 0;
  over.setAttribute("role", "application");
  over.setAttribute("aria-label", "Error over depth: arrow keys read the values tap by tap, Enter opens the tap");
  let at = 0;
  const go = (t) => {
    at = Math.max(0, Math.min(taps - 1, t));
    chart.setCursor({ left: chart.valToPos(at, "x"), top: 10 });
  };
  const open = () => openTap(which === ALL ? Math.max(0, shown.indexOf(true)) : which, at);
  over.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, PageDown: 14, PageUp: -14, Home: -taps, End: taps }[event.key];
    if (step !== undefined) go(at + step);
    else if (event.key === "Enter") open();
    else return;
    event.preventDefault();
  });
  over.addEventListener("dblclick", (event) => event.stopPropagation());
  over.addEventListener("mousemove", () => { if (chart.cursor.idx !== null && chart.cursor.idx !== undefined) at = chart.cursor.idx; });
  chart.root.querySelectorAll(".u-series:not(:first-child) th").forEach((th) => {
    th.tabIndex = 0;
    th.setAttribute("role", "switch");
    const tell = () => th.setAttribute("aria-checked", String(!th.parentNode.classList.contains("u-off")));
    th.addEventListener("click", () => setTimeout(tell));
    th.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      th.click();
    });
    tell();
  });
}

function drawChart(place) {
  if (!place.clientWidth) return;
  const which = Number(place.dataset.chart), lines = linesOf(which);
  charts.get(place)?.destroy();
  const x = DATA.addresses.map((_, t) => t);
  charts.set(place, new uPlot(optionsOf(place, lines, which), [x, ...lines.map((l) => l.values)], place));
}

function drawCharts() {
  document.querySelectorAll("[data-chart]").forEach(drawChart);
}

function startCharts() {
  drawCharts();
  onPick.push(drawCharts);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCharts);
  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const chart = charts.get(target);
      if (!chart) drawChart(target);
      else if (target.clientWidth && chart.width !== target.clientWidth) chart.setSize({ width: target.clientWidth, height: chart.height });
    }
  });
  document.querySelectorAll("[data-chart]").forEach((place) => resized.observe(place));
}
