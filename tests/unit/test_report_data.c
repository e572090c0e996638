/* SPDX-License-Identifier: GPL-3.0-or-later
 * Loading a result for a report: columns are found by name, what is not there is said to be so, and what has
 * another shape is refused in one line. */
#include "support/result.h"
#include "support/test.h"

#include "report/data/difference.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TAPS = 3, PICTURES = 3, RUNS = 2 };

#define GELU "visual.transformer.resblocks.0.mlp.gelu"
static const char *const taps[TAPS] = {GELU, "image_features", "text_features"};
static const char *const images[PICTURES] = {"a.png", "b.png", "c.png"};
static const char *const prompts[2] = {"a bag", "a dress, red"};
/* As an older program might have written them: fewer, in another order, and one that is not known. */
static const char *const metrics[] = {"different",          "invented",    "rel_l2",
                                      "worst_token_rel_l2", "worst_token", "cosine"};
static const char *const fields[] = {"rounding", "verdict", "inputs", "weights"};
static const char *const decisions[] = {"flip", "top1", "top1_baseline", "certified"};
static const char *const parts[CP_PART_COUNT] = {"total", "semantic", "rounding", "rounding_baseline"};
static const char *const runs[RUNS] = {"permuted-1", "stochastic-1"};
static const char *const bounds[2] = {"probable", "worst"};
static const char *const responses[2] = {"error", "dp_top1"};
static const char *const shares[2] = {"value", "share"};
static const char *const factors[2] = {"activation", "norm"};
static const char *const columns[2] = {"error", "kappa"};

/* Of the ledger, some and in another order. */
static const char *const operations[] = {"alternative", "verdict", "inputs", "bound", "settings", "residual"};

/* What is done to one object of the file. */
static struct change {
    const char *object;
    enum { MISSING, FLAT, LONGER, RENAMED, BEYOND } how; /* BEYOND: a value that is no code */
} change;

static struct cp_result *result;

static void put(const char *group, const char *name, int rank, const struct cp_dim *dims,
                const double *values) {
    struct cp_variable v = {.group = group, .name = name, .long_name = "x", .units = "1", .dtype = CP_FP64};
    const char *labels[64];
    double data[2048];
    char object[256];
    size_t count = 1, given = 1;
    int handle;
    (void)snprintf(object, sizeof object, "%s/%s", group, name);
    const bool changed = change.object && strcmp(change.object, object) == 0;
    if (changed && change.how == MISSING)
        return;
    v.rank = changed && change.how == FLAT ? 1 : rank;
    for (int d = 0; d < v.rank; d++) {
        v.dims[d] = dims[d];
        if (changed && change.how == LONGER && d == 0)
            v.dims[d] = (struct cp_dim){"longer", dims[d].length + 1, NULL};
        if (changed && change.how == RENAMED && d == v.rank - 1) {
            for (size_t i = 0; i < dims[d].length; i++)
                labels[i] = "none";
            v.dims[d] = (struct cp_dim){"renamed", dims[d].length, labels};
        }
        count *= v.dims[d].length;
        given *= dims[d].length;
    }
    assert_true(count <= sizeof data / sizeof *data);
    for (size_t i = 0; i < count; i++)
        data[i] = values ? values[i % given] : (double)i; /* a longer one begins again */
    if (changed && change.how == BEYOND)
        data[count - 3] = CP_VERDICT_COUNT; /* a verdict */
    assert_int_equal(cp_result_define(result, &v, &handle, &result_error), CP_OK);
    assert_int_equal(cp_result_write(result, handle, 0, v.dims[0].length, data, &result_error), CP_OK);
}

#define PUT(group, name, values, ...)                                                                        \
    put(group, name, (int)(sizeof((struct cp_dim[]){__VA_ARGS__}) / sizeof(struct cp_dim)),                  \
        (struct cp_dim[]){__VA_ARGS__}, values)

/* Of input i and part p: rel_l2 (i + 1) * 10^-p; the others follow from it. */
static void put_tap(const char *tap, const char *name, size_t inputs) {
    double values[PICTURES][CP_PART_COUNT][6];
    char group[128];
    (void)snprintf(group, sizeof group, "/metrics/erf/%s", tap);
    for (size_t i = 0; i < inputs; i++)
        for (int p = 0; p < CP_PART_COUNT; p++) {
            const double error = (double)(i + 1) * pow(10, -p);
            const double row[6] = {7, -1, error, 2 * error, (double)(10 + i), 1 - error / 100};
            memcpy(values[i][p], row, sizeof row);
        }
    const struct cp_dim input = strncmp(tap, "text", 4) == 0 ? (struct cp_dim){"prompt", inputs, prompts}
                                                             : (struct cp_dim){"image", inputs, images};
    PUT(group, name, &values[0][0][0], input, {"part", CP_PART_COUNT, parts}, {"metric", 6, metrics});
}

static void put_texts(void) {
    static const char *const facts[] = {"version",   "commit",    "compiler",        "flags",
                                        "libraries", "processor", "instruction_set", "time"};
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(cp_result_text(result, "/provenance", facts[i], "x", &result_error), CP_OK);
    assert_int_equal(cp_result_text(result, "/", "schema", "clip-parity/1", &result_error), CP_OK);
    assert_int_equal(cp_result_document(result, "/provenance", "experiment", "x",
                                        "experiment: e\nbaseline:\n  activation: quick\n  norm: welford\n",
                                        &result_error),
                     CP_OK);
}

static void put_needed(void) {
    static const double verdicts[TAPS][4] = {{CP_EQUIVALENT, CP_SEMANTIC_VERDICT, 3, 0},
                                             {CP_DEGRADED, CP_SEMANTIC_VERDICT, 3, 0},
                                             {CP_EQUIVALENT, CP_IDENTICAL, 3, 0}};
    put_texts();
    PUT("/metrics/erf", "verdicts", &verdicts[0][0], {"tap", TAPS, taps}, {"field", 4, fields});
    put_tap(taps[0], "metrics", PICTURES);
    put_tap(taps[1], "metrics", PICTURES);
    put_tap(taps[2], "metrics", 2);
}

/* The baseline's image features are contradicted; the candidate's activation has settings of its own. */
static void put_ledger(void) {
    static const double baseline[TAPS][6] = {{NAN, CP_LEDGER_EXPLAINED, 3, 0.5, NAN, 1e-7},
                                             {1, CP_LEDGER_CONTRADICTED, 3, 900, NAN, 0.5},
                                             {NAN, CP_LEDGER_EXACT, 2, 0, NAN, 0}},
                        own[TAPS][6] = {{NAN, CP_LEDGER_EXPLAINED, 3, 0.5, 0.02, 1e-7},
                                        {NAN, CP_LEDGER_EXPLAINED, 3, 0.5, NAN, 1e-7},
                                        {NAN, CP_LEDGER_UNCHECKED, 0, NAN, NAN, NAN}};
    assert_int_equal(cp_result_text(result, "/ledger", "alternatives", "tf32\nno causal mask", &result_error),
                     CP_OK);
    PUT("/ledger/baseline", "operations", &baseline[0][0], {"tap", TAPS, taps}, {"field", 6, operations});
    PUT("/ledger/erf", "operations", &own[0][0], {"tap", TAPS, taps}, {"field", 6, operations});
}

static void put_optional(void) {
    static const double local[TAPS][4] = {{CP_EQUIVALENT, CP_SEMANTIC_VERDICT, 3, 0},
                                          {CP_DEGRADED, CP_DEGRADED, 3, 0},
                                          {CP_EQUIVALENT, CP_SEMANTIC_VERDICT, 3, 1}};
    static const double decided[PICTURES][4] = {{0, 1, 1, 1}, {1, 0, 1, 0}, {0, 0, 0, 1}};
    static const double distances[PICTURES][RUNS] = {{3, 4}, {NAN, NAN}, {0, 5}};
    PUT("/metrics/erf", "local_verdicts", &local[0][0], {"tap", TAPS, taps}, {"field", 4, fields});
    put_tap(taps[0], "local", PICTURES);
    PUT("/metrics/erf/" GELU, "ulp_histogram", NULL, {"image", PICTURES, images}, {"bin", CP_ULP_BINS, NULL});
    PUT("/metrics/erf", "decisions", &decided[0][0], {"image", PICTURES, images}, {"decision", 4, decisions});
    PUT("/metrics/erf", "propagation", NULL, {"segment", 2, taps}, {"propagation_field", 2, columns});
    PUT("/floor/" GELU, "rel_l2", &distances[0][0], {"image", PICTURES, images}, {"run", RUNS, runs});
    PUT("/bracket", "bounds", NULL, {"tap", TAPS, taps}, {"bound", 2, bounds});
    PUT("/attribution/factorial", "shapley", NULL, {"factor", 2, factors}, {"response", 2, responses},
        {"field", 2, shares});
    PUT("/attribution/layers", "visual", NULL, {"component", 2, factors}, {"layer", 4, NULL});
    PUT("/inputs", "thumbnail", NULL, {"first_image", 2, images}, {"y", 4, NULL}, {"x", 4, NULL},
        {"colour", 3, NULL});
    PUT("/captures/baseline/" GELU, "value", NULL, {"image", PICTURES, images});
    put_ledger();
}

static struct cp_report report;

static enum cp_status load(bool optional, struct change how) {
    const char *path = in_folder("report.h5");
    char digest[65];
    change = how;
    assert_int_equal(cp_result_create(path, 0, "print", &result, &result_error), CP_OK);
    put_needed();
    if (optional)
        put_optional();
    assert_int_equal(cp_result_finish(result, digest, &result_error), CP_OK);
    cp_result_close(result, 0);
    return cp_report_load(path, &report, &result_error);
}

static void near(double value, double expected) {
    if (!(fabs(value - expected) <= 1e-12 * fabs(expected)))
        fail_msg("%.17g is not %.17g", value, expected);
}

static void columns_are_found_by_name(void **state) {
    (void)state;
    assert_int_equal(load(false, (struct change){0}), CP_OK);
    const struct cp_report_candidate *c = &report.candidate[0];
    const struct cp_report_tap *tap = &c->tap[0];
    assert_int_equal(c->taps, TAPS);
    assert_int_equal((int)tap->verdict[CP_FIELD_VERDICT], CP_SEMANTIC_VERDICT);
    assert_int_equal((int)tap->verdict[CP_FIELD_ROUNDING], CP_EQUIVALENT);
    assert_true(isnan(tap->verdict[CP_FIELD_RATIO]));
    for (int p = 0; p < CP_PART_COUNT; p++)
        near(tap->over_inputs.mean_rel[p], 2 * pow(10, -p));
    near(tap->over_inputs.different, 21);
    near(tap->metric[CP_REL_L2].worst, 3);
    assert_string_equal(cp_report_input(tap, tap->metric[CP_REL_L2].input), "c.png");
    near(tap->metric[CP_COSINE].worst, 0.97);
    near(tap->metric[CP_WORST_ROW].worst, 12); /* of the input whose token is worst */
    assert_true(isnan(tap->metric[CP_WORST_ROW].mean));
    assert_true(isnan(tap->metric[CP_BEYOND].worst));
    assert_string_equal(c->baseline, "the baseline (activation: quick, norm: welford)");
    assert_int_equal(tap->layer, 0);
    assert_int_equal(tap->point, CP_MLP_GELU);
    cp_report_free(&report);
}

static void what_is_not_there_is_said_so(void **state) {
    (void)state;
    assert_int_equal(load(false, (struct change){0}), CP_OK);
    const struct cp_report_candidate *c = &report.candidate[0];
    assert_false(c->local);
    assert_false(c->certificates);
    assert_int_equal(c->stages, 0);
    assert_int_equal(c->counts.images, 0);
    assert_false(c->ledger || c->broken);
    assert_null(c->difference);
    assert_null(report.effects.values);
    assert_null(report.layers[0].values);
    assert_int_equal(report.thumbnails, 0);
    for (size_t t = 0; t < TAPS; t++) {
        assert_null(c->tap[t].ulp);
        assert_true(isnan(c->tap[t].floor) && isnan(c->tap[t].bracket[0]) && isnan(c->tap[t].local_rel[0]));
        assert_int_equal(c->tap[t].cause, CP_CAUSE_NONE);
        assert_string_equal(c->tap[t].recorded, "off");
    }
    cp_report_free(&report);
}

static void all_that_is_there_is_read(void **state) {
    (void)state;
    assert_int_equal(load(true, (struct change){0}), CP_OK);
    const struct cp_report_candidate *c = &report.candidate[0];
    const struct cp_report_tap *tap = c->tap;
    assert_int_equal(tap[0].cause, CP_CAUSE_SEMANTIC);
    assert_int_equal(tap[1].cause, CP_CAUSE_ROUNDING);
    assert_int_equal(tap[2].cause, CP_CAUSE_WEIGHTS);
    near(tap[0].local_rel[CP_SEMANTIC], 0.2);
    assert_false(tap[1].local);
    near(tap[0].ulp[1], 1 + (1 + 34) + (1 + 68));
    near(tap[0].floor, sqrt((9 + 16 + 0 + 25) / 4.0));
    near(tap[1].bracket[CP_BOUND_WORST], 3);
    near(tap[1].bracket[CP_BOUND_PROBABLE], 2);
    assert_string_equal(tap[0].recorded, "full");
    assert_int_equal(c->counts.flips, 1);
    assert_true(c->certificates);
    assert_int_equal(c->counts.certified, 2);
    near(c->decisions[CP_DECISION_COUNT + CP_TOP1_REFERENCE], 1);
    assert_int_equal(c->stages, 2);
    near(c->stage[1].field[CP_PROPAGATION_KAPPA], 3);
    assert_true(isnan(c->stage[1].field[CP_PROPAGATION_LEFT]));
    near(cp_report_cell(&report.shapley, 1, "dp_top1", "share"), 7);
    assert_true(isnan(cp_report_cell(&report.shapley, 1, "nothing", "share")));
    near(report.layers[CP_VISUAL].values[5], 5);
    cp_report_free(&report);
}

static void both_ledgers_are_read(void **state) {
    (void)state;
    assert_int_equal(load(true, (struct change){0}), CP_OK);
    const struct cp_report_candidate *c = &report.candidate[0];
    assert_true(c->ledger && c->broken);
    near(c->tap[1].ledger[0][CP_OPERATION_FIELD_BOUND], 900);
    assert_true(isnan(c->tap[1].ledger[0][CP_OPERATION_FIELD_COARSENESS]));
    near(c->tap[0].ledger[1][CP_OPERATION_FIELD_SETTINGS], 0.02);
    assert_true(cp_report_has(&c->tap[0], 1, CP_OWN_SETTINGS));
    assert_true(cp_report_has(&c->tap[1], 0, CP_OWN_CONTRADICTED));
    assert_false(cp_report_has(&c->tap[1], 1, CP_OWN_CONTRADICTED));
    assert_int_equal(cp_report_state(&c->tap[1]), CP_CONTRADICTED_VERDICT);
    assert_int_equal(c->difference->agreement.parts, 3);
    assert_string_equal(cp_own_explanation(&c->difference->agreement.part[1], &c->difference->words),
                        "no causal mask");
    for (size_t t = 0; t < TAPS; t++)
        assert_int_not_equal((int)c->tap[t].verdict[CP_FIELD_ROUNDING], CP_EQUIVALENT);
    cp_report_free(&report);
}

static void pictures_are_read_on_demand(void **state) {
    struct cp_arena arena = {0};
    const double *pixels;
    (void)state;
    assert_int_equal(load(true, (struct change){0}), CP_OK);
    assert_int_equal(report.thumbnails, 2);
    assert_int_equal(report.thumbnail_side, 4);
    assert_int_equal(cp_report_thumbnails(&report, &arena, &pixels, &result_error), CP_OK);
    near(pixels[95], 95);
    cp_arena_free(&arena);
    cp_report_free(&report);
}

static void another_shape_is_refused(void **state) {
    static const struct change changes[] = {
        {"/metrics/erf/verdicts", FLAT},
        {"/metrics/erf/verdicts", RENAMED},
        {"/metrics/erf/verdicts", MISSING},
        {"/metrics/erf/verdicts", BEYOND},
        {"/metrics/erf/local_verdicts", BEYOND},
        {"/metrics/erf/" GELU "/metrics", FLAT},
        {"/metrics/erf/" GELU "/metrics", RENAMED},
        {"/metrics/erf/" GELU "/metrics", MISSING},
        {"/metrics/erf/local_verdicts", FLAT},
        {"/metrics/erf/local_verdicts", LONGER},
        {"/metrics/erf/" GELU "/local", FLAT},
        {"/metrics/erf/" GELU "/ulp_histogram", FLAT},
        {"/metrics/erf/decisions", LONGER},
        {"/metrics/erf/decisions", RENAMED},
        {"/metrics/erf/propagation", FLAT},
        {"/metrics/erf/propagation", LONGER},
        {"/floor/" GELU "/rel_l2", FLAT},
        {"/bracket/bounds", RENAMED},
        {"/bracket/bounds", LONGER},
        {"/attribution/factorial/shapley", FLAT},
        {"/attribution/factorial/shapley", LONGER},
        {"/attribution/layers/visual", LONGER},
        {"/inputs/thumbnail", FLAT},
        {"/ledger/erf/operations", FLAT},
        {"/ledger/erf/operations", LONGER},
        {"/ledger/erf/operations", RENAMED},
        {"/ledger/baseline/operations", FLAT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        result_error = (struct cp_error){CP_OK, "", "", ""};
        const enum cp_status status = load(true, changes[i]);
        if (status == CP_OK)
            fail_msg("%s, change %d: was read", changes[i].object, (int)changes[i].how);
        assert_failure(status, CP_BAD_INPUT, changes[i].how == MISSING ? "" : changes[i].object);
        cp_report_free(&report);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_found_by_name), cmocka_unit_test(what_is_not_there_is_said_so),
        cmocka_unit_test(all_that_is_there_is_read), cmocka_unit_test(pictures_are_read_on_demand),
        cmocka_unit_test(both_ledgers_are_read),     cmocka_unit_test(another_shape_is_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
