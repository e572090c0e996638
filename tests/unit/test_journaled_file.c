/* SPDX-License-Identifier: GPL-3.0-or-later
 * The journaled file alone: after a break at any write, the held bytes are all of one commit. */
#include "support/breaking_disk.h"
#include "support/result.h"
#include "support/test.h"

#include "format/journaled_file.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEPS = 4, SPAN = 3 * 4096 + 100, PLAIN = 50 };

/* Step s holds a span of bytes s that ends in the middle of a page and grows, and writes plain bytes behind
 * it. */
static enum cp_status run(const char *path, int steps) {
    struct cp_journaled *file = NULL;
    unsigned char bytes[SPAN + STEPS];
    CP_TRY(cp_journaled_open(path, &file, &result_error));
    cp_journaled_reset(file);
    for (int step = 1; step <= steps; step++) {
        const size_t length = (size_t)SPAN + (size_t)step;
        memset(bytes, step, sizeof bytes);
        cp_journaled_hold(file, 0, length, bytes);
        cp_journaled_write(file, length, PLAIN, bytes);
        cp_journaled_set_length(file, length + PLAIN);
        cp_journaled_commit(file);
        if (cp_journaled_status(file, &result_error) == CP_OK && cp_journaled_size(file) != length + PLAIN)
            abort();
    }
    const enum cp_status status = cp_journaled_status(file, &result_error);
    cp_journaled_close(file, 0);
    return status;
}

/* The step that the file is at: its length and all its held and plain bytes say so. */
static int step_of(const char *path) {
    struct cp_journaled *file = NULL;
    unsigned char bytes[SPAN + STEPS + PLAIN] = {0};
    assert_int_equal(cp_journaled_open(path, &file, &result_error), CP_OK);
    cp_journaled_read(file, 0, sizeof bytes, bytes);
    cp_journaled_close(file, 0);
    for (int i = 1; i < SPAN + bytes[0]; i++)
        assert_int_equal(bytes[i], bytes[0]);
    return bytes[0];
}

static int break_at(const char *path, enum fault fault, long n) {
    int outcome = -1;
    const pid_t child = fork();
    if (child == 0) {
        disk_plan.fault = fault;
        disk_plan.writes_left = n;
        disk_plan.random = (uint64_t)n;
        exit((int)run(path, STEPS));
    }
    assert_int_equal(waitpid(child, &outcome, 0), child);
    return outcome;
}

static void test_commits_are_atomic(void **state) {
    (void)state;
    static const enum fault faults[] = {KILL, POWER_LOSS, LOST_WRITE, DISK_FULL};
    const char *path = in_folder("journaled");
    for (size_t f = 0; f < sizeof faults / sizeof *faults; f++) {
        int step = 0;
        long n = 0;
        for (int outcome; (outcome = break_at(path, faults[f], n)) != 0; n++) {
            assert_true(WIFEXITED(outcome) || WTERMSIG(outcome) == SIGKILL);
            const int now = step_of(path);
            assert_true(now >= step && now <= step + 1);
            step = now;
        }
        assert_true(n > 3 * STEPS);
        assert_int_equal(step_of(path), STEPS);
        assert_int_equal(unlink(path), 0);
    }
}

static void test_reads_what_is_held(void **state) {
    (void)state;
    struct cp_journaled *file = NULL;
    char bytes[9] = "";
    assert_int_equal(cp_journaled_open(in_folder("held"), &file, &result_error), CP_OK);
    cp_journaled_hold(file, 4094, 4, "held");
    cp_journaled_write(file, 4096, 2, "PL");
    cp_journaled_hold(file, 4097, 1, "d");
    assert_int_equal(cp_journaled_size(file), 4098);
    cp_journaled_read(file, 4092, 8, bytes);
    assert_memory_equal(bytes, "\0\0hePd\0\0", 8);
    cp_journaled_close(file, 1);
    assert_int_not_equal(access(in_folder("held"), F_OK), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commits_are_atomic),
        cmocka_unit_test(test_reads_what_is_held),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
