/* SPDX-License-Identifier: GPL-3.0-or-later
 * Sentences for people, gathered on the way. */
#ifndef CP_BASE_NOTES_H
#define CP_BASE_NOTES_H

#include "base/arena.h"
#include "base/status.h"

#include <stddef.h>
#include <stdio.h>

struct cp_notes {
    const char **lines;
    size_t count;
};

/* Adds one, in the arena. */
enum cp_status cp_note(struct cp_notes *notes, struct cp_arena *arena, struct cp_error *err,
                       const char *format, ...) CP_PRINTF(4, 5);
/* Adds copies of others, each with "PATH: " before it. */
enum cp_status cp_notes_add(struct cp_notes *notes, const char *path, const struct cp_notes *others,
                            struct cp_arena *arena, struct cp_error *err);
/* One line each, escaped. out NULL: silent. */
void cp_notes_print(const struct cp_notes *notes, FILE *out);

#endif
