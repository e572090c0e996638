/* SPDX-License-Identifier: GPL-3.0-or-later
 * Designs of an experiment: the cells of a full factorial, and what is swapped one layer at a time. */
#include "experiment/read.h"

#include <string.h>

/* ---- factorial ---- */

static enum cp_status read_factor(struct cp_experiment *experiment, const struct cp_yaml_entry *entry,
                                  struct cp_candidate *factor, struct cp_error *err) {
    const size_t length = strlen(entry->key);
    if (length == 0 || length > CP_NAME_MAX || strspn(entry->key, CP_NAME_CHARACTERS) != length)
        return (void)cp_mark_fail(&entry->mark, err, "factorial: '%.300s' is not a name", entry->key),
               cp_expected(err, "at most %d letters, digits, _ and -", CP_NAME_MAX);
    factor->name = entry->key;
    factor->mark = entry->mark;
    CP_TRY(cp_read_settings(experiment, entry->value, entry->key, factor, err));
    if (factor->count == 0)
        return (void)cp_mark_fail(&entry->mark, err, "factorial: '%s' changes nothing", factor->name),
               cp_expected(err, "ADDRESS: VALUE, ...");
    return CP_OK;
}

/* Cell `set`, bit f: factor f, with the factors' settings in their order. */
static enum cp_status make_cell(struct cp_experiment *experiment, size_t set, struct cp_error *err) {
    struct cp_candidate *cell = &experiment->candidates[experiment->candidate_count++];
    size_t settings = 0;
    for (size_t f = 0; f < experiment->factor_count; f++)
        settings += set >> f & 1 ? experiment->factors[f].count : 0;
    cell->name = NULL;
    cell->settings = cp_arena_calloc(&experiment->arena, settings, sizeof *cell->settings);
    for (size_t f = 0; cell->settings && f < experiment->factor_count; f++) {
        const struct cp_candidate *factor = &experiment->factors[f];
        if (!(set >> f & 1))
            continue;
        memcpy(cell->settings + cell->count, factor->settings, factor->count * sizeof *cell->settings);
        cell->count += factor->count;
        cell->mark = factor->mark;
        cell->name = cell->name ? cp_arena_printf(&experiment->arena, "%s+%s", cell->name, factor->name)
                                : factor->name;
        if (!cell->name)
            break;
    }
    return CP_CHECK_ALLOC(cell->name, err, experiment->baseline.mark.source, "an experiment");
}

enum cp_status cp_read_factorial(struct cp_experiment *experiment, const struct cp_yaml *node,
                                 struct cp_error *err) {
    CP_TRY(cp_yaml_keys(node, "factorial", NULL, err));
    if (node->count == 0)
        return CP_OK; /* {} switches it off */
    if (node->count > CP_FACTORS_MAX)
        return (void)cp_mark_fail(&node->mark, err, "factorial: %zu factors", node->count),
               cp_expected(err, "at most %d, each NAME: {ADDRESS: VALUE, ...}", CP_FACTORS_MAX);
    const size_t cells = ((size_t)1 << node->count) - 1;
    if (cells > CP_CANDIDATES_MAX - experiment->candidate_count)
        return (void)cp_mark_fail(&node->mark, err, "factorial: too many candidates"),
               cp_expected(err, "at most %d, the %zu cells of the factorial included", CP_CANDIDATES_MAX,
                           cells);
    experiment->factorial_mark = node->mark;
    CP_TRY(CP_ARENA_CALLOC(&experiment->arena, experiment->factors, node->count, err, node->mark.source,
                           "an experiment"));
    for (size_t f = 0; f < node->count; f++)
        CP_TRY(read_factor(experiment, &node->entries[f], &experiment->factors[f], err));
    experiment->factor_count = node->count;
    for (size_t set = 1; set <= cells; set++)
        CP_TRY(make_cell(experiment, set, err));
    return CP_OK;
}

/* ---- layerwise ---- */

/* Address and value become part of candidates' names, "norm.eps=1e-6@visual.3". */
static enum cp_status check_layerwise(const struct cp_setting *setting, struct cp_error *err) {
    enum { LAYER_MAX = 16 }; /* "@visual.12345" */
    if (strchr(setting->address, '@'))
        return (void)cp_mark_fail(&setting->mark, err, "layerwise: '%.100s' names layers", setting->address),
               cp_expected(err, "component[.knob] alone, which is swapped in one layer after the other");
    bool plain = setting->value[0] != '\0';
    for (const char *c = setting->value; *c; c++)
        plain = plain && *c > ' ' && *c <= '~' && *c != '/';
    if (!plain || strlen(setting->address) + 1 + strlen(setting->value) + LAYER_MAX > CP_NAME_MAX)
        return (void)cp_mark_fail(&setting->value_mark, err, "layerwise: '%.100s' is not a value",
                                  setting->value),
               cp_expected(err, "a variant or a knob's value");
    return CP_OK;
}

enum cp_status cp_read_layerwise(struct cp_experiment *experiment, const struct cp_yaml *node,
                                 struct cp_error *err) {
    struct cp_candidate *layerwise = &experiment->layerwise;
    layerwise->name = "layerwise";
    layerwise->mark = node->mark;
    CP_TRY(cp_read_settings(experiment, node, "layerwise", layerwise, err));
    for (size_t i = 0; i < layerwise->count; i++)
        CP_TRY(check_layerwise(&layerwise->settings[i], err));
    return CP_OK;
}
