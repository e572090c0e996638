/* SPDX-License-Identifier: GPL-3.0-or-later
 * Inputs that fail by themselves, whatever the others' mean says (analysis/verdict.h), named with the worst
 * first. */
#ifndef CP_ANALYSIS_FAILING_H
#define CP_ANALYSIS_FAILING_H

#include "analysis/verdict.h"
#include "base/sentence.h"

#include <stdio.h>

extern const struct cp_analysis cp_failing_analysis;

/* Room for both kinds, cleared, in the arena; and stores what was counted in it of spec s. */
enum cp_status cp_failing_alloc(const struct cp_lockstep *lockstep, struct cp_arena *arena, double *fails[2],
                                struct cp_error *err);
enum cp_status cp_failing_write(struct cp_lockstep *lockstep, size_t s, double *const fails[2],
                                struct cp_error *err);

/* So many are named, the others counted. */
enum { CP_FAILING_NAMED = 3 };
struct cp_failing {
    size_t inputs; /* that fail */
    size_t named, worst[CP_FAILING_NAMED];
};
/* rows: (count, enum cp_failing_field). */
struct cp_failing cp_failing_find(const double *rows, size_t count);
/* "2 of 300 images fail by themselves"; count: of those that were judged, 0: that is not known. */
void cp_append_failing_count(struct cp_sentence *sentence, const struct cp_failing *failing, size_t count,
                             const char *what);
/* names: [count], or NULL. "coat.png (120,000 times the limit, at 120 taps), bag.png (...) and 2 more" */
void cp_append_failing_inputs(struct cp_sentence *sentence, const struct cp_failing *failing,
                              const double *rows, const char *const *names, const char *between);
/* Lines of a table, of images and of prompts; nothing where none fails. */
enum cp_status cp_failing_print(const struct cp_lockstep *lockstep, size_t s, FILE *out,
                                struct cp_error *err);

#endif
