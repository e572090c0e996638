/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report/page.h"

#include <string.h>

enum cp_status cp_page_damaged(const struct cp_page_loader *l, const char *object, const char *expected) {
    char where[512];
    (void)snprintf(where, sizeof where, "%.200s: %.250s", l->report->path, object);
    return cp_fail(l->err, CP_BAD_INPUT, where, "has another shape"), cp_expected(l->err, "%s", expected);
}

int cp_page_column(const struct cp_reader_texts *labels, const char *label) {
    for (size_t i = 0; label && i < labels->count; i++)
        if (strcmp(labels->items[i], label) == 0)
            return (int)i;
    return -1;
}

static enum cp_status load_images(struct cp_page_loader *l) {
    struct cp_page *page = l->page;
    struct cp_reader_array array;
    if (cp_reader_has(l->reader, "/inputs/patch_grid")) {
        CP_TRY(cp_reader_numbers(l->reader, "/inputs/patch_grid", &l->report->arena, &array, l->err));
        page->grid = array.values[0] >= 1 && array.values[0] < 1024 ? (size_t)array.values[0] : 0;
    }
    if (!cp_reader_has(l->reader, "/inputs/thumbnail"))
        return CP_OK;
    CP_TRY(cp_reader_numbers(l->reader, "/inputs/thumbnail", &l->report->arena, &array, l->err));
    if (array.rank != 4 || array.shape[0] > CP_PAGE_THUMBNAILS || array.shape[1] < 1 ||
        array.shape[1] != array.shape[2] || array.shape[3] != 3)
        return cp_page_damaged(l, "/inputs/thumbnail", "(image, y, x, colour)");
    page->thumbnails = array.shape[0];
    page->side = array.shape[1];
    page->thumbnail = array.values;
    return CP_OK;
}

/* A spec's probabilities over what is decided between; NULL where they were not recorded in full. */
static enum cp_status load_probabilities(struct cp_page_loader *l, const char *spec, const double **values) {
    const struct cp_report *r = l->report;
    struct cp_reader_array array;
    char object[400];
    (void)snprintf(object, sizeof object, "/captures/%.255s/class_probs/value", spec);
    if (!cp_reader_has(l->reader, object))
        (void)snprintf(object, sizeof object, "/captures/%.255s/probs/value", spec);
    if (!r->candidate[0].counts.images || !cp_reader_has(l->reader, object))
        return CP_OK;
    CP_TRY(cp_reader_numbers(l->reader, object, &l->report->arena, &array, l->err));
    if (array.rank == 2 && array.shape[0] == r->images.count && array.shape[1] == r->columns.count)
        *values = array.values;
    return CP_OK;
}

static void load_file(struct cp_page_loader *l) {
    struct cp_error none = {0}; /* older results do not say */
    const char *file = NULL;
    if (cp_reader_text(l->reader, "/provenance", "file", &l->report->arena, &file, &none) != CP_OK)
        file = cp_arena_printf(&l->report->arena, "experiments/%s.yaml", l->report->name);
    l->page->file = file ? file : "EXPERIMENT.yaml";
}

static enum cp_status load_all(struct cp_page_loader *l) {
    struct cp_report *r = l->report;
    load_file(l);
    CP_TRY(load_images(l));
    CP_TRY(load_probabilities(l, "baseline", &l->page->probabilities));
    CP_TRY(cp_page_tables(l));
    for (size_t c = 0; c < r->candidates; c++) {
        CP_TRY(load_probabilities(l, r->candidate[c].name, &l->page->candidate[c].probabilities));
        CP_TRY(cp_page_candidate_tables(l, c));
        CP_TRY(cp_page_taps(l, c));
    }
    return CP_OK;
}

enum cp_status cp_page_load(struct cp_reader *reader, struct cp_report *report, struct cp_error *err) {
    struct cp_page *page = cp_arena_calloc(&report->arena, 1, sizeof *page);
    struct cp_page_loader loader = {reader, report, page, err};
    if (page)
        page->candidate = cp_arena_calloc(&report->arena, report->candidates, sizeof *page->candidate);
    if (!page || !page->candidate)
        return cp_fail(err, CP_INTERNAL, report->path, "out of memory");
    report->page = page;
    return load_all(&loader);
}
