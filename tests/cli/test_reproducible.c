/* SPDX-License-Identifier: GPL-3.0-or-later
 * Two runs of one experiment: with SOURCE_DATE_EPOCH the same file to the byte, without it the same content.
 */
#include "support/process.h"
#include "support/result.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *epoch; /* NULL: not set */

static void set_epoch(void) {
    if ((epoch ? setenv("SOURCE_DATE_EPOCH", epoch, 1) : unsetenv("SOURCE_DATE_EPOCH")) != 0)
        _exit(126);
}

/* Runs to a.h5 (its name is in the file), which then gets its own name; what the run printed is its table,
 * checked here to be the same for all. */
static void run_to(const char *name, const char *option) {
    static char table[16384];
    char output[300];
    (void)snprintf(output, sizeof output, "output=%s", in_folder("a.h5"));
    const struct ended ended = assert_done(RUN(set_epoch, SMALL_RUN, output, option));
    if (!table[0])
        memcpy(table, ended.out, sizeof table);
    assert_string_equal(ended.out, table);
    assert_int_equal(rename(in_folder("a.h5"), in_folder(name)), 0);
}

/* A text attribute of a file, into text. */
static void read_text(const char *path, const char *object, const char *name, char text[128]) {
    char *value = NULL;
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t attribute = H5Aopen_by_name(file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t type = H5Aget_type(attribute);
    assert_true(H5Aread(attribute, type, &value) >= 0);
    (void)snprintf(text, 128, "%s", value);
    (void)H5free_memory(value);
    (void)H5Tclose(type);
    (void)H5Aclose(attribute);
    assert_int_equal(H5Fclose(file), 0);
}

static void test_same_bytes(void **state) {
    char time_text[128];
    (void)state;
    epoch = "1700000000";
    run_to("one.h5", "threads=2");
    run_to("two.h5", "threads=2");
    assert_true(same_bytes(in_folder("one.h5"), in_folder("two.h5")));
    read_text(in_folder("one.h5"), "/provenance", "time", time_text);
    assert_string_equal(time_text, "2023-11-14T22:13:20Z");
}

/* Two times of day, two numbers of threads: other bytes, the same content. */
static void test_same_content(void **state) {
    char first[128], second[128];
    (void)state;
    epoch = NULL;
    run_to("one.h5", "threads=1");
    (void)usleep(1100000);
    run_to("two.h5", "threads=2");
    read_text(in_folder("one.h5"), "/provenance", "time", first);
    read_text(in_folder("two.h5"), "/provenance", "time", second);
    assert_string_not_equal(first, second);
    assert_false(same_bytes(in_folder("one.h5"), in_folder("two.h5")));
    read_text(in_folder("one.h5"), "/", "content_digest", first);
    read_text(in_folder("two.h5"), "/", "content_digest", second);
    assert_string_equal(first, second);
}

/* reproducible-builds.org: a build should stop where the variable is no integer. */
static void test_malformed_epoch(void **state) {
    static const char *const malformed[] = {
        "", "today", "-1", "1.5", "0x10", "12 ", "9223372036854775807", "99999999999999999999"};
    char output[300];
    (void)state;
    (void)snprintf(output, sizeof output, "output=%s", in_folder("a.h5"));
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        char says[128];
        epoch = malformed[i];
        (void)snprintf(says, sizeof says,
                       "clip-parity: SOURCE_DATE_EPOCH: '%s' is not a time (expected seconds since 1970, "
                       "such as 1700000000)\n",
                       epoch);
        const struct ended ended = RUN(set_epoch, SMALL_RUN, output);
        assert_int_equal(ended.code, 3);
        assert_string_equal(ended.err, says);
        assert_int_not_equal(access(in_folder("a.h5.partial"), F_OK), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_same_content),
        cmocka_unit_test(test_malformed_epoch),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
