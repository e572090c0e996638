/* SPDX-License-Identifier: GPL-3.0-or-later
 * How sharp the ledger is: what is not declared is found. The median of bound / error is printed for each
 * kind and width. */
#include "support/ledger_cases.h"
#include "support/ledger_sums.h"
#include "support/test.h"

#include <math.h>
#include <stdlib.h>

/* ---- how much room a bound leaves ---- */

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of a plain evaluation; 0 where nothing errs. */
static double median_slack(struct instance *in) {
    const size_t count = in->c.inputs * cp_case_elements(&in->c);
    double *slack = instance_alloc(in, count, sizeof *slack);
    size_t found = 0;
    struct cp_error err;
    assert_int_equal(cp_case_plain(&in->c, (const float *const *)in->recorded, 2, in->y, &err), CP_OK);
    for (size_t i = 0; i < count; i++)
        if ((double)in->y[i] != in->f[i])
            slack[found++] = in->bound[i] / fabs((double)in->y[i] - in->f[i]);
    qsort(slack, found, sizeof *slack, ascending);
    return found ? slack[found / 2] : 0;
}

static void slacks(void **state) {
    (void)state;
    draws = 11;
    print_message("median of bound / error in fp32, fp16, bf16\n%-10s", "");
    for (size_t w = 0; w < LEDGER_WIDTHS; w++)
        print_message(" %22zu", ledger_widths[w]);
    for (int kind = CP_OPERATION_NORMALIZE; kind < CP_OPERATION_KINDS; kind++) {
        print_message("\n%-10s", kind_names[kind]);
        for (size_t w = 0; w < LEDGER_WIDTHS; w++)
            for (size_t a = 0; a < PLAIN_TYPES; a++) {
                struct instance in;
                make_case(&in, (enum cp_operation_kind)kind, &arithmetics[a], 1, 7, ledger_widths[w], 0);
                const double slack = median_slack(&in);
                print_message(" %s%6.4g", a ? "" : "  ", slack);
                assert_true(slack == 0 || slack >= 1);
                free_instance(&in);
            }
    }
    print_message("\n");
}

/* ---- operands in a type that is not declared ---- */

enum { TF32, BF16, FP16, INT8, FORMATS };
static const char *const format_names[FORMATS] = {"tf32", "bf16", "fp16", "int8"};

static void narrow(int format, size_t count, const double *x, double *y) {
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs(x[i]));
    for (size_t i = 0; i < count; i++) {
        int exponent;
        const double significand = frexp(x[i], &exponent);
        y[i] = format == TF32   ? ldexp(nearbyint(ldexp(significand, 11)), exponent - 11)
               : format == INT8 ? nearbyint(x[i] / most * 127) * most / 127
                                : (double)cp_round_to(format == BF16 ? CP_BF16 : CP_FP16, (float)x[i]);
    }
}

/* Which operands: bit 0 the first, bit 1 the second or the weight. */
static const double *narrow_operand(struct instance *in, int operand, int which, int format) {
    const size_t count = cp_case_operand_size(&in->c, operand);
    double *out = instance_alloc(in, count, sizeof *out);
    if (!(which >> operand & 1))
        return in->ideal[operand];
    narrow(format, count, in->ideal[operand], out);
    return out;
}

static const double *narrow_weight(struct instance *in, int which, int format) {
    const size_t count = in->c.in * in->c.out;
    double *w = instance_alloc(in, count, sizeof *w);
    for (size_t i = 0; i < count; i++)
        w[i] = (double)cp_round_to(in->c.types.weights, in->c.weight[i]);
    if (which & 2)
        narrow(format, count, w, w);
    return w;
}

static void linear_of(struct instance *in, const struct way *way, const double *x, const double *w) {
    for (size_t r = 0; r < in->c.rows; r++)
        for (size_t j = 0; j < in->c.out; j++)
            in->y[r * in->c.out + j] =
                stored(way, sum_of(way, (struct terms){x + r * in->c.in, w + j * in->c.in}, in->c.in));
}

static void scores_of(struct instance *in, const struct way *way, const double *q, const double *k) {
    const size_t rows = in->c.rows, width = in->c.in, n = width / in->c.groups;
    for (size_t g = 0; g < in->c.groups; g++)
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < rows; j++) {
                const struct terms t = {q + i * width + g * n, k + j * width + g * n};
                in->y[(g * rows + i) * rows + j] = stored(way, sum_of(way, t, n) * in->c.maths.scale);
            }
}

static void context_of(struct instance *in, const struct way *way, const double *p, const double *v) {
    const size_t rows = in->c.rows, width = in->c.out / in->c.in;
    double column[64];
    for (size_t k = 0; k < in->c.out; k++)
        for (size_t i = 0; i < rows; i++) {
            for (size_t j = 0; j < rows; j++)
                column[j] = v[j * in->c.out + k];
            in->y[i * in->c.out + k] =
                stored(way, sum_of(way, (struct terms){p + (k / width * rows + i) * rows, column}, rows));
        }
}

/* Whether an instance is found. */
static bool finds(enum cp_operation_kind kind, const struct arithmetic *a, size_t n, int format, int which) {
    struct instance in;
    make_case(&in, kind, a, 1, kind == CP_OPERATION_LINEAR ? 4 : n > 1000 ? 6 : 12, n, 0);
    const struct way way = {.sum = SUM_LANES, .accumulate = CP_FP32, .output = a->output};
    const double *x = narrow_operand(&in, 0, which, format);
    if (kind == CP_OPERATION_LINEAR)
        linear_of(&in, &way, x, narrow_weight(&in, which, format));
    else if (kind == CP_OPERATION_SCORES)
        scores_of(&in, &way, x, narrow_operand(&in, 1, which, format));
    else
        context_of(&in, &way, x, narrow_operand(&in, 1, which, format));
    const enum cp_ledger_verdict verdict = judge_result(&in, in.y, 0).verdict;
    free_instance(&in);
    return verdict == CP_LEDGER_COARSE || verdict == CP_LEDGER_CONTRADICTED;
}

enum { EACH = 51, FEW = 9 };
static const size_t sizes[] = {64, 768, 3072, 4096};

/* The first operand, the second or the weight, and both, in turn. */
static size_t found_of(enum cp_operation_kind kind, const struct arithmetic *a, int format, size_t n,
                       size_t each) {
    size_t found = 0;
    for (size_t i = 0; i < each; i++)
        found += finds(kind, a, n, format, 1 + (int)(i % 3));
    return found;
}

/* Always: each one must be found. */
static void check_format(const struct arithmetic *a, int format, bool always) {
    static const enum cp_operation_kind kinds[] = {CP_OPERATION_LINEAR, CP_OPERATION_SCORES,
                                                   CP_OPERATION_CONTEXT};
    const size_t each = always ? EACH : FEW;
    for (size_t k = 0; k < 3; k++) {
        print_message("%s in declared %s, %-8s", format_names[format], a->name, kind_names[kinds[k]]);
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            const size_t found = found_of(kinds[k], a, format, sizes[s], each);
            print_message("  %zu: %zu of %zu", sizes[s], found, each);
            if (always)
                assert_int_equal(found, each);
        }
        print_message("\n");
    }
}

static void undeclared_types(void **state) {
    const double started = seconds();
    (void)state;
    draws = 12;
    for (int format = 0; format < FORMATS; format++)
        check_format(&arithmetics[0], format, true);
    check_format(&arithmetics[1], INT8, true);
    check_format(&arithmetics[1], BF16, false);
    check_format(&arithmetics[2], INT8, false);
    print_message("%.1f s\n", seconds() - started);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(slacks), cmocka_unit_test(undeclared_types)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
