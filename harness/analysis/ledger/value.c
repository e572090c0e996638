/* SPDX-License-Identifier: GPL-3.0-or-later
 * Operands: what was recorded, or else what comes of the nearest taps that were. */
#include "analysis/ledger/ledger.h"

#include <string.h>

static void *alloc(struct cp_ledger_at *at, size_t count, size_t size, struct cp_error *err) {
    void *start = cp_arena_alloc(at->memory, count ? count : 1, size);
    (void)CP_CHECK_BATCH_ALLOC(start, err, "", "the ledger");
    return start;
}
#define TAKE(at, pointer, count)                                                                             \
    CP_TRY(((pointer) = alloc((at), (count), sizeof *(pointer), err)) ? CP_OK : CP_INTERNAL)

/* ---- patches ---- */

/* (inputs, 3, side, side) as (inputs, patches, 3 patch patch): conv1's weight read as a matrix. */
struct cut {
    size_t inputs, side, patch;
};

static size_t cut_from(const struct cut *c, size_t n, size_t p, size_t i) {
    const size_t grid = c->side / c->patch, colour = i / (c->patch * c->patch);
    const size_t y = p / grid * c->patch + i / c->patch % c->patch, x = p % grid * c->patch + i % c->patch;
    return ((n * 3 + colour) * c->side + y) * c->side + x;
}

static enum cp_status cut_patches(struct cp_ledger_at *at, const struct cut *c, const float *pixels,
                                  const float **narrow, const double **wide, struct cp_error *err) {
    const size_t depth = 3 * c->patch * c->patch, patches = c->side / c->patch * (c->side / c->patch);
    float *f;
    double *d;
    TAKE(at, f, c->inputs * patches * depth);
    TAKE(at, d, c->inputs * patches * depth);
    for (size_t n = 0; n < c->inputs; n++)
        for (size_t p = 0; p < patches; p++)
            for (size_t i = 0; i < depth; i++) {
                const size_t to = (n * patches + p) * depth + i;
                f[to] = pixels[cut_from(c, n, p, i)];
                d[to] = (double)f[to];
            }
    *narrow = f;
    *wide = d;
    return CP_OK;
}

static enum cp_status cut_operand(struct cp_ledger_at *at, const struct cp_value *pixels,
                                  struct cp_ledger_operands *o, struct cp_error *err) {
    const struct cp_vision_config *v = &at->ls->study->model.config.vision;
    const struct cut cut = {at->inputs, (size_t)v->image_size, (size_t)v->patch_size};
    const float *narrow;
    CP_TRY(cut_patches(at, &cut, pixels->recorded, &narrow, &o->ideal[0], err));
    for (int k = 0; k < CP_RERUNS; k++)
        o->plain[k][0] = narrow;
    return CP_OK;
}

/* ---- a value ---- */

static enum cp_status widen(struct cp_ledger_at *at, struct cp_value *v, size_t count, struct cp_error *err) {
    double *wide;
    if (v->ideal || !v->recorded)
        return CP_OK;
    TAKE(at, wide, count);
    for (size_t i = 0; i < count; i++)
        wide[i] = (double)v->recorded[i];
    v->ideal = wide;
    return CP_OK;
}

/* Without a model each tap has the shape that its file gives it. */
static bool fits(const struct cp_ledger_at *at, int slot, const struct cp_value *v, size_t size) {
    const bool of_all =
        slot == CP_OPERAND_TEXT || (slot == CP_CLASS_FEATURES && at->stage.kind != CP_STAGE_CLASSES);
    return size == (of_all ? v->each : at->inputs * v->each);
}

enum cp_status cp_ledger_operands(struct cp_ledger_at *at, enum cp_point point, struct cp_case *c,
                                  struct cp_ledger_operands *o, bool *there, struct cp_error *err) {
    struct cp_step step;
    *o = (struct cp_ledger_operands){.composite = false};
    *there = true;
    (void)cp_family_step(at->shape, at->tower, point, &step);
    for (int i = 0; i < CP_OPERANDS && c->kind != CP_OPERATION_GATHER; i++) {
        struct cp_value *v = NULL;
        if (step.operand[i] == CP_OPERAND_NONE)
            continue;
        CP_TRY(cp_ledger_value(at, step.operand[i], &v, err));
        *there = cp_value_is_there(v) &&
                 (point == CP_CONV1 ? v->recorded != NULL
                                    : fits(at, step.operand[i], v, cp_case_operand_size(c, i)));
        if (!*there)
            return CP_OK;
        c->types.operand[i] = v->type;
        if (point == CP_CONV1) {
            CP_TRY(cut_operand(at, v, o, err));
            continue;
        }
        CP_TRY(widen(at, v, cp_case_operand_size(c, i), err));
        o->ideal[i] = v->ideal;
        o->composite = o->composite || !v->recorded;
        for (int k = 0; k < CP_RERUNS; k++)
            o->plain[k][i] = v->recorded ? v->recorded : v->plain[k];
    }
    return CP_OK;
}

/* Odd reruns start from what was recorded moved by what recording it may have lost, and round stochastically.
 */
static enum cp_status rerun(struct cp_ledger_at *at, const struct cp_case *c,
                            const struct cp_ledger_operands *o, uint64_t k, const float **out,
                            struct cp_error *err) {
    const size_t elements = c->inputs * cp_case_elements(c);
    float *y;
    TAKE(at, y, elements);
    memset(y, 0, elements * sizeof *y);
    struct cp_arena own = {0};
    struct cp_case copy = *c;
    copy.scratch = &own;
    const enum cp_status status = cp_case_plain(&copy, o->plain[k], k, y, err);
    cp_arena_free(&own);
    CP_TRY(status);
    if (k % 2)
        cp_perturb(y, c->inputs, cp_case_elements(c), c->types.output, k, y);
    *out = y;
    return CP_OK;
}

static enum cp_status evaluate(struct cp_ledger_at *at, struct cp_case *c, const struct cp_ledger_operands *o,
                               struct cp_value *v, struct cp_error *err) {
    const size_t elements = c->inputs * cp_case_elements(c);
    double *ideal;
    c->valid = NULL; /* what comes behind may read every row */
    TAKE(at, ideal, elements);
    CP_TRY(cp_case_ideal(c, o->ideal, ideal, err));
    v->ideal = ideal;
    v->type = c->types.output;
    v->each = cp_case_elements(c);
    for (uint64_t k = 0; k < CP_RERUNS && !at->ideal_only; k++)
        CP_TRY(rerun(at, c, o, k, &v->plain[k], err));
    return CP_OK;
}

/* Changes the case where it is the one whose alternative is tried. */
static void change(struct cp_ledger_at *at, int point, struct cp_case *c) {
    if (at->changed == point)
        at->applied = at->alternative->apply(c, at->alternative->value);
}

enum cp_status cp_ledger_value(struct cp_ledger_at *at, int slot, struct cp_value **value,
                               struct cp_error *err) {
    struct cp_ledger_operands operands;
    struct cp_case c;
    bool there = false;
    *value = &at->value[slot];
    if (cp_value_is_there(*value) || at->tried[slot] || slot >= CP_POINT_COUNT)
        return CP_OK;
    at->tried[slot] = true;
    const enum cp_point point = (enum cp_point)slot;
    if (cp_points[point].kind == CP_OPERATION_GIVEN ||
        !cp_ledger_case(at, point, at->side->spec, at->side->model, &c))
        return CP_OK;
    CP_TRY(cp_ledger_operands(at, point, &c, &operands, &there, err));
    change(at, slot, &c);
    return there ? evaluate(at, &c, &operands, *value, err) : CP_OK;
}

enum cp_status cp_ledger_ideal(struct cp_ledger_at *at, enum cp_point point, const double **f,
                               struct cp_error *err) {
    struct cp_ledger_operands operands;
    struct cp_case c;
    bool there = false;
    double *ideal;
    *f = NULL;
    if (!cp_ledger_case(at, point, at->side->spec, at->side->model, &c))
        return CP_OK;
    CP_TRY(cp_ledger_operands(at, point, &c, &operands, &there, err));
    if (!there)
        return CP_OK;
    change(at, (int)point, &c);
    TAKE(at, ideal, c.inputs * cp_case_elements(&c));
    memset(ideal, 0, c.inputs * cp_case_elements(&c) * sizeof *ideal);
    CP_TRY(cp_case_ideal(&c, operands.ideal, ideal, err));
    *f = ideal;
    return CP_OK;
}
