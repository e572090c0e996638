// SPDX-License-Identifier: GPL-3.0-or-later
// Where on the images a candidate diverges most: how often each patch is the worst, and the worst inputs themselves with
// the patch outlined. Token 0 is the class token and has no place.
"use strict";

/** [a, b, a, b, ...] as pairs. */
function inPairs(list, size) {
  const rows = [];
  for (let i = 0; i < list.length; i += size) rows.push(list.slice(i, i + size));
  return rows;
}

function patchMap(counts, most) {
  const grid = DATA.grid, svg = make("svg", { class: "patches", viewBox: `0 0 ${grid} ${grid}`, role: "img", "aria-label": "How often each patch is the worst" });
  for (const [token, count] of counts)
    if (token > 0)
      svg.append(make("rect", { class: "heat", x: (token - 1) % grid, y: Math.floor((token - 1) / grid), width: 1, height: 1, "fill-opacity": (0.12 + (0.88 * count) / most).toFixed(3) },
        make("title", {}, `patch ${token - 1}: the worst of ${count} ${count === 1 ? "image" : "images"}`)));
  return svg;
}

function outlined(image, token, relative) {
  const grid = DATA.grid, name = DATA.images[image] ?? `image ${image}`;
  const svg = make("svg", { viewBox: `0 0 ${grid} ${grid}`, role: "img", "aria-label": `${name}, token ${token}` });
  if (DATA.thumbs[image]) svg.append(make("image", { href: DATA.thumbs[image], width: grid, height: grid, preserveAspectRatio: "none" }));
  if (token > 0) {
    const at = { x: (token - 1) % grid, y: Math.floor((token - 1) / grid), width: 1, height: 1 };
    svg.append(make("rect", { class: "halo", ...at }), make("rect", { class: "outline", ...at }));
  }
  const where = token > 0 ? `patch (${(token - 1) % grid}, ${Math.floor((token - 1) / grid)})` : "class token";
  return make("figure", {}, svg, make("figcaption", {}, `${where}: `, make("span", { class: "nowrap" }, number(relative)), make("br"), name));
}

function makePlaces(c, tap) {
  const candidate = DATA.candidates[c], counts = inPairs(candidate.patches[tap] ?? [], 2);
  const most = Math.max(1, ...counts.filter(([token]) => token > 0).map(([, count]) => count));
  const ofClass = counts.find(([token]) => token === 0)?.[1] ?? 0;
  return make("div", { class: "where" },
    make("figure", {}, patchMap(counts, most),
      make("figcaption", {}, `How often each patch is an image's worst (darkest: ${most}\u00d7). Class token: ${ofClass}\u00d7.`)),
    make("div", { class: "gallery" }, ...inPairs(candidate.places[tap] ?? [], 3).map(([image, token, relative]) => outlined(image, token, relative))));
}

/** The section of its own: a candidate and a tap to choose. */
function startPlaces() {
  const place = document.getElementById("places");
  if (!place) return;
  const taps = DATA.taps.map((_, t) => t).filter((t) => DATA.candidates.some((candidate) => candidate.places[t]));
  const blocks = taps.filter((t) => /^visual\.\d+$/.test(DATA.addresses[t]));
  const candidates = DATA.candidates.map((_, c) => c).filter((c) => taps.some((t) => DATA.candidates[c].places[t]));
  if (!candidates.length) {
    place.closest("section").hidden = true;
    return;
  }
  const choose = (label, list, name, value) => {
    const select = make("select", { change: show }, ...list.map((i) => make("option", { value: i, selected: i === value }, name(i))));
    return [make("label", {}, `${label} `, select), select];
  };
  const body = make("div", {});
  const [candidateLabel, candidate] = choose("candidate", candidates, (c) => DATA.candidates[c].name, candidates[0]);
  const [tapLabel, tap] = choose("tap", taps, (t) => DATA.addresses[t], blocks.length ? blocks[blocks.length - 1] : taps[taps.length - 1]);
  function show() {
    const c = Number(candidate.value), t = Number(tap.value);
    body.replaceChildren(DATA.candidates[c].places[t] ? makePlaces(c, t) : make("p", { class: "lead" }, "Identical here: nothing is the worst."));
  }
  place.append(make("div", { class: "tools" }, candidateLabel, tapLabel, make("button", { type: "button", click: () => openTap(Number(candidate.value), Number(tap.value)) }, "all about this tap")), body);
  show();
}
