/* SPDX-License-Identifier: GPL-3.0-or-later
 * Result files whose writer is killed, loses power or runs out of space at any moment. This program's own
 * pwrite, fdatasync and ftruncate stand in front of the C library's, and break at the n-th write, for every
 * n. */
#include "support/breaking_disk.h"
#include "support/result.h"
#include "support/sanitized.h"
#include "support/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCHES = 6, WIDTH = 1500 };

/* ---- the run that is broken ---- */

static struct shared {
    uint64_t committed; /* as reported by the last cp_result_commit that returned */
    char digest[65];
} * shared;

static enum cp_status write_batch(struct cp_result *result, const int *handles, int count, size_t row) {
    float data[WIDTH];
    for (size_t i = 0; i < WIDTH; i++)
        data[i] = (float)(row * WIDTH + i);
    for (int h = 0; h < count; h++)
        CP_TRY(cp_result_write(result, handles[h], row, 1, data, &result_error));
    CP_TRY(cp_result_commit(result, row + 1, &result_error));
    shared->committed = row + 1;
    return CP_OK;
}

/* Starts or continues the run. In the middle of it a variable is added, so that a commit changes the
 * structure. */
static enum cp_status run(const char *path) {
    static const char *const groups[] = {"/captures/quick/a", "/captures/quick/b", "/metrics/c"};
    struct cp_result *result = NULL;
    enum cp_status status = CP_OK;
    int handles[3];
    int count = 0;
    CP_TRY_DONE(cp_result_create(path, 1, "print", &result, &result_error));
    if (cp_result_progress(result) < shared->committed)
        abort();
    for (size_t row = cp_result_progress(result); row < BATCHES; row++) {
        for (; count < (row < 3 ? 2 : 3); count++) {
            struct cp_variable variable = value_variable(groups[count]);
            variable.dims[0] = (struct cp_dim){"image", BATCHES, NULL};
            variable.dims[1].length = WIDTH;
            CP_TRY_DONE(cp_result_define(result, &variable, &handles[count], &result_error));
            CP_TRY_DONE(cp_result_text(result, groups[count], "note", "text", &result_error));
        }
        CP_TRY_DONE(write_batch(result, handles, count, row));
    }
    CP_TRY_DONE(cp_result_finish(result, shared->digest, &result_error));
done:
    cp_result_close(result, 1);
    return status;
}

/* Runs in a child with a fault planned for write n; returns the child's wait status. Leaves by exit, so that
 * the library's exit handlers run. */
static int run_broken(const char *path, enum fault fault, long n, long limit_bytes) {
    const pid_t child = fork();
    int wait_status = -1;
    if (child == 0) {
        const struct rlimit limit = {(rlim_t)limit_bytes, (rlim_t)limit_bytes};
        disk_plan.fault = fault;
        disk_plan.writes_left = n;
        disk_plan.random = (uint64_t)n;
        if (limit_bytes > 0 && (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit) != 0))
            abort();
        exit((int)run(path));
    }
    assert_int_equal(waitpid(child, &wait_status, 0), child);
    return wait_status;
}

static void expect_whole_run(const char *path, char digest[65]) {
    shared->committed = 0;
    assert_int_equal(run(path), CP_OK);
    memcpy(digest, shared->digest, 65);
    assert_int_equal(unlink(path), 0);
}

/* After a broken run: no final file, and continuing reaches the whole run's digest. */
static void expect_resumed(const char *path, const char *digest) {
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(run(path), CP_OK);
    assert_string_equal(shared->digest, digest);
    assert_int_equal(unlink(path), 0);
    shared->committed = 0;
}

static void break_at_every_write(enum fault fault) {
    const char *path = in_folder("broken.h5");
    char digest[65];
    long n = 0;
    expect_whole_run(path, digest);
    for (shared->committed = 0;; n += SANITIZED ? 5 : 1) {
        const int outcome = run_broken(path, fault, n, 0);
        if (WIFEXITED(outcome) && WEXITSTATUS(outcome) == CP_OK)
            break;
        if (fault == DISK_FULL)
            assert_true(WIFEXITED(outcome) && WEXITSTATUS(outcome) == CP_BAD_INPUT);
        else
            assert_true(WIFSIGNALED(outcome) && WTERMSIG(outcome) == SIGKILL);
        expect_resumed(path, digest);
    }
    assert_true(n > 50);
    assert_int_equal(unlink(path), 0);
}

static void test_kill_at_every_write(void **state) {
    (void)state;
    break_at_every_write(KILL);
}

static void test_power_loss_at_every_write(void **state) {
    (void)state;
    break_at_every_write(POWER_LOSS);
}

static void test_lost_write_at_every_write(void **state) {
    (void)state;
    break_at_every_write(LOST_WRITE);
}

static void test_disk_full_at_every_write(void **state) {
    (void)state;
    break_at_every_write(DISK_FULL);
}

static void test_kill_at_random_moments(void **state) {
    (void)state;
    const char *path = in_folder("killed.h5");
    char digest[65];
    struct timespec begin;
    struct timespec end;
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    expect_whole_run(path, digest);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    const uint64_t whole =
        (uint64_t)(end.tv_sec - begin.tv_sec) * 1000000000u + (uint64_t)end.tv_nsec - (uint64_t)begin.tv_nsec;
    disk_plan.random = 1;
    shared->committed = 0;
    for (int round = 0; round < (SANITIZED ? 12 : 60); round++) {
        const struct timespec pause = {0, (long)(next_random() % (whole < 900000000u ? whole : 900000000u))};
        const pid_t child = fork();
        if (child == 0)
            exit((int)run(path));
        (void)nanosleep(&pause, NULL);
        (void)kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        if (access(path, F_OK) == 0) {
            const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
            assert_true(file >= 0);
            assert_text_attribute(file, "/", "content_digest", digest);
            assert_int_equal(H5Fclose(file), 0);
            assert_int_equal(unlink(path), 0);
            shared->committed = 0;
        } else
            expect_resumed(path, digest);
    }
}

/* The same through the kernel: a limit on the size of files. */
static void test_file_size_limits(void **state) {
    (void)state;
    const char *path = in_folder("limited.h5");
    char digest[65];
    int refused = 0;
    expect_whole_run(path, digest);
    for (long limit = 100; limit < 400000; limit = limit * 5 / 4) {
        shared->committed = 0;
        const int outcome = run_broken(path, NONE, 0, limit);
        assert_true(WIFEXITED(outcome));
        if (WEXITSTATUS(outcome) == CP_OK) {
            assert_int_equal(unlink(path), 0);
            continue;
        }
        assert_int_equal(WEXITSTATUS(outcome), CP_BAD_INPUT);
        refused++;
        expect_resumed(path, digest);
    }
    assert_true(refused > 10);
}

static void test_failure_is_one_line_and_stays(void **state) {
    (void)state;
    const char *path = in_folder("full.h5");
    struct cp_result *result = NULL;
    const struct cp_variable variable = value_variable("/g");
    char digest[65];
    int handle = -1;
    assert_int_equal(cp_result_create(path, 0, "print", &result, &result_error), CP_OK);
    assert_int_equal(cp_result_define(result, &variable, &handle, &result_error), CP_OK);
    disk_plan.fault = DISK_FULL;
    disk_plan.writes_left = 0;
    assert_failure(cp_result_commit(result, 1, &result_error), CP_BAD_INPUT,
                   "full.h5.partial: cannot write: No space left");
    disk_plan.fault = NONE;
    assert_failure(cp_result_commit(result, 1, &result_error), CP_BAD_INPUT, "No space left");
    assert_failure(cp_result_text(result, "/", "a", "b", &result_error), CP_BAD_INPUT, "No space left");
    assert_failure(cp_result_finish(result, digest, &result_error), CP_BAD_INPUT, "No space left");
    cp_result_close(result, 0);
    assert_int_equal(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
    assert_int_not_equal(access(path, F_OK), 0);
}

/* A disk that cannot be read is told of, and what is on it is not begun anew. */
static void test_unreadable_partial_is_kept(void **state) {
    (void)state;
    const char *path = in_folder("unreadable.h5"), *partial = in_folder("unreadable.h5.partial");
    struct recipe begun = USUAL;
    char digest[65];
    long n = 0;
    enum cp_status status = CP_BAD_INPUT;
    begun.stop = 2;
    (void)write_small(path, &begun, digest);
    for (; status != CP_OK; n++) {
        struct cp_result *result = NULL;
        disk_plan = (struct disk_plan){.fault = UNREADABLE, .writes_left = n};
        status = cp_result_create(path, 1, "print", &result, &result_error);
        const int failed = disk_plan.failed;
        disk_plan = (struct disk_plan){.fault = NONE};
        if (status == CP_OK)
            assert_int_equal(cp_result_resumed(result), 1);
        else
            assert_failure(status, CP_BAD_INPUT, "cannot read: ");
        assert_true(status == CP_OK || failed || n == 0 || strstr(result_error.what, "Input/output"));
        cp_result_close(result, 1);
        assert_int_equal(access(partial, F_OK), 0);
    }
    assert_true(n > 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kill_at_every_write),
        cmocka_unit_test(test_power_loss_at_every_write),
        cmocka_unit_test(test_lost_write_at_every_write),
        cmocka_unit_test(test_disk_full_at_every_write),
        cmocka_unit_test(test_kill_at_random_moments),
        cmocka_unit_test(test_file_size_limits),
        cmocka_unit_test(test_failure_is_one_line_and_stays),
        cmocka_unit_test(test_unreadable_partial_is_kept),
    };
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 1;
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
