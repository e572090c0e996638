/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report/page.h"

#include <math.h>

/* The dimensions' names; NULL: no such dimension, or one without names of its places. */
struct dimensions {
    const char *row, *column, *layer;
};

static enum cp_status load_labels(struct cp_page_loader *l, const char *group, const char *name, size_t count,
                                  struct cp_reader_texts *labels) {
    char object[512];
    if (!name)
        return CP_OK;
    (void)snprintf(object, sizeof object, "%s/%s", group, name);
    CP_TRY(cp_reader_texts(l->reader, object, &l->report->arena, labels, l->err));
    return labels->count == count ? CP_OK : cp_page_damaged(l, object, "a name for each place");
}

static enum cp_status load_table(struct cp_page_loader *l, const char *group, const char *name,
                                 struct dimensions names, struct cp_page_table *table) {
    struct cp_reader_array array;
    char object[512];
    (void)snprintf(object, sizeof object, "%s/%s", group, name);
    if (!cp_reader_has(l->reader, object))
        return CP_OK;
    CP_TRY(cp_reader_numbers(l->reader, object, &l->report->arena, &array, l->err));
    if (array.rank != (names.layer ? 3 : 2))
        return cp_page_damaged(l, object, names.layer ? "three dimensions" : "two dimensions");
    table->rows = array.shape[0];
    table->columns = array.shape[1];
    table->depth = names.layer ? array.shape[2] : 1;
    CP_TRY(load_labels(l, group, names.row, table->rows, &table->row));
    CP_TRY(load_labels(l, group, names.column, table->columns, &table->column));
    CP_TRY(load_labels(l, group, names.layer, table->depth, &table->layer));
    table->values = array.values;
    return CP_OK;
}

/* Root mean square over inputs and runs, tap by tap. */
static enum cp_status load_floor(struct cp_page_loader *l) {
    const struct cp_report_candidate *first = &l->report->candidate[0];
    if (!cp_reader_has(l->reader, "/floor"))
        return CP_OK;
    double *floor = cp_arena_alloc(&l->report->arena, first->taps, sizeof *floor);
    if (!floor)
        return cp_fail(l->err, CP_INTERNAL, l->report->path, "out of memory");
    for (size_t t = 0; t < first->taps; t++) {
        struct cp_arena scratch = {0};
        struct cp_reader_array runs;
        char object[300];
        double sum = 0;
        size_t count = 0;
        (void)snprintf(object, sizeof object, "/floor/%.200s/rel_l2", first->tap[t].name);
        floor[t] = NAN;
        if (!cp_reader_has(l->reader, object))
            continue;
        const enum cp_status status = cp_reader_numbers(l->reader, object, &scratch, &runs, l->err);
        for (size_t i = 0; status == CP_OK && runs.rank == 2 && i < runs.shape[0] * runs.shape[1]; i++)
            if (!isnan(runs.values[i])) {
                sum += runs.values[i] * runs.values[i];
                count++;
            }
        cp_arena_free(&scratch);
        CP_TRY(status);
        floor[t] = count ? sqrt(sum / (double)count) : NAN;
    }
    l->page->floor = floor;
    return CP_OK;
}

enum cp_status cp_page_tables(struct cp_page_loader *l) {
    struct cp_page *page = l->page;
    CP_TRY(load_floor(l));
    CP_TRY(load_table(l, "/bracket", "bounds", (struct dimensions){"tap", "bound", NULL}, &page->bounds));
    CP_TRY(load_table(l, "/attribution/factorial", "effects",
                      (struct dimensions){"effect", "response", "field"}, &page->effects));
    CP_TRY(load_table(l, "/attribution/factorial", "shapley",
                      (struct dimensions){"factor", "response", "field"}, &page->shapley));
    CP_TRY(load_table(l, "/attribution/layers", "visual", (struct dimensions){"component", NULL, NULL},
                      &page->layers[0]));
    return load_table(l, "/attribution/layers", "text", (struct dimensions){"component", NULL, NULL},
                      &page->layers[1]);
}

enum cp_status cp_page_candidate_tables(struct cp_page_loader *l, size_t c) {
    const struct cp_report_candidate *candidate = &l->report->candidate[c];
    struct cp_page_candidate *page = &l->page->candidate[c];
    char group[300];
    (void)snprintf(group, sizeof group, "/metrics/%.255s", candidate->name);
    CP_TRY(load_table(l, group, "local_verdicts", (struct dimensions){"tap", "field", NULL}, &page->local));
    if (page->local.values &&
        (page->local.rows != candidate->taps || page->local.columns != CP_VERDICT_FIELDS))
        return cp_page_damaged(l, group, "local verdicts of every tap");
    CP_TRY(load_table(l, group, "propagation", (struct dimensions){"segment", "propagation_field", NULL},
                      &page->propagation));
    return CP_OK;
}
