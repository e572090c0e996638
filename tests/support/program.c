/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/program.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *scratch_output(void) {
    static char path[64];
    if (!path[0]) {
        (void)snprintf(path, sizeof path, "/tmp/clip-parity-test-%ld.h5", (long)getpid());
        (void)setenv("OUT", path, 1);
    }
    return path;
}

/* Tests write one scratch file again and again, whatever is in it. */
static const char *forced(const char *arguments) {
    static const char *const writers[] = {"run ", "diff ", "check ", "accept ", "convert ", "preprocess "};
    for (size_t w = 0; w < sizeof writers / sizeof writers[0]; w++)
        if (strncmp(arguments, writers[w], strlen(writers[w])) == 0)
            return " --force";
    return "";
}

int run_program(const char *arguments, char *text, size_t size) {
    const size_t word = strcspn(arguments, " ");
    char command[2048];
    (void)scratch_output();
    (void)snprintf(command, sizeof command, "%s %.*s%s%s 2>&1", CP_PROGRAM, (int)word, arguments,
                   forced(arguments), arguments + word);
    FILE *pipe = popen(command, "r");
    size_t used = 0;
    for (size_t got; pipe && used + 1 < size && (got = fread(text + used, 1, size - 1 - used, pipe)) > 0;)
        used += got;
    text[used] = '\0';
    const int status = pipe ? pclose(pipe) : -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void run_expecting(int expected, const char *arguments, char *text, size_t size) {
    const int code = run_program(arguments, text, size);
    if (code != expected)
        fail_msg("%s: exit code %d\n%s", arguments, code, text);
}

void unexpected_output(const char *arguments, int code, const char *says, const char *text) {
    (void)fprintf(stderr, "%s\n", text);
    fail_msg("%s: exit code %d and the above (expected %s)", arguments, code, says);
}

void run_saying(const char *arguments, int expected, const char *says, char *text, size_t size) {
    const int got = run_program(arguments, text, size);
    if (got != expected || (says && !strstr(text, says)))
        unexpected_output(arguments, got, says ? says : "another exit code", text);
}

long read_dataset(const char *file, const char *path, hid_t type, void *values, size_t count) {
    const hid_t f = H5Fopen(file, H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t dataset = f < 0 ? -1 : H5Dopen2(f, path, H5P_DEFAULT);
    const hid_t space = dataset < 0 ? -1 : H5Dget_space(dataset);
    const hssize_t points = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    long got = -1;
    if (points >= 0 && (size_t)points <= count &&
        H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0)
        got = (long)points;
    if (space >= 0)
        (void)H5Sclose(space);
    if (dataset >= 0)
        (void)H5Dclose(dataset);
    if (f >= 0)
        (void)H5Fclose(f);
    return got;
}

void write_text(const char *path, const char *content) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0 && fclose(file) == 0);
}
