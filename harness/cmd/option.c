/* SPDX-License-Identifier: GPL-3.0-or-later
 * Matches one argument against a command's table and takes the next one as its value. */
#include "cmd/option.h"

#include <string.h>

bool cp_cmd_option(const struct cp_cmd_option *options, size_t count, int argc, char **argv, int *i,
                   bool *missing) {
    *missing = false;
    for (size_t o = 0; o < count; o++) {
        if (strcmp(argv[*i], options[o].name) != 0)
            continue;
        *missing = *i + 1 == argc;
        if (!*missing)
            *options[o].value = argv[++*i];
        return !*missing;
    }
    return false;
}
