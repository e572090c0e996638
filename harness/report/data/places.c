/* SPDX-License-Identifier: GPL-3.0-or-later
 * Where on the images a tap diverges most. */
#include "report/data/load.h"

#include <stdlib.h>
#include <string.h>

static const double *total_of(const struct cp_reader_array *metrics, size_t input) {
    return metrics->values + input * CP_PART_COUNT * CP_METRIC_COUNT;
}

/* Which token a row of a tap is: 0 the class token, then the patches; SIZE_MAX: none. Attention's rows are
 * (head, token). */
static size_t token_of(const struct cp_report_tap *tap, size_t grid, double row) {
    static const char *const whole[] = {"visual", "visual.pooled", "image_features"};
    const size_t patches = grid * grid;
    if (tap->tower != CP_VISUAL || grid == 0 || !(row >= 0) || strncmp(tap->name, "pixels", 6) == 0)
        return SIZE_MAX;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (strcmp(tap->name, whole[i]) == 0)
            return SIZE_MAX;
    return strcmp(tap->name, "visual.conv1") == 0 ? (size_t)row % patches + 1 : (size_t)row % (patches + 1);
}

static int by_images(const void *a, const void *b) {
    const struct cp_report_patch *x = a, *y = b;
    if (x->images != y->images)
        return x->images < y->images ? 1 : -1;
    return x->token > y->token ? 1 : -1;
}

static void keep_worst(struct cp_report_places *places, struct cp_report_worst found) {
    size_t at = places->worst < CP_REPORT_WORST ? places->worst++ : CP_REPORT_WORST;
    for (; at > 0 && places->worst_of[at - 1].rel < found.rel; at--)
        if (at < CP_REPORT_WORST)
            places->worst_of[at] = places->worst_of[at - 1];
    if (at < CP_REPORT_WORST)
        places->worst_of[at] = found;
}

/* counts: (grid^2 + 1), cleared. */
static void find_places(const struct cp_reader_array *metrics, const struct cp_report_tap *tap, size_t grid,
                        struct cp_report_patch *counts, struct cp_report_places *places) {
    const size_t tokens = grid * grid + 1;
    for (size_t i = 0; i < metrics->shape[0]; i++) {
        const double *total = total_of(metrics, i);
        const size_t token = token_of(tap, grid, total[CP_WORST_ROW]);
        if (token == SIZE_MAX || !(total[CP_WORST_REL_L2] > 0))
            continue;
        counts[token].images++;
        keep_worst(places, (struct cp_report_worst){i, token, total[CP_WORST_REL_L2]});
    }
    for (size_t k = 0; k < tokens; k++)
        counts[k].token = k;
    qsort(counts, tokens, sizeof *counts, by_images);
    while (places->patches < CP_REPORT_PATCHES && places->patches < tokens &&
           counts[places->patches].images) {
        places->patch[places->patches] = counts[places->patches];
        places->patches++;
    }
}

enum cp_status cp_load_places(const struct cp_load *l, const struct cp_reader_array *metrics,
                              struct cp_report_tap *tap) {
    const size_t grid = l->report->patch_grid;
    if (token_of(tap, grid, 0) == SIZE_MAX)
        return CP_OK;
    struct cp_report_places *places = cp_arena_calloc(&l->report->arena, 1, sizeof *places);
    struct cp_report_patch *counts = calloc(grid * grid + 1, sizeof *counts);
    if (places && counts)
        find_places(metrics, tap, grid, counts, places);
    free(counts);
    tap->places = places;
    return CP_CHECK_ALLOC(places && counts, l->err, l->report->path, "a report");
}
