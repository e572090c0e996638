/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a run writes to a pipe: results to standard output, progress to standard error, both plain; and what
 * it does when nobody reads them. */
#include "support/process.h"
#include "support/result.h"
#include "support/test.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of SMALL_RUN. */
#define FEW                                                                                                  \
    "1 image of the oracle, 2 prompts, 1 prompt of local: too few to judge rounding, 12 or more are needed"

static char output[300];

static int prepare_folder(void **state) {
    const int failed = make_folder(state);
    (void)snprintf(output, sizeof output, "output=%s", in_folder("a.h5"));
    return failed;
}

static int exists(const char *name) {
    return access(in_folder(name), F_OK) == 0;
}

/* Printable ASCII in whole lines: no escape codes, no carriage returns. */
static void assert_plain(const char *text) {
    for (size_t i = 0; text[i]; i++)
        assert_true(isprint((unsigned char)text[i]) || text[i] == '\n');
    assert_true(text[0] == '\0' || text[strlen(text) - 1] == '\n');
}

/* After the note that the inputs are few, every line is "N of TOTAL inputs, S s, S s left", N rises, and the
 * last is the end. */
static void assert_progress(const char *text, int total) {
    static const char start[] = "quickgelu-vs-gelu: 6 images, 2 prompts, 2 passes, 2 oracles of 1 image; about ",
                      note[] = "note: " FEW "\n";
    int last = 0, lines = 0;
    assert_int_equal(strncmp(text, start, strlen(start)), 0);
    text = strchr(text, '\n') + 1;
    assert_int_equal(strncmp(text, note, strlen(note)), 0);
    text += strlen(note);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1, lines++) {
        int done = 0, of = 0, spent = 0, left = 0, end = 0;
        (void)sscanf(line, "%d of %d inputs, %d s, %d s left%n", &done, &of, &spent, &left, &end);
        assert_true(end > 0 && line[end] == '\n');
        assert_true(done > last && of == total && spent >= 0 && left >= 0);
        last = done;
    }
    assert_true(lines >= 1);
    assert_int_equal(last, total);
}

static size_t longest_line(const char *text) {
    size_t longest = 0;
    for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
        longest = strcspn(text, "\n") > longest ? strcspn(text, "\n") : longest;
    return longest;
}

static void test_streams(void **state) {
    (void)state;
    const struct ended ended = assert_done(RUN(NULL, SMALL_RUN, output, "record={\"*\": stats}"));
    assert_plain(ended.out);
    assert_plain(ended.err);
    assert_progress(ended.err, 8);
    assert_null(strstr(ended.out, "inputs, "));
    assert_non_null(strstr(ended.out, "\nquickgelu-vs-gelu: 6 images, 2 prompts\ncandidate "));
    assert_non_null(strstr(ended.out, "\nerf            different function visual.0.mlp.gelu    "));
    assert_non_null(strstr(ended.out, "\n  settings at visual.0-5.mlp.gelu, text.0-3.mlp.gelu\n"));
    assert_null(strstr(ended.out, "top-1 flips"));
    assert_non_null(strstr(ended.out, in_folder("a.h5")));
    assert_true(exists("a.h5"));
    assert_non_null(strstr(assert_done(RUN(NULL, SMALL_RUN, "-v", output, "record={\"*\": stats}")).out,
                           "\nmeans of images are over the first 1, which have an oracle\n"));
}

/* --quiet leaves errors alone on standard error, --no-progress notes as well; the results are the same. */
static void test_quiet(void **state) {
    (void)state;
    const struct ended loud = assert_done(RUN(NULL, SMALL_RUN, output));
    const struct ended quiet = assert_done(RUN(NULL, SMALL_RUN, output, "--quiet"));
    assert_string_equal(quiet.err, "");
    assert_string_equal(quiet.out, loud.out);
    const struct ended still = assert_done(RUN(NULL, SMALL_RUN, output, "--no-progress"));
    assert_non_null(strstr(still.err, "note: "));
    assert_null(strstr(still.err, " inputs, "));
    assert_string_equal(still.out, loud.out);
}

/* Names, counts and numbers as wide as they come: all of the table, which ends with the empty line. */
static void test_table_fits_80_columns(void **state) {
    static const char candidates[] = "candidates={far: {norm: rmsnorm, norm.eps: 1e30}, "
                                     "half: {precision: pure_fp16}, same: {}}";
    char *table;
    (void)state;
    struct ended ended = assert_done(RUN(NULL, SMALL_RUN, "-v", output, "inputs.limit=100", "batch=100",
                                         "oracle=1", "record={\"*\": digest}", candidates));
    assert_non_null(table = strstr(ended.out, "\n\nresult  "));
    *table = '\0';
    table = ended.out;
    assert_non_null(strstr(table, "top-1 flips "));
    assert_non_null(strstr(table, "half\n"));
    assert_int_equal(longest_line("12\n12345\n"), 5);
    assert_true(longest_line(table) > 70 && longest_line(table) <= 80);
}

/* What is not decided is no good news: neither of the taps nor of the operations. */
static void test_inconclusive(void **state) {
    (void)state;
    struct ended ended = assert_done(RUN(NULL, SMALL_RUN, "-v", output, "oracle=on", "local=4", "ledger=off",
                                         "candidates={half: {precision: fp16}, same: {}}",
                                         "record={\"*\": \"off\", \"*_features\": stats}"));
    assert_non_null(strstr(ended.err, "note: 6 images, 2 prompts, 4 images of local: too few"));
    assert_non_null(strstr(ended.out,
                           "  no different function is declared\n"
                           "  errors equivalent at 0, degraded at 0, inconclusive at 2 of 2 taps:\n"
                           "    2 to 6 inputs are too few, 12 or more are needed;\n"
                           "    the error there is up to "));
    assert_non_null(strstr(ended.out, "  causes inconclusive at 2 of 2 operations:\n"
                                      "    2 to 4 inputs are too few, 12 or more are needed;\n"
                                      "    the error there is up to "));
    assert_non_null(strstr(ended.out, "\nsame\n"));
    assert_non_null(strstr(strstr(ended.out, "\nsame\n"), "  no operation errs beyond the limit"));
    ended = assert_done(RUN(NULL, SMALL_RUN, "-v", output, "oracle=off", "local=4", "ledger=auto"));
    assert_null(strstr(ended.err, "note: "));
    assert_non_null(strstr(ended.out, " operations:\n    no oracle ran\n"));
}

/* Of 12 images that agree: up to 1 - 0.05^(1/12) = 22 % of others could exceed the limit. In bfloat16 each of
 * them fails by itself. */
static void test_decided(void **state) {
    (void)state;
    const struct ended ended =
        assert_done(RUN(NULL, SMALL_RUN, "-v", output, "inputs.limit=12", "oracle=on", "batch=12",
                        "ledger=off", "candidates={near: {norm: one_pass}, half: {precision: pure_bf16}}",
                        "record={\"*\": \"off\", \"image_features\": stats}"));
    assert_null(strstr(ended.out, "means of images are over")); /* all have an oracle */
    const char *half = strstr(ended.out, "\nhalf\n");
    assert_non_null(half);
    const char *near =
        strstr(ended.out, "    equivalent: of 12 inputs; up to 22 % of others could exceed the limit\n");
    assert_true(near && near < half);
    assert_null(strstr(half, "equivalent: of"));
    const char *fail = strstr(half, "  12 of 12 images fail by themselves, worst first:\n    ");
    assert_non_null(fail);
    assert_non_null(strstr(fail, " times the limit, at 1 tap) and 9 more\n"));
}

/* A different eps is a different function, however small the change, even where the bits are the same. */
static void test_nearly_the_same_function(void **state) {
    static const char says[] = "  a different function is declared, whose reference is ";
    (void)state;
    const struct ended ended = assert_done(
        RUN(NULL, SMALL_RUN, "-v", output,
            "candidates={a_millionth: {norm.eps: 1.000001e-5}, a_billionth: {norm.eps: 1.000000001e-5}}"));
    assert_null(strstr(ended.out, "no different function"));
    const char *declared = strstr(strstr(ended.out, "\na_billionth\n"), says);
    assert_non_null(declared);
    const double away = strtod(declared + strlen(says), NULL);
    assert_true(away > 1e-15 && away <= 1e-12);
    assert_non_null(strstr(declared, "away at most;\n  the bits are the same\n"));
}

/* How one records a capture. */
static void test_no_candidate(void **state) {
    (void)state;
    const struct ended ended = assert_done(RUN(NULL, SMALL_RUN, output, "candidates={}"));
    assert_non_null(strstr(ended.out, "\nno candidate, so nothing was compared; the taps "
                                      "are recorded as `record` asks\n\nresult  "));
    assert_null(strstr(ended.err, "note: "));
}

static void test_nothing_to_go_on_with(void **state) {
    struct ended ended;
    (void)state;
    (void)unlink(in_folder("a.h5.partial"));
    (void)unlink(in_folder("a.h5"));
    ended = assert_done(RUN(NULL, SMALL_RUN, output, "--resume"));
    assert_non_null(strstr(ended.err, "\nnothing to resume; starting afresh\n"));
    /* Of a finished run there is nothing to do. */
    ended = assert_done(RUN(NULL, SMALL_RUN, output, "--resume"));
    assert_int_equal(strncmp(ended.out, "complete already\n", 17), 0);
    assert_non_null(strstr(ended.out, "\ncontent "));
}

/* The plan and the estimates, on standard output alone; not even a folder is made. */
static void test_dry_run(void **state) {
    char elsewhere[300];
    (void)state;
    (void)snprintf(elsewhere, sizeof elsewhere, "output=%s", in_folder("new/a.h5"));
    struct ended ended = assert_done(RUN(NULL, SMALL_RUN, elsewhere, "--dry-run"));
    assert_string_equal(ended.err, "");
    assert_non_null(strstr(ended.out,
                           "experiment  quickgelu-vs-gelu\ninputs      6 images, 2 prompts\n"
                           "passes      2: baseline, erf\noracles     2, in float64, for 1 image and "));
    assert_non_null(strstr(ended.out, " MB of it tensors in full: "));
    assert_non_null(strstr(ended.out, "\ntime        about "));
    assert_null(strstr(ended.out, "baseline\nactivation: "));
    assert_true(longest_line(ended.out) <= 80 + strlen(in_folder("new/a.h5")));
    ended = assert_done(RUN(NULL, SMALL_RUN, elsewhere, "--dry-run", "-v"));
    assert_string_equal(ended.err, "");
    assert_plain(ended.out);
    assert_non_null(strstr(ended.out, "experiment: quickgelu-vs-gelu\n"));
    assert_non_null(strstr(ended.out, "\n# baseline\nactivation: quick\n"));
    assert_non_null(strstr(ended.out, "\n# erf\nactivation: erf\n"));
    assert_non_null(
        strstr(ended.out, "\n# inputs      6 images, 2 prompts\n# passes      2: baseline, erf\n"));
    assert_non_null(strstr(ended.out, "\n# memory      about "));
    assert_non_null(strstr(ended.out, "\n# note        1 image of the oracle, 2 prompts, "));
    assert_non_null(strstr(ended.out, "\n# arithmetic  "));
    assert_false(exists("new"));
    assert_null(strstr(ended.out, "content "));
}

/* ---- nobody reads ---- */

/* `clip-parity ARGUMENTS | head -1` where head has already left. */
static struct ended run_unread(const char *const *arguments, prepare *in_child) {
    struct process process = start_program(arguments, in_child);
    struct ended ended = {.code = -1};
    (void)close(process.out);
    process.out = open("/dev/null", O_RDONLY | O_CLOEXEC);
    wait_until_ended(&process, &ended);
    return ended;
}

static void ignore_pipe_signal(void) {
    (void)signal(SIGPIPE, SIG_IGN);
}

/* As other tools: SIGPIPE, silently. The result is complete before the table is written. */
static void test_reader_leaves(void **state) {
    (void)state;
    (void)unlink(in_folder("a.h5"));
    struct ended ended = run_unread((const char *const[]){SMALL_RUN, output, NULL}, NULL);
    assert_int_equal(ended.signal, SIGPIPE);
    assert_progress(ended.err, 8);
    assert_true(exists("a.h5") && !exists("a.h5.partial"));
    ended = run_unread((const char *const[]){"list", NULL}, NULL);
    assert_int_equal(ended.signal, SIGPIPE);
    assert_string_equal(ended.err, "");
}

/* Where the caller ignores SIGPIPE (Python's subprocess may): an error, and the result is there. */
static void test_reader_leaves_without_signal(void **state) {
    (void)state;
    (void)unlink(in_folder("a.h5"));
    const struct ended ended = run_unread((const char *const[]){SMALL_RUN, output, NULL}, ignore_pipe_signal);
    assert_int_equal(ended.code, 3);
    assert_non_null(only_error(&ended));
    assert_string_equal(only_error(&ended), "clip-parity: standard output could not be written\n");
    assert_true(exists("a.h5") && !exists("a.h5.partial"));
}

static void write_to_full_device(void) {
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (full < 0 || dup2(full, STDOUT_FILENO) < 0)
        _exit(126);
}

static void test_output_on_a_full_disk(void **state) {
    (void)state;
    (void)unlink(in_folder("a.h5"));
    const struct ended ended = RUN(write_to_full_device, SMALL_RUN, output);
    if (ended.code == 126)
        skip();
    assert_int_equal(ended.code, 3);
    assert_non_null(only_error(&ended));
    assert_string_equal(only_error(&ended), "clip-parity: standard output could not be written\n");
    assert_true(exists("a.h5") && !exists("a.h5.partial"));
}

/* `2>&1 | head -1`: the second progress line ends the run in its midst; what is done is resumed. */
static void test_progress_reader_leaves(void **state) {
    struct ended ended = {.code = -1};
    (void)state;
    (void)unlink(in_folder("a.h5"));
    struct process process = start_program((const char *const[]){SMALL_RUN, output, NULL}, NULL);
    assert_true(wait_for(&process, "of 8 inputs", &ended));
    (void)close(process.err);
    process.err = open("/dev/null", O_RDONLY | O_CLOEXEC);
    wait_until_ended(&process, &ended);
    assert_int_equal(ended.signal, SIGPIPE);
    assert_true(exists("a.h5.partial") && !exists("a.h5"));
    ended = assert_done(RUN(NULL, SMALL_RUN, output, "--resume"));
    assert_non_null(strstr(ended.err, "going on after "));
    assert_true(exists("a.h5") && !exists("a.h5.partial"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_quiet),
        cmocka_unit_test(test_table_fits_80_columns),
        cmocka_unit_test(test_inconclusive),
        cmocka_unit_test(test_decided),
        cmocka_unit_test(test_nearly_the_same_function),
        cmocka_unit_test(test_no_candidate),
        cmocka_unit_test(test_nothing_to_go_on_with),
        cmocka_unit_test(test_dry_run),
        cmocka_unit_test(test_reader_leaves),
        cmocka_unit_test(test_reader_leaves_without_signal),
        cmocka_unit_test(test_output_on_a_full_disk),
        cmocka_unit_test(test_progress_reader_leaves),
    };
    return cmocka_run_group_tests(tests, prepare_folder, remove_folder);
}
