/* SPDX-License-Identifier: GPL-3.0-or-later
 * A temporary folder of one test program: its group set-up and tear-down. */
#ifndef CP_TESTS_FOLDER_FIXTURE_H
#define CP_TESTS_FOLDER_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

static char folder[] = "/tmp/clip-parity-XXXXXX"; /* mkdtemp's template; to a shell it is $DIR */

static inline int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) == NULL || setenv("DIR", folder, 1) != 0;
}

static inline int remove_folder(void **state) {
    (void)state;
    char command[64];
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

#endif
