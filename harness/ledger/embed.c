/* SPDX-License-Identifier: GPL-3.0-or-later
 * What stands before the blocks: pixels normalised, rows of the token embedding, the class token and the
 * positions.
 *
 * Bounds, u that of an elementary operation:
 *
 *   normalize  (x / 255 - mean) / std, or x (1 / std) - mean / std: the difference cancels, so five roundings
 *              of either operand
 *   gather     u |f|: a copy, stored in the result's type
 *   embed      u |f| + u_x |content|; in half precision content and position are of the result's type first:
 *              2 u of both */
#include "ledger/kinds.h"

#include <math.h>
#include <string.h>

/* ---- normalize: (inputs, colours, rows, out) ---- */

/* Of planes that are reversed the operand is the other plane, since that is where it came from. */
static size_t plane_of(const struct cp_case *c, size_t plane) {
    return c->maths.reversed ? c->groups - 1 - plane : plane;
}

static void normalize_input(void *context, size_t input, int worker) {
    const struct cp_kind_task *t = context;
    const struct cp_case *c = t->c;
    const size_t plane = c->rows * c->out;
    (void)worker;
    for (size_t g = 0; g < c->groups; g++)
        for (size_t i = 0; i < plane; i++) {
            const double mean = c->maths.mean[g], std = c->maths.std[g];
            double y = (t->x[(input * c->groups + plane_of(c, g)) * plane + i] / 255 - mean) / std;
            if (c->maths.twice)
                y = (y - mean) / std;
            t->y[(input * c->groups + g) * plane + i] = y;
        }
}

static enum cp_status normalize_ideal(const struct cp_case *c, const double *const x[CP_OPERANDS], double *y,
                                      struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .x = x[0], .y = y};
    (void)err;
    cp_case_each(c, normalize_input, &task);
    return CP_OK;
}

static enum cp_status normalize_bound(const struct cp_case *c, const double *const x[CP_OPERANDS],
                                      const double *f, double *out, struct cp_error *err) {
    const size_t plane = c->rows * c->out;
    const double u = cp_case_step(c);
    (void)err;
    for (size_t i = 0; i < c->inputs * c->groups * plane; i++) {
        const size_t g = i / plane % c->groups;
        out[i] = 5 * u * (fabs(x[0][i]) / 255 + fabs(c->maths.mean[g])) / fabs(c->maths.std[g]) +
                 3 * u * fabs(f[i]);
    }
    return CP_OK;
}

static enum cp_status normalize_plain(const struct cp_case *c, const float *const x[CP_OPERANDS],
                                      uint64_t seed, float *y, struct cp_error *err) {
    const size_t plane = c->rows * c->out;
    (void)err;
    for (size_t i = 0; i < c->inputs * c->groups * plane; i++) {
        const float mean = (float)c->maths.mean[i / plane % c->groups],
                    std = (float)c->maths.std[i / plane % c->groups];
        const float two_steps = (x[0][i] / 255.0f - mean) / std,
                    fused = x[0][i] * (1 / (255.0f * std)) - mean / std;
        y[i] = cp_round_to(c->types.output, seed % 2 ? fused : two_steps);
    }
    return CP_OK;
}

const struct cp_kind cp_kind_normalize = {normalize_ideal, normalize_bound, normalize_plain};

/* ---- gather: y (inputs, rows, out) = weight[ids] ---- */

static const float *gathered(const struct cp_case *c, size_t row) {
    const int32_t id = c->ids[row];
    return c->weight + (id >= 0 && (size_t)id < c->vocabulary ? (size_t)id : 0) * c->out;
}

static void gather_input(void *context, size_t input, int worker) {
    const struct cp_kind_task *t = context;
    const struct cp_case *c = t->c;
    (void)worker;
    for (size_t row = input * c->rows; row < input * c->rows + cp_case_valid(c, input); row++)
        for (size_t i = 0; i < c->out; i++) {
            const double w = cp_case_weight(c, gathered(c, row)[i]);
            if (t->y)
                t->y[row * c->out + i] = w;
            else
                t->plain[row * c->out + i] = cp_round_to(c->types.output, (float)w);
        }
}

static enum cp_status gather_ideal(const struct cp_case *c, const double *const x[CP_OPERANDS], double *y,
                                   struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .y = y};
    (void)x;
    (void)err;
    cp_case_each(c, gather_input, &task);
    return CP_OK;
}

/* u |f|, of any kind whose result is only stored. */
static void stored_input(void *context, size_t input, int worker) {
    const struct cp_kind_task *t = context;
    const struct cp_case *c = t->c;
    const double u = cp_case_step(c), tiny = cp_case_tiny(c->types.output);
    (void)worker;
    for (size_t row = input * c->rows; row < input * c->rows + cp_case_valid(c, input); row++)
        for (size_t i = row * c->out; i < (row + 1) * c->out; i++)
            t->y[i] = u * fabs(t->f[i]) + tiny;
}

static enum cp_status gather_bound(const struct cp_case *c, const double *const x[CP_OPERANDS],
                                   const double *f, double *out, struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .f = f, .y = out};
    (void)x;
    (void)err;
    cp_case_each(c, stored_input, &task);
    return CP_OK;
}

static enum cp_status gather_plain(const struct cp_case *c, const float *const x[CP_OPERANDS], uint64_t seed,
                                   float *y, struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .plain = y};
    (void)x;
    (void)seed;
    (void)err;
    cp_case_each(c, gather_input, &task);
    return CP_OK;
}

const struct cp_kind cp_kind_gather = {gather_ideal, gather_bound, gather_plain};

/* ---- embed: y (inputs, rows, out) = [lead row; x] + weight, x (inputs, operand_rows, out) ---- */

static double position_at(const struct cp_case *c, size_t row, size_t i) {
    if (c->maths.no_weight || (c->maths.no_lead_position && row < c->lead))
        return 0;
    const int rows = (int)c->rows, shift = rows + c->maths.position_shift % rows;
    return cp_case_weight(c, c->weight[(row + (size_t)shift) % c->rows * c->out + i]);
}

static double content_at(const struct cp_kind_task *t, size_t input, size_t row, size_t i) {
    const struct cp_case *c = t->c;
    if (row < c->lead)
        return cp_case_weight(c, c->lead_row[i]);
    const size_t at = (input * c->operand_rows + row - c->lead) * c->out + i;
    return t->x ? t->x[at] : (double)t->narrow[at];
}

static void embed_input(void *context, size_t input, int worker) {
    const struct cp_kind_task *t = context;
    const struct cp_case *c = t->c;
    const enum cp_dtype type = c->types.output;
    (void)worker;
    for (size_t row = 0; row < cp_case_valid(c, input); row++)
        for (size_t i = 0; i < c->out; i++) {
            const size_t at = (input * c->rows + row) * c->out + i;
            const double content = content_at(t, input, row, i), position = position_at(c, row, i);
            if (t->y)
                t->y[at] = content + position;
            else
                t->plain[at] =
                    cp_round_to(type, cp_round_to(type, (float)content) + cp_round_to(type, (float)position));
        }
}

static enum cp_status embed_ideal(const struct cp_case *c, const double *const x[CP_OPERANDS], double *y,
                                  struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .x = x[0], .y = y};
    (void)err;
    cp_case_each(c, embed_input, &task);
    return CP_OK;
}

static void embed_bound_input(void *context, size_t input, int worker) {
    const struct cp_kind_task *t = context;
    const struct cp_case *c = t->c;
    const double u = cp_case_step(c), narrowed = c->types.output == CP_FP32 ? 0 : u;
    (void)worker;
    for (size_t row = 0; row < cp_case_valid(c, input); row++)
        for (size_t i = 0; i < c->out; i++) {
            const size_t at = (input * c->rows + row) * c->out + i;
            const double recorded = row < c->lead ? 0 : cp_case_recorded(c, 0);
            t->y[at] = (u * fabs(t->f[at]) + (recorded + narrowed) * fabs(content_at(t, input, row, i)) +
                        narrowed * fabs(position_at(c, row, i))) *
                           (1 + 4 * u) +
                       cp_case_tiny(c->types.output);
        }
}

static enum cp_status embed_bound(const struct cp_case *c, const double *const x[CP_OPERANDS],
                                  const double *f, double *out, struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .x = x[0], .f = f, .y = out};
    (void)err;
    cp_case_each(c, embed_bound_input, &task);
    return CP_OK;
}

static enum cp_status embed_plain(const struct cp_case *c, const float *const x[CP_OPERANDS], uint64_t seed,
                                  float *y, struct cp_error *err) {
    struct cp_kind_task task = {.c = c, .narrow = x[0], .plain = y};
    (void)seed;
    (void)err;
    cp_case_each(c, embed_input, &task);
    return CP_OK;
}

const struct cp_kind cp_kind_embed = {embed_ideal, embed_bound, embed_plain};
