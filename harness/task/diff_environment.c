/* SPDX-License-Identifier: GPL-3.0-or-later
 * What two captures say of how they were made, side by side. */
#include "task/diff.h"

#include "base/escape.h"
#include "capture/capture.h"

#include <string.h>

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static const char *find_value(const struct cp_capture_environment *e, const char *name) {
    for (size_t i = 0; i < e->count; i++)
        if (strcmp(e->name[i], name) == 0)
            return e->value[i];
    return NULL;
}

static void print_pair(FILE *out, const char *name, const char *a, const char *b) {
    if (same_text(a, b)) {
        cp_print(out, "  %-18s %s\n", name, a);
        return;
    }
    cp_print(out, "  %-18s A  %s\n", name, a && *a ? a : "-");
    cp_print(out, "  %-18s B  %s\n", "", b && *b ? b : "-");
}

/* What is the same, or what differs; how many there were. */
static size_t print_all(FILE *out, const struct cp_capture_environment *a,
                        const struct cp_capture_environment *b, bool same, const char *heading) {
    size_t count = 0;
    for (int pass = 0; pass < 2; pass++) { /* A's names, then those that only B has */
        const struct cp_capture_environment *from = pass ? b : a, *other = pass ? a : b;
        for (size_t i = 0; i < from->count; i++) {
            const char *theirs = find_value(other, from->name[i]);
            if (same_text(from->value[i], theirs) != same || (pass && theirs))
                continue;
            if (!count++)
                cp_print(out, "%s\n", heading);
            print_pair(out, from->name[i], pass ? theirs : from->value[i], pass ? from->value[i] : theirs);
        }
    }
    return count;
}

enum cp_status cp_diff_environments(const char *a, const char *b, FILE *out, struct cp_error *err) {
    struct cp_arena arena = {0};
    struct cp_capture_environment mine, theirs;
    enum cp_status status = cp_capture_environment(a, &cp_capture_limits, &arena, &mine, err);
    if (status == CP_OK)
        status = cp_capture_environment(b, &cp_capture_limits, &arena, &theirs, err);
    if (status == CP_OK) {
        cp_print(out, "A  %s\nB  %s\n", a, b);
        if (print_all(out, &mine, &theirs, false, "differs") == 0)
            (void)fprintf(out, "nothing differs\n");
        (void)print_all(out, &mine, &theirs, true, "same");
    }
    cp_arena_free(&arena);
    return status;
}
