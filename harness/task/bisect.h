/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which of a candidate's swaps make it diverge: delta debugging (num/ddmin.h) over the values in which it
 * differs from the baseline.
 *
 * A swap is one component or knob at one slot (a block, what is outside a tower's blocks, the joint part). A
 * set of units (swaps, or all swaps of a layer, or of a setting) is tried by running the baseline with its
 * swaps, or, to remove, the candidate without them, over the first batch of images and all prompts. The
 * divergence is the mean relative L2 at one output: the probabilities that decide, where images meet prompts,
 * else the features.
 *
 * Delta debugging gives a set of which no member can be left out. Other sets with fewer units are tried after
 * it, all of one unit, then all of two and so on, as far as CP_BISECT_SMALLER tests suffice: a pair of up to
 * 19 units is always tried, a single one of up to 200. */
#ifndef CP_TASK_BISECT_H
#define CP_TASK_BISECT_H

#include "task/evaluate.h"

#include <stdio.h>

enum { CP_BISECT_SMALLER = 200 };
enum cp_bisect_unit { CP_UNIT_SWAP, CP_UNIT_LAYER, CP_UNIT_SETTING };

struct cp_bisect_options {
    enum cp_bisect_unit unit;
    bool remove;    /* a set without which the divergence stays below the share */
    double share;   /* of the candidate's divergence, in (0, 1] */
    const char *at; /* an output's tap; NULL: as above */
    FILE *progress; /* a line for each test; NULL: silent */
};

struct cp_bisect_result {
    size_t images, prompts;
    size_t swaps, units;  /* in which the candidate differs */
    size_t answer, tests; /* units found, tests made */
    size_t tried;         /* no set of so many units or fewer does; answer - 1: the set is a smallest one */
    enum cp_output at;
    const char *name[CP_OUTPUT_COUNT]; /* outputs; NULL: not there */
    double full[CP_OUTPUT_COUNT];      /* the candidate's divergence */
    double reached[CP_OUTPUT_COUNT];   /* with the set alone, or without it */
    struct cp_spec *set;               /* the baseline with the set's swaps */
    struct cp_spec *run;               /* what reached it: set, or the candidate without the set */
    struct cp_arena arena;             /* owns the specs */
};

/* Bisects the study's spec `candidate`. CP_NOTHING_COMPARED where it differs in no setting, or its output in
 * no bit. Release with cp_bisect_free, also after a failure. */
enum cp_status cp_bisect(const struct cp_study *study, size_t candidate,
                         const struct cp_bisect_options *options, struct cp_bisect_result *result,
                         struct cp_error *err);
void cp_bisect_free(struct cp_bisect_result *result);

#endif
