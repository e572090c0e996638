/* SPDX-License-Identifier: GPL-3.0-or-later
 * The attribution in a result against the metrics and decisions of the same file, put together the long way;
 * and a stopped run that goes on to the same content. */
#include "support/process.h"
#include "support/program.h"
#include "support/result.h"
#include "support/test.h"

#include "num/metrics.h"
#include "tap/compare.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IMAGES_RUN = 6, PROMPTS_RUN = 2, CELLS = 4, FIELDS = 4, SHARES = 7, RESPONSES = 2, LAYERS_IMAGE = 6 };

#define DESIGN                                                                                               \
    "factorial={act: {activation: erf}, half: {attention.compute: bf16}}",                                   \
        "layerwise={activation: erf, norm.eps: 1e-3}",                                                       \
        "record={\"*\": \"off\", \"*_features\": digest, probs: digest}", "local=off", "floor=0",            \
        "threads=1"

static char output[300];
static const char *const cell_names[CELLS] = {NULL, "act", "half", "act+half"};

static int prepare_folder(void **state) {
    const int failed = make_folder(state);
    (void)snprintf(output, sizeof output, "output=%s", in_folder("a.h5"));
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* a dataset that should be missing is no news */
    return failed;
}

static void read_all(const char *path, double *values, size_t count) {
    if (read_dataset(in_folder("a.h5"), path, H5T_NATIVE_DOUBLE, values, count) != (long)count)
        fail_msg("%s does not hold %zu numbers", path, count);
}

/* The relative L2 of each input at a tap. */
static void read_errors(const char *candidate, const char *tap, size_t inputs, double *errors) {
    static double metrics[IMAGES_RUN * CP_PART_COUNT * CP_METRIC_COUNT];
    char path[256];
    (void)snprintf(path, sizeof path, "/metrics/%s/%s/metrics", candidate, tap);
    read_all(path, metrics, inputs * CP_PART_COUNT * CP_METRIC_COUNT);
    for (size_t i = 0; i < inputs; i++)
        errors[i] = metrics[i * CP_PART_COUNT * CP_METRIC_COUNT + CP_REL_L2];
}

static void read_responses(double error[CELLS][IMAGES_RUN], double dp[CELLS][IMAGES_RUN]) {
    for (size_t i = 0; i < IMAGES_RUN; i++)
        error[0][i] = dp[0][i] = 0;
    for (size_t c = 1; c < CELLS; c++) {
        double rows[IMAGES_RUN][CP_DECISION_COUNT];
        char path[256];
        read_errors(cell_names[c], "image_features", IMAGES_RUN, error[c]);
        (void)snprintf(path, sizeof path, "/metrics/%s/decisions", cell_names[c]);
        read_all(path, rows[0], sizeof rows / sizeof(double));
        for (size_t i = 0; i < IMAGES_RUN; i++)
            dp[c][i] = rows[i][CP_DP_TOP1];
    }
}

static void assert_near(double found, double expected, double scale) {
    if (!(fabs(found - expected) <= 1e-12 * scale))
        fail_msg("%.17g, expected %.17g", found, expected);
}

/* What effects are differences of. */
static double largest_of(double y[CELLS][IMAGES_RUN]) {
    double largest = 0;
    for (size_t c = 0; c < CELLS; c++)
        for (size_t i = 0; i < IMAGES_RUN; i++)
            largest = fmax(largest, fabs(y[c][i]));
    return largest;
}

/* effects: act, half, act x half, by the definition: differences of mean responses. */
static void check_effects(double y[CELLS][IMAGES_RUN], double effects[3][RESPONSES][FIELDS],
                          size_t response) {
    double mean[3] = {0}, square[3] = {0};
    for (size_t i = 0; i < IMAGES_RUN; i++) {
        const double of[3] = {(y[1][i] + y[3][i] - y[0][i] - y[2][i]) / 2,
                              (y[2][i] + y[3][i] - y[0][i] - y[1][i]) / 2,
                              ((y[3][i] - y[2][i]) - (y[1][i] - y[0][i])) / 2};
        for (size_t e = 0; e < 3; e++) {
            mean[e] += of[e] / IMAGES_RUN;
            square[e] += of[e] * of[e] / IMAGES_RUN;
        }
    }
    for (size_t e = 0; e < 3; e++) {
        const double *field = effects[e][response];
        const double error = sqrt((square[e] - mean[e] * mean[e]) / (IMAGES_RUN - 1));
        assert_near(field[0], mean[e], largest_of(y));
        assert_true(fabs(field[1] / error - 1) < 1e-8);
        assert_true(field[2] < field[0] && field[0] < field[3]);
    }
}

/* Of two factors each has half of what it does alone and half of what it does last. */
static void check_shapley(double v[CELLS][IMAGES_RUN], double values[2][RESPONSES][SHARES], size_t response) {
    double own[2] = {0}, all = 0;
    for (size_t i = 0; i < IMAGES_RUN; i++) {
        own[0] += (v[1][i] - v[0][i] + v[3][i] - v[2][i]) / 2 / IMAGES_RUN;
        own[1] += (v[2][i] - v[0][i] + v[3][i] - v[1][i]) / 2 / IMAGES_RUN;
        all += (v[3][i] - v[0][i]) / IMAGES_RUN;
    }
    for (size_t f = 0; f < 2; f++) {
        assert_near(values[f][response][0], own[f], largest_of(v));
        assert_near(values[f][response][4], own[f] / all, fabs(largest_of(v) / all));
        assert_true(values[f][response][2] < own[f] && own[f] < values[f][response][3]);
        assert_true(values[f][response][5] < own[f] / all && own[f] / all < values[f][response][6]);
    }
    assert_near(values[0][response][4] + values[1][response][4], 1, 1);
}

static void test_factorial(void **state) {
    double error[CELLS][IMAGES_RUN], dp[CELLS][IMAGES_RUN], cells[3][2] = {{0}};
    double effects[3][RESPONSES][FIELDS], values[2][RESPONSES][SHARES];
    (void)state;
    const struct ended ended = assert_done(RUN(NULL, SMALL_RUN, output, DESIGN));
    assert_non_null(strstr(ended.out, "\n  act x half "));
    read_responses(error, dp);
    for (size_t c = 0; c < CELLS; c++)
        for (size_t i = 0; i < IMAGES_RUN; i++)
            error[c][i] *= error[c][i];
    read_all("/attribution/factorial/effects", effects[0][0], sizeof effects / sizeof(double));
    read_all("/attribution/factorial/shapley", values[0][0], sizeof values / sizeof(double));
    read_all("/attribution/factorial/cells", cells[0], 6);
    assert_true(cells[0][0] == 1 && cells[0][1] == 0 && cells[1][0] == 0 && cells[1][1] == 1 &&
                cells[2][0] == 1 && cells[2][1] == 1);
    check_shapley(error, values, 0);
    check_shapley(dp, values, 1);
    check_effects(dp, effects, 1);
    check_effects(error, effects, 0);
    assert_true(effects[0][0][0] > 1e-5); /* the activation moves the features by more than 3e-3 */
}

/* The file, read whole. */
static const char *report_as(const char *form) {
    static char text[1 << 23];
    const char *path = in_folder("form");
    (void)unlink(path);
    (void)assert_done(RUN(NULL, "report", in_folder("a.h5"), form, "-o", path));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    return text;
}

/* Shares have their intervals in every form, in which two swaps and two responses are told. */
static void test_reports(void **state) {
    static const struct {
        const char *form, *says, *interval;
    } forms[] = {
        {"--term", "\n  Shapley shares of squared_error, 95 % intervals\n", " % ("},
        {"--md", "\n## Shapley shares of squared_error\n", "\n| swap | value | share | from | to (95 %) |\n"},
        {"--html", "<h3>Shapley shares of squared_error</h3>", "<path class=interval "},
        {"--json", "\"response\":\"squared_error\"", "\"share_high\":"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const char *text = report_as(forms[i].form), *found = strstr(text, forms[i].says);
        if (!found || !strstr(found, forms[i].interval))
            fail_msg("%s lacks %s or %s", forms[i].form, forms[i].says, forms[i].interval);
        assert_null(strstr(text, "log_error"));
    }
}

/* Every layer's number is the mean of the metrics of the candidate of that name. */
static void check_layers(const char *tower, const char *tap, size_t inputs, size_t layers) {
    static const char *const components[] = {"activation=erf", "norm.eps=1e-3"};
    double heat[2 * LAYERS_IMAGE], errors[IMAGES_RUN];
    char path[64];
    (void)snprintf(path, sizeof path, "/attribution/layers/%s", tower);
    read_all(path, heat, 2 * layers);
    for (size_t i = 0; i < 2; i++)
        for (size_t layer = 0; layer < layers; layer++) {
            double mean = 0;
            (void)snprintf(path, sizeof path, "%s@%s.%zu", components[i], tower, layer);
            read_errors(path, tap, inputs, errors);
            for (size_t input = 0; input < inputs; input++)
                mean += errors[input] / (double)inputs;
            assert_near(heat[i * layers + layer], mean, mean);
            assert_true(mean > 1e-6 && mean < 0.1);
        }
}

static void test_layers(void **state) {
    (void)state;
    check_layers("visual", "image_features", IMAGES_RUN, LAYERS_IMAGE);
    check_layers("text", "text_features", PROMPTS_RUN, 4);
}

/* Without images the prompts' features are the response, and nothing is decided. */
static void test_prompts_alone(void **state) {
    double effects[3][FIELDS] = {{0}}, heat[2][4];
    (void)state;
    (void)assert_done(RUN(NULL, SMALL_RUN, output, DESIGN, "inputs={prompts: [a bag, a dress]}",
                          "record={\"*_features\": digest}"));
    read_all("/attribution/factorial/effects", effects[0], sizeof effects / sizeof(double));
    read_all("/attribution/layers/text", heat[0], 8);
    assert_true(effects[0][0] > 1e-6); /* more than 1e-3 at text_features */
    assert_int_equal(
        read_dataset(in_folder("a.h5"), "/attribution/layers/visual", H5T_NATIVE_DOUBLE, heat, 8), -1);
}

static void fix_time(void) {
    (void)setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
}

/* Stopped after the first batch and resumed: the content of a run that nothing stopped. */
static void test_resume(void **state) {
    char content[80];
    struct ended ended = assert_done(RUN(NULL, SMALL_RUN, output, DESIGN));
    (void)state;
    (void)snprintf(content, sizeof content, "%.72s", strstr(ended.out, "content "));
    assert_int_equal(unlink(in_folder("a.h5")), 0);
    struct ended stopped = {.code = -1};
    struct process run = start_program((const char *const[]){SMALL_RUN, output, DESIGN, NULL}, fix_time);
    assert_true(wait_for(&run, "of 8 inputs", &stopped));
    (void)kill(run.pid, SIGTERM);
    wait_until_ended(&run, &stopped);
    assert_int_equal(stopped.code, 143);
    ended = assert_done(RUN(NULL, SMALL_RUN, output, DESIGN, "--resume"));
    assert_non_null(strstr(ended.out, content));
}

/* The cells are in the plan; those of layers too, which the experiment alone cannot name. */
static void test_dry_run(void **state) {
    (void)state;
    const struct ended ended = assert_done(RUN(NULL, SMALL_RUN, output, DESIGN, "--dry-run", "-v"));
    assert_non_null(strstr(ended.out, "\nfactorial:\n  act:\n    activation: erf\n"));
    assert_non_null(strstr(ended.out, "\nlayerwise:\n  activation: erf\n"));
    assert_non_null(strstr(ended.out, "\n# act+half\nactivation: erf\n"));
    assert_non_null(
        strstr(ended.out, "\n# activation=erf@visual.5\nactivation: quick, from visual.5 on erf, "));
    assert_non_null(strstr(ended.out, "\n# norm.eps=1e-3@text.3\n"));
    assert_non_null(strstr(
        ended.out, "\n# passes      25: baseline, erf, ")); /* baseline, erf, 3 cells, 2 times 10 layers */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_factorial),     cmocka_unit_test(test_reports), cmocka_unit_test(test_layers),
        cmocka_unit_test(test_prompts_alone), cmocka_unit_test(test_resume),  cmocka_unit_test(test_dry_run),
    };
    return cmocka_run_group_tests(tests, prepare_folder, remove_folder);
}
