/* SPDX-License-Identifier: GPL-3.0-or-later
 * Finds columns by label, so that a result of another version loads; what it lacks is NaN. */
#include "report/data/load.h"

#include <math.h>
#include <string.h>

const struct cp_load_columns cp_load_metrics = {cp_metric_names, CP_METRIC_COUNT, "rel_l2"};
const struct cp_load_columns cp_load_verdicts = {cp_verdict_field_names, CP_VERDICT_FIELDS, "verdict"};
const struct cp_load_columns cp_load_decisions = {cp_decision_names, CP_DECISION_COUNT, "flip"};
const struct cp_load_columns cp_load_propagation = {cp_propagation_names, CP_PROPAGATION_FIELDS, "error"};
const struct cp_load_columns cp_load_operations = {cp_operation_field_names, CP_OPERATION_FIELD_COUNT,
                                                   "verdict"};

enum cp_status cp_load_damaged(const struct cp_load *l, const char *object, const char *expected) {
    char where[512];
    (void)snprintf(where, sizeof where, "%.200s: %.250s", l->report->path, object);
    return cp_fail(l->err, CP_BAD_INPUT, where, "has another shape"), cp_expected(l->err, "%s", expected);
}

/* Place of a name; the count where it is not among them. */
static size_t place_of(const char *const *names, size_t count, const char *name) {
    size_t i = 0;
    while (i < count && strcmp(names[i], name) != 0)
        i++;
    return i;
}

static enum cp_status labels_of(const struct cp_load *l, const char *object, const struct cp_reader_array *a,
                                int axis, struct cp_arena *arena, struct cp_reader_texts *labels) {
    CP_TRY(cp_reader_labels(l->reader, object, axis, arena, labels, l->err));
    if (labels->count != a->shape[axis])
        return cp_load_damaged(l, object, "a name for each place");
    return CP_OK;
}

/* Rows of `from` columns named by labels into rows of the columns wanted. */
static void arrange(const struct cp_load_columns *columns, const struct cp_reader_texts *labels, size_t rows,
                    const double *from, double *to) {
    for (size_t c = 0; c < columns->count; c++) {
        const size_t source = place_of(labels->items, labels->count, columns->names[c]);
        for (size_t r = 0; r < rows; r++)
            to[r * columns->count + c] = source < labels->count ? from[r * labels->count + source] : NAN;
    }
}

enum cp_status cp_load_array(const struct cp_load *l, const char *object,
                             const struct cp_load_columns *columns, int rank, const char *shape,
                             struct cp_arena *arena, struct cp_reader_array *array) {
    struct cp_reader_texts labels;
    size_t rows = 1;
    CP_TRY(cp_reader_numbers(l->reader, object, arena, array, l->err));
    if (array->rank != rank)
        return cp_load_damaged(l, object, shape);
    CP_TRY(labels_of(l, object, array, rank - 1, arena, &labels));
    if (place_of(labels.items, labels.count, columns->needed) == labels.count)
        return cp_load_damaged(l, object, shape);
    for (int d = 0; d < rank - 1; d++)
        rows *= array->shape[d];
    double *values = cp_arena_alloc(arena, rows * columns->count, sizeof *values);
    CP_TRY(CP_CHECK_ALLOC(values, l->err, l->report->path, "a report"));
    arrange(columns, &labels, rows, array->values, values);
    array->values = values;
    array->shape[rank - 1] = columns->count;
    return CP_OK;
}

enum cp_status cp_load_table(const struct cp_load *l, enum cp_schema_id id, int rank, unsigned named,
                             struct cp_report_table *table) {
    const char *const object = cp_schema[id].path;
    struct cp_reader_array array;
    if (!cp_reader_has(l->reader, object))
        return CP_OK;
    CP_TRY(cp_reader_numbers(l->reader, object, &l->report->arena, &array, l->err));
    if (array.rank != rank)
        return cp_load_damaged(l, object, rank == 3 ? "three dimensions" : "two dimensions");
    for (int d = 0; d < rank; d++) {
        table->shape[d] = array.shape[d];
        if (named & 1u << d)
            CP_TRY(labels_of(l, object, &array, d, &l->report->arena, &table->label[d]));
    }
    table->rank = rank;
    table->values = array.values;
    return CP_OK;
}

static size_t label_place(const struct cp_report_table *table, int axis, const char *label) {
    const struct cp_reader_texts *labels = &table->label[axis];
    return place_of(labels->items, labels->count, label);
}

double cp_report_cell(const struct cp_report_table *table, size_t first, const char *second,
                      const char *last) {
    const size_t j = label_place(table, 1, second), k = table->rank == 3 ? label_place(table, 2, last) : 0;
    const size_t depth = table->rank == 3 ? table->shape[2] : 1;
    if (!table->values || first >= table->shape[0] || j >= table->shape[1] || k >= depth)
        return NAN;
    return table->values[(first * table->shape[1] + j) * depth + k];
}
