/* SPDX-License-Identifier: GPL-3.0-or-later
 * Edit distance with transpositions, three rows of the table at a time, and the error texts built on it. */
#include "base/nearest.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

size_t cp_edit_distance(const char *a, const char *b) {
    const size_t rows = strnlen(a, CP_EDIT_MAX + 1);
    const size_t columns = strnlen(b, CP_EDIT_MAX + 1);
    size_t store[3][CP_EDIT_MAX + 1];
    size_t *before = store[0], *last = store[1], *row = store[2]; /* rows i - 2, i - 1 and i of the table */
    if (rows > CP_EDIT_MAX || columns > CP_EDIT_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 1; i <= rows; i++) {
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            row[j] = smaller(smaller(last[j], row[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
    }
    return row[columns];
}

const char *cp_nearest(const char *word, const char *const *names, size_t count) {
    const char *best = NULL;
    const size_t third = strnlen(word + strspn(word, "-"), CP_EDIT_MAX) / 3; /* all options begin alike */
    size_t nearest = third > 0 ? third + 1 : 2;
    for (size_t i = 0; i < count; i++) {
        const size_t distance = cp_edit_distance(word, names[i]);
        if (distance < nearest) {
            nearest = distance;
            best = names[i];
        }
    }
    return best;
}

/* What others call the types of this program. */
static const char *usual_name(const char *word) {
    static const char *const names[][2] = {
        {"float16", "fp16"}, {"half", "fp16"},  {"f16", "fp16"},    {"bfloat16", "bf16"},
        {"float32", "fp32"}, {"float", "fp32"}, {"f32", "fp32"},    {"single", "fp32"},
        {"float64", "fp64"}, {"f64", "fp64"},   {"double", "fp64"},
    };
    if (strncmp(word, "torch.", strlen("torch.")) == 0)
        word += strlen("torch.");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(word, names[i][0]) == 0)
            return names[i][1];
    return word;
}

void cp_did_you_mean(struct cp_error *err, const char *name, const char *more) {
    const size_t used = strlen(err->what);
    (void)snprintf(err->what + used, sizeof err->what - used, "; did you mean '%s'%s?", name, more);
}

enum cp_status cp_expect_one_of(struct cp_error *err, const char *word, const char *const *names) {
    char list[400] = "";
    size_t count = 0;
    for (size_t used = 0; names[count]; count++) {
        const size_t remaining = sizeof list - used;
        if (used < sizeof list && strlen(names[count]) + sizeof ", , ..." < remaining)
            used += (size_t)snprintf(list + used, remaining, "%s%s", count ? ", " : "", names[count]);
        else if (used < sizeof list) {
            (void)snprintf(list + used, remaining, ", ...");
            used = sizeof list;
        }
    }
    const char *nearest = cp_nearest(usual_name(word), names, count);
    if (nearest)
        cp_did_you_mean(err, nearest, "");
    return cp_expected(err, "one of %s", list);
}
