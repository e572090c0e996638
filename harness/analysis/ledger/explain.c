/* SPDX-License-Identifier: GPL-3.0-or-later
 * What explains an operation that is coarse or contradicted: alternatives of its own, or, where it is
 * composite, of the operations that it goes through. */
#include "analysis/ledger/check.h"

/* Inputs of an operation that are explained, the first ones that need it. */
enum { EXPLAINED = 2 };

static bool needs_explaining(const struct cp_ledger_check *k, size_t input) {
    const double verdict = cp_ledger_check_row(k, input)[CP_LEDGER_FIELD_VERDICT];
    return verdict == CP_LEDGER_COARSE || verdict == CP_LEDGER_CONTRADICTED;
}

static void store_explanation(const struct cp_ledger_check *k, size_t input, const struct cp_explanation *e) {
    double *row = cp_ledger_check_row(k, input);
    row[CP_LEDGER_FIELD_ALTERNATIVE] = e->alternative;
    row[CP_LEDGER_FIELD_AT] = e->at >= 0 ? e->at : (double)k->point;
    row[CP_LEDGER_FIELD_TRIED] = (double)e->tried;
    if (e->alternative < 0)
        return;
    row[CP_LEDGER_FIELD_AFTER] = cp_ledger_ratio(e->after, k->residual[input].reference);
    /* Of a composite operation size alone cannot tell rounding from another function that is near; what fits
     * can. */
    if (k->operands.composite && cp_alternatives[e->alternative].class == CP_ALTERNATIVE_MATHS)
        row[CP_LEDGER_FIELD_VERDICT] = CP_LEDGER_CONTRADICTED;
}

/* The stage as one input has it. */
static struct cp_ledger_at at_input(const struct cp_ledger_at *at, size_t input, struct cp_arena *arena) {
    struct cp_ledger_at one = *at;
    one.memory = one.scratch = arena;
    one.first += input;
    one.inputs = 1;
    one.valid = at->valid ? at->valid + input : NULL;
    one.ideal_only = true;
    for (int slot = 0; slot < CP_OPERAND_SLOTS; slot++) {
        struct cp_value *v = &one.value[slot];
        const bool shared = slot == CP_OPERAND_TEXT || slot == CP_CLASS_FEATURES;
        const size_t skip = shared ? 0 : input * v->each;
        if (v->recorded)
            *v = (struct cp_value){.recorded = v->recorded + skip, .type = v->type, .each = v->each};
        else if (slot >= CP_POINT_COUNT && v->ideal) /* from another stage */
            *v = (struct cp_value){.ideal = v->ideal + skip, .type = v->type, .each = v->each};
        else
            *v = (struct cp_value){.recorded = NULL};
        one.tried[slot] = false;
    }
    one.value[CP_OPERAND_TEXT].each = at->value[CP_OPERAND_TEXT].each;
    return one;
}

/* An alternative of one of the operations that a composite one goes through. */
static enum cp_status try_within(struct cp_ledger_check *k, size_t input, int point,
                                 const struct cp_alternative *a, struct cp_explanation *e,
                                 struct cp_error *err) {
    struct cp_arena arena = {0};
    struct cp_ledger_at one = at_input(k->at, input, &arena);
    struct cp_case c;
    const double *f = NULL;
    one.changed = point;
    one.alternative = a;
    /* What is checked is no operand of itself. */
    one.value[k->point] = (struct cp_value){.recorded = NULL, .type = k->at->value[k->point].type};
    const enum cp_status status = cp_ledger_ideal(&one, k->point, &f, err);
    cp_case_of_input(&k->c, input, &c);
    if (status == CP_OK && f && one.applied) {
        const struct cp_residual r = cp_residual(&c, (const double *const[CP_OPERANDS]){NULL, NULL},
                                                 k->y + input * cp_case_elements(&k->c), f, NULL, 0);
        e->tried++;
        if (r.finite && r.rms <= CP_COARSE * k->plain[input] && r.rms < 0.5 * k->residual[input].rms &&
            r.rms < e->after) {
            e->after = r.rms;
            e->alternative = (int)(a - cp_alternatives);
            e->at = point;
        }
    }
    cp_arena_free(&arena);
    return status;
}

/* Sums in a narrower type have no function of their own, and a batch that is repeated is seen in whole. */
static bool is_within(const struct cp_alternative *a, int point) {
    return (a->kind == cp_points[point].kind || a->kind == CP_OPERATION_KINDS) &&
           (a->class == CP_ALTERNATIVE_MATHS || a->class == CP_ALTERNATIVE_NARROW);
}

static enum cp_status explain_within(struct cp_ledger_check *k, size_t input, struct cp_explanation *e,
                                     struct cp_error *err) {
    *e = (struct cp_explanation){.alternative = -1, .at = -1, .after = INFINITY};
    for (int point = 0; point < CP_POINT_COUNT; point++) {
        const struct cp_value *v = &k->at->value[point];
        const bool between = point != (int)k->point && v->ideal && !v->recorded && v->plain[0];
        if (!between && point != (int)k->point)
            continue;
        for (size_t i = 0; i < cp_alternative_count; i++)
            if (is_within(&cp_alternatives[i], point))
                CP_TRY(try_within(k, input, point, &cp_alternatives[i], e, err));
    }
    return CP_OK;
}

enum cp_status cp_ledger_explain(struct cp_ledger_check *k, struct cp_error *err) {
    size_t done = 0;
    for (size_t n = 0; n < k->c.inputs; n++) {
        if (needs_explaining(k, n)) {
            CP_TRY(cp_ledger_explained(k->at, k->point, &done, err));
            break;
        }
    }
    for (size_t n = 0; n < k->c.inputs && done < EXPLAINED; n++) {
        struct cp_explanation e;
        if (!needs_explaining(k, n))
            continue;
        if (k->operands.composite)
            CP_TRY(explain_within(k, n, &e, err));
        else
            CP_TRY(cp_explain(&k->c, k->operands.ideal, k->operands.plain[0], k->y, k->f, k->plain[n], n, &e,
                              err));
        store_explanation(k, n, &e);
        done++;
    }
    return CP_OK;
}
