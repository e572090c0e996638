/* SPDX-License-Identifier: GPL-3.0-or-later
 * Names of files, before anything is opened. */
#ifndef CP_BASE_PATH_H
#define CP_BASE_PATH_H

#include <stdbool.h>

/* The part of a path behind its last '/', in path. */
const char *cp_path_name(const char *path);
/* Whether there is something of this name: also a link that leads nowhere, which is no reason to do without a file. */
bool cp_path_is_there(const char *path);

#endif
