/* SPDX-License-Identifier: GPL-3.0-or-later
 * Options that take a value, in a table of each command. */
#ifndef CP_CMD_OPTION_H
#define CP_CMD_OPTION_H

#include <stdbool.h>
#include <stddef.h>

struct cp_cmd_option {
    const char *name, **value;
};

/* Takes argv[*i] and its value, if it is one of them, and moves *i to the value. *missing: it is one, but no
 * value follows, so it is not taken. */
bool cp_cmd_option(const struct cp_cmd_option *options, size_t count, int argc, char **argv, int *i,
                   bool *missing);

#endif
