/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "study/stationarity.h"

#include "base/hash.h"
#include "base/wide.h"
#include "model/permute.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCKS = CP_STATIONARITY_BLOCKS, BATCH = CP_STATIONARITY_BATCH };

/* Streams of random numbers: the blocks, a block's rounds, the prompts. */
enum { SEED_BLOCKS = 1, SEED_ROUNDS = 100, SEED_PROMPTS = 2 };

struct task {
    const struct cp_stationarity *s;
    uint32_t *order;  /* [count] block after block */
    uint32_t *round;  /* [count] as order, in a round's order */
    double *gradient; /* (BLOCKS, embed, embed) */
    double *slope;    /* (BLOCKS, embed): g of one image */
};

struct batch {
    size_t size;
    const float *image[BATCH], *text[BATCH];
    size_t label[BATCH];
    double logits[BATCH][BATCH], slope[BATCH][BATCH]; /* slope: dL / dlogits */
};

static void choose(const struct task *task, struct batch *b, const uint32_t *images, size_t size,
                   size_t round) {
    const struct cp_stationarity *s = task->s;
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

/* slope += (softmax of a row or a column of the logits - target) / (2 size). */
static void add_slopes(struct batch *b, size_t line, bool column) {
    double most = -INFINITY, total = 0;
    size_t same = 0;
    for (size_t i = 0; i < b->size; i++) {
        most = fmax(most, column ? b->logits[i][line] : b->logits[line][i]);
        same += b->label[i] == b->label[line];
    }
    for (size_t i = 0; i < b->size; i++)
        total += exp((column ? b->logits[i][line] : b->logits[line][i]) - most);
    for (size_t i = 0; i < b->size; i++) {
        const double p = exp((column ? b->logits[i][line] : b->logits[line][i]) - most) / total;
        const double target = b->label[i] == b->label[line] ? 1 / (double)same : 0;
        *(column ? &b->slope[i][line] : &b->slope[line][i]) += (p - target) / (2 * (double)b->size);
    }
}

static void find_slopes(struct batch *b, size_t embed, double scale) {
    for (size_t i = 0; i < b->size; i++)
        for (size_t j = 0; j < b->size; j++) {
            b->logits[i][j] = scale * dot(b->image[i], b->text[j], embed);
            b->slope[i][j] = 0;
        }
    for (size_t line = 0; line < b->size; line++) {
        add_slopes(b, line, false);
        add_slopes(b, line, true);
    }
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

static void block_gradient(void *context, size_t block, int worker) {
    const struct task *task = context;
    const struct cp_stationarity *s = task->s;
    const size_t first = block * s->count / BLOCKS, count = (block + 1) * s->count / BLOCKS - first;
    const size_t size = count < BATCH ? count : BATCH, batches = count / size;
    uint32_t *round = task->round + first;
    (void)worker;
    for (size_t r = 0; r < CP_STATIONARITY_ROUNDS; r++) {
        cp_permutation(SEED_ROUNDS + r * BLOCKS + block, count, round);
        for (size_t i = 0; i < count; i++)
            round[i] = task->order[first + round[i]];
        for (size_t at = 0; at < batches; at++) {
            struct batch b;
            choose(task, &b, round + at * size, size, r);
            find_slopes(&b, s->embed, s->scale);
            for (size_t i = 0; i < size; i++)
                add_image(&b, i, s->embed, s->scale, 1 / (double)(batches * CP_STATIONARITY_ROUNDS),
                          task->slope + block * s->embed, task->gradient + block * s->embed * s->embed);
        }
    }
}

static void multiply_blocks(const struct task *task, double *products) {
    const size_t size = task->s->embed * task->s->embed;
    for (size_t j = 0; j < BLOCKS; j++)
        for (size_t k = 0; k < BLOCKS; k++) {
            double sum = 0;
            for (size_t i = 0; i < size; i++)
                sum += task->gradient[j * size + i] * task->gradient[k * size + i];
            products[j * BLOCKS + k] = sum;
        }
}

enum cp_status cp_stationarity(const struct cp_stationarity *s, struct cp_pool *pool, double *products,
                               struct cp_error *err) {
    struct task task = {.s = s,
                        .order = malloc(s->count * sizeof *task.order),
                        .round = malloc(s->count * sizeof *task.round),
                        .gradient = calloc(BLOCKS * s->embed * s->embed, sizeof *task.gradient),
                        .slope = malloc(BLOCKS * s->embed * sizeof *task.slope)};
    const bool ready = task.order && task.round && task.gradient && task.slope;
    if (ready) {
        cp_permutation(SEED_BLOCKS, s->count, task.order);
        cp_pool_for(pool, BLOCKS, block_gradient, &task);
        multiply_blocks(&task, products);
    }
    free(task.order);
    free(task.round);
    free(task.gradient);
    free(task.slope);
    return ready ? CP_OK
                 : cp_fail(err, CP_INTERNAL, "", "out of memory for gradients of %zu images", s->count);
}
