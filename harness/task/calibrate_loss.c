/* SPDX-License-Identifier: GPL-3.0-or-later
 * Sums of losses and of their slope in fixed parts of the images, and the scale where they are least. */
#include "task/calibrate_loss.h"

#include <math.h>
#include <string.h>

enum { PARTS = 64 }; /* of the images; sums go over parts in order, whatever the threads */
static const double FAR = 7;

struct part {
    double slope, curvature;
    size_t right;
};

struct loss_task {
    const struct cp_gradient_test *s;
    struct cp_pool *pool;
    size_t columns;
    const double *columns_of;
    double *loss, scale;
    struct part part[PARTS];
};

/* A column is a prompt's feature, or the normalised mean of a class's. */
static void make_columns(const struct cp_gradient_test *s, size_t columns, double *columns_of) {
    memset(columns_of, 0, columns * s->embed * sizeof *columns_of);
    for (size_t column = 0; column < columns; column++) {
        double *sum = columns_of + column * s->embed, square = 0;
        for (size_t p = column * s->each; p < (column + 1) * s->each; p++)
            for (size_t e = 0; e < s->embed; e++)
                sum[e] += (double)s->texts[p * s->embed + e];
        for (size_t e = 0; e < s->embed; e++)
            square += sum[e] * sum[e];
        for (size_t e = 0; e < s->embed && square > 0; e++)
            sum[e] /= sqrt(square);
    }
}

static double logit(const struct loss_task *task, size_t image, size_t column) {
    const size_t embed = task->s->embed;
    const float *feature = task->s->images + image * embed;
    double sum = 0;
    for (size_t e = 0; e < embed; e++)
        sum += (double)feature[e] * task->columns_of[column * embed + e];
    return task->scale * sum;
}

/* -log softmax of the right column. By the logarithm of the scale, which the logits z are proportional to,
 * its slope is E z - z of the right column, and its curvature that plus the variance of z, under the softmax.
 * The sums are kept relative to the largest logit so far. */
static void add_image(struct loss_task *task, size_t image, struct part *part) {
    const size_t right = task->s->labels ? (size_t)task->s->labels[image] : image;
    double most = -INFINITY, total = 0, mean = 0, square = 0, own = 0;
    size_t top = 0;
    for (size_t column = 0; column < task->columns; column++) {
        const double z = logit(task, image, column);
        if (z > most) {
            const double shrink = exp(most - z);
            total *= shrink;
            mean *= shrink;
            square *= shrink;
            most = z;
            top = column;
        }
        const double weight = exp(z - most);
        total += weight;
        mean += weight * z;
        square += weight * z * z;
        own = column == right ? z : own;
    }
    mean /= total;
    task->loss[image] = log(total) + most - own;
    part->slope += mean - own;
    part->curvature += mean - own + square / total - mean * mean;
    part->right += top == right;
}

static void add_part(void *context, size_t index, int worker) {
    struct loss_task *task = context;
    struct part part = {0, 0, 0};
    (void)worker;
    for (size_t i = index * task->s->count / PARTS; i < (index + 1) * task->s->count / PARTS; i++)
        add_image(task, i, &part);
    task->part[index] = part;
}

static struct cp_derivatives slope_at(void *context, double log_scale) {
    struct loss_task *task = context;
    struct cp_derivatives mean = {0, 0};
    task->scale = exp(log_scale);
    cp_pool_for(task->pool, PARTS, add_part, task);
    for (size_t i = 0; i < PARTS; i++) {
        mean.slope += task->part[i].slope / (double)task->s->count;
        mean.curvature += task->part[i].curvature / (double)task->s->count;
    }
    return mean;
}

double cp_image_losses(const struct cp_gradient_test *s, size_t columns, double start, double *columns_of,
                       struct cp_pool *pool, double *loss, struct cp_fitted_scale *scale) {
    struct loss_task task = {
        .s = s, .pool = pool, .columns = columns, .columns_of = columns_of, .loss = loss};
    size_t right = 0;
    make_columns(s, columns, columns_of);
    *scale = (struct cp_fitted_scale){.log_scale = start, .error = NAN};
    scale->found = cp_least(slope_at, &task, start, start - FAR, start + FAR, &scale->log_scale);
    (void)slope_at(&task, scale->log_scale);
    for (size_t i = 0; i < PARTS; i++)
        right += task.part[i].right;
    return (double)right / (double)s->count;
}
