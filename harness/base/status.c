/* SPDX-License-Identifier: GPL-3.0-or-later
 * Fills the error record, and prints it with control characters escaped. */
#include "base/status.h"

#include "base/escape.h"

#undef cp_fail /* the analyser's words for these three */
#undef cp_expected
#undef cp_no_memory

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum cp_status cp_fail(struct cp_error *err, enum cp_status status, const char *where, const char *format,
                       ...) {
    va_list args;
    err->status = status;
    err->expected[0] = '\0';
    (void)snprintf(err->where, sizeof err->where, "%s", where ? where : "");
    va_start(args, format);
    (void)vsnprintf(err->what, sizeof err->what, format, args);
    va_end(args);
    return status;
}

enum cp_status cp_no_memory(struct cp_error *err, const char *where, const char *what, ...) {
    char text[sizeof err->what];
    va_list args;
    va_start(args, what);
    (void)vsnprintf(text, sizeof text, what, args);
    va_end(args);
    return cp_fail(err, CP_INTERNAL, where, "out of memory for %.400s", text);
}

enum cp_status cp_expected(struct cp_error *err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->expected, sizeof err->expected, format, args);
    va_end(args);
    return err->status;
}

void cp_error_within(struct cp_error *err, const char *prefix) {
    char inner[sizeof err->where];
    memcpy(inner, err->where, sizeof inner);
    (void)snprintf(err->where, sizeof err->where, inner[0] ? "%s: %.*s" : "%s%.*s", prefix,
                   (int)(sizeof inner - 1 - strnlen(prefix, sizeof inner - 1)), inner);
}

static void write_line(const struct cp_error *err, const char *where, char *line, unsigned long size) {
    size_t used = 0;
    line[0] = '\0';
    if (where[0]) {
        used = cp_append_visible(line, size, used, where);
        used = cp_append_visible(line, size, used, ": ");
    }
    used = cp_append_visible(line, size, used, err->what);
    if (err->expected[0]) {
        used = cp_append_visible(line, size, used, " (expected ");
        used = cp_append_visible(line, size, used, err->expected);
        (void)cp_append_visible(line, size, used, ")");
    }
}

void cp_error_line(const struct cp_error *err, char *line, unsigned long size) {
    write_line(err, err->where, line, size);
}

void cp_error_line_in(const struct cp_error *err, const char *path, char *line, unsigned long size) {
    const size_t length = strlen(path);
    const char *where = err->where;
    if (strncmp(where, path, length) == 0)
        where += length + strspn(where + length, ": ");
    write_line(err, where, line, size);
}
