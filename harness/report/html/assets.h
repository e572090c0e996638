/* SPDX-License-Identifier: GPL-3.0-or-later
 * What every page carries, put into the program when it is built, so that it needs no file of its own. */
#ifndef CP_REPORT_HTML_ASSETS_H
#define CP_REPORT_HTML_ASSETS_H

/* Each ends with a NUL. */
extern const char cp_asset_uplot_js[], cp_asset_uplot_css[], cp_asset_uplot_licence[]; /* data/uplot */
extern const char cp_asset_page_css[], cp_asset_common_js[], cp_asset_charts_js[], cp_asset_matrix_js[],
    cp_asset_places_js[], cp_asset_tap_js[], cp_asset_start_js[]; /* harness/report/html/assets */

#endif
