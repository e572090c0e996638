/* SPDX-License-Identifier: GPL-3.0-or-later
 * What sets a candidate of a run apart from the baseline, part by part, from the ledger
 * (analysis/agreement.h).
 */
#ifndef CP_ANALYSIS_OWN_PARTS_H
#define CP_ANALYSIS_OWN_PARTS_H

#include "analysis/agreement.h"

/* Of candidate s, at the end of a run whose ledger is on and written; 80 columns wide. */
enum cp_status cp_own_parts_print(const struct cp_lockstep *lockstep, size_t s, FILE *out,
                                  struct cp_error *err);

#endif
