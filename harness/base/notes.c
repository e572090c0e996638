/* SPDX-License-Identifier: GPL-3.0-or-later
 * A list that grows by copying: notes are few. */
#include "base/notes.h"

#include "base/escape.h"

#include <stdarg.h>
#include <string.h>

enum cp_status cp_note(struct cp_notes *notes, struct cp_arena *arena, struct cp_error *err,
                       const char *format, ...) {
    const char **lines = cp_arena_alloc(arena, notes->count + 1, sizeof *lines);
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *line = cp_arena_alloc(arena, (size_t)length + 1, 1);
    CP_TRY(CP_CHECK_ALLOC(length >= 0 && lines && line, err, "", "a note"));
    va_start(args, format);
    (void)vsnprintf(line, (size_t)length + 1, format, args);
    va_end(args);
    if (notes->count)
        memcpy(lines, notes->lines, notes->count * sizeof *lines);
    lines[notes->count++] = line;
    notes->lines = lines;
    return CP_OK;
}

enum cp_status cp_notes_add(struct cp_notes *notes, const char *path, const struct cp_notes *others,
                            struct cp_arena *arena, struct cp_error *err) {
    for (size_t n = 0; n < others->count; n++)
        CP_TRY(cp_note(notes, arena, err, "%s: %s", path, others->lines[n]));
    return CP_OK;
}

void cp_notes_print(const struct cp_notes *notes, FILE *out) {
    for (size_t n = 0; out && n < notes->count; n++)
        cp_print(out, "%s\n", notes->lines[n]);
}
