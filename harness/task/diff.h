/* SPDX-License-Identifier: GPL-3.0-or-later
 * Two captures side by side: an experiment that computes nothing but, where the model is known, the oracles.
 */
#ifndef CP_TASK_DIFF_H
#define CP_TASK_DIFF_H

#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdio.h>

struct cp_diff_side {
    const char *capture;    /* FILE or FILE:NAME */
    const char *map;        /* NULL: none */
    const char *settings;   /* "ADDRESS=VALUE,...", on the default; NULL: what the capture says */
    const char *checkpoint; /* of this side alone; NULL: cp_diff.checkpoint, or what the capture says */
};

struct cp_diff {
    struct cp_diff_side a, b;
    const char *checkpoint, *config, *seed; /* NULL: what the captures say */
    bool no_oracle;
    const char *output; /* NULL: results/runs/A-vs-B.h5 */
};

/* The experiment as YAML, in the arena. Where no oracle can run, the reason goes to notes. */
enum cp_status cp_diff_experiment(const struct cp_diff *diff, struct cp_arena *arena, FILE *notes,
                                  const char **text, struct cp_error *err);

/* The files' environments side by side, differences first. */
enum cp_status cp_diff_environments(const char *a, const char *b, FILE *out, struct cp_error *err);

#endif
