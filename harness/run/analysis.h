/* SPDX-License-Identifier: GPL-3.0-or-later
 * An analysis: what is found out about the passes of a study while they run (teacher forcing, the noise
 * floor, the operation ledger, verdicts, ...). One file and one row of cp_analyses (analysis/analyses.h). The
 * lockstep calls the hooks of every row that is wanted, in the table's order, and knows none by its name.
 *
 *   check    once, when the study is resolved
 *   note     once, before the time is spent
 *   define   once, after the lanes are made
 *   tap      for each pass, after define
 *   before   before any pass runs a stage
 *   pass     after pass s ran, or followed the baseline through, a stage
 *   stage    after every pass has run it
 *   commit   after a tower's batch
 *   finish   once, after the last batch
 *   print    once, after every finish
 *   release  once, also after a failure
 *
 * Every hook may be NULL. Hooks fail with CP_BAD_INPUT (check) or CP_INTERNAL. */
#ifndef CP_RUN_ANALYSIS_H
#define CP_RUN_ANALYSIS_H

#include "base/sentence.h"
#include "run/lockstep.h"

#include <stdio.h>

/* What an analysis needs of the lockstep. */
enum {
    CP_NEEDS_EVERY_TAP = 1,       /* the baseline's tensors at every tap, recorded or not */
    CP_NEEDS_REPLACED_PIXELS = 2, /* pixels normalised from what the baseline cropped */
};

struct cp_analysis {
    unsigned needs;
    /* Whether the experiment asks for it; NULL: always. */
    bool (*wanted)(const struct cp_study *study);
    /* The first images (CP_DIM_IMAGE) or prompts (CP_DIM_PROMPT) that it is made for: a batch ends there.
     * NULL: for all. */
    size_t (*inputs)(const struct cp_study *study, enum cp_dim_kind of);
    /* Adds what it costs. */
    void (*cost)(const struct cp_study *study, struct cp_estimate *estimate);

    enum cp_status (*check)(const struct cp_study *study, struct cp_error *err);
    void (*note)(const struct cp_study *study, struct cp_sentence *sentence);
    /* Defines its variables; *state, of the lockstep's arena, is what cp_lockstep_state finds from then
     * on. */
    enum cp_status (*define)(struct cp_lockstep *lockstep, void **state, struct cp_error *err);
    struct cp_tap (*tap)(struct cp_lockstep *lockstep, size_t s);
    enum cp_status (*before)(struct cp_lockstep *lockstep, struct cp_stage stage, struct cp_error *err);
    enum cp_status (*pass)(struct cp_lockstep *lockstep, size_t s, struct cp_stage stage,
                           struct cp_error *err);
    enum cp_status (*stage)(struct cp_lockstep *lockstep, struct cp_stage stage, struct cp_error *err);
    enum cp_status (*commit)(struct cp_lockstep *lockstep, enum cp_tower tower, struct cp_error *err);
    enum cp_status (*finish)(struct cp_lockstep *lockstep, struct cp_error *err);
    enum cp_status (*print)(const struct cp_lockstep *lockstep, FILE *out, struct cp_error *err);
    void (*release)(struct cp_lockstep *lockstep);
    bool details; /* what it prints is for who asks for details */
};

/* A row's state; NULL where it is not wanted. */
void *cp_lockstep_state(const struct cp_lockstep *lockstep, const struct cp_analysis *analysis);

/* ---- every row that is wanted, in the table's order ---- */

enum cp_status cp_analyses_check(const struct cp_study *study, struct cp_error *err);
void cp_analyses_note(const struct cp_study *study, struct cp_sentence *sentence);
void cp_analyses_cost(const struct cp_study *study, struct cp_estimate *estimate);
unsigned cp_analyses_needs(const struct cp_study *study);
/* The end of a batch from `first` on that would end at `end`. */
size_t cp_analyses_batch_end(const struct cp_study *study, enum cp_dim_kind of, size_t first, size_t end);
enum cp_status cp_analyses_define(struct cp_lockstep *lockstep, struct cp_error *err);
/* How many observe each pass, and their taps of pass s. */
size_t cp_analyses_taps(const struct cp_study *study);
void cp_analyses_tap(struct cp_lockstep *lockstep, size_t s, struct cp_tap *taps);
enum cp_status cp_analyses_before(struct cp_lockstep *lockstep, struct cp_stage stage, struct cp_error *err);
enum cp_status cp_analyses_pass(struct cp_lockstep *lockstep, size_t s, struct cp_stage stage,
                                struct cp_error *err);
enum cp_status cp_analyses_stage(struct cp_lockstep *lockstep, struct cp_stage stage, struct cp_error *err);
enum cp_status cp_analyses_commit(struct cp_lockstep *lockstep, enum cp_tower tower, struct cp_error *err);
enum cp_status cp_analyses_finish(struct cp_lockstep *lockstep, struct cp_error *err);
enum cp_status cp_analyses_print(const struct cp_lockstep *lockstep, bool details, FILE *out,
                                 struct cp_error *err);
void cp_analyses_release(struct cp_lockstep *lockstep);

#endif
