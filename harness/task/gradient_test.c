/* SPDX-License-Identifier: GPL-3.0-or-later
 * Draws batches block by block, sums their gradients in parallel, and fits the scale by its derivative. */
#include "task/gradient_test.h"

#include "base/hash.h"
#include "base/wide.h"
#include "model/permute.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = CP_GRADIENT_TEST_BLOCKS, BATCH = CP_GRADIENT_TEST_BATCH };

/* How far from its start a scale is searched for, and a step for the gradient's derivative: logarithms. */
static const double FAR = 7, STEP = 1e-5;

/* Streams of random numbers: the blocks, a block's rounds, the prompts. */
enum { SEED_BLOCKS = 1, SEED_ROUNDS = 100, SEED_PROMPTS = 2 };

struct gradient_task {
    const struct cp_gradient_test *s;
    struct cp_pool *pool;
    uint32_t *order; /* [count] block after block */
    uint32_t *round; /* [count] as order, in a round's order */
    double *slope;   /* (BLOCKS, embed): g of one image */
    double log_scale;
    double *gradient;                 /* (BLOCKS, embed, embed), or NULL: slopes alone */
    struct cp_derivatives of[BLOCKS]; /* each block's loss by log_scale */
};

struct batch {
    size_t size;
    const float *image[BATCH], *text[BATCH];
    size_t label[BATCH];
    double logits[BATCH][BATCH], slope[BATCH][BATCH]; /* slope: dL / dlogits */
    struct cp_derivatives by_scale;
};

static void choose(const struct gradient_task *task, struct batch *b, const uint32_t *images, size_t size,
                   size_t round) {
    const struct cp_gradient_test *s = task->s;
    b->size = size;
    for (size_t i = 0; i < size; i++) {
        const size_t image = images[i];
        const size_t draw = (size_t)(cp_counter_hash(SEED_PROMPTS, round, image) % s->each);
        b->label[i] = s->labels ? (size_t)s->labels[image] : image;
        b->image[i] = s->images + image * s->embed;
        b->text[i] = s->texts + (b->label[i] * s->each + draw) * s->embed;
    }
}

static double dot(const float *x, const float *y, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)y[i];
    return sum;
}

/* slope += (softmax of a row or a column of the logits - target) / (2 size). By the logarithm of the scale,
 * which the logits z are proportional to, the loss has the slope  sum of slope z,  and the curvature that
 * plus the variance of z under the softmax. */
static void add_slopes(struct batch *b, size_t line, bool column) {
    double most = -INFINITY, total = 0, mean = 0, square = 0;
    size_t same = 0;
    for (size_t i = 0; i < b->size; i++) {
        most = fmax(most, column ? b->logits[i][line] : b->logits[line][i]);
        same += b->label[i] == b->label[line];
    }
    for (size_t i = 0; i < b->size; i++)
        total += exp((column ? b->logits[i][line] : b->logits[line][i]) - most);
    for (size_t i = 0; i < b->size; i++) {
        const double z = column ? b->logits[i][line] : b->logits[line][i], p = exp(z - most) / total;
        const double target = b->label[i] == b->label[line] ? 1 / (double)same : 0;
        const double slope = (p - target) / (2 * (double)b->size);
        *(column ? &b->slope[i][line] : &b->slope[line][i]) += slope;
        b->by_scale.slope += slope * z;
        mean += p * (z - most);
        square += p * (z - most) * (z - most);
    }
    b->by_scale.curvature += (square - mean * mean) / (2 * (double)b->size);
}

static void find_slopes(struct batch *b, size_t embed, double scale) {
    b->by_scale = (struct cp_derivatives){0, 0};
    for (size_t i = 0; i < b->size; i++)
        for (size_t j = 0; j < b->size; j++) {
            b->logits[i][j] = scale * dot(b->image[i], b->text[j], embed);
            b->slope[i][j] = 0;
        }
    for (size_t line = 0; line < b->size; line++) {
        add_slopes(b, line, false);
        add_slopes(b, line, true);
    }
    b->by_scale.curvature += b->by_scale.slope;
}

/* gradient += weight (g - (g . f) f) f^T of image i of the batch. */
CP_WIDE static void add_image(const struct batch *b, size_t i, size_t embed, double scale, double weight,
                              double *g, double *gradient) {
    const float *f = b->image[i];
    double along = 0;
    for (size_t e = 0; e < embed; e++)
        g[e] = 0;
    for (size_t j = 0; j < b->size; j++)
        for (size_t e = 0; e < embed; e++)
            g[e] += scale * b->slope[i][j] * (double)b->text[j][e];
    for (size_t e = 0; e < embed; e++)
        along += g[e] * (double)f[e];
    for (size_t e = 0; e < embed; e++) {
        const double slope = weight * (g[e] - along * (double)f[e]);
        for (size_t k = 0; k < embed; k++)
            gradient[e * embed + k] += slope * (double)f[k];
    }
}

static void add_batch(const struct gradient_task *task, const struct batch *b, size_t block, double weight) {
    const size_t embed = task->s->embed;
    for (size_t i = 0; task->gradient && i < b->size; i++)
        add_image(b, i, embed, exp(task->log_scale), weight, task->slope + block * embed,
                  task->gradient + block * embed * embed);
}

static void block_gradient(void *context, size_t block, int worker) {
    struct gradient_task *task = context;
    const struct cp_gradient_test *s = task->s;
    const size_t first = block * s->count / BLOCKS, count = (block + 1) * s->count / BLOCKS - first;
    const size_t size = count < BATCH ? count : BATCH, batches = count / size;
    const double weight = 1 / (double)(batches * CP_GRADIENT_TEST_ROUNDS);
    uint32_t *round = task->round + first;
    (void)worker;
    task->of[block] = (struct cp_derivatives){0, 0};
    for (size_t r = 0; r < CP_GRADIENT_TEST_ROUNDS; r++) {
        cp_permutation(SEED_ROUNDS + r * BLOCKS + block, count, round);
        for (size_t i = 0; i < count; i++)
            round[i] = task->order[first + round[i]];
        for (size_t at = 0; at < batches; at++) {
            struct batch b;
            choose(task, &b, round + at * size, size, r);
            find_slopes(&b, s->embed, exp(task->log_scale));
            add_batch(task, &b, block, weight);
            task->of[block].slope += weight * b.by_scale.slope;
            task->of[block].curvature += weight * b.by_scale.curvature;
        }
    }
}

/* ---- one scale ---- */

void cp_gradient_test_order(size_t count, uint32_t *order) {
    cp_permutation(SEED_BLOCKS, count, order);
}

static void run(struct gradient_task *task, double log_scale, double *gradient) {
    task->log_scale = log_scale;
    task->gradient = gradient;
    if (gradient)
        memset(gradient, 0, BLOCKS * task->s->embed * task->s->embed * sizeof *gradient);
    cp_pool_for(task->pool, BLOCKS, block_gradient, task);
}

static bool open_task(const struct cp_gradient_test *s, struct cp_pool *pool, struct gradient_task *task) {
    *task = (struct gradient_task){.s = s, .pool = pool};
    task->order = malloc(s->count * sizeof *task->order);
    task->round = malloc(s->count * sizeof *task->round);
    task->slope = malloc(BLOCKS * s->embed * sizeof *task->slope);
    if (task->order)
        cp_gradient_test_order(s->count, task->order);
    return task->order && task->round && task->slope;
}

static enum cp_status close_task(struct gradient_task *task, bool ready, struct cp_error *err) {
    free(task->order);
    free(task->round);
    free(task->slope);
    return CP_CHECK_ALLOC(ready, err, "", "gradients of %zu images", task->s->count);
}

enum cp_status cp_gradient_test_at(const struct cp_gradient_test *s, struct cp_pool *pool, double log_scale,
                                   double *gradient, struct cp_derivatives slopes[BLOCKS],
                                   struct cp_error *err) {
    struct gradient_task task;
    const bool ready = open_task(s, pool, &task);
    if (ready) {
        run(&task, log_scale, gradient);
        memcpy(slopes, task.of, sizeof task.of);
    }
    return close_task(&task, ready, err);
}

/* ---- the fitted scale ---- */

static struct cp_derivatives mean_slope(const struct gradient_task *task) {
    struct cp_derivatives mean = {0, 0};
    for (size_t j = 0; j < BLOCKS; j++) {
        mean.slope += task->of[j].slope / BLOCKS;
        mean.curvature += task->of[j].curvature / BLOCKS;
    }
    return mean;
}

static struct cp_derivatives slope_at(void *context, double log_scale) {
    struct gradient_task *task = context;
    run(task, log_scale, NULL);
    return mean_slope(task);
}

static double standard_error(const struct gradient_task *task, struct cp_derivatives mean) {
    double square = 0;
    for (size_t j = 0; j < BLOCKS; j++)
        square += pow(task->of[j].slope - mean.slope, 2);
    return sqrt(square / (BLOCKS - 1) / BLOCKS) / mean.curvature;
}

/* A slope s of a block moves the fit by -s / curvature, and that each gradient by its derivative. */
static void follow_fit(struct gradient_task *task, double log_scale, double *gradient, double *ahead) {
    const size_t size = task->s->embed * task->s->embed;
    double moves[BLOCKS];
    const struct cp_derivatives mean = mean_slope(task);
    for (size_t j = 0; j < BLOCKS; j++)
        moves[j] = task->of[j].slope / mean.curvature;
    run(task, log_scale + STEP, ahead);
    for (size_t i = 0; i < size; i++) {
        double derivative = 0;
        for (size_t j = 0; j < BLOCKS; j++)
            derivative += (ahead[j * size + i] - gradient[j * size + i]) / (STEP * BLOCKS);
        for (size_t j = 0; j < BLOCKS; j++)
            gradient[j * size + i] -= moves[j] * derivative;
    }
}

enum cp_status cp_gradient_test_fit(const struct cp_gradient_test *s, struct cp_pool *pool, double start,
                                    double *gradient, struct cp_fitted_scale *scale, struct cp_error *err) {
    struct gradient_task task;
    double *ahead = malloc(BLOCKS * s->embed * s->embed * sizeof *ahead);
    const bool ready = open_task(s, pool, &task) && ahead;
    *scale = (struct cp_fitted_scale){.log_scale = start, .error = NAN};
    if (ready) {
        scale->found = cp_least(slope_at, &task, start, start - FAR, start + FAR, &scale->log_scale);
        run(&task, scale->log_scale, gradient);
        scale->error = standard_error(&task, mean_slope(&task));
        follow_fit(&task, scale->log_scale, gradient, ahead);
    }
    free(ahead);
    return close_task(&task, ready, err);
}

void cp_gradient_test_products(const double *a, const double *b, size_t size, double *products) {
    for (size_t j = 0; j < BLOCKS; j++)
        for (size_t k = 0; k < BLOCKS; k++) {
            double sum = 0;
            for (size_t i = 0; i < size; i++)
                sum += a[j * size + i] * b[k * size + i];
            products[j * BLOCKS + k] = sum;
        }
}
