/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/malformed.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_SECONDS = SANITIZED ? 20 : 1, CHILD_KIB = SANITIZED ? 1 << 30 : 256 << 10 };

#ifdef CP_COVERAGE
void __gcov_dump(void);
#endif

const char *written(const char *name, const void *bytes, size_t size) {
    static char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

void assert_one_line(const char *line) {
    assert_true(line[0] != '\0');
    for (const char *c = line; *c; c++)
        assert_true((unsigned char)*c >= ' ' && *c != 0x7f);
}

enum cp_status read_in_child(file_reader *reader, const char *path, char *line) {
    int status = 0;
    struct rusage usage;
    char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    const double start = seconds();
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct cp_error err = {0};
        (void)alarm(CHILD_SECONDS + 1);
        const enum cp_status read = reader(path, &err);
        if (read != CP_OK)
            cp_error_line(&err, shared, 4096);
#ifdef CP_COVERAGE
        __gcov_dump(); /* which _exit would skip */
#endif
        _exit((int)read);
    }
    assert_int_equal(wait4(child, &status, 0, &usage), child);
    if (!WIFEXITED(status) || seconds() - start > CHILD_SECONDS || usage.ru_maxrss > CHILD_KIB)
        fail_msg("%s: signal %d, %.2f s, %ld KiB", path, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                 seconds() - start, usage.ru_maxrss);
    memcpy(line, shared, 4096);
    (void)munmap(shared, 4096);
    return (enum cp_status)WEXITSTATUS(status);
}

void assert_refused(file_reader *reader, const char *path, const char *says) {
    char line[4096];
    const enum cp_status status = read_in_child(reader, path, line);
    if (status != CP_BAD_INPUT || !strstr(line, says))
        fail_msg("%s gives %d, '%s', which does not say '%s'", path, status, line, says);
    assert_one_line(line);
    assert_int_equal(strncmp(line, path, strlen(path)), 0);
    assert_non_null(strstr(line, " (expected "));
}

void assert_accepted(file_reader *reader, const char *path) {
    char line[4096];
    if (read_in_child(reader, path, line) != CP_OK)
        fail_msg("%s", line);
}

void assert_only_regular_files(file_reader *reader) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s/fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_refused(reader, path, "is not a regular file");
    assert_int_equal(unlink(path), 0);
    assert_refused(reader, folder, "is a folder");
    assert_refused(reader, "/dev/zero", "is not a regular file");
}
