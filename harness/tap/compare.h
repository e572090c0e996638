/* SPDX-License-Identifier: GPL-3.0-or-later
 * A sink that compares a candidate's tensors with what was kept of the baseline and of the oracles, as they
 * pass, and stores the metrics. The divergence comes split: total (C - B), semantic (oracle C - oracle B),
 * the rounding of C (C - oracle C) and the rounding of B (B - oracle B). Where
 * an input of a ragged site has another size in C than in B, every element differs, and the relative L2 of
 * total and semantic part is infinite. Token ids are compared as names: the distance of two is 1, or 0 where
 * they are the same, and so relative L2 is the root of the share that differs. */
#ifndef CP_TAP_COMPARE_H
#define CP_TAP_COMPARE_H

#include "base/pool.h"
#include "num/metrics.h"
#include "result/file.h"
#include "tap/buffer.h"

enum cp_part { CP_TOTAL, CP_SEMANTIC, CP_ROUNDING, CP_ROUNDING_BASELINE, CP_PART_COUNT };
extern const char *const cp_part_names[CP_PART_COUNT];

struct cp_compare {
    const bool *watched;
    const enum cp_dtype *ulp_types;       /* per site: the candidate's arithmetic type */
    const struct cp_tap_buffer *baseline; /* float32 */
    const struct cp_tap_buffer *oracle,
        *oracle_baseline; /* float64; may be the same; entries NULL: no oracle this batch */
    struct cp_pool *pool;
    struct cp_result *result;
    const struct cp_tolerance *const *tolerances; /* per site, of a type where NULL; NULL: all are */
    const int *handles;                           /* per site: the variable (input, part, metric) */
    const int *ulp_handles; /* per site: (input, bin) of the total, -1: none; NULL: none at all */
};

struct cp_tap cp_compare_tap(struct cp_compare *compare);

/* How an input's tensor is walked: which of its rows and columns count. Text is judged up to EOT. Values and
 * their types are left to the caller (zero: float32). */
struct cp_compared cp_compared_shape(const struct cp_site *site, const int *valid_tokens, size_t input);

/* A tap over all inputs. */
struct cp_tap_summary {
    size_t compared; /* inputs of which both sides have the tensor */
    size_t meant;    /* of those, the ones that have every part that any has: all, or those with an oracle */
    double mean_rel[CP_PART_COUNT]; /* relative L2, mean over the inputs that are meant; NaN: none has the
                                       part */
    double worst_token;             /* largest relative L2 of one token of the total, of any input */
    double ulp_max, nonfinite, different; /* of the total, of any input */
};
/* metrics: (inputs, part, metric). */
struct cp_tap_summary cp_tap_summarise(const double *metrics, size_t inputs);

#endif
