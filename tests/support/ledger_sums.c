/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/ledger_sums.h"
#include "support/test.h"

#include <float.h>
#include <math.h>

const char *const sum_names[SUMS] = {"in order", "permuted", "pairwise", "blocks of 64", "blocks of 256",
                                     "split",    "lanes",    "double",   "native"};

float flushed(const struct way *way, float x) {
    return way->flush && fabsf(x) < FLT_MIN ? 0 : x;
}

float stored(const struct way *way, double x) {
    return flushed(way, cp_round_to(way->output, (float)x));
}

static const size_t *draw_order(struct instance *in, size_t n) {
    size_t *order = instance_alloc(in, n, sizeof *order);
    for (size_t i = 0; i < n; i++) {
        const size_t j = draw_below(i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    return order;
}

static float plus_term(const struct way *way, struct terms t, size_t i, float sum) {
    const float a = flushed(way, (float)t.a[i]), b = t.b ? flushed(way, (float)t.b[i]) : 1;
    const enum cp_dtype type = way->sum == SUM_NATIVE ? way->output : way->accumulate;
    if (way->fma && way->sum != SUM_NATIVE)
        return flushed(way, cp_round_to(type, fmaf(a, b, sum)));
    const float product = way->sum == SUM_NATIVE ? cp_round_to(type, a * b) : a * b;
    return flushed(way, cp_round_to(type, sum + flushed(way, product)));
}

static float chain_of(const struct way *way, struct terms t, size_t from, size_t to) {
    float sum = 0;
    for (size_t k = from; k < to; k++)
        sum = plus_term(way, t, way->order ? way->order[k] : k, sum);
    return sum;
}

static float pairwise(const struct way *way, struct terms t, size_t from, size_t to) {
    if (to - from <= 8)
        return chain_of(way, t, from, to);
    const size_t middle = from + (to - from) / 2;
    return cp_round_to(way->accumulate, pairwise(way, t, from, middle) + pairwise(way, t, middle, to));
}

static float blocks(const struct way *way, struct terms t, size_t n, size_t size, enum cp_dtype type) {
    float total = 0;
    for (size_t at = 0; at < n; at += size)
        total =
            cp_round_to(type, total + cp_round_to(type, chain_of(way, t, at, at + size < n ? at + size : n)));
    return total;
}

static float lanes(const struct way *way, struct terms t, size_t n) {
    float lane[16] = {0};
    for (size_t i = 0; i < n; i++)
        lane[i % 16] = plus_term(way, t, i, lane[i % 16]);
    for (size_t half = 8; half >= 1; half /= 2)
        for (size_t i = 0; i < half; i++)
            lane[i] = cp_round_to(way->accumulate, lane[i] + lane[i + half]);
    return lane[0];
}

static double in_double(struct terms t, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += t.b ? t.a[i] * t.b[i] : t.a[i];
    return sum;
}

double sum_of(const struct way *way, struct terms t, size_t n) {
    switch (way->sum) {
    case SUM_PAIRWISE:
        return (double)pairwise(way, t, 0, n);
    case SUM_BLOCKS_64:
        return (double)blocks(way, t, n, 64, way->accumulate);
    case SUM_BLOCKS_256:
        return (double)blocks(way, t, n, 256, way->accumulate);
    case SUM_SPLIT:
        return (double)blocks(way, t, n, (n + way->parts - 1) / way->parts, way->output);
    case SUM_LANES:
        return (double)lanes(way, t, n);
    case SUM_DOUBLE:
        return in_double(t, n);
    default:
        return (double)chain_of(way, t, 0, n);
    }
}

struct way draw_way(struct instance *in, enum sum sum, size_t n, bool wide) {
    struct way way = {.sum = sum,
                      .fma = draw_below(2),
                      .flush = draw_below(4) == 0,
                      .wide = wide,
                      .accumulate = in->c.types.accumulate,
                      .output = in->c.types.output,
                      .parts = 2 + draw_below(7),
                      .variant = (int)draw_below(4)};
    way.order = sum == SUM_PERMUTED || (sum == SUM_SPLIT && draw_below(2)) ? draw_order(in, n) : NULL;
    return way;
}

/* ---- the tally ---- */

struct tally {
    size_t instances, beyond, coarse;
    double bound, coarseness;
};

enum { TALLY_TYPES = ARITHMETICS };

static struct tally tallies[CP_OPERATION_KINDS][TALLY_TYPES];

const char *const kind_names[CP_OPERATION_KINDS] = {
    "given",   "normalize", "gather", "embed",      "norm", "linear", "scores", "softmax",
    "context", "gain",      "add",    "activation", "pool", "unit",   "logits", "classes"};

void count_verdict(struct instance *in, const struct arithmetic *arithmetic, const char *what,
                   enum family family, size_t width, const float *y) {
    struct tally *t = &tallies[in->c.kind][arithmetic - arithmetics];
    for (size_t input = 0; input < in->c.inputs; input++) {
        const struct verdict v = judge_result(in, y, input);
        const bool beyond = v.verdict == CP_LEDGER_CONTRADICTED || v.verdict == CP_LEDGER_NONFINITE;
        t->instances++;
        t->beyond += beyond;
        t->coarse += v.verdict == CP_LEDGER_COARSE;
        if (v.verdict != CP_LEDGER_EXACT) {
            t->bound = fmax(t->bound, v.bound);
            t->coarseness = fmax(t->coarseness, v.coarseness);
        }
        if (beyond || v.verdict == CP_LEDGER_COARSE)
            print_message("%s %s, %s, %s operands, width %zu: %s: |r| / bound %.3g, coarseness %.3g (y %.9g, "
                          "f %.9g at row %zu, column %zu)\n",
                          kind_names[in->c.kind], arithmetic->name, what, family_names[family], width,
                          cp_ledger_verdict_names[v.verdict], v.bound, v.coarseness, v.y, v.f, v.row,
                          v.column);
    }
}

void run_operation(const struct operation *o) {
    for (size_t trial = 0; trial < o->trials; trial++)
        for (size_t w = 0; w < LEDGER_WIDTHS; w++)
            for (size_t a = 0; a < ARITHMETICS; a++)
                for (int family = 0; family < FAMILIES; family++) {
                    const bool wide = (trial + w + a + (size_t)family) % 2;
                    struct instance in = {.c = {.inputs = 0}};
                    o->make(&in, &arithmetics[a], (enum family)family, ledger_widths[w], wide, trial);
                    for (int method = 0; method < o->methods; method++)
                        o->evaluate(&in, &arithmetics[a], (enum family)family, method, wide);
                    free_instance(&in);
                }
}

void assert_sound(size_t least, double started) {
    size_t instances = 0, beyond = 0, coarse = 0;
    print_message("%-10s %-10s %9s %16s %18s\n", "operation", "type", "instances", "largest |r|/bound",
                  "largest coarseness");
    for (int kind = 0; kind < CP_OPERATION_KINDS; kind++)
        for (int a = 0; a < TALLY_TYPES; a++) {
            const struct tally *t = &tallies[kind][a];
            instances += t->instances;
            beyond += t->beyond;
            coarse += t->coarse;
            if (t->instances)
                print_message("%-10s %-10s %9zu %17.3f %18.2f\n", kind_names[kind], arithmetics[a].name,
                              t->instances, t->bound, t->coarseness);
        }
    print_message("%zu legitimate evaluations in %.1f s: %zu beyond their bound, %zu coarse\n", instances,
                  seconds() - started, beyond, coarse);
    assert_int_equal(beyond, 0);
    assert_int_equal(coarse, 0);
    assert_true(instances >= least);
}
