/* SPDX-License-Identifier: GPL-3.0-or-later
 * * and ? matched in a loop that returns to the last star only, so no pattern takes exponential time. */
#include "base/glob.h"

#include <stddef.h>

bool cp_glob_match(const char *pattern, const char *text) {
    const char *after_star = NULL; /* the last star is the only one worth trying again */
    const char *resume = NULL;
    while (*text) {
        if (*pattern == '*') {
            after_star = ++pattern;
            resume = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (after_star) {
            pattern = after_star;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}
