/* SPDX-License-Identifier: GPL-3.0-or-later
 * A run that is killed at any moment leaves no result or a whole one, and --resume finishes it: the same
 * content digest as a run that nothing stopped. */
#include "support/kernels.h"
#include "support/process.h"
#include "support/result.h"
#include "support/test.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 50 };

/* Where in a run a moment lies: before its file exists, from there to the last progress line, or after it,
 * while the digest is taken and the file gets its name. */
enum phase { START, MIDDLE, END, PHASES };

static char output[300], whole[256], digest[65];
static double length[PHASES]; /* seconds of an uninterrupted run */
static const char last_line[] = "8 of 8 inputs";

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void pause_for(double seconds) {
    const struct timespec t = {(time_t)seconds, (long)(1e9 * (seconds - (double)(time_t)seconds))};
    (void)nanosleep(&t, NULL);
}

/* With the time fixed, equal runs are equal bytes. */
static void fix_time(void) {
    (void)setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
}

static void break_time(void) {
    (void)setenv("SOURCE_DATE_EPOCH", "yesterday", 1);
}

static int exists(const char *name) {
    return access(in_folder(name), F_OK) == 0;
}

static void wait_for_partial(void) {
    const double start = now();
    while (!exists("a.h5.partial") && !exists("a.h5") && now() - start < 60)
        pause_for(1e-4);
}

static struct process start_run(void) {
    return start_program((const char *const[]){"run", SMALL_SETTINGS, output, NULL}, fix_time);
}

static void assert_resumes(void) {
    const struct ended ended = assert_done(RUN(fix_time, "run", SMALL_SETTINGS, output, "--resume"));
    assert_non_null(strstr(ended.out, digest));
    const hid_t file = H5Fopen(in_folder("a.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    assert_text_attribute(file, "/", "content_digest", digest);
    assert_int_equal(H5Fclose(file), 0);
    assert_false(exists("a.h5.partial"));
    assert_int_equal(unlink(in_folder("a.h5")), 0);
}

/* The uninterrupted run: its digest, its bytes and how long its phases are. */
static void test_uninterrupted(void **state) {
    struct ended ended = {.code = -1};
    (void)state;
    (void)snprintf(output, sizeof output, "output=%s", in_folder("a.h5"));
    (void)snprintf(whole, sizeof whole, "%s", in_folder("whole.h5"));
    const double start = now();
    struct process run = start_run();
    wait_for_partial();
    const double begun = now();
    assert_true(wait_for(&run, last_line, &ended));
    const double computed = now();
    wait_until_ended(&run, &ended);
    const double done = now();
    (void)assert_done(ended);
    length[START] = begun - start;
    length[MIDDLE] = computed - begun;
    length[END] = done - computed;
    assert_non_null(strstr(ended.out, "content "));
    (void)snprintf(digest, sizeof digest, "%.64s", strstr(ended.out, "content ") + strlen("content "));
    assert_int_equal(rename(in_folder("a.h5"), whole), 0);
}

/* Kills a run at a part of a phase, then looks at what there is; the phase as it turned out, or PHASES where
 * the run had ended. */
static enum phase kill_and_resume(enum phase phase, double part) {
    struct ended ended = {.code = -1};
    struct process run = start_run();
    if (phase == MIDDLE)
        wait_for_partial();
    if (phase == END)
        assert_true(wait_for(&run, last_line, &ended));
    pause_for(part * length[phase]);
    (void)kill(run.pid, SIGKILL);
    wait_until_ended(&run, &ended);
    assert_true(ended.signal == SIGKILL || ended.code == 0);
    if (exists("a.h5")) { /* whole, to the last byte */
        assert_false(exists("a.h5.partial"));
        assert_true(same_bytes(in_folder("a.h5"), whole));
        assert_int_equal(unlink(in_folder("a.h5")), 0);
        return PHASES;
    }
    phase = !exists("a.h5.partial") ? START : strstr(ended.err, last_line) ? END : MIDDLE;
    assert_resumes();
    return phase;
}

/* One moment in five before the file exists and one in five at the end; the first of each at its start. */
static void test_kill_at_random_moments(void **state) {
    static const enum phase phases[] = {START, MIDDLE, END, MIDDLE, MIDDLE};
    size_t seen[PHASES + 1] = {0};
    uint64_t random = 1;
    (void)state;
    for (size_t round = 0; round < ROUNDS; round++) {
        const double part = round < 5 ? 0 : (double)random_float(&random, 0, 1);
        seen[kill_and_resume(phases[round % 5], part)]++;
    }
    print_message("killed: %zu before the file, %zu in the middle, %zu at the end, %zu done\n", seen[START],
                  seen[MIDDLE], seen[END], seen[PHASES]);
    assert_true(seen[START] > 0 && seen[MIDDLE] > 5 && seen[END] > 0);
}

/* Whether a stopped run says that --resume goes on; else it says that there is nothing to resume. */
static int said_it_goes_on(const struct ended *ended) {
    if (strstr(ended->err, "; --resume continues from here\n"))
        return 1;
    assert_non_null(
        strstr(ended->err, " before the first batch of images was done, so there is nothing to resume\n"));
    return 0;
}

/* Stops a run by a signal at its first progress line: no result; what is done, if anything is, is kept and
 * resumed. */
static void stop_and_resume(int number, int code, const char *line) {
    struct ended ended = {.code = -1};
    struct process run = start_run();
    assert_true(wait_for(&run, "of 8 inputs", &ended));
    (void)kill(run.pid, number);
    wait_until_ended(&run, &ended);
    assert_int_equal(ended.code, code);
    assert_non_null(only_error(&ended));
    assert_int_equal(strncmp(only_error(&ended), line, strlen(line)), 0);
    assert_int_equal(exists("a.h5.partial"), said_it_goes_on(&ended));
    assert_string_equal(ended.out, "");
    assert_false(exists("a.h5"));
    assert_resumes();
}

static void test_stop_by_signal(void **state) {
    (void)state;
    stop_and_resume(SIGINT, 130, "clip-parity: stopped by Ctrl-C");
    stop_and_resume(SIGTERM, 143, "clip-parity: stopped by SIGTERM");
}

/* Stops a run by Ctrl-C at a part of its middle; whether that was before its end. */
static int stop_at(double part, int *goes_on) {
    struct ended ended = {.code = -1};
    struct process run = start_run();
    wait_for_partial();
    pause_for(length[MIDDLE] * part);
    (void)kill(run.pid, SIGINT);
    wait_until_ended(&run, &ended);
    assert_true(ended.code == 130 || ended.code == 0);
    if (ended.code == 0) /* else the next run's start would be taken for its middle */
        assert_int_equal(unlink(in_folder("a.h5")), 0);
    *goes_on = ended.code == 130 && said_it_goes_on(&ended);
    return ended.code == 130;
}

/* A partial is no part of another experiment, and no mistake loses it. */
static void assert_refuses_others(void) {
    const struct ended ended =
        RUN(fix_time, "run", SMALL_SETTINGS, output, "--resume", "baseline={norm.eps: 1e-6}");
    assert_int_equal(ended.code, 3);
    assert_non_null(only_error(&ended));
    assert_non_null(strstr(ended.err, "a.h5.partial: holds "));
    assert_non_null(strstr(ended.err, " of a run of other settings: baseline."));
    assert_int_equal(RUN(break_time, "run", SMALL_SETTINGS, output, "--resume").code, 3);
}

/* What is done is not done again, not taken for part of another experiment, and not lost to a mistake. */
static void test_resume_goes_on(void **state) {
    int continued = 0, goes_on = 0;
    (void)state;
    for (int part = 19; part > 0 && !continued; part--) {
        if (!stop_at(0.05 * part, &goes_on))
            continue;
        if (goes_on)
            assert_refuses_others();
        struct ended ended = assert_done(RUN(fix_time, "run", SMALL_SETTINGS, output, "--resume"));
        assert_non_null(strstr(ended.out, digest));
        assert_int_equal(unlink(in_folder("a.h5")), 0);
        continued = strstr(ended.err, "going on after ") != NULL;
        assert_int_equal(continued, goes_on);
        assert_int_equal(!continued, strstr(ended.err, "nothing to resume; starting afresh\n") != NULL);
    }
    assert_true(continued);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uninterrupted),
        cmocka_unit_test(test_kill_at_random_moments),
        cmocka_unit_test(test_stop_by_signal),
        cmocka_unit_test(test_resume_goes_on),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
