/* SPDX-License-Identifier: GPL-3.0-or-later
 * How far weights are from standing still. Trained to the end, they have no gradient left on average over
 * what they were trained with; under another activation they do. The gradient looked at is that of the
 * contrastive loss by a linear map W of the image features z before they are normalised, at W = 1: the last
 * matrix of the vision tower stands just before, so where that has no gradient, W has none. With
 * f = z / |z| it is  sum over images of (g - (g . f) f) f^T,  g = dL/df: |z| drops out, so that the
 * normalised features are all it takes.
 *
 * L is CLIP's loss (Radford et al. 2021, figure 3) over batches of up to CP_GRADIENT_TEST_BATCH images, each
 * with a prompt of its class, drawn anew every round; equal classes share the target, as in a batch of pairs
 * they would be equal captions. Its logit_scale is fitted, so that a wrong one favours no activation. */
#ifndef CP_TASK_GRADIENT_TEST_H
#define CP_TASK_GRADIENT_TEST_H

#include "base/pool.h"
#include "num/least.h"

#include <stdint.h>

enum { CP_GRADIENT_TEST_BLOCKS = 20, CP_GRADIENT_TEST_BATCH = 64, CP_GRADIENT_TEST_ROUNDS = 4 };
/* Fewer images are not tried: a block would be no batch. */
enum { CP_GRADIENT_TEST_LEAST = 16 * CP_GRADIENT_TEST_BLOCKS };

struct cp_gradient_test {
    const float *images;   /* (count, embed), normalised */
    const float *texts;    /* (prompts, embed), normalised, class by class */
    const int32_t *labels; /* [count] class; NULL: image i and prompt i are a pair */
    size_t count, embed;
    size_t each; /* prompts of a class; 1 for pairs */
};

/* A logit_scale, as its logarithm; error: its standard error, NAN where unknown. */
struct cp_fitted_scale {
    bool found;
    double log_scale, error;
};

/* order [count]: which images are in which block: block b has those from b count / CP_GRADIENT_TEST_BLOCKS
 * on.
 */
void cp_gradient_test_order(size_t count, uint32_t *order);

/* gradient (CP_GRADIENT_TEST_BLOCKS, embed, embed): the blocks' mean gradients at one scale; slopes: of their
 * loss by the logarithm of the scale. Which image is in which block and batch, and with which prompt, is a
 * function of count alone, so that activations can be compared. */
enum cp_status cp_gradient_test_at(const struct cp_gradient_test *s, struct cp_pool *pool, double log_scale,
                                   double *gradient, struct cp_derivatives slopes[CP_GRADIENT_TEST_BLOCKS],
                                   struct cp_error *err);

/* The same where the loss is least by its scale, searched for from `start`. A block's gradient is less what
 * its own slope would move the fit and that the gradient, so that their scatter holds the fit's uncertainty.
 * Where no least loss is found the gradient is undefined. Takes as much room again as `gradient`. */
enum cp_status cp_gradient_test_fit(const struct cp_gradient_test *s, struct cp_pool *pool, double start,
                                    double *gradient, struct cp_fitted_scale *scale, struct cp_error *err);

/* products (CP_GRADIENT_TEST_BLOCKS squared) [j][k] = a_j . b_k of gradients of `size` numbers a block. */
void cp_gradient_test_products(const double *a, const double *b, size_t size, double *products);

#endif
