/* SPDX-License-Identifier: GPL-3.0-or-later
 * The rows that commands share, and what they do. */
#include "option/common.h"

#include "report/term/term.h"

#include <string.h>

static const char *const colors[] = {"auto", "always", "never", NULL}; /* by enum cp_screen_ink_when */

static const struct {
    unsigned set; /* 0: of every command */
    struct cp_option option;
} rows[] = {
    {CP_COMMON_VERBOSE,
     {"--verbose", 'v', NULL, CP_WORD_TEXT, "print more detail", CP_INTO(struct cp_common, verbose)}},
    {CP_COMMON_QUIET,
     {"--quiet", 'q', NULL, CP_WORD_TEXT, "print results and errors only", CP_INTO(struct cp_common, quiet)}},
    {CP_COMMON_PROGRESS,
     {"--no-progress", 0, NULL, CP_WORD_TEXT, "do not show progress",
      CP_INTO(struct cp_common, no_progress)}},
    {CP_COMMON_COLOR,
     {"--color", 0, "WHEN", CP_WORD_CHOICE, "use colour: auto (on a terminal, the default), always or never",
      CP_INTO(struct cp_common, color), .choices = colors}},
    {0, {"--help", 'h', NULL, CP_WORD_TEXT, "print this help", .take = NULL}}, /* found before any is taken */
};

bool cp_common_option(unsigned set, size_t index, struct cp_option *option) {
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        if (rows[r].set && !(rows[r].set & set))
            continue;
        if (index-- == 0)
            return *option = rows[r].option, true;
    }
    return false;
}

void cp_common_apply(const struct cp_common *common) {
    int when = CP_SCREEN_INK_AUTO;
    while (common->color && when < CP_SCREEN_INK_NEVER && strcmp(colors[when], common->color) != 0)
        when++;
    cp_screen_ink_when((enum cp_screen_ink_when)when);
}

FILE *cp_common_notes(const struct cp_common *common) {
    return common->quiet ? NULL : stderr;
}

FILE *cp_common_progress(const struct cp_common *common) {
    return common->quiet || common->no_progress ? NULL : stderr;
}
