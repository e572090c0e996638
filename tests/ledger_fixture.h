/* SPDX-License-Identifier: GPL-3.0-or-later
 * Operations on seeded operands for the tests of the ledger: what a system had (float64), what it recorded of
 * it, and the verdict on a result. Include after cmocka.h. */
#ifndef CP_TESTS_LEDGER_FIXTURE_H
#define CP_TESTS_LEDGER_FIXTURE_H

#include "kernels_fixture.h"
#include "ledger/explain.h"
#include "ledger/slope.h"

#include <string.h>
#include <time.h>

/* ---- seeded numbers ---- */

static uint64_t draws;

enum { NORMALS = 1 << 20 };

static inline size_t draw_below(size_t count) {
    return (size_t)(random_bits(&draws) % count);
}

/* Where a run of count normal numbers starts, in a table that is filled once. */
static inline const float *draw_normals(size_t count) {
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

struct arithmetic {
    const char *name;
    enum cp_dtype operand, compute, accumulate, stats, output, weights;
};
static const struct arithmetic arithmetics[] = {
    {"fp32", CP_FP32, CP_FP32, CP_FP32, CP_FP32, CP_FP32, CP_FP32},
    {"fp16", CP_FP16, CP_FP16, CP_FP32, CP_FP32, CP_FP16, CP_FP16},
    {"bf16", CP_BF16, CP_BF16, CP_FP32, CP_FP32, CP_BF16, CP_BF16},
    {"amp_bf16", CP_FP32, CP_BF16, CP_FP32, CP_FP32, CP_BF16, CP_FP32},
    {"fp16 sums", CP_FP16, CP_FP16, CP_FP16, CP_FP16, CP_FP16, CP_FP16},
};
enum { ARITHMETICS = sizeof arithmetics / sizeof arithmetics[0], PLAIN_TYPES = 3 };
static const size_t ledger_widths[] = {64, 128, 768, 3072, 4096};
enum { LEDGER_WIDTHS = 5 };

static inline void set_arithmetic(struct cp_case *c, const struct arithmetic *a) {
    c->types = (struct cp_case_types){.compute = a->compute,
                                      .accumulate = a->accumulate,
                                      .stats = a->stats,
                                      .output = a->output,
                                      .operand = {a->operand, a->operand},
                                      .weights = a->weights};
}

/* ---- operands ---- */

enum family { NORMAL, CANCELLING, OUTLIERS, SUBNORMAL, SATURATED, OFF_CENTRE, FAMILIES };
static const char *const family_names[FAMILIES] = {"normal",    "cancelling", "outliers",
                                                   "subnormal", "saturated",  "off centre"};

/* Rows of n. Of cancelling ones each second element nearly undoes the one before; outliers stand in three
 * channels; off centre is a residual stream with a common mean and a channel far off. */
static inline void fill_operand(enum family family, enum cp_dtype type, size_t rows, size_t n, double *x) {
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

/* Weights of n inputs each, equal in pairs where what they multiply cancels. */
static inline void fill_weight(enum family family, size_t rows, size_t n, float scale, float *w) {
    for (size_t r = 0; r < rows; r++) {
        const float *z = draw_normals(n);
        for (size_t i = 0; i < n; i++)
            w[r * n + i] = scale * z[family == CANCELLING ? i - i % 2 : i];
    }
}

/* One case with its operands: `had` are what the system computed, `recorded` these rounded to the operand's
 * type, `read` what its next operation reads: either of them. */
struct instance {
    struct cp_case c;
    double *had[CP_OPERANDS];
    float *recorded[CP_OPERANDS];
    double *ideal[CP_OPERANDS];
    const double *read[CP_OPERANDS];
    double *f, *bound, *plain;
    bool flushed;
    float *y;
    struct cp_arena arena, scratch;
};

static inline void *take(struct instance *in, size_t count, size_t size) {
    void *room = cp_arena_calloc(&in->arena, count + 1, size);
    assert_non_null(room);
    return room;
}

static inline void record(struct instance *in, int operand, bool wide) {
    const size_t size = cp_case_operand_size(&in->c, operand);
    in->recorded[operand] = take(in, size, sizeof(float));
    in->ideal[operand] = take(in, size, sizeof(double));
    for (size_t i = 0; i < size; i++) {
        in->recorded[operand][i] = cp_round_to(in->c.types.operand[operand], (float)in->had[operand][i]);
        in->ideal[operand][i] = (double)in->recorded[operand][i];
    }
    in->read[operand] = wide ? in->had[operand] : in->ideal[operand];
}

static inline void set_operand(struct instance *in, int operand, enum family family, size_t n, bool wide) {
    const size_t size = cp_case_operand_size(&in->c, operand);
    in->had[operand] = take(in, size, sizeof(double));
    fill_operand(family, in->c.types.operand[operand], size / n, n, in->had[operand]);
    record(in, operand, wide);
}

static inline const double *const *ideals_of(const struct instance *in) {
    return (const double *const *)in->ideal;
}

/* The ideal result and its bound, once for all results that are judged. */
static inline void prepare_instance(struct instance *in) {
    const size_t count = in->c.inputs * cp_case_elements(&in->c);
    struct cp_error err;
    in->c.scratch = &in->scratch;
    in->f = take(in, count, sizeof(double));
    in->bound = take(in, count, sizeof(double));
    in->y = take(in, count, sizeof(float));
    assert_int_equal(cp_case_ideal(&in->c, ideals_of(in), in->f, &err), CP_OK);
    assert_int_equal(cp_case_bound(&in->c, ideals_of(in), in->f, in->bound, &err), CP_OK);
    cp_arena_reset(&in->scratch);
}

static inline void free_instance(struct instance *in) {
    cp_arena_free(&in->arena);
    cp_arena_free(&in->scratch);
    *in = (struct instance){.c = {.inputs = 0}};
}

/* ---- the verdict, by the rule of analysis/ledger/check.c ---- */

struct verdict {
    enum cp_ledger_verdict verdict;
    double bound, coarseness, plain, rms;
    size_t row, column;
    double y, f;
};

enum { LEDGER_SAMPLE = 8 };

/* Plain errors of the inputs; of the residual's share only whether it leaves the verdict open counts. */
static inline void measure_plain(struct instance *in, const float *y, size_t rows) {
    double *share = take(in, in->c.inputs, sizeof *share);
    struct cp_error err;
    in->plain = take(in, in->c.inputs, sizeof *in->plain);
    assert_int_equal(
        cp_plain_rms(&in->c, (const float *const *)in->recorded, y, in->f, rows, in->plain, share, &err),
        CP_OK);
    cp_arena_reset(&in->scratch);
}

static inline struct verdict judge(struct instance *in, const float *y, size_t input) {
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

static inline double seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#endif
