/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of analyses (run/analysis.h): what a run finds out about its passes, in the order of their hooks.
 */
#ifndef CP_ANALYSIS_ANALYSES_H
#define CP_ANALYSIS_ANALYSES_H

#include "run/analysis.h"

extern const struct cp_analysis *const cp_analyses[]; /* ends with NULL */

#endif
