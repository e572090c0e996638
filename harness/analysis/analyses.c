/* SPDX-License-Identifier: GPL-3.0-or-later
 * The rows of the analyses, in the order of their hooks. */
#include "analysis/analyses.h"

/* Each is cp_NAME_analysis, of a file of this folder or of one below it. A row's `finish` may read what rows above it have written. */
#define ANALYSES(ROW)                                                                                        \
    ROW(units)                                                                                               \
    ROW(decisions)                                                                                           \
    ROW(ledger)                                                                                              \
    ROW(yardstick)                                                                                           \
    ROW(failing)                                                                                             \
    ROW(verdicts)                                                                                            \
    ROW(bracket)                                                                                             \
    ROW(teacher_forcing)                                                                                     \
    ROW(floor)                                                                                               \
    ROW(summary)                                                                                             \
    ROW(attribution)

#define DECLARE(name) extern const struct cp_analysis cp_##name##_analysis;
ANALYSES(DECLARE)
#define ENTRY(name) &cp_##name##_analysis,
const struct cp_analysis *const cp_analyses[] = {ANALYSES(ENTRY) NULL};
