/* SPDX-License-Identifier: GPL-3.0-or-later
 * What of a run's inputs is independent: images with the same pixels and prompts with the same ids count
 * once, and prompts made of templates and classes belong together by both.
 *
 * The pixels' hashes are in /inputs/pixels_hash, so that a run that goes on knows those of the one before. */
#ifndef CP_ANALYSIS_UNITS_H
#define CP_ANALYSIS_UNITS_H

#include "analysis/verdict.h"

/* Stores a hash of each image's pixels. */
extern const struct cp_analysis cp_units_analysis;

/* After the last batch: of each kind of input, in memory of the arena. */
struct cp_units {
    struct cp_verdict_units of[CP_DIM_INPUT + 1]; /* by the tap's first dimension */
};
enum cp_status cp_units_find(struct cp_lockstep *lockstep, struct cp_arena *arena, struct cp_units *units,
                             struct cp_error *err);
/* first[i]: the first of `count` inputs that has the hash of input i; a hash of 0 is like no other. false: no
 * memory.
 */
bool cp_units_alike(const uint64_t *hash, size_t count, size_t *first);

#endif
