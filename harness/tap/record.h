/* SPDX-License-Identifier: GPL-3.0-or-later
 * A sink that records one spec's taps in the result file: values, statistics, digests, as each tap's mode
 * asks.
 *
 *   digest  SHA-256 of each input's values (NaN canonical, little-endian): /captures/SPEC/TAP/digest (input,
 *           byte)
 *   stats   and its moments, extrema and exponent histogram: /captures/SPEC/TAP/stats/...
 *   full    and the values: /captures/SPEC/TAP/value
 *
 * Of a ragged site there are no values: full is as stats there, and /captures/SPEC/TAP/size (input, side) has
 * each input's height and width. */
#ifndef CP_TAP_RECORD_H
#define CP_TAP_RECORD_H

#include "base/pool.h"
#include "result/file.h"
#include "tap/tap.h"

/* In growing order: each mode includes those before it. */
enum cp_record_mode { CP_MODE_OFF, CP_MODE_DIGEST, CP_MODE_STATS, CP_MODE_FULL };

struct cp_record_handles {
    int value, stats, histogram, digest, size; /* -1: not recorded */
};

/* Coordinates of the input dimensions; NULL: numbers. */
struct cp_record_labels {
    const char *const *images, *const *prompts, *const *classes;
};

struct cp_recorder {
    const char *name;           /* captures are under /captures/NAME */
    enum cp_dtype dtype;        /* fp32, or fp64 for an oracle */
    const enum cp_dtype *types; /* per site: the arithmetic type, for the attribute */
    const struct cp_sites *sites;
    const struct cp_record_labels *labels;
    const enum cp_record_mode *modes; /* per site */
    struct cp_pool *pool;
    struct cp_result *result;
    struct cp_record_handles *handles; /* made by cp_recorder_define, in the arena */
};

/* Defines the variables of every recorded site, in execution order. */
enum cp_status cp_recorder_define(struct cp_recorder *recorder, struct cp_arena *arena, struct cp_error *err);
struct cp_tap cp_recorder_tap(struct cp_recorder *recorder);

/* A dimension of a site with its coordinates. */
struct cp_dim cp_record_dim(const struct cp_site *site, int dim, const struct cp_record_labels *labels);

#endif
