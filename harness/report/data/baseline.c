/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a result knows beyond its candidates' taps: how the error spreads, the baseline's own noise and what
 * was recorded of it, and which swap does the harm. */
#include "report/data/load.h"
#include "result/schema.h"

#include <math.h>
#include <string.h>

enum cp_status cp_load_stages(const struct cp_load *l, struct cp_report_candidate *c) {
    struct cp_reader_array rows;
    struct cp_reader_texts names;
    char object[CP_SCHEMA_PATH];
    (void)cp_schema_path(CP_SCHEMA_PROPAGATION, CP_NAMES(c->name), object);
    if (!cp_reader_has(l->reader, object))
        return CP_OK;
    CP_TRY(cp_load_array(l, object, &cp_load_propagation, 2, "(segment, field)", &l->report->arena, &rows));
    CP_TRY(cp_reader_labels(l->reader, object, 0, &l->report->arena, &names, l->err));
    if (names.count != rows.shape[0])
        return cp_load_damaged(l, object, "a name for each segment");
    CP_TRY(CP_ARENA_CALLOC(&l->report->arena, c->stage, names.count, l->err, l->report->path, "a report"));
    c->stages = names.count;
    for (size_t s = 0; s < c->stages; s++) {
        struct cp_report_stage *stage = &c->stage[s];
        stage->name = names.items[s];
        cp_tap_address(stage->name, stage->address);
        stage->tower = cp_tap_tower(stage->name);
        memcpy(stage->field, rows.values + s * CP_PROPAGATION_FIELDS, sizeof stage->field);
    }
    return CP_OK;
}

/* The root mean square over inputs and reruns; a rerun that is not finite has no distance. */
static double root_mean_square(const struct cp_reader_array *runs) {
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < runs->shape[0] * runs->shape[1]; i++)
        if (!isnan(runs->values[i])) {
            sum += runs->values[i] * runs->values[i];
            count++;
        }
    return count ? sqrt(sum / (double)count) : NAN;
}

static enum cp_status load_floor(const struct cp_load *l, struct cp_report_tap *tap) {
    struct cp_arena scratch = {0};
    struct cp_reader_array runs;
    char object[CP_SCHEMA_PATH];
    (void)cp_schema_path(CP_SCHEMA_FLOOR, CP_NAMES(tap->name), object);
    if (!cp_reader_has(l->reader, object))
        return CP_OK;
    enum cp_status status = cp_reader_numbers(l->reader, object, &scratch, &runs, l->err);
    if (status == CP_OK && runs.rank != 2)
        status = cp_load_damaged(l, object, "(input, run)");
    if (status == CP_OK)
        tap->floor = root_mean_square(&runs);
    cp_arena_free(&scratch);
    return status;
}

static void find_recorded(const struct cp_load *l, struct cp_report_tap *tap) {
    static const struct {
        enum cp_schema_id id;
        const char *name;
    } modes[] = {{CP_SCHEMA_VALUE, "full"}, {CP_SCHEMA_STATS, "stats"}, {CP_SCHEMA_DIGEST, "digest"}};
    char object[CP_SCHEMA_PATH];
    for (size_t m = 0; m < 3; m++) {
        (void)cp_schema_path(modes[m].id, CP_NAMES("baseline", tap->name), object);
        if (!cp_reader_has(l->reader, object))
            continue;
        tap->recorded = modes[m].name;
        return;
    }
}

static enum cp_status load_bounds(const struct cp_load *l, struct cp_report_candidate *c) {
    const char *const object = cp_schema[CP_SCHEMA_BRACKET].path;
    const struct cp_load_columns columns = {cp_schema[CP_SCHEMA_BRACKET].columns, CP_BOUND_COUNT, "worst"};
    struct cp_reader_array bounds;
    struct cp_reader_texts names;
    if (!cp_reader_has(l->reader, object))
        return CP_OK;
    CP_TRY(cp_load_array(l, object, &columns, 2, "(tap, bound)", &l->report->arena, &bounds));
    CP_TRY(cp_reader_labels(l->reader, object, 0, &l->report->arena, &names, l->err));
    if (names.count != bounds.shape[0])
        return cp_load_damaged(l, object, "a name for each tap");
    for (size_t t = 0; t < c->taps && t < names.count; t++)
        if (strcmp(names.items[t], c->tap[t].name) == 0)
            memcpy(c->tap[t].bracket, bounds.values + t * CP_BOUND_COUNT, sizeof c->tap[t].bracket);
    return CP_OK;
}

/* Candidates have the same taps; what is the baseline's is read once. */
static void share(const struct cp_report_candidate *from, struct cp_report_candidate *to) {
    for (size_t t = 0; t < to->taps && t < from->taps; t++) {
        const struct cp_report_tap *known = &from->tap[t];
        if (strcmp(known->name, to->tap[t].name) != 0)
            continue;
        to->tap[t].recorded = known->recorded;
        to->tap[t].floor = known->floor;
        memcpy(to->tap[t].bracket, known->bracket, sizeof known->bracket);
    }
}

enum cp_status cp_load_baseline(const struct cp_load *l) {
    struct cp_report *r = l->report;
    struct cp_report_candidate *first = &r->candidate[0];
    for (size_t t = 0; t < first->taps; t++) {
        find_recorded(l, &first->tap[t]);
        CP_TRY(load_floor(l, &first->tap[t]));
    }
    CP_TRY(load_bounds(l, first));
    for (size_t c = 1; c < r->candidates; c++)
        share(first, &r->candidate[c]);
    return CP_OK;
}

/* Layerwise swaps are called "COMPONENT@TOWER.LAYER". */
static void mark_layerwise(struct cp_report_candidate *c, const struct cp_report_table *layers) {
    for (size_t i = 0; i < layers->label[0].count; i++) {
        const char *component = layers->label[0].items[i];
        const size_t length = strlen(component);
        if (strncmp(c->name, component, length) == 0 && c->name[length] == '@')
            c->layerwise = true;
    }
}

enum cp_status cp_load_attribution(const struct cp_load *l) {
    struct cp_report *r = l->report;
    CP_TRY(cp_load_table(l, CP_SCHEMA_EFFECTS, 3, 7, &r->effects));
    CP_TRY(cp_load_table(l, CP_SCHEMA_SHAPLEY, 3, 7, &r->shapley));
    CP_TRY(cp_load_table(l, CP_SCHEMA_CELLS, 2, 3, &r->cells));
    CP_TRY(cp_load_table(l, CP_SCHEMA_LAYERS_VISUAL, 2, 1, &r->layers[CP_VISUAL]));
    CP_TRY(cp_load_table(l, CP_SCHEMA_LAYERS_TEXT, 2, 1, &r->layers[CP_TEXT]));
    for (size_t c = 0; c < r->candidates; c++)
        for (int tower = CP_VISUAL; tower <= CP_TEXT; tower++)
            mark_layerwise(&r->candidate[c], &r->layers[tower]);
    return CP_OK;
}
