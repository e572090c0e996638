// SPDX-License-Identifier: GPL-3.0-or-later
// One candidate at one tap, in full: the dialog that every cell of the page leads to. Its address is #CANDIDATE.TAP, by
// number, so that it can be linked to and the browser's back button leaves it.
"use strict";

const FIELD = Object.fromEntries(DATA.fields.map((name, f) => [name, f]));

function verdictChip(code) {
  return make("span", { class: `verdict v${code}` }, DATA.verdicts[code] ?? "\u2013");
}

const LEDGER = Object.fromEntries(DATA.ledgerFields.map((name, f) => [name, f]));
const LEDGER_CLASS = { unchecked: "v6", exact: "v2", explained: "v5", coarse: "v9", contradicted: "v8", nonfinite: "v1" };

/** A value of one side's ledger: of a column, or of the list that few taps have; undefined where it has none. */
function ledgerValue(columns, found, tap, name) {
  return columns?.[LEDGER[name]]?.[tap] ?? found[tap]?.[LEDGER[name] - LEDGER.alternative] ?? undefined;
}

function ledgerChip(value) {
  const word = DATA.ledgerVerdicts[value("verdict")];
  return word ? make("span", { class: `verdict ${LEDGER_CLASS[word]}` }, word) : "not in the ledger";
}

function explanation(value) {
  if (value("alternative") === undefined) return "\u2013";
  const words = value("alternative") < 0 ? `none of ${value("tried")} alternatives` : DATA.alternatives[value("alternative")];
  const slope = value("slope") === undefined ? "" : `, slope ${number(value("slope"))} \u00b1 ${number(value("slope_error"))}`;
  return value("after") === undefined || value("alternative") < 0 ? words + slope : `${words} (residual falls to ${number(value("after"))})${slope}`;
}

function worstElement(value) {
  return value("y") === undefined ? "\u2013" : `(${number(value("row"))}, ${number(value("column"))}): ${number(value("y"))}, ideal ${number(value("f"))}`;
}

function inputName(tap, input) {
  return (DATA.towers[tap] === 1 ? DATA.prompts : DATA.images)[input] ?? `input ${input}`;
}

function checkedInputs(value, tap) {
  const worst = value("worst_input"), name = worst === undefined ? "" : `; worst: ${inputName(tap, worst)}`;
  return value("inputs") === undefined ? "\u2013" : `${number(value("failing") ?? 0)} of ${number(value("inputs"))} fail${name}`;
}

function hidden(value) {
  return value("hidden") >= 0 ? `${DATA.alternatives[value("hidden")]}: cannot tell; needs about ${number(value("needs"))} inputs` : null;
}

/** What the ledger says of the operation on both sides, each held against its own settings, weights and inputs. */
function ledger(candidate, tap) {
  const sides = [[candidate.ledger, candidate.found], [DATA.baselineLedger, DATA.baselineFound]].map(([columns, found]) => (name) => ledgerValue(columns, found, tap, name));
  const rows = [
    ["verdict", ledgerChip],
    ["largest residual / its bound", (value) => number(value("bound"))],
    ["coarseness: times a plain evaluation's error", (value) => number(value("coarseness"))],
    ["residual, relative L2", (value) => number(value("residual"))],
    ["a plain evaluation's error", (value) => number(value("plain"))],
    ["inputs", (value) => checkedInputs(value, tap)],
    ["worst element (row, column)", worstElement],
    ["explained by", explanation],
    ["cannot be told", hidden],
    ["part of the settings", (value) => (value("settings") === undefined ? null : number(value("settings")))],
    ["part of the weights", (value) => (value("weights") === undefined ? null : number(value("weights")))],
  ].map(([name, of]) => [name, ...sides.map(of)]).filter(([, own, base]) => own !== null || base !== null);
  return make("div", { class: "scroll" }, make("table", { class: "plain ledger" },
    make("thead", {}, make("tr", {}, make("th", {}, ""), make("th", { class: "word" }, candidate.name), make("th", { class: "word" }, "baseline"))),
    make("tbody", {}, ...rows.map(([name, own, base]) => make("tr", {}, make("td", {}, name),
      make("td", { class: "word" }, own ?? "\u2013"), make("td", { class: "word" }, base ?? "\u2013"))))));
}

function pairs(list) {
  return make("dl", { class: "columns" }, ...list.filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

function heading(text, note) {
  return [make("h3", {}, text), note ? make("p", { class: "lead" }, note) : null];
}

/** Rows of parts: name, number, bar on a log scale that all rows share. */
function partRows(rows) {
  const present = rows.filter(([, value]) => value > 0 && Number.isFinite(value)).map(([, value]) => Math.log10(value));
  const low = Math.floor(Math.min(...present, 0) - 0.5), high = Math.max(...present, low + 1);
  return make("table", { class: "plain" }, make("tbody", {}, ...rows.map(([name, value, style, more]) => {
    const width = value > 0 && Number.isFinite(value) ? (260 * (Math.log10(value) - low)) / (high - low) : 0;
    return make("tr", {}, make("td", {}, name), make("td", {}, number(value)), make("td", { class: "word" }, more ?? ""),
      make("td", { class: "word" }, make("svg", { width: 260, height: 10, viewBox: "0 0 260 10", preserveAspectRatio: "none", "aria-hidden": "true" },
        make("rect", { class: `f-${style}`, width, height: 10, rx: 1 }))));
  })));
}

function multiple(value, tap) {
  const floor = FLOOR?.[tap];
  return floor > 0 && value > 0 ? `${number(value / floor)} \u00d7 floor` : "";
}

function divergence(candidate, tap) {
  const rows = PARTS.map((part, p) => [PART_WORDS[p], candidate.part[p]?.[tap], part, multiple(candidate.part[p]?.[tap], tap)]);
  if (candidate.localPart) rows.push(["local: this operation alone", candidate.localPart[0]?.[tap], "bar", multiple(candidate.localPart[0]?.[tap], tap)]);
  if (FLOOR) rows.push(["noise floor of the baseline", FLOOR[tap], "inconclusive", ""]);
  if (PROBABLE) rows.push([BOUND_WORDS[0], PROBABLE[tap], "bound", ""]);
  if (WORST) rows.push([BOUND_WORDS[1], WORST[tap], "bound", ""]);
  return partRows(rows);
}

function byItself(candidate, tap) {
  const words = { semantic: "different function", weights: "different weights", rounding: "larger error" };
  const cause = candidate.cause?.[tap], undecided = DATA.verdicts[candidate.localVerdict[FIELD.verdict]?.[tap]] === "inconclusive";
  const found = cause ? `. Cause: ${words[DATA.causes[cause]]}` : undecided ? ": whether it is a cause could not be decided" : ": no cause";
  return `Fed with the baseline's own input${found}.`;
}

function inputsWithOracle(count) {
  return count < DATA.least ? `${number(count)}, too few to judge the error: ${DATA.least} or more are needed` : number(count);
}

function ratio(fields, tap) {
  const value = (name) => fields[FIELD[name]]?.[tap];
  const interval = value("low") === null || value("low") === undefined ? "" : ` (${number(value("low"))} to ${number(value("high"))})`;
  return `${number(value("ratio"))}${interval}`;
}

function verdictLines(fields, tap) {
  const value = (name) => fields[FIELD[name]]?.[tap];
  return pairs([
    ["verdict", verdictChip(value("verdict"))],
    ["error alone", verdictChip(value("rounding"))],
    ["cand. / base error", ratio(fields, tap)],
    ["limit k", number(value("k"))],
    ["p (degraded), after Holm", number(value("p_degraded"))],
    ["p (equivalent), after Holm", number(value("p_equivalent"))],
    ["worst semantic of an input", number(value("semantic"))],
    ["inputs with an oracle", inputsWithOracle(value("inputs"))],
    ["inputs that exceed the limit 8 times", value("failing") > 0 ? `${number(value("failing"))}; worst: ${inputName(tap, value("worst_input"))}` : null],
    ["weights", FIELD.weights === undefined ? null : value("weights") ? "differ from the baseline's" : "the baseline's"],
  ]);
}

/** Counts of ULP distances, a bar for each power of two. */
function histogram(pairsOfBins) {
  if (!pairsOfBins) return null;
  const bins = [];
  for (let i = 0; i < pairsOfBins.length; i += 2) bins[pairsOfBins[i]] = pairsOfBins[i + 1];
  const last = Math.max(12, bins.length - 1), most = Math.log10(Math.max(...bins.filter((n) => n)) + 1), step = 560 / (last + 1);
  const svg = make("svg", { class: "drawn", viewBox: "0 0 600 132", role: "img", "aria-label": "Histogram of ULP distances" });
  for (let b = 0; b <= last; b++) {
    const height = bins[b] ? (90 * Math.log10(bins[b] + 1)) / most : 0, x = 20 + b * step;
    const range = b === 0 ? "equal" : b === 1 ? "1 ULP" : b === 33 ? "one is NaN" : `2^${b - 1} to 2^${b} ULP`;
    svg.append(make("rect", { class: b ? "f-bar" : "f-identical", x, y: 100 - height, width: step - 2, height }, make("title", {}, `${range}: ${bins[b] ?? 0}`)));
    if (b === 0 || b === 1 || b % 4 === 0 || b === 33)
      svg.append(make("text", { x: x + step / 2 - 1, y: 115, "text-anchor": "middle" }, b === 0 ? "0" : b === 33 ? "NaN" : b === 1 ? "1" : `2^${b - 1}`));
  }
  svg.append(make("line", { class: "axis", x1: 20, x2: 580, y1: 100.5, y2: 100.5 }), make("text", { x: 300, y: 130, "text-anchor": "middle" }, "ULP distance (elements, log scale)"));
  return svg;
}

/** Every metric twice over inputs: its mean, where one makes sense, and its worst. */
function metricTable(candidate, tap) {
  const cells = DATA.metrics.map((name, m) => make("div", {}, make("dt", {}, name.replaceAll("_", " ")),
    make("dd", {}, make("span", { class: "mean" }, candidate.mean[m] ? number(candidate.mean[m][tap]) : ""), make("span", {}, number(candidate.worst[m]?.[tap])))));
  return make("dl", { class: "columns wide" }, make("div", { class: "of" }, make("dt", {}, ""), make("dd", {}, make("span", { class: "mean" }, "mean"), make("span", {}, "worst"))), ...cells);
}

function worstInput(candidate, tap) {
  const input = candidate.worstInput?.[tap];
  return input === null || input === undefined ? null : `Over inputs. The largest rel_l2 is that of ${inputName(tap, input)}.`;
}

function command(tap) {
  return `clip-parity run ${DATA.file} 'record={"*": "off"}' ${DATA.records[tap]} ${DATA.output}`; // words of a shell
}

function detail(c, tap) {
  const candidate = DATA.candidates[c], fields = candidate.verdict;
  const step = (words, toCandidate, toTap) => {
    const there = DATA.candidates[toCandidate] && DATA.taps[toTap];
    return make("button", { type: "button", disabled: !there, click: () => openTap(toCandidate, toTap) }, words);
  };
  return [
    make("header", {},
      make("div", {}, make("p", { class: "kicker" }, `${candidate.name} \u00b7 ${TOWERS[DATA.towers[tap]]} \u00b7 tap ${tap + 1} of ${DATA.taps.length}`),
        make("h2", { id: "detail-title", tabindex: "-1" }, DATA.addresses[tap])),
      make("button", { type: "button", click: closeTap }, "close")),
    make("div", { class: "tools" }, step("\u2190 tap", c, tap - 1), step("tap \u2192", c, tap + 1), step("\u2191 candidate", c - 1, tap), step("candidate \u2193", c + 1, tap)),
    make("p", { class: "lead mono" }, DATA.taps[tap]),
    verdictLines(fields, tap),
    ...(candidate.ledger ? [...heading("The operation itself", "Each side held against its own settings, weights and recorded inputs, so nothing is inherited."), ledger(candidate, tap)] : []),
    ...heading("How far, and why", "Relative L2, mean over inputs; the bars share a log scale."),
    divergence(candidate, tap),
    ...(candidate.localVerdict ? [...heading("By itself", byItself(candidate, tap)), verdictLines(candidate.localVerdict, tap)] : []),
    ...heading("All metrics of the total", worstInput(candidate, tap)),
    metricTable(candidate, tap),
    ...(candidate.histogram[tap] ? [...heading("ULP distances"), histogram(candidate.histogram[tap])] : []),
    ...(candidate.places[tap] ? [...heading("Where on the images"), makePlaces(c, tap)] : []),
    ...heading("Again, with this tap recorded in full"),
    make("pre", {}, command(tap)),
  ].filter((node) => node);
}

let cameFrom = null;

function openTap(c, tap) {
  location.hash = `${c}.${tap}`;
}

function closeTap() {
  document.getElementById("detail").close();
}

function showHash() {
  const dialog = document.getElementById("detail"), parts = /^#(\d+)\.(\d+)$/.exec(location.hash);
  if (!parts || !DATA.candidates[parts[1]] || !DATA.taps[parts[2]]) {
    if (dialog.open) dialog.close();
    return;
  }
  dialog.replaceChildren(...detail(Number(parts[1]), Number(parts[2])));
  if (!dialog.open) {
    cameFrom = document.activeElement;
    dialog.showModal();
  }
  dialog.scrollTop = 0;
  document.getElementById("detail-title").focus();
}

function startTaps() {
  const dialog = document.getElementById("detail");
  addEventListener("hashchange", showHash);
  dialog.addEventListener("close", () => {
    history.replaceState(null, "", location.pathname + location.search);
    if (cameFrom && cameFrom.isConnected) cameFrom.focus({ preventScroll: true });
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  if (location.hash) showHash();
}
