/* SPDX-License-Identifier: GPL-3.0-or-later
 * Hands out the macros that the build defines, so that a new commit recompiles this file alone. */
#include "base/version.h"

const char *cp_version(void) {
    return CP_VERSION;
}

const char *cp_version_commit(void) {
    return CP_GIT_COMMIT;
}

const char *cp_version_compiler(void) {
    return CP_COMPILER;
}

const char *cp_version_flags(void) {
    return CP_FLAGS;
}

const char *cp_version_libraries(void) {
    return CP_LIBRARIES;
}
