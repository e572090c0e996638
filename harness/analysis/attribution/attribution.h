/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which swap does the harm: statistics over the cells of an experiment's `factorial` and `layerwise`, from
 * the metrics and decisions of the run.
 *
 *   /attribution/factorial/effects (effect, response, field): main effects and interactions, "a x b x c", by
 *     number of factors; conventions in num/factorial.h
 *   /attribution/factorial/shapley (factor, response, shapley_field): the value of each factor, and its share
 *     of the mean response of the cell that swaps all
 *   /attribution/factorial/cells (cell, factor): which factors a candidate swaps
 *   /attribution/layers/visual, .../text (component, ..._layer): relative L2 at that tower's feature tap,
 *     mean over inputs, where the component is swapped in that block alone
 *
 * Responses are squared_error, the square of an input's relative L2 divergence at the last feature tap, and
 * dp_top1, the change of the probability of the baseline's top-1. Squared errors add up where errors are
 * orthogonal: an interaction of two factors is then 0, and their scalar product (relative to the baseline's
 * square) where nothing else is swapped. The cell that swaps nothing is the baseline, whose divergence is 0.
 * So there are no effects on a log scale: they would hang on what is added to that 0.
 *
 * The last feature tap is image_features, or text_features where there are no images. dp_top1 is there where
 * images are decided on. A divergence with NaN or infinity is NaN. */
#ifndef CP_ANALYSIS_ATTRIBUTION_ATTRIBUTION_H
#define CP_ANALYSIS_ATTRIBUTION_ATTRIBUTION_H

#include "run/analysis.h"

#include <stdio.h>

enum { CP_RESPONSE_SQUARED_ERROR, CP_RESPONSE_DP_TOP1, CP_RESPONSES };
enum { CP_EFFECT_MEAN, CP_EFFECT_ERROR, CP_EFFECT_LOW, CP_EFFECT_HIGH, CP_EFFECT_FIELDS };
enum {
    CP_SHAPLEY_VALUE,
    CP_SHAPLEY_ERROR,
    CP_SHAPLEY_LOW,
    CP_SHAPLEY_HIGH,
    CP_SHAPLEY_SHARE,
    CP_SHAPLEY_SHARE_LOW,
    CP_SHAPLEY_SHARE_HIGH,
    CP_SHAPLEY_FIELDS
};
extern const char *const cp_response_names[CP_RESPONSES];

struct cp_attribution {
    size_t responses;  /* CP_RESPONSES, or 1 without decisions */
    size_t effects;    /* 2^k - 1; 0: no factorial */
    size_t *sets;      /* [effects] the factors of each effect as bits, in the file's order */
    const char **name; /* [effects] */
    int effect_handle, shapley_handle, cell_handle;
    int layer_handle[2]; /* [tower]; -1: not there */
};

/* The site whose divergence is attributed: the tower's features. */
size_t cp_attribution_site(const struct cp_study *study, enum cp_tower tower);

extern const struct cp_analysis cp_attribution_analysis;

/* ---- between its parts ---- */

/* Before the run: defines the variables. */
enum cp_status cp_attribution_define(struct cp_lockstep *lockstep, void **state, struct cp_error *err);
/* The tables of the run's summary, 80 columns wide. */
enum cp_status cp_attribution_print(const struct cp_lockstep *lockstep, FILE *out, struct cp_error *err);

#endif
