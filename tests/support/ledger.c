/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/ledger.h"
#include "support/test.h"

#include <math.h>

/* ---- seeded numbers ---- */

uint64_t draws;

enum { NORMALS = 1 << 20 };

size_t draw_below(size_t count) {
    return (size_t)(random_bits(&draws) % count);
}

const float *draw_normals(size_t count) {
    static float table[2 * NORMALS];
    static bool filled;
    uint64_t seed = 1;
    for (size_t i = 0; i < 2 * NORMALS && !filled; i++)
        table[i] = random_normal(&seed);
    filled = true;
    assert_true(count <= NORMALS);
    return table + draw_below(NORMALS);
}

/* ---- arithmetic ---- */

const struct arithmetic arithmetics[ARITHMETICS] = {
    {"fp32", CP_FP32, CP_FP32, CP_FP32, CP_FP32, CP_FP32, CP_FP32},
    {"fp16", CP_FP16, CP_FP16, CP_FP32, CP_FP32, CP_FP16, CP_FP16},
    {"bf16", CP_BF16, CP_BF16, CP_FP32, CP_FP32, CP_BF16, CP_BF16},
    {"amp_bf16", CP_FP32, CP_BF16, CP_FP32, CP_FP32, CP_BF16, CP_FP32},
    {"fp16 sums", CP_FP16, CP_FP16, CP_FP16, CP_FP16, CP_FP16, CP_FP16},
};

const size_t ledger_widths[LEDGER_WIDTHS] = {64, 128, 768, 3072, 4096};

void set_arithmetic(struct cp_case *c, const struct arithmetic *a) {
    c->types = (struct cp_case_types){.compute = a->compute,
                                      .accumulate = a->accumulate,
                                      .stats = a->stats,
                                      .output = a->output,
                                      .operand = {a->operand, a->operand},
                                      .weights = a->weights};
}

/* ---- operands ---- */

const char *const family_names[FAMILIES] = {"normal",    "cancelling", "outliers",
                                            "subnormal", "saturated",  "off centre"};

/* Rows of n. Of cancelling ones each second element nearly undoes the one before; outliers stand in three
 * channels; off centre is a residual stream with a common mean and a channel far off. */
static void fill_operand(enum family family, enum cp_dtype type, size_t rows, size_t n, double *x) {
    const double small = type == CP_FP16 ? 0x1p-18 : 0x1p-130;
    const size_t first = draw_below(n), channel[3] = {first, (first + n / 3) % n, (first + n / 2) % n};
    const float *z = draw_normals(n + rows);
    for (size_t r = 0; r < rows; r++, z = draw_normals(n + rows)) {
        double *row = x + r * n;
        for (size_t i = 0; i < n; i++) {
            row[i] = (double)z[i];
            if (family == CANCELLING && i % 2)
                row[i] = -row[i - 1] * (1 + 1e-3 * (double)z[i]);
            else if (family == SUBNORMAL)
                row[i] *= small;
            else if (family == SATURATED)
                row[i] = 0.3 + 0.7 * (double)(r + 1) / 3;
            else if (family == OFF_CENTRE)
                row[i] = 8 + 0.5 * row[i];
        }
        for (size_t k = 0; k < 3 && family == OUTLIERS && n > 5; k++)
            row[channel[k]] *= 1e3;
        if (family == OFF_CENTRE)
            row[channel[0]] -= 60;
    }
}

void fill_weight(enum family family, size_t rows, size_t n, float scale, float *w) {
    for (size_t r = 0; r < rows; r++) {
        const float *z = draw_normals(n);
        for (size_t i = 0; i < n; i++)
            w[r * n + i] = scale * z[family == CANCELLING ? i - i % 2 : i];
    }
}

void *instance_alloc(struct instance *in, size_t count, size_t size) {
    void *memory = cp_arena_calloc(&in->arena, count + 1, size);
    assert_non_null(memory);
    return memory;
}

void record_operand(struct instance *in, int operand, bool wide) {
    const size_t size = cp_case_operand_size(&in->c, operand);
    in->recorded[operand] = instance_alloc(in, size, sizeof(float));
    in->ideal[operand] = instance_alloc(in, size, sizeof(double));
    for (size_t i = 0; i < size; i++) {
        in->recorded[operand][i] = cp_round_to(in->c.types.operand[operand], (float)in->had[operand][i]);
        in->ideal[operand][i] = (double)in->recorded[operand][i];
    }
    in->read[operand] = wide ? in->had[operand] : in->ideal[operand];
}

void set_operand(struct instance *in, int operand, enum family family, size_t n, bool wide) {
    const size_t size = cp_case_operand_size(&in->c, operand);
    in->had[operand] = instance_alloc(in, size, sizeof(double));
    fill_operand(family, in->c.types.operand[operand], size / n, n, in->had[operand]);
    record_operand(in, operand, wide);
}

const double *const *ideals_of(const struct instance *in) {
    return (const double *const *)in->ideal;
}

void prepare_instance(struct instance *in) {
    const size_t count = in->c.inputs * cp_case_elements(&in->c);
    struct cp_error err;
    in->c.scratch = &in->scratch;
    in->f = instance_alloc(in, count, sizeof(double));
    in->bound = instance_alloc(in, count, sizeof(double));
    in->y = instance_alloc(in, count, sizeof(float));
    assert_int_equal(cp_case_ideal(&in->c, ideals_of(in), in->f, &err), CP_OK);
    assert_int_equal(cp_case_bound(&in->c, ideals_of(in), in->f, in->bound, &err), CP_OK);
    cp_arena_reset(&in->scratch);
}

void free_instance(struct instance *in) {
    cp_arena_free(&in->arena);
    cp_arena_free(&in->scratch);
    *in = (struct instance){.c = {.inputs = 0}};
}

/* ---- the verdict, by the rule of analysis/ledger/check.c ---- */

enum { LEDGER_SAMPLE = 8 };

/* Plain errors of the inputs; of the residual's share only whether it leaves the verdict open counts. */
static void measure_plain(struct instance *in, const float *y, size_t rows) {
    double *share = instance_alloc(in, in->c.inputs, sizeof *share);
    struct cp_error err;
    in->plain = instance_alloc(in, in->c.inputs, sizeof *in->plain);
    assert_int_equal(
        cp_plain_rms(&in->c, (const float *const *)in->recorded, y, in->f, rows, in->plain, share, &err),
        CP_OK);
    cp_arena_reset(&in->scratch);
}

struct verdict judge_result(struct instance *in, const float *y, size_t input) {
    const struct cp_residual r = cp_residual(&in->c, ideals_of(in), y, in->f, in->bound, input);
    struct verdict v = {.bound = r.bound, .rms = r.rms, .row = r.row, .column = r.column, .y = r.y, .f = r.f};
    if (!in->plain || r.flushed > 0 || in->flushed) /* else it is that of the result before */
        measure_plain(in, y, LEDGER_SAMPLE);
    if (r.finite && r.rms > 0.5 * CP_COARSE * in->plain[input])
        measure_plain(in, y, SIZE_MAX);
    in->flushed = r.flushed > 0;
    v.plain = in->plain[input];
    v.coarseness = r.rms == 0 ? 0 : v.plain > 0 ? r.rms / v.plain : (double)INFINITY;
    v.verdict = !r.finite                      ? CP_LEDGER_NONFINITE
                : r.exact                      ? CP_LEDGER_EXACT
                : !(r.bound <= 1)              ? CP_LEDGER_CONTRADICTED
                : !(v.coarseness <= CP_COARSE) ? CP_LEDGER_COARSE
                                               : CP_LEDGER_EXPLAINED;
    return v;
}
