/* SPDX-License-Identifier: GPL-3.0-or-later
 * What every page carries, put into the program when it is built, so that it needs no file of its own. */
#ifndef CP_REPORT_ASSETS_H
#define CP_REPORT_ASSETS_H

/* Each ends with a NUL. */
extern const char cp_asset_uplot_js[], cp_asset_uplot_css[]; /* data/uplot */
extern const char cp_asset_page_js[], cp_asset_page_css[];   /* harness/report/assets */

#endif
