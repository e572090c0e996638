/* SPDX-License-Identifier: GPL-3.0-or-later
 * Every row of the table of alternatives that has a function of its own is found by what it computes: y is
 * the changed case's own ideal result, rounded, and the explanation must be that row, or one with an equal
 * function. */
#include "support/ledger_cases.h"
#include "support/test.h"

#include <math.h>

enum { INPUTS = 2, ROWS = 8, WIDTH = 384 };

static bool has_function(const struct cp_alternative *a) {
    return a->class == CP_ALTERNATIVE_MATHS || a->class == CP_ALTERNATIVE_NARROW;
}

/* A row's ideal result for input 1 alone, as a tensor's scale is its own; false where it does not apply. */
static bool ideal_of(struct instance *in, const struct cp_alternative *a, double *f) {
    const double *x[CP_OPERANDS];
    struct cp_case changed;
    struct cp_error err;
    cp_case_of_input(&in->c, 1, &changed);
    for (int i = 0; i < CP_OPERANDS; i++)
        x[i] = cp_case_operand_of(&in->c, i, in->ideal[i], 1);
    if ((a->kind != in->c.kind && a->kind != CP_OPERATION_KINDS) || !a->apply(&changed, a->value))
        return false;
    assert_int_equal(cp_case_ideal(&changed, x, f, &err), CP_OK);
    return true;
}

static double distance(const double *a, const double *b, size_t count) {
    double square = 0;
    for (size_t i = 0; i < count; i++)
        square += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(square / (double)count);
}

static const char *kind_of(const struct instance *in) {
    return in->c.kind == CP_OPERATION_LINEAR ? "linear"
           : in->c.kind == CP_OPERATION_NORM ? "norm"
                                             : "another kind";
}

static void check_row(struct instance *in, const struct cp_alternative *a, const double *f) {
    const size_t each = cp_case_elements(&in->c), count = in->c.inputs * each;
    double *plain = instance_alloc(in, INPUTS, sizeof *plain),
           *share = instance_alloc(in, INPUTS, sizeof *share);
    double *named = instance_alloc(in, each, sizeof *named);
    struct cp_explanation e;
    struct cp_error err;
    for (size_t i = 0; i < count; i++)
        in->y[i] = cp_round_to(in->c.types.output, (float)(i < each ? in->f[i] : f[i - each]));
    assert_int_equal(
        cp_plain_rms(&in->c, (const float *const *)in->recorded, in->y, in->f, SIZE_MAX, plain, share, &err),
        CP_OK);
    assert_int_equal(cp_explain(&in->c, ideals_of(in), (const float *const *)in->recorded, in->y, in->f,
                                plain[1], 1, &e, &err),
                     CP_OK);
    if (e.alternative < 0)
        fail_msg("%s: %s is not explained (residual %g, plain %g)", kind_of(in), a->name,
                 distance(f, in->f + each, each), plain[1]);
    if (&cp_alternatives[e.alternative] == a)
        return;
    assert_true(ideal_of(in, &cp_alternatives[e.alternative], named));
    /* Equal up to the rounding of y: TF32 and fp16 differ below fp16's normal numbers only. */
    double *zero = instance_alloc(in, each, sizeof *zero);
    if (distance(named, f, each) > cp_rounding_rms(&in->c, distance(f, zero, each)))
        fail_msg("%s: %s is explained by %s", kind_of(in), a->name, cp_alternatives[e.alternative].name);
}

/* Whether the row applies to a variant of a kind's case, and changes what it computes. */
static bool try_row(const struct cp_alternative *a, enum cp_operation_kind kind,
                    const struct arithmetic *type, int variant) {
    struct instance in;
    make_case(&in, kind, type, INPUTS, ROWS, WIDTH, variant);
    const size_t each = cp_case_elements(&in.c);
    double *f = instance_alloc(&in, each, sizeof *f);
    const bool applies = ideal_of(&in, a, f) && distance(f + each, in.f + each, each) > 0;
    if (applies)
        check_row(&in, a, f);
    free_instance(&in);
    return applies;
}

static void every_row_is_named(void **state) {
    const double started = seconds();
    size_t rows = 0, cases = 0;
    (void)state;
    draws = 21;
    for (size_t i = 0; i < cp_alternative_count; i++) {
        const struct cp_alternative *a = &cp_alternatives[i];
        size_t applied = 0;
        for (int kind = CP_OPERATION_NORMALIZE; kind < CP_OPERATION_KINDS && has_function(a); kind++)
            for (int variant = 0; variant < CASE_VARIANTS; variant++)
                applied += try_row(a, (enum cp_operation_kind)kind, &arithmetics[0], variant);
        if (has_function(a) && applied == 0)
            fail_msg("no case for %s", a->name);
        rows += has_function(a);
        cases += applied;
    }
    print_message("%zu rows in %zu cases, %.1f s\n", rows, cases, seconds() - started);
    assert_true(rows >= 50);
}

static struct cp_explanation explain_input(struct instance *in, size_t input) {
    struct cp_explanation e;
    struct cp_error err;
    double plain[INPUTS], share[INPUTS];
    assert_int_equal(
        cp_plain_rms(&in->c, (const float *const *)in->recorded, in->y, in->f, 0, plain, share, &err), CP_OK);
    assert_int_equal(cp_explain(&in->c, ideals_of(in), (const float *const *)in->recorded, in->y, in->f,
                                plain[input], input, &e, &err),
                     CP_OK);
    return e;
}

/* Other weights of a norm err about as much as statistics in bfloat16, and are not called that: no row's own
 * statistics explain them. Statistics that are in bfloat16 are, by their size; no residual is said to fall.
 */
static void sizes_alone_are_no_proof(void **state) {
    (void)state;
    draws = 22;
    for (int trial = 0; trial < 20; trial++) {
        struct instance in;
        make_case(&in, CP_OPERATION_NORM, &arithmetics[0], INPUTS, ROWS, WIDTH, 0);
        for (size_t i = 0; i < INPUTS * cp_case_elements(&in.c); i++) /* by channel, some 1 % */
            in.y[i] = (float)(in.f[i] * (1 + 0.004 * (double)((i % in.c.out) % 5)));
        const struct cp_explanation other = explain_input(&in, 1);
        if (other.alternative >= 0 && cp_alternatives[other.alternative].class == CP_ALTERNATIVE_TYPE)
            fail_msg("other weights are explained by %s", cp_alternatives[other.alternative].name);
        for (size_t row = 0; row < INPUTS * in.c.rows; row++) /* by row */
            for (size_t i = row * in.c.out; i < (row + 1) * in.c.out; i++) {
                const double bias = in.c.bias ? (double)in.c.bias[i % in.c.out] : 0;
                in.y[i] = (float)(bias + (in.f[i] - bias) * (1 + 0.002 * (double)(1 + row % 3)));
            }
        const struct cp_explanation rows = explain_input(&in, 1);
        assert_true(rows.alternative >= 0);
        if (cp_alternatives[rows.alternative].class == CP_ALTERNATIVE_TYPE)
            assert_true(isnan(rows.after));
        free_instance(&in);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_row_is_named),
                                       cmocka_unit_test(sizes_alone_are_no_proof)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
