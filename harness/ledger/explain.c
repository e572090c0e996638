/* SPDX-License-Identifier: GPL-3.0-or-later
 * Tries them on one input and keeps the one that leaves the smallest residual within the limit. */
#include "ledger/explain.h"

#include <math.h>

/* ---- one input of a case ---- */

static size_t operand_each(const struct cp_case *c, int operand) {
    if (c->kind == CP_OPERATION_LOGITS && operand == 1)
        return 0; /* the columns are shared */
    return cp_case_operand_size(c, operand) / c->inputs;
}

void cp_case_of_input(const struct cp_case *c, size_t input, struct cp_case *one) {
    *one = *c;
    one->inputs = 1;
    one->valid = c->valid ? c->valid + input : NULL;
    one->ids = c->ids ? c->ids + input * c->rows : NULL;
    one->maths.at = c->maths.at ? c->maths.at + input : NULL;
    one->maths.visible = c->maths.visible ? c->maths.visible + input * c->maths.visible_count : NULL;
}

const double *cp_case_operand_of(const struct cp_case *c, int operand, const double *x, size_t input) {
    return x ? x + input * operand_each(c, operand) : NULL;
}

const float *cp_case_narrow_of(const struct cp_case *c, int operand, const float *x, size_t input) {
    return x ? x + input * operand_each(c, operand) : NULL;
}

/* ---- what fits ---- */

struct trial {
    struct cp_case own, first; /* the input's case, and that of input 0 of the batch */
    const double *x[CP_OPERANDS], *x_first[CP_OPERANDS];
    const float *narrow[CP_OPERANDS];
    const float *y;
    const double *f;
    double *result;
    float *plain;
    double limit, own_rms;
};

/* What one alternative leaves. */
struct attempt {
    bool applies, by_size; /* by_size: a narrower type whose errors are as large */
    double after, limit;
};

/* What the statistics of a norm's rows leave of its residual, where they are to blame. */
#define OTHERS_SHARE 0.25

static struct cp_residual residual_of(const struct trial *t, const float *y, const double *f) {
    return cp_residual(&t->own, (const double *const[CP_OPERANDS]){NULL, NULL}, y, f, NULL, 0);
}

/* What is left of a norm's residual where each row may have statistics of its own: the best c1 (f - bias) +
 * c2 weight. */
static double left_of_rows(const struct trial *t) {
    const struct cp_case *c = &t->own;
    double left = 0, count = 0;
    for (size_t row = 0; row < cp_case_valid(c, 0); row++) {
        double uu = 0, uv = 0, vv = 0, ur = 0, vr = 0, rr = 0;
        for (size_t i = 0; i < c->out; i++) {
            const double v = c->weight ? cp_case_weight(c, c->weight[i]) : 1;
            const double u = t->f[row * c->out + i] - (c->bias ? cp_case_weight(c, c->bias[i]) : 0);
            const double r = (double)t->y[row * c->out + i] - t->f[row * c->out + i];
            uu += u * u;
            uv += u * v;
            vv += v * v;
            ur += u * r;
            vr += v * r;
            rr += r * r;
        }
        const double det = uu * vv - uv * uv;
        const double fitted = det > 0 ? (vv * ur * ur - 2 * uv * ur * vr + uu * vr * vr) / det : 0;
        left += fmax(rr - fitted, 0);
        count += (double)c->out;
    }
    return sqrt(left / fmax(count, 1));
}

/* A narrower type has no function of its own: it fits where its plain evaluation errs as much, and, of a
 * norm's statistics, where nothing but they differ. */
static enum cp_status try_type(struct trial *t, const struct cp_case *changed, bool *fits,
                               struct cp_error *err) {
    CP_TRY(cp_case_plain(changed, t->narrow, 0, t->plain, err));
    const double size = residual_of(t, t->plain, t->f).rms;
    *fits =
        t->own_rms <= CP_COARSE * size && size <= CP_COARSE * t->own_rms &&
        (t->own.kind != CP_OPERATION_NORM || left_of_rows(t) <= fmax(t->limit, OTHERS_SHARE * t->own_rms));
    return CP_OK;
}

/* Another function rounds as it does, not as the declared one. */
static enum cp_status find_limit(struct trial *t, const struct cp_alternative *a,
                                 const struct cp_case *changed, double *limit, struct cp_error *err) {
    *limit = t->limit;
    if (a->kind != CP_OPERATION_ACTIVATION)
        return CP_OK;
    CP_TRY(cp_case_plain(changed, t->narrow, 0, t->plain, err));
    *limit = fmax(*limit, CP_COARSE * residual_of(t, t->plain, t->result).rms);
    return CP_OK;
}

/* What trying one takes is given back at once. */
static enum cp_status try_one(struct trial *t, const struct cp_alternative *a, struct attempt *try,
                              struct cp_error *err) {
    const bool batch = a->class == CP_ALTERNATIVE_BATCH;
    struct cp_arena arena = {0};
    struct cp_case changed = batch ? t->first : t->own;
    enum cp_status status = CP_OK;
    changed.scratch = &arena;
    *try = (struct attempt){.applies = a->apply(&changed, a->value), .after = INFINITY, .limit = t->limit};
    if (try->applies && a->class == CP_ALTERNATIVE_TYPE) {
        status = try_type(t, &changed, &try->by_size, err);
    } else if (try->applies) {
        status = cp_case_ideal(&changed, batch ? t->x_first : t->x, t->result, err);
        const struct cp_residual r = residual_of(t, t->y, t->result);
        try->after = status == CP_OK && r.finite ? r.rms : INFINITY;
        if (status == CP_OK)
            status = find_limit(t, a, &changed, &try->limit, err);
    }
    cp_arena_free(&arena);
    return status;
}

static enum cp_status prepare(const struct cp_case *c, const double *const x[CP_OPERANDS],
                              const float *const narrow[CP_OPERANDS], size_t input, struct trial *t,
                              struct cp_error *err) {
    const size_t elements = cp_case_elements(c);
    cp_case_of_input(c, input, &t->own);
    cp_case_of_input(c, 0, &t->first);
    for (int i = 0; i < CP_OPERANDS; i++) {
        t->x[i] = cp_case_operand_of(c, i, x[i], input);
        t->x_first[i] = x[i];
        t->narrow[i] = cp_case_narrow_of(c, i, narrow[i], input);
    }
    CP_CASE_TAKE(c, t->result, elements);
    CP_CASE_TAKE(c, t->plain, elements);
    for (size_t i = 0; i < elements; i++)
        t->result[i] = 0;
    return CP_OK;
}

/* What a quantiser does at ties and at the ends of its range is its own, so nearly all of the residual must
 * go. */
#define NARROW_SHARE 0.0625

static bool fits(const struct trial *t, const struct cp_alternative *a, const struct attempt *try) {
    if (a->class == CP_ALTERNATIVE_NARROW && try->after <= NARROW_SHARE * t->own_rms)
        return true;
    return try->after <= try->limit && try->after < 0.5 * t->own_rms;
}

enum cp_status cp_explain(const struct cp_case *c, const double *const x[CP_OPERANDS],
                          const float *const narrow[CP_OPERANDS], const float *y, const double *f,
                          double plain, size_t input, struct cp_explanation *e, struct cp_error *err) {
    struct trial t = {.y = y + input * cp_case_elements(c), .f = f + input * cp_case_elements(c)};
    CP_TRY(prepare(c, x, narrow, input, &t, err));
    const struct cp_residual own = residual_of(&t, t.y, t.f);
    t.own_rms = own.rms;
    t.limit = CP_COARSE * fmax(plain, cp_rounding_rms(c, own.reference));
    int by_size = -1;
    *e = (struct cp_explanation){.alternative = -1, .at = -1, .after = INFINITY};
    for (size_t i = 0; i < cp_alternative_count; i++) {
        const struct cp_alternative *a = &cp_alternatives[i];
        const bool batch = a->class == CP_ALTERNATIVE_BATCH;
        struct attempt try;
        if ((a->kind != c->kind && a->kind != CP_OPERATION_KINDS) || (batch && input == 0))
            continue;
        CP_TRY(try_one(&t, a, &try, err));
        e->tried += try.applies && !batch; /* whether there is an input before it is up to the batch */
        if (fits(&t, a, &try) && try.after < e->after) {
            e->alternative = (int)i;
            e->after = try.after;
        }
        if (try.by_size && by_size < 0)
            by_size = (int)i;
    }
    if (e->alternative < 0 && by_size >= 0) { /* nothing that has a function fits */
        e->alternative = by_size;
        e->after = NAN;
    }
    return CP_OK;
}
