/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reports of a small run: what they say, that the page asks for nothing from outside, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "program_fixture.h"

static char text[1 << 20];

static int run_it(void **state) {
    (void)state;
    return run_program("run experiments/quickgelu-vs-gelu.yaml inputs.limit=12 local=off floor=0 "
                       "output=$OUT 'hypothesis=\"a "
                       "<b> & c\"' 'candidates={erf: "
                       "{activation: erf}, welford: {norm: welford}, same: {}}' 'record={\"*\": \"off\", "
                       "\"*.mlp.gelu\": digest, \"*_features\": stats, class_probs: stats}'",
                       text, sizeof text);
}

static int remove_it(void **state) {
    (void)state;
    return unlink(scratch_output());
}

static void report(const char *arguments) {
    const int code = run_program(arguments, text, sizeof text);
    if (code != 0)
        print_error("%s: %s\n", arguments, text);
    assert_int_equal(code, 0);
}

static void the_page_answers_in_words(void **state) {
    (void)state;
    report("report $OUT -o -");
    assert_non_null(strstr(
        text, "<strong>erf</strong> differs in maths from the baseline (activation: quick), from block 0's "
              "activation on in both towers; rounding explains none of it. "));
    assert_non_null(strstr(
        text, "<strong>welford</strong> computes the same maths as the baseline (activation: quick); "));
    assert_non_null(
        strstr(text, "<strong>same</strong> has the bits of the baseline (activation: quick) everywhere. "));
    assert_non_null(strstr(text, "of 12 decisions change"));
    assert_non_null(strstr(text, "</html>"));
    assert_non_null(strstr(text, "default-src 'none'"));
}

/* Nothing is loaded, only the page's own scripts can run, and a name cannot become markup. */
static void the_page_stands_alone(void **state) {
    static const char *const outside[] = {"<link", "<iframe",           " src=", "url(", "@import",
                                          "<b>",   "http-equiv=refresh"};
    size_t scripts = 0, hashes = 0;
    (void)state;
    report("report $OUT -o -");
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        assert_null(strstr(text, outside[i]));
    assert_null(strstr(text, "unsafe"));
    for (const char *at = text; (at = strstr(at, "<script>")); at++)
        scripts++;
    const char *policy = strstr(text, "; script-src");
    assert_non_null(policy);
    for (const char *at = policy; (at = strstr(at, "'sha256-")) && at < strstr(policy, "<title>"); at++)
        hashes++;
    assert_int_equal(scripts, hashes);
    assert_in_range(scripts, 2, 20);
    assert_non_null(strstr(text, "Hypothesis: a &lt;b&gt; &amp; c<"));
}

/* Each verdict is a link to its tap in detail, and says what it is. */
static void verdicts_lead_to_their_taps(void **state) {
    size_t links = 0;
    (void)state;
    report("report $OUT -o -");
    for (const char *at = text; (at = strstr(at, "<td><a class=v")); at++)
        links++;
    /* Three candidates: ten mlp.gelu, each in a block that has a row of its own; features, class_probs. */
    assert_int_equal(links, 3 * (2 * 10 + 3 + 1));
    assert_non_null(strstr(text, "<a class=v3 href=#0.0 aria-label=\"erf visual.0.mlp.gelu semantic "));
    assert_non_null(strstr(text, "\"taps\":[\"visual.transformer.resblocks.0.mlp.gelu\","));
}

static void the_table_has_a_row_for_each_tap(void **state) {
    size_t rows = 0, commas = 0, first = 0;
    (void)state;
    report("report $OUT --csv -o -");
    for (const char *c = text; *c; c++) {
        commas += *c == ',';
        if (*c != '\n')
            continue;
        first = rows++ == 0 ? commas : first;
        assert_int_equal(commas, first);
        commas = 0;
    }
    /* mlp.gelu of 6 + 4 blocks, three features, class_probs; three candidates; the header. */
    assert_int_equal(rows, 3 * (10 + 3 + 1) + 1);
    assert_non_null(
        strstr(text, "\nerf,visual,visual.transformer.resblocks.0.mlp.gelu,semantic,equivalent,"));
    assert_non_null(strstr(text, "\nsame,joint,class_probs,identical,equivalent,0,0,"));
}

static void a_file_is_written_whole(void **state) {
    char page[96], command[256];
    (void)state;
    (void)snprintf(page, sizeof page, "%.*s.html", (int)strlen(scratch_output()) - 3, scratch_output());
    report("report $OUT");
    assert_non_null(strstr(text, page));
    assert_int_equal(unlink(page), 0);
    (void)snprintf(command, sizeof command, "report $OUT -o %s/nowhere/page.html", scratch_output());
    assert_int_equal(run_program(command, text, sizeof text), 3);
    assert_non_null(strstr(text, "cannot be written"));
    assert_int_equal(run_program("report $OUT -o /dev/full", text, sizeof text), 3);
    assert_non_null(strstr(text, "is no regular file"));
    assert_int_equal(run_program("report $OUT -o - 2>&1 >/dev/full", text, sizeof text), 2);
}

static void what_is_no_result_is_refused(void **state) {
    static const struct {
        const char *arguments;
        int code;
        const char *says;
    } cases[] = {
        {"report", 4, "no result"},
        {"report --pdf $OUT", 4, "unknown option '--pdf'"},
        {"report $OUT $OUT", 4, "a second file"},
        {"report /nowhere.h5", 3, "/nowhere.h5: cannot be opened as HDF5"},
        {"report README.md", 3, "README.md: cannot be opened as HDF5"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(run_program(cases[i].arguments, text, sizeof text), cases[i].code);
        assert_non_null(strstr(text, cases[i].says));
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_answers_in_words),   cmocka_unit_test(the_page_stands_alone),
        cmocka_unit_test(verdicts_lead_to_their_taps), cmocka_unit_test(the_table_has_a_row_for_each_tap),
        cmocka_unit_test(a_file_is_written_whole),     cmocka_unit_test(what_is_no_result_is_refused),
    };
    return cmocka_run_group_tests(tests, run_it, remove_it);
}
