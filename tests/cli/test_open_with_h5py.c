/* SPDX-License-Identifier: GPL-3.0-or-later
 * A result file opens in one line of h5py and one of xarray: open_with_h5py.py checks the file written here.
 * Skipped where no Python has the modules. */
#include "support/result.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

static void test_opens(void **state) {
    (void)state;
    static const char *const pythons[] = {"python3", "/usr/bin/python3"};
    const char *path = in_folder("small.h5");
    char digest[65];
    char command[1024];
    int outcome = 77;
    assert_true(write_small(path, &USUAL, digest));
    for (size_t i = 0; i < 2 && outcome == 77; i++) {
        (void)snprintf(command, sizeof command, "%s %s/tests/cli/open_with_h5py.py %s", pythons[i],
                       CP_SOURCE_DIR, path);
        outcome = WEXITSTATUS(system(command));
    }
    if (outcome == 77)
        skip();
    assert_int_equal(outcome, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_opens)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
