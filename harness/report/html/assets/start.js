// SPDX-License-Identifier: GPL-3.0-or-later
"use strict";
makePicker();
fillThumbnails();
startMatrix();
startPlaces();
startTaps();
startCharts();
