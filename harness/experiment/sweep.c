/* SPDX-License-Identifier: GPL-3.0-or-later
 * The cross product of the `sweep` section, each combination a candidate. */
#include "experiment/read.h"

static size_t axis_length(const struct cp_yaml *axis) {
    return axis->kind == CP_YAML_SEQUENCE ? axis->count : 1;
}

static enum cp_status count_cells(const struct cp_yaml *node, size_t most, size_t *cells,
                                  struct cp_error *err) {
    CP_TRY(cp_yaml_keys(node, "sweep", NULL, err));
    *cells = node->count > 0; /* {} switches it off */
    for (size_t i = 0; i < node->count; i++) {
        const struct cp_yaml_entry *axis = &node->entries[i];
        const size_t length = axis_length(axis->value);
        if (length == 0)
            return (void)cp_yaml_fail(axis->value, axis->key, "without values", err),
                   cp_expected(err, "at least one value");
        if (length > most / *cells)
            return (void)cp_mark_fail(&axis->mark, err, "sweep: too many candidates"),
                   cp_expected(err, "at most %d, the cells of the sweep included", CP_CANDIDATES_MAX);
        *cells *= length;
    }
    return CP_OK;
}

/* Cell `index` of the cross product; the last address varies fastest. */
static enum cp_status read_cell(struct cp_experiment *experiment, const struct cp_yaml *node, size_t index,
                                struct cp_candidate *cell, struct cp_error *err) {
    cell->mark = node->mark;
    cell->count = node->count;
    CP_TRY(CP_ARENA_CALLOC(&experiment->arena, cell->settings, node->count, err, node->mark.source,
                           "an experiment"));
    for (size_t i = node->count; i-- > 0;) {
        const struct cp_yaml_entry *axis = &node->entries[i];
        const size_t length = axis_length(axis->value);
        const struct cp_yaml *value =
            axis->value->kind == CP_YAML_SEQUENCE ? axis->value->entries[index % length].value : axis->value;
        CP_TRY(cp_read_setting(axis, value, "sweep", &cell->settings[i], err));
        index /= length;
    }
    for (size_t i = 0; i < cell->count; i++) {
        const struct cp_setting *setting = &cell->settings[i];
        CP_TRY(
            CP_CHECK_ALLOC(cell->name = cp_arena_printf(&experiment->arena, "%s%s%s=%s", i ? cell->name : "",
                                                        i ? "," : "", setting->address, setting->value),
                           err, node->mark.source, "an experiment"));
    }
    return CP_OK;
}

enum cp_status cp_read_sweep(struct cp_experiment *experiment, const struct cp_yaml *node,
                             struct cp_error *err) {
    size_t cells = 0;
    CP_TRY(count_cells(node, CP_CANDIDATES_MAX - experiment->candidate_count, &cells, err));
    for (size_t i = 0; i < cells; i++)
        CP_TRY(read_cell(experiment, node, i, &experiment->candidates[experiment->candidate_count++], err));
    return CP_OK;
}
