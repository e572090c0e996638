/* SPDX-License-Identifier: GPL-3.0-or-later
 * A result that cannot be written: a full disk, a limit on the size of files, a folder that is not there or
 * may not be written, a name that is no file's. One line, exit code 3; what is left is nothing, or images
 * that
 * --resume goes on from. */
#include "support/process.h"
#include "support/program.h"
#include "support/result.h"
#include "support/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Tensors of enough images that the file grows from batch to batch. */
#define GROWING_RUN                                                                                          \
    SMALL_RUN, "inputs.limit=24", "batch=4", "oracle=off",                                                   \
        "record={\"*\": \"off\", \"visual.*.mlp.gelu\": full, probs: full}"

static char output[300], digest[65];
static rlim_t limit_bytes;

static void limit_files(void) {
    const struct rlimit limit = {limit_bytes, limit_bytes};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(126);
}

static int exists(const char *name) {
    return access(in_folder(name), F_OK) == 0;
}

/* The names in a folder. */
static int count_names(const char *path) {
    DIR *open = opendir(path);
    int count = 0;
    assert_non_null(open);
    while (readdir(open)) /* NOLINT(concurrency-mt-unsafe): one thread */
        count++;
    (void)closedir(open);
    return count - 2; /* without . and .. */
}

static void test_whole_run(void **state) {
    (void)state;
    (void)snprintf(output, sizeof output, "output=%s", in_folder("a.h5"));
    const struct ended ended = assert_done(RUN(NULL, GROWING_RUN, output));
    const char *content = strstr(ended.out, "content ");
    assert_non_null(content);
    (void)snprintf(digest, sizeof digest, "%.64s", content + strlen("content "));
}

/* After a run that the limit stopped: one line, no result; a partial result exactly where the line says that
 * --resume goes on, and then it does. Whether there was one. */
static int check_refusal(const struct ended *ended) {
    char says[320];
    (void)snprintf(says, sizeof says, "clip-parity: %s.partial: ", in_folder("a.h5"));
    assert_int_equal(ended->code, 3);
    assert_non_null(only_error(ended));
    assert_true(strncmp(only_error(ended), says, strlen(says)) == 0);
    assert_non_null(strstr(ended->err, "File too large"));
    assert_string_equal(ended->out, "");
    assert_false(exists("a.h5"));
    const int kept = strstr(ended->err, "(expected room for the rest; --resume continues after ") != NULL;
    assert_int_equal(exists("a.h5.partial"), kept);
    return kept;
}

static void assert_resumes(void) {
    const struct ended ended = assert_done(RUN(NULL, GROWING_RUN, output, "--resume"));
    assert_non_null(strstr(ended.err, "going on after "));
    assert_non_null(strstr(ended.out, digest));
    assert_false(exists("a.h5.partial"));
}

static void test_file_size_limits(void **state) {
    struct stat info;
    int refused = 0, kept = 0;
    (void)state;
    assert_int_equal(stat(in_folder("a.h5"), &info), 0);
    assert_int_equal(unlink(in_folder("a.h5")), 0);
    const rlim_t size = (rlim_t)info.st_size;
    for (limit_bytes = 0; limit_bytes <= size; limit_bytes += limit_bytes < 4096 ? 1000 : size / 10) {
        const struct ended ended = RUN(limit_files, GROWING_RUN, output);
        refused++;
        if (!check_refusal(&ended))
            continue;
        kept++;
        const struct ended again = RUN(limit_files, GROWING_RUN, output, "--resume");
        assert_int_equal(check_refusal(&again), 1); /* and does not take away what was there */
        assert_resumes();
        assert_int_equal(unlink(in_folder("a.h5")), 0);
    }
    print_message("%d limits, %d of them after the first image\n", refused, kept);
    assert_true(refused > 10 && kept > 0 && kept < refused);
}

/* A previous result stays as it was. */
static void test_previous_result_stays(void **state) {
    struct stat before, after;
    (void)state;
    (void)assert_done(RUN(NULL, SMALL_RUN, output));
    assert_int_equal(stat(in_folder("a.h5"), &before), 0);
    limit_bytes = 100;
    assert_int_equal(RUN(limit_files, SMALL_RUN, output).code, 3);
    assert_int_equal(stat(in_folder("a.h5"), &after), 0);
    assert_true(before.st_ino == after.st_ino && before.st_size == after.st_size);
    assert_int_equal(unlink(in_folder("a.h5")), 0);
    assert_int_equal(count_names(folder), 0);
}

/* A disk that is really full: a tmpfs of 64 KiB, where the system lets a user mount one. */
static void test_full_disk(void **state) {
    char command[1024], text[4096] = "";
    (void)state;
    (void)snprintf(command, sizeof command,
                   "unshare -rm sh -c 'mkdir %s/tiny && mount -t tmpfs -o size=64k none %s/tiny || exit 77; "
                   "%s run experiments/quickgelu-vs-gelu.yaml local=off floor=0 inputs.limit=2 oracle=off "
                   "output=%s/tiny/a.h5; "
                   "echo code $?; ls %s/tiny' 2>&1",
                   folder, folder, CP_PROGRAM, folder, folder);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    (void)!fread(text, 1, sizeof text - 1, pipe);
    const int status = pclose(pipe);
    (void)rmdir(in_folder("tiny"));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        skip();
    const char *line = strstr(text, "clip-parity: ");
    assert_true(line && (line == text || line[-1] == '\n')); /* perhaps behind what says that it starts */
    assert_non_null(strstr(line, "tiny/a.h5.partial: cannot write: No space left on device\ncode 3\n"));
    assert_string_equal(strchr(line, '\n'), "\ncode 3\n");
}

/* ---- names that nothing can be written under ---- */

static void assert_name_refused(const char *name, const char *says, prepare *in_child) {
    char argument[300];
    (void)snprintf(argument, sizeof argument, "output=%s", name);
    const struct ended ended = RUN(in_child, SMALL_RUN, argument);
    if (ended.code != 3 || !strstr(ended.err, says))
        print_error("%s: exit code %d: %s\n", name, ended.code, ended.err);
    assert_int_equal(ended.code, 3);
    assert_ptr_equal(only_error(&ended), ended.err); /* before anything is computed */
    assert_non_null(strstr(ended.err, says));
}

static void test_names(void **state) {
    (void)state;
    assert_int_equal(mkdir(in_folder("d"), 0777), 0);
    assert_name_refused(in_folder("d"), "/d: is not a regular file (expected a name for the file to write)",
                        NULL);
    assert_name_refused(in_folder("d/"), "/d/: is not a regular file", NULL);
    assert_name_refused(in_folder("new/"), "/new/: is not a regular file", NULL);
    assert_name_refused("/dev/null", "/dev/null: is not a regular file", NULL);
    assert_name_refused("/proc/clip-parity/a.h5", "/proc/clip-parity: cannot make the folder: No such file",
                        NULL);
    assert_name_refused("/proc/a.h5", "/proc/a.h5.partial: cannot open: No such file", NULL);
    assert_int_equal(rmdir(in_folder("d")), 0);
    assert_int_equal(count_names(folder), 0);
}

/* The superuser writes everywhere unless it gives that up. */
static void give_up_override(void) {
    enum { CAP_DAC_OVERRIDE = 1 }; /* linux/capability.h */
    if (geteuid() == 0 && prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE) != 0)
        _exit(126);
}

static void test_read_only_folder(void **state) {
    char name[300];
    (void)state;
    assert_int_equal(mkdir(in_folder("d"), 0555), 0);
    (void)snprintf(name, sizeof name, "output=%s", in_folder("d/a.h5"));
    const struct ended ended = RUN(give_up_override, SMALL_RUN, name);
    assert_int_equal(count_names(in_folder("d")), 0);
    assert_int_equal(rmdir(in_folder("d")), 0);
    if (ended.code == 126)
        skip();
    assert_int_equal(ended.code, 3);
    assert_ptr_equal(only_error(&ended), ended.err);
    assert_non_null(strstr(ended.err, "d/a.h5.partial: cannot open: Permission denied"));
}

static void test_missing_folders_are_made(void **state) {
    char name[300];
    (void)state;
    (void)snprintf(name, sizeof name, "output=%s", in_folder("x/y/z/a.h5"));
    const struct ended ended = assert_done(RUN(NULL, SMALL_RUN, name));
    assert_non_null(strstr(ended.out, name + strlen("output=")));
    assert_int_equal(count_names(in_folder("x/y/z")), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_run),
        cmocka_unit_test(test_file_size_limits),
        cmocka_unit_test(test_previous_result_stays),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_read_only_folder),
        cmocka_unit_test(test_missing_folders_are_made),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
