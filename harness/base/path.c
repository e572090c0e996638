/* SPDX-License-Identifier: GPL-3.0-or-later
 * Text and lstat. */
#include "base/path.h"

#include <string.h>
#include <sys/stat.h>

const char *cp_path_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool cp_path_is_there(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0;
}
