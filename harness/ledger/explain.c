/* SPDX-License-Identifier: GPL-3.0-or-later */
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
    one->maths.kept = c->maths.kept ? c->maths.kept + input * c->maths.kept_count : NULL;
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

static struct cp_residual residual_of(const struct trial *t, const float *y, const double *f) {
    return cp_residual(&t->own, (const double *const[CP_OPERANDS]){NULL, NULL}, y, f, NULL, 0);
}

/* A narrower type has no function of its own: it fits where its plain evaluation errs as much. */
static enum cp_status try_type(struct trial *t, const struct cp_case *changed, double *after,
                               struct cp_error *err) {
    CP_TRY(cp_case_plain(changed, t->narrow, 0, t->plain, err));
    const double size = residual_of(t, t->plain, t->f).rms;
    *after = t->own_rms <= CP_COARSE * size && size <= CP_COARSE * t->own_rms ? t->limit : INFINITY;
    return CP_OK;
}

/* What trying one takes is given back at once. */
static enum cp_status try_one(struct trial *t, const struct cp_alternative *a, bool *applies, double *after,
                              struct cp_error *err) {
    const bool batch = a->class == CP_ALTERNATIVE_BATCH;
    struct cp_arena arena = {0};
    struct cp_case changed = batch ? t->first : t->own;
    enum cp_status status = CP_OK;
    changed.scratch = &arena;
    *applies = a->apply(&changed, a->value);
    *after = INFINITY;
    if (*applies && a->class == CP_ALTERNATIVE_TYPE) {
        status = try_type(t, &changed, after, err);
    } else if (*applies) {
        status = cp_case_ideal(&changed, batch ? t->x_first : t->x, t->result, err);
        const struct cp_residual r = residual_of(t, t->y, t->result);
        *after = status == CP_OK && r.finite ? r.rms : INFINITY;
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

static bool fits(const struct trial *t, const struct cp_alternative *a, double after) {
    if (a->class == CP_ALTERNATIVE_NARROW && after <= NARROW_SHARE * t->own_rms)
        return true;
    return after <= t->limit && (after < 0.5 * t->own_rms || a->class == CP_ALTERNATIVE_TYPE);
}

enum cp_status cp_explain(const struct cp_case *c, const double *const x[CP_OPERANDS],
                          const float *const narrow[CP_OPERANDS], const float *y, const double *f,
                          double plain, size_t input, struct cp_explanation *e, struct cp_error *err) {
    struct trial t = {.y = y + input * cp_case_elements(c), .f = f + input * cp_case_elements(c)};
    CP_TRY(prepare(c, x, narrow, input, &t, err));
    const struct cp_residual own = residual_of(&t, t.y, t.f);
    t.own_rms = own.rms;
    t.limit = CP_COARSE * fmax(plain, cp_rounding_rms(c, own.reference));
    *e = (struct cp_explanation){.alternative = -1, .at = -1, .after = INFINITY};
    for (size_t i = 0; i < cp_alternative_count; i++) {
        const struct cp_alternative *a = &cp_alternatives[i];
        const bool batch = a->class == CP_ALTERNATIVE_BATCH;
        bool applies = false;
        double after = INFINITY;
        if ((a->kind != c->kind && a->kind != CP_OPERATION_KINDS) || (batch && input == 0))
            continue;
        CP_TRY(try_one(&t, a, &applies, &after, err));
        e->tried += applies && !batch; /* whether there is an input before it is up to the batch */
        if (fits(&t, a, after) && after < e->after) {
            e->alternative = (int)i;
            e->after = after;
        }
    }
    return CP_OK;
}
