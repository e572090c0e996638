/* SPDX-License-Identifier: GPL-3.0-or-later
 * One path, and a state that is set after it. */
#include "format/unfinished.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static char known[4096];
static volatile sig_atomic_t now = CP_UNFINISHED_NONE;

void cp_unfinished_set(const char *path, enum cp_unfinished state) {
    const size_t length = strlen(path);
    if (length >= sizeof known || (now != CP_UNFINISHED_NONE && strcmp(known, path) != 0))
        return;
    if (now == CP_UNFINISHED_NONE)
        memcpy(known, path, length + 1);
    now = (sig_atomic_t)state;
}

enum cp_unfinished cp_unfinished_leave(void) {
    const enum cp_unfinished state = (enum cp_unfinished)now;
    if (state == CP_UNFINISHED_USELESS)
        (void)unlink(known);
    return state;
}
