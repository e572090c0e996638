/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reports of a small run: what they say, that the page asks for nothing from outside, and what is refused. */
#include "report/forms/forms.h"
#include "support/program.h"
#include "support/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char text[1 << 20];

static int run_it(void **state) {
    (void)state;
    return run_program(
        "run experiments/quickgelu-vs-gelu.yaml inputs.limit=12 local=2 floor=1 output=$OUT 'hypothesis=\"a "
        "<b> & \\\"c\\\" \\\\ d\"' 'candidates={erf: "
        "{activation: erf}, welford: {norm: welford}, same: {}}' 'record={\"*\": \"off\", "
        "\"*.mlp.gelu\": digest, \"*_features\": stats, class_probs: stats}'",
        text, sizeof text);
}

static int remove_it(void **state) {
    (void)state;
    return unlink(scratch_output());
}

static void report(const char *arguments) {
    run_expecting(0, arguments, text, sizeof text);
}

/* The test's own commands. */
static void shell(const char *command) {
    assert_int_equal(system(command), 0);
}

static void the_page_answers_in_words(void **state) {
    (void)state;
    report("report $OUT -o -");
    assert_non_null(
        strstr(text, "computes a different function from the baseline (activation: quick), from block "
                     "0's activation on in both towers, the first tap recorded, attributed to its settings "
                     "at the activation of blocks 0-5 (visual) and 0-3 (text) (up to 0.065, own error up "
                     "to "));
    assert_non_null(
        strstr(text, "differs from the baseline (activation: quick) by rounding alone; all 14 operations "
                     "of both passes are explained by their declared arithmetic"));
    assert_null(strstr(text, "same maths"));
    assert_null(strstr(text, "other maths"));
    assert_non_null(
        strstr(text, "has the bits of the baseline (activation: quick) everywhere; all 14 operations "));
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
    assert_non_null(strstr(text, "Hypothesis: a &lt;b&gt; &amp; &quot;c&quot; \\ d<"));
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
    size_t rows = 0;
    (void)state;
    report("report $OUT --csv -o -");
    for (const char *c = text; *c; c++)
        rows += *c == '\n';
    /* mlp.gelu of 6 + 4 blocks, three features, class_probs; three candidates; the header. */
    assert_int_equal(rows, 3 * (10 + 3 + 1) + 1);
    assert_int_equal(
        strncmp(text, "candidate,tower,tap,verdict,error_verdict,total,semantic,cand_error,", 68), 0);
    const char *rounding = strstr(text, "rounding");
    assert_true(!rounding || rounding > strchr(text, '\n'));
    assert_non_null(
        strstr(text, "\nerf,visual,visual.transformer.resblocks.0.mlp.gelu,semantic,equivalent,"));
    assert_non_null(strstr(text, "\nsame,joint,class_probs,identical,equivalent,0,0,"));
}

/* The table opens in one line of pandas; the JSON is what its schema says. */
static void programs_can_read_it(void **state) {
    static const char *const pythons[] = {"python3", "/usr/bin/python3"};
    char command[512];
    int outcome = 77;
    (void)state;
    report("report $OUT --csv -o $OUT.csv");
    report("report $OUT --json -o $OUT.json");
    for (size_t i = 0; i < 2 && outcome == 77; i++) {
        (void)snprintf(command, sizeof command,
                       "%s %s/tests/cli/read_report.py $OUT.csv $OUT.json %s/data/schema/report-1.json",
                       pythons[i], CP_SOURCE_DIR, CP_SOURCE_DIR);
        outcome = WEXITSTATUS(system(command));
    }
    shell("rm $OUT.csv $OUT.json");
    if (outcome == 77)
        skip();
    assert_int_equal(outcome, 0);
}

static void markdown_stays_markdown(void **state) {
    (void)state;
    report("report $OUT --md -o -");
    assert_non_null(strstr(text, "# quickgelu-vs-gelu\n\nHypothesis: a \\<b> \\& \"c\" \\\\ d\n"));
    assert_non_null(strstr(text, "\n| erf | visual.0.mlp.gelu | text.0.mlp.gelu | class_features |\n"));
    assert_non_null(strstr(text, "\n## Worst taps of erf\n"));
    assert_non_null(strstr(text, "\n| welford | "));
    assert_non_null(strstr(text, "How the error of erf grows"));
    assert_non_null(strstr(text, "\n| segment | E | E before | "));
    assert_non_null(strstr(text, "\n| text_features | "));
    assert_non_null(strstr(text, "\n## Provenance\n"));
}

/* Columns of the longest line; a character of UTF-8 is one. */
static size_t widest_line(void) {
    size_t widest = 0, columns = 0;
    for (const char *c = text; *c; c++) {
        columns = *c == '\n' ? 0 : columns + (((unsigned char)*c & 0xc0u) != 0x80u);
        widest = columns > widest ? columns : widest;
    }
    return widest;
}

static bool only_ascii(void) {
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c >= 0x80)
            return false;
    return true;
}

static void a_terminal_form_for_pipes(void **state) {
    (void)state;
    assert_int_equal(setenv("LC_ALL", "C.UTF-8", 1), 0);
    report("report $OUT --term");
    assert_true(widest_line() <= 80);
    assert_null(strchr(text, '\033'));
    assert_false(only_ascii());
    assert_non_null(strstr(text, "\n  visual  "));
    assert_non_null(strstr(text, "\n          SSSSSSS\n"));
    assert_int_equal(setenv("LC_ALL", "C", 1), 0);
    report("report $OUT --term");
    assert_true(widest_line() <= 80);
    assert_true(only_ascii());
    assert_int_equal(unsetenv("LC_ALL"), 0);
    assert_int_equal(run_program("report $OUT --term 2>&1 >/dev/full", text, sizeof text), 3);
}

/* On a terminal (script's) of so many columns. */
static void on_a_terminal(const char *settings, int columns, const char *options) {
    char command[512];
    (void)snprintf(
        command, sizeof command,
        "--version >/dev/null; script -qec \"stty cols %d; TERM=xterm %s %s report $OUT --term %s\" "
        "/dev/null </dev/null | tr -d '\\r'",
        columns, settings, CP_PROGRAM, options);
    report(command);
}

static void colours_and_width_of_a_terminal(void **state) {
    (void)state;
    on_a_terminal("LC_ALL=C", 100, "");
    assert_non_null(strstr(text, "\033[31mS\033[0m"));
    on_a_terminal("LC_ALL=C NO_COLOR=1", 100, "");
    assert_null(strchr(text, '\033'));
    assert_true(widest_line() > 72 && widest_line() <= 80);
    on_a_terminal("LC_ALL=C", 100, "--color never");
    assert_null(strchr(text, '\033'));
    on_a_terminal("LC_ALL=C NO_COLOR=1", 50, "");
    assert_true(widest_line() > 42 && widest_line() <= 50);
    on_a_terminal("LC_ALL=C NO_COLOR=1", 20, "");
    assert_true(widest_line() <= 40);
    report("report $OUT --term --color always");
    assert_non_null(strstr(text, "\033[31mS\033[0m"));
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
    assert_non_null(strstr(text, "cannot make the folder"));
    assert_int_equal(run_program("report $OUT --html -o /dev/full", text, sizeof text), 3);
    assert_non_null(strstr(text, "is not a regular file"));
    assert_int_equal(run_program("report $OUT -o - 2>&1 >/dev/full", text, sizeof text), 3);
}

static void what_is_no_result_is_refused(void **state) {
    static const struct {
        const char *arguments;
        int code;
        const char *says;
    } cases[] = {
        {"report reference/golden/captures/quick-fp32.h5", 3,
         "quick-fp32.h5: is not the result of a run (expected what `clip-parity run` or `diff` wrote; `diff`"},
        {"report", 4, "no result"},
        {"report --pdf $OUT", 4, "unknown option '--pdf' (expected one of --output, --html, --md, "},
        {"report $OUT $OUT", 4, "a second file"},
        {"report --md --csv $OUT", 4, "both --md and --csv (expected one form at a time)"},
        {"report /nowhere.h5", 3, "/nowhere.h5: cannot be opened: No such file or directory"},
        {"report README.md", 3, "README.md: is not an HDF5 file"},
        {"report tests", 3, "tests: is not a regular file"},
        {"report $OUT.cut", 3, ".cut: is not whole"},
        {"report $OUT.partial", 3,
         ".partial: holds an unfinished run (expected a finished one; `clip-parity run"},
        {"report $OUT.stopped", 3, ".stopped.partial: holds an unfinished run"},
    };
    (void)state;
    shell("head -c 100000 $OUT >$OUT.cut && cp $OUT $OUT.partial && cp $OUT $OUT.stopped.partial");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(run_program(cases[i].arguments, text, sizeof text), cases[i].code);
        assert_non_null(strstr(text, cases[i].says));
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    }
    shell("rm $OUT.cut $OUT.partial $OUT.stopped.partial");
}

/* What is asked for is written, and the ending says what that is where nothing else does. */
static void the_ending_names_the_form(void **state) {
    (void)state;
    report("report $OUT -o $OUT.md && head -1 $OUT.md");
    assert_non_null(strstr(text, "\n# quickgelu-vs-gelu\n"));
    report("report $OUT -o $OUT.csv && head -1 $OUT.csv");
    assert_non_null(strstr(text, "\ncandidate,tower,tap,"));
    report("report $OUT --md -o $OUT.txt && head -1 $OUT.txt");
    assert_non_null(strstr(text, "\n# quickgelu-vs-gelu\n"));
    report("report $OUT --md --md -o $OUT.page && head -1 $OUT.page");
    assert_non_null(strstr(text, "\n# quickgelu-vs-gelu\n"));
    assert_int_equal(run_program("report $OUT --md -o $OUT.csv", text, sizeof text), 3);
    assert_non_null(strstr(text, ".csv: exists, and is not a report in Markdown (expected a new name, or "));
    report("report $OUT -o $OUT.HTML && head -1 $OUT.HTML");
    assert_non_null(strstr(text, "\n<!DOCTYPE html>\n"));
    assert_int_equal(run_program("report $OUT -o $OUT.pdf", text, sizeof text), 4);
    assert_non_null(strstr(text, ".pdf' names no form (expected an ending .html, .md, "));
    assert_non_null(strstr(text, ", or an option such as --html)\n"));
    assert_int_equal(run_program("report $OUT --html -o $OUT", text, sizeof text), 3);
    assert_non_null(strstr(text, ": would overwrite the result (expected another name)"));
    report("report $OUT -o - | head -1");
    shell("rm $OUT.md $OUT.csv $OUT.page $OUT.HTML");
}

/* A new row of the table is tested here without a new line. */
static void every_form_is_written(void **state) {
    char command[128];
    (void)state;
    for (const struct cp_report_form *const *form = cp_report_forms; *form; form++) {
        (void)snprintf(command, sizeof command, "report $OUT %s -o -", (*form)->option);
        report(command);
        assert_non_null(strstr(text, "welford"));
        (void)snprintf(command, sizeof command, "report $OUT %s -o - 2>&1 >/dev/full", (*form)->option);
        assert_int_equal(run_program(command, text, sizeof text), 3);
    }
    report("report --help");
    for (const struct cp_report_form *const *form = cp_report_forms; *form; form++) {
        assert_non_null(strstr(text, (*form)->option));
        assert_non_null(strstr(text, (*form)->help));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_answers_in_words),        cmocka_unit_test(the_page_stands_alone),
        cmocka_unit_test(the_table_has_a_row_for_each_tap), cmocka_unit_test(a_file_is_written_whole),
        cmocka_unit_test(the_ending_names_the_form),        cmocka_unit_test(every_form_is_written),
        cmocka_unit_test(what_is_no_result_is_refused),     cmocka_unit_test(programs_can_read_it),
        cmocka_unit_test(markdown_stays_markdown),          cmocka_unit_test(a_terminal_form_for_pipes),
        cmocka_unit_test(colours_and_width_of_a_terminal),  cmocka_unit_test(verdicts_lead_to_their_taps),
    };
    return cmocka_run_group_tests(tests, run_it, remove_it);
}
