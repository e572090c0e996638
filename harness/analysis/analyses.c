/* SPDX-License-Identifier: GPL-3.0-or-later
 * One row for each analysis. A row's `finish` may read what rows above it have written. */
#include "analysis/analyses.h"

#include "analysis/attribution/attribution.h"
#include "analysis/bracket.h"
#include "analysis/decisions.h"
#include "analysis/failing.h"
#include "analysis/floor.h"
#include "analysis/ledger/ledger.h"
#include "analysis/local.h"
#include "analysis/summary.h"
#include "analysis/units.h"
#include "analysis/verdict.h"
#include "analysis/yardstick.h"

const struct cp_analysis *const cp_analyses[] = {
    &cp_units_analysis,   &cp_decisions_analysis, &cp_ledger_analysis,      &cp_yardstick_analysis,
    &cp_failing_analysis, &cp_verdicts_analysis,  &cp_bracket_analysis,     &cp_local_analysis,
    &cp_floor_analysis,   &cp_summary_analysis,   &cp_attribution_analysis, NULL};
