/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the page carries, embedded when it is built. */
#include "report/html/assets.h"

#include "base/embed.h"

CP_EMBED(cp_asset_uplot_js, "data/uplot/uPlot.iife.min.js");
CP_EMBED(cp_asset_uplot_css, "data/uplot/uPlot.min.css");
CP_EMBED(cp_asset_uplot_licence, "data/uplot/LICENSE");
CP_EMBED(cp_asset_page_css, "harness/report/html/assets/page.css");
CP_EMBED(cp_asset_common_js, "harness/report/html/assets/common.js");
CP_EMBED(cp_asset_charts_js, "harness/report/html/assets/charts.js");
CP_EMBED(cp_asset_matrix_js, "harness/report/html/assets/matrix.js");
CP_EMBED(cp_asset_places_js, "harness/report/html/assets/places.js");
CP_EMBED(cp_asset_tap_js, "harness/report/html/assets/tap.js");
CP_EMBED(cp_asset_start_js, "harness/report/html/assets/start.js");
