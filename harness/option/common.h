/* SPDX-License-Identifier: GPL-3.0-or-later
 * Options that commands share: how much is said, and how it looks. */
#ifndef CP_OPTION_COMMON_H
#define CP_OPTION_COMMON_H

#include "option/option.h"

#include <stdio.h>

enum {
    CP_COMMON_VERBOSE = 1,
    CP_COMMON_QUIET = 2,
    CP_COMMON_PROGRESS = 4,
    CP_COMMON_COLOR = 8,
    CP_COMMON_RUN = CP_COMMON_QUIET | CP_COMMON_PROGRESS /* of what runs a study */
};

struct cp_common {
    bool verbose, quiet, no_progress;
    const char *color; /* NULL: auto */
};

/* The rows of a set of CP_COMMON_*, by index, and --help; false behind the last. at: in struct cp_common. */
bool cp_common_option(unsigned set, size_t index, struct cp_option *option);

/* Before the command runs. */
void cp_common_apply(const struct cp_common *common);

/* Where to say what goes on, and where to show how far it is; NULL: nowhere. */
FILE *cp_common_notes(const struct cp_common *common);
FILE *cp_common_progress(const struct cp_common *common);

#endif
