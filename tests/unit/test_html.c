/* SPDX-License-Identifier: GPL-3.0-or-later
 * The page of a large result stays small enough to be mailed, and no name in a result can become markup or
 * end the page's data. */
#include "support/test.h"

#include "report/data/difference.h"
#include "report/forms/forms.h"
#include "report/html/html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ViT-L/14: 24 and 12 blocks of 14 taps, and what is outside them. */
enum { CANDIDATES = 10, TAPS = 36 * 14 + 14, IMAGES = 100, LIMIT = 5000000, THUMBNAILS = 400000 };

static struct cp_report report;
static struct cp_report_candidate candidates[CANDIDATES];
static struct cp_report_tap taps[CANDIDATES][TAPS];
static struct cp_report_places places;
static double ledger[CANDIDATES][TAPS][2][CP_OPERATION_FIELD_COUNT];
static const char *alternatives[] = {"</script><s>&"};
static double ulp[CP_ULP_BINS], decisions[IMAGES * CP_DECISION_COUNT];
static char names[TAPS][64];
static const char *images[IMAGES];

/* Of every size, so that three digits are taken up. */
static double some_number(void) {
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return exp(-30 * (double)(state >> 33) / 2147483648.0);
}

/* Places and values have no mean. */
static bool is_place(int metric) {
    return (metric >= CP_WORST_ROW && metric <= CP_WORST_Y) ||
           (metric >= CP_WORST_ROW_X && metric <= CP_WORST_CHANNEL_Y && metric != CP_WORST_CHANNEL_REL_L2);
}

/* Contradicted, and in one of four explained, by something with a name like markup. */
static void fill_ledger(double rows[2][CP_OPERATION_FIELD_COUNT], size_t t) {
    for (int side = 0; side < 2; side++) {
        for (int f = 0; f < CP_OPERATION_FIELD_COUNT; f++)
            rows[side][f] = some_number();
        for (int f = CP_OPERATION_FIELD_INPUTS; f <= CP_OPERATION_FIELD_WORST; f++)
            rows[side][f] = IMAGES;
        rows[side][CP_OPERATION_FIELD_VERDICT] = side ? CP_LEDGER_CONTRADICTED : CP_LEDGER_EXPLAINED;
        rows[side][CP_OPERATION_FIELD_BASIS] = CP_BASIS_BOUND;
        for (int f = CP_OPERATION_FIELD_ALTERNATIVE; f < CP_OPERATION_FIELD_COUNT; f++)
            rows[side][f] = t % 4 ? NAN : some_number();
        rows[side][CP_OPERATION_FIELD_ALTERNATIVE] = t % 4 ? NAN : 0;
        rows[side][CP_OPERATION_FIELD_SLOPE] = NAN;
    }
}

static void fill_tap(struct cp_report_tap *tap, size_t t, double rows[2][CP_OPERATION_FIELD_COUNT]) {
    fill_ledger(rows, t);
    const bool visual = t < 24 * 14 + 7;
    *tap = (struct cp_report_tap){.name = names[t],
                                  .tower = visual ? CP_VISUAL : CP_TEXT,
                                  .inputs = &report.images,
                                  .recorded = "stats",
                                  .local = true,
                                  .ulp = ulp,
                                  .ledger = {rows[0], rows[1]},
                                  .over_inputs = {.compared = 1, .different = 1},
                                  .places = visual ? &places : NULL,
                                  .floor = some_number(),
                                  .bracket = {some_number(), some_number()}};
    cp_tap_address(tap->name, tap->address);
    for (int part = 0; part < CP_PART_COUNT; part++)
        tap->over_inputs.mean_rel[part] = tap->local_rel[part] = some_number();
    for (int m = 0; m < CP_METRIC_COUNT; m++)
        tap->metric[m] = (struct cp_report_metric){is_place(m) ? NAN : some_number(), some_number(), 7};
    for (int f = CP_FIELD_INPUTS; f < CP_VERDICT_FIELDS; f++)
        tap->verdict[f] = tap->local_verdict[f] = some_number();
    for (int f = CP_FIELD_FAILING; f < CP_VERDICT_FIELDS; f++)
        tap->verdict[f] = tap->local_verdict[f] = IMAGES - 1;
    tap->verdict[CP_FIELD_VERDICT] = tap->local_verdict[CP_FIELD_VERDICT] = CP_SEMANTIC_VERDICT;
    tap->verdict[CP_FIELD_ROUNDING] = tap->local_verdict[CP_FIELD_ROUNDING] = CP_EQUIVALENT;
}

static void name_taps(void) {
    for (size_t t = 0; t < TAPS; t++)
        (void)snprintf(names[t], sizeof names[t], "%stransformer.resblocks.%zu.mlp.%c_proj",
                       t < 24 * 14 + 7 ? "visual." : "", t / 14, (int)('a' + t % 14));
}

static int make_report(void **state) {
    struct cp_error err = {0};
    (void)state;
    name_taps();
    for (size_t b = 0; b < 16; b++)
        ulp[b] = 123456;
    places = (struct cp_report_places){.worst = CP_REPORT_WORST, .patches = CP_REPORT_PATCHES};
    for (size_t p = 0; p < CP_REPORT_PATCHES; p++)
        places.patch[p] = (struct cp_report_patch){200 + p, 10};
    for (size_t w = 0; w < CP_REPORT_WORST; w++)
        places.worst_of[w] = (struct cp_report_worst){90 + w, 230, some_number()};
    for (size_t i = 0; i < IMAGES; i++)
        images[i] = "ILSVRC2012_val_00000001.JPEG";
    report = (struct cp_report){.path = "/nowhere.h5",
                                .name = "</script><b>\"'&",
                                .hypothesis = "<!-- & </title>",
                                .experiment = "</pre><script>",
                                .file = "experiments/\"<a>\".yaml",
                                .candidates = CANDIDATES,
                                .candidate = candidates,
                                .images = {IMAGES, images},
                                .alternatives = {1, alternatives},
                                .patch_grid = 16};
    for (size_t c = 0; c < CANDIDATES; c++) {
        candidates[c] =
            (struct cp_report_candidate){.name = c ? "candidate" : "<i>&\"",
                                         .baseline = "the baseline",
                                         .taps = TAPS,
                                         .tap = taps[c],
                                         .judged = true,
                                         .local = true,
                                         .ledger = true,
                                         .counts = {.images = IMAGES, .decided = IMAGES, .flips = IMAGES},
                                         .decisions = decisions};
        for (size_t t = 0; t < TAPS; t++)
            fill_tap(&taps[c][t], t, ledger[c][t]);
        assert_int_equal(cp_report_find_difference(&report, &candidates[c], &err), CP_OK);
    }
    for (size_t i = 0; i < IMAGES * CP_DECISION_COUNT; i++)
        decisions[i] = 1;
    return 0;
}

static int free_report(void **state) {
    (void)state;
    cp_arena_free(&report.arena);
    return 0;
}

/* Free it. */
static char *page(size_t *size) {
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    assert_non_null(out);
    struct cp_error err = {0};
    assert_int_equal(cp_report_form_html.write(&report, out, &err), CP_OK);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void a_large_result_makes_a_small_page(void **state) {
    size_t size;
    (void)state;
    free(page(&size));
    print_message("%zu bytes, and up to %d of pictures\n", size, THUMBNAILS);
    assert_in_range(size, 1000000, LIMIT - THUMBNAILS);
}

static size_t count_of(const char *text, const char *word) {
    size_t count = 0;
    for (; (text = strstr(text, word)); text++)
        count++;
    return count;
}

static void names_are_text(void **state) {
    size_t size;
    char *text = page(&size);
    (void)state;
    assert_int_equal(count_of(text, "<script"), count_of(text, "</script>"));
    assert_int_equal(count_of(text, "<b>\"'"), 0);
    assert_int_equal(count_of(text, "<i>&"), 0);
    assert_int_equal(count_of(text, "<s>&"), 0);
    assert_non_null(strstr(text, "explained by: &lt;/script&gt;&lt;s&gt;&amp;"));
    assert_non_null(strstr(
        text, "<a class=v8 href=#0.0 aria-label=\"&lt;i&gt;&amp;&quot; visual.0.mlp.a_proj contradicted "));
    assert_int_equal(count_of(text, "</pre>"), 1);
    assert_non_null(strstr(text, "&lt;/script&gt;&lt;b&gt;&quot;'&amp;</h1>"));
    assert_non_null(strstr(text, "{\"experiment\":\"\\u003c/script>\\u003cb>\\\"'&\""));
    free(text);
}

static void numbers_are_short(void **state) {
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0"},
                 {12, "12"},
                 {-0.5, "-0.5"},
                 {0.0123456, "1.23e-2"},
                 {9.999e-8, "1.00e-7"},
                 {123456.5, "1.23e5"},
                 {NAN, "&ndash;"},
                 {INFINITY, "&infin;"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        cp_html_number(out, cases[i].value);
        assert_int_equal(fclose(out), 0);
        assert_string_equal(text, cases[i].text);
        free(text);
    }
}

static void columns_are_short(void **state) {
    static const struct {
        double values[4];
        const char *text;
    } cases[] = {{{2, 2, 2, 2}, "2"},
                 {{1, 2, 3, 4}, "[1,2,3,4]"},
                 {{1, NAN, 3, 4}, "[1,null,3,4]"},
                 /* three digits each, in 24 bits to nearest */
                 {{1.2345e-5, NAN, -6.789e-20, 3.14159e7}, "\"~HU83AMB/TaCfr+9L\""},
                 /* whole numbers that are shown in full, in 32 */
                 {{123457, 234561, 987654, 654321}, "\"gCDxR0AQZUhgIHFJEL8fSQ==\""}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        cp_html_json_values(out, cases[i].values, 4);
        assert_int_equal(fclose(out), 0);
        assert_string_equal(text, cases[i].text);
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_result_makes_a_small_page),
        cmocka_unit_test(names_are_text),
        cmocka_unit_test(numbers_are_short),
        cmocka_unit_test(columns_are_short),
    };
    return cmocka_run_group_tests(tests, make_report, free_report);
}
