// SPDX-License-Identifier: GPL-3.0-or-later
// The matrix of verdicts: blocks fold, and one tab stop leads to all cells by the arrow keys.
"use strict";

/** What can be focused in a row: its button, then its cells' links, as far as they are shown. */
function stopsOf(row) {
  return [...row.cells].filter((cell) => !cell.hidden).map((cell) => cell.querySelector("a, button"));
}

function rowsShown(matrix) {
  return [...matrix.querySelectorAll("tbody tr")].filter((row) => row.offsetParent !== null);
}

function focusStop(matrix, stop) {
  matrix.querySelectorAll("[tabindex='0']").forEach((old) => { old.tabIndex = -1; });
  stop.tabIndex = 0;
  stop.focus();
  stop.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function setOpen(body, open) {
  body.classList.toggle("open", open);
  body.querySelector("button")?.setAttribute("aria-expanded", String(open));
}

function moveIn(matrix, event) {
  const row = event.target.closest("tr"), stops = stopsOf(row), rows = rowsShown(matrix);
  const column = stops.indexOf(event.target.closest("a, button")), y = rows.indexOf(row);
  const to = {
    ArrowRight: [y, column + 1], ArrowLeft: [y, column - 1], ArrowDown: [y + 1, column], ArrowUp: [y - 1, column],
    Home: [y, 0], End: [y, stops.length - 1], PageDown: [Math.min(y + 15, rows.length - 1), column], PageUp: [Math.max(y - 15, 0), column],
  }[event.key];
  if (!to || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  // A row without a button (a tap by itself, or inside a block) has nothing in its first column: on to the next that has.
  const down = Math.sign(to[0] - y);
  let [goY, goX] = to;
  while (down && rows[goY] && !stopsOf(rows[goY])[goX]) goY += down;
  if (event.key === "Home" && !stops[0]) goX = 1;
  const next = rows[goY] && stopsOf(rows[goY])[goX];
  if (next) focusStop(matrix, next);
}

function startMatrix() {
  const matrix = document.getElementById("matrix");
  if (!matrix) return;
  matrix.querySelectorAll("tbody a, tbody button").forEach((stop) => { stop.tabIndex = -1; });
  const first = matrix.querySelector("tbody a");
  if (first) first.tabIndex = 0;
  matrix.addEventListener("keydown", (event) => moveIn(matrix, event));
  const bodies = [...matrix.tBodies];
  for (const body of bodies) {
    const button = body.querySelector("button");
    button?.addEventListener("click", () => setOpen(body, !body.classList.contains("open")));
  }
  const all = document.getElementById("unfold");
  all?.addEventListener("click", () => {
    const open = all.getAttribute("aria-pressed") !== "true";
    all.setAttribute("aria-pressed", String(open));
    all.textContent = open ? "fold all blocks" : "unfold all blocks";
    bodies.forEach((body) => setOpen(body, open));
  });
}
