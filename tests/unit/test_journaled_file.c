/* SPDX-License-Identifier: GPL-3.0-or-later
 * The journaled file alone: after a break at any write, the held bytes are all of one commit. */
#include "support/breaking_disk.h"
#include "support/result.h"
#include "support/test.h"

#include "base/digest.h"
#include "format/journaled_file.h"
#include "format/unfinished.h"
#include "result/reader.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

static long size_of(const char *path) {
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return (long)info.st_size;
}

/* A page of nothing and a record of one page behind it, with a digest that holds. */
static void write_record(const char *path, uint64_t page, uint64_t length) {
    struct {
        uint64_t index;
        char bytes[4096];
    } held = {.index = page};
    struct {
        char magic[8];
        uint64_t offset, count, length;
        char digest[72];
    } trailer = {
        .magic = {'c', 'p', '-', 'c', 'o', 'm', 'm', '1'}, .offset = 4096, .count = 1, .length = length};
    static const char nothing[4096];
    struct cp_digest *digest = NULL;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(cp_digest_start(&digest, &result_error), CP_OK);
    cp_digest_add(digest, &held, sizeof held);
    cp_digest_add(digest, &trailer, sizeof trailer - sizeof trailer.digest);
    cp_digest_finish_hex(digest, trailer.digest);
    assert_int_equal(fwrite(nothing, sizeof nothing, 1, file), 1);
    assert_int_equal(fwrite(&held, sizeof held, 1, file), 1);
    assert_int_equal(fwrite(&trailer, sizeof trailer, 1, file), 1);
    assert_int_equal(fclose(file), 0);
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

/* Zeros in the place of what cannot be read would be taken for the file. */
static void test_reads_that_fail_are_failures(void **state) {
    (void)state;
    struct cp_journaled *file = NULL;
    char bytes[8];
    assert_int_equal(run(in_folder("unreadable"), 1), CP_OK);
    assert_int_equal(cp_journaled_open(in_folder("unreadable"), &file, &result_error), CP_OK);
    assert_true(cp_journaled_read(file, 0, sizeof bytes, bytes));
    disk_plan = (struct disk_plan){.fault = UNREADABLE};
    assert_false(cp_journaled_read(file, 0, sizeof bytes, bytes));
    disk_plan = (struct disk_plan){.fault = NONE};
    assert_failure(cp_journaled_status(file, &result_error), CP_BAD_INPUT, "cannot read");
    cp_journaled_close(file, 0);
    for (long n = 0; n < 2; n++) { /* of the record that opening looks for, or of the first page */
        disk_plan = (struct disk_plan){.fault = UNREADABLE, .writes_left = n};
        const enum cp_status status = cp_journaled_open(in_folder("unreadable"), &file, &result_error);
        assert_true(status == CP_BAD_INPUT || n > 0);
        disk_plan = (struct disk_plan){.fault = NONE};
        if (status == CP_OK)
            cp_journaled_close(file, 0);
    }
}

/* A record that would write behind itself, or past the end, was written by nobody. */
static void test_records_stay_within_the_file(void **state) {
    (void)state;
    struct cp_journaled *file = NULL;
    assert_int_equal(run(in_folder("whole"), 1), CP_OK);
    const struct { uint64_t page, length; } wild[] = {{1, SPAN}, {1 << 20, SPAN}, {0, (uint64_t)1 << 40}};
    for (size_t w = 0; w < sizeof wild / sizeof *wild; w++) {
        write_record(in_folder("wild"), wild[w].page, wild[w].length);
        const long before = size_of(in_folder("wild"));
        assert_int_equal(cp_journaled_open(in_folder("wild"), &file, &result_error), CP_OK);
        assert_int_equal(cp_journaled_size(file), before); /* it is no record */
        cp_journaled_close(file, 1);
    }
    write_record(in_folder("wild"), 0, 10);
    assert_int_equal(cp_journaled_open(in_folder("wild"), &file, &result_error), CP_OK);
    assert_int_equal(cp_journaled_size(file), 10);
    cp_journaled_close(file, 1);
}

/* What a signal would leave: nothing that nobody can go on with, and what is kept stays so to the end. */
static void test_what_a_signal_leaves(void **state) {
    struct cp_journaled *file = NULL;
    struct recipe stopped = USUAL;
    struct cp_reader *reader;
    char digest[65];
    (void)state;
    assert_int_equal(cp_journaled_open(in_folder("removed"), &file, &result_error), CP_OK);
    assert_int_equal(access(in_folder("removed"), F_OK), 0);
    cp_journaled_close(file, 1);
    assert_int_equal(cp_unfinished_leave(), CP_UNFINISHED_NONE);
    stopped.stop = 2;
    assert_false(write_small(in_folder("stopped"), &stopped, digest));
    assert_int_equal(cp_unfinished_leave(), CP_UNFINISHED_KEPT);
    assert_int_equal(access(in_folder("stopped.partial"), F_OK), 0);
    /* Who only looks at what another run left has nothing unfinished. */
    cp_unfinished_set(in_folder("stopped.partial"), CP_UNFINISHED_NONE);
    assert_int_equal(cp_reader_open_partial(in_folder("stopped"), &reader, &result_error), CP_OK);
    assert_non_null(reader);
    cp_reader_close(reader);
    assert_int_equal(cp_unfinished_leave(), CP_UNFINISHED_NONE);
    cp_unfinished_set(in_folder("stopped.partial"), CP_UNFINISHED_USELESS);
    assert_int_equal(cp_unfinished_leave(), CP_UNFINISHED_USELESS);
    assert_int_not_equal(access(in_folder("stopped.partial"), F_OK), 0);
    cp_unfinished_set(in_folder("stopped.partial"), CP_UNFINISHED_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_signal_leaves),
        cmocka_unit_test(test_commits_are_atomic),
        cmocka_unit_test(test_reads_what_is_held),
        cmocka_unit_test(test_reads_that_fail_are_failures),
        cmocka_unit_test(test_records_stay_within_the_file),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
