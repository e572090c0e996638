/* SPDX-License-Identifier: GPL-3.0-or-later
 * The oracle: the float64 forward pass of a spec's maths. The order of its steps is the family's table, as a paper's
 * figure has it (tap/family); each step is straight-line C that reads like its formula: slow, and meant to be checked
 * by eye. It reads the file's weights widened, the spec's own tokens and float32
 * normalised pixels, and of the spec only what is maths: the variants' maths ids and the knobs marked as
 * maths. Matrix products use the fixed summation tree (blocks of 256 in order, one chain inside a block,
 * multiply then add) so that nothing stored depends on the number of threads. Stages and taps are those of
 * model/pass.h. */
#ifndef CP_ORACLE_ORACLE_H
#define CP_ORACLE_ORACLE_H

#include "base/pool.h"
#include "model/model.h"
#include "model/patch_dropout.h"
#include "spec/spec.h"
#include "tap/family.h"

struct cp_oracle {
    const struct cp_spec *spec;
    const struct cp_model *model;
    struct cp_taps taps;
    struct cp_pool *pool;
    struct cp_arena *scratch; /* reset by every stage */
    enum cp_tower tower;
    size_t first, inputs;
    const int *valid_tokens;
    const int32_t *tokens;
    const struct cp_patch_mask *patch_mask; /* of the run's images: the patches that are seen; NULL: all */
    const float *pixels;                    /* images: (inputs, 3, size, size), normalised, for the stem */
    double *features;                       /* (inputs, embed_dim): where the head puts them, normalised */
    double *x;                              /* (inputs, T, W), kept between stages */
};

/* One part of the tower, by its family's steps: the stem, a block (layer -1 outside the blocks), the head. */
enum cp_status cp_oracle_part(struct cp_oracle *oracle, enum cp_tower_part part, int layer,
                              struct cp_error *err);

/* class_features (classes, E) from text_features (classes * templates, E). */
enum cp_status cp_oracle_classes(struct cp_oracle *oracle, const double *text_features, size_t prompts,
                                 size_t classes, double *class_features, struct cp_error *err);
/* Logits and probabilities of the batch's images over columns: the prompts, or the classes. */
enum cp_status cp_oracle_logits(struct cp_oracle *oracle, const double *image_features, const double *columns,
                                size_t count, bool classes, struct cp_error *err);

/* ---- the ideal functions, by maths id ---- */

/* The activation of a maths id ("quick_gelu", "gelu_erf", "gelu_tanh"); NULL if unknown. */
typedef double (*cp_oracle_activation)(double x);
cp_oracle_activation cp_oracle_find_activation(const char *maths);
/* The norm of a maths id ("layer_norm", "rms_norm"): one row of width n, y == x allowed; NULL if unknown. */
typedef void (*cp_oracle_norm)(const double *x, const float *weight, const float *bias, size_t n, double eps,
                               double *y);
cp_oracle_norm cp_oracle_find_norm(const char *maths);

/* y(m, n) = x(m, k) W^T + b with W given as (n, k), or as (k, n) if in_out; b may be NULL. Scratch from the
 * arena. */
enum cp_status cp_oracle_linear(struct cp_oracle *oracle, const double *x, size_t rows,
                                struct cp_linear_weights w, size_t k, size_t n, bool in_out, double *y,
                                struct cp_error *err);

#endif
