/* SPDX-License-Identifier: GPL-3.0-or-later
 * CP_ASSETS is the root of the sources; CMakeLists.txt names the files, so that a change rebuilds this. */
#include "report/html/assets.h"

#define ASSET(symbol, file)                                                                                  \
    __asm__(".section .rodata\n"                                                                             \
            ".globl " #symbol "\n"                                                                           \
            ".type " #symbol ", @object\n" #symbol ":\n"                                                     \
            ".incbin \"" CP_ASSETS "/" file "\"\n"                                                           \
            ".byte 0\n"                                                                                      \
            ".size " #symbol ", . - " #symbol "\n"                                                           \
            ".text\n")

ASSET(cp_asset_uplot_js, "data/uplot/uPlot.iife.min.js");
ASSET(cp_asset_uplot_css, "data/uplot/uPlot.min.css");
ASSET(cp_asset_uplot_licence, "data/uplot/LICENSE");
ASSET(cp_asset_page_css, "harness/report/html/assets/page.css");
ASSET(cp_asset_common_js, "harness/report/html/assets/common.js");
ASSET(cp_asset_charts_js, "harness/report/html/assets/charts.js");
ASSET(cp_asset_matrix_js, "harness/report/html/assets/matrix.js");
ASSET(cp_asset_places_js, "harness/report/html/assets/places.js");
ASSET(cp_asset_tap_js, "harness/report/html/assets/tap.js");
ASSET(cp_asset_start_js, "harness/report/html/assets/start.js");
