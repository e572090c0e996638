/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which model each side of a diff is of: what its file says, what the command line says in its place, and
 * whether both are of one config, which their oracles need. */
#ifndef CP_TASK_DIFF_MODEL_H
#define CP_TASK_DIFF_MODEL_H

#include "capture/capture.h"
#include "experiment/experiment.h"
#include "task/diff.h"

/* A side as its file has it. Release with cp_diff_close. */
struct cp_diff_reading {
    const struct cp_diff_side *asked;
    const char *fact[CP_CAPTURE_FACTS];        /* in the arena */
    bool has_images, has_pixels, needs_tokens; /* taps of images, pixels.normalized; prompts without ids */
    struct cp_experiment said;                 /* of which only the model is used */
    struct cp_capture_environment environment; /* read where a file must be told by its digest */
    bool environment_read;
};

/* NULL where a file says nothing. */
static inline const char *cp_diff_fact(const struct cp_diff_reading *side, enum cp_capture_fact fact) {
    return side->fact[fact][0] ? side->fact[fact] : NULL;
}

/* The side that goes on from a capture's tensor, if one does: B's before A's. */
static inline const struct cp_diff_reading *cp_diff_grafted(const struct cp_diff_reading *a,
                                                            const struct cp_diff_reading *b) {
    if (cp_diff_fact(b, CP_CAPTURE_GRAFT_AT))
        return b;
    return cp_diff_fact(a, CP_CAPTURE_GRAFT_AT) ? a : NULL;
}

enum cp_status cp_diff_open(const struct cp_diff_side *asked, struct cp_arena *arena,
                            struct cp_diff_reading *side, struct cp_error *err);
void cp_diff_close(struct cp_diff_reading *side);

/* The model of both, with A's weights; B's where they are others. */
struct cp_diff_model {
    struct cp_model_source source;
    const char *checkpoint_b; /* NULL: A's */
    const char *activation_b; /* where B's config has another one and is the same else; NULL: A's */
};

/* *why: why there is no oracle, in the arena; "" where none was asked for; NULL: *model is one that can be
 * loaded. Fails where a file's own words of its model cannot be read. */
enum cp_status cp_diff_choose(const struct cp_diff *diff, struct cp_diff_reading *a,
                              struct cp_diff_reading *b, struct cp_arena *arena, struct cp_diff_model *model,
                              const char **why, struct cp_error *err);

/* ---- one file under two names ---- */

/* Whether a side's file and the other's are the same: by name, on the disk, or by SHA-256, which of a file
 * that is not here is the one that the capture noted. NULL is nobody's file but NULL's. */
bool cp_diff_same_file(struct cp_diff_reading *side, const char *path, struct cp_diff_reading *other,
                       const char *theirs, struct cp_arena *arena);

#endif
