/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/folder.h"

#include <stdio.h>
#include <stdlib.h>

char folder[] = "/tmp/clip-parity-XXXXXX"; /* mkdtemp's template; to a shell it is $DIR */

int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) == NULL || setenv("DIR", folder, 1) != 0;
}

int remove_folder(void **state) {
    (void)state;
    char command[64];
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}
