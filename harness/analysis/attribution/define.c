/* SPDX-License-Identifier: GPL-3.0-or-later
 * The variables of an attribution, with the names of its effects. */
#include "analysis/attribution/attribution.h"

#include "analysis/decisions.h"
#include "result/schema.h"
#include "run/layerwise.h"

#include <stdlib.h>

/* "a x b" of a set of factors; NULL when out of memory. */
static const char *name_of(const struct cp_experiment *e, size_t set, struct cp_arena *arena) {
    const char *name = NULL;
    for (size_t f = 0; f < e->factor_count; f++) {
        if (!(set >> f & 1))
            continue;
        name = name ? cp_arena_printf(arena, "%s x %s", name, e->factors[f].name) : e->factors[f].name;
        if (!name)
            return NULL;
    }
    return name;
}

/* Main effects first, then the interactions of two factors, and so on. */
static enum cp_status name_effects(struct cp_lockstep *ls, struct cp_attribution *a, struct cp_error *err) {
    const struct cp_experiment *e = ls->study->experiment;
    const size_t cells = (size_t)1 << e->factor_count;
    a->sets = cp_arena_alloc(&ls->arena, cells, sizeof *a->sets);
    a->name = cp_arena_alloc(&ls->arena, cells, sizeof *a->name);
    for (size_t factors = 1; a->sets && a->name && factors <= e->factor_count; factors++)
        for (size_t set = 1; set < cells; set++) {
            if (cp_set_size(set) != factors)
                continue;
            a->sets[a->effects] = set;
            a->name[a->effects] = name_of(e, set, &ls->arena);
            CP_TRY(CP_CHECK_ALLOC(a->name[a->effects++], err, "", "the attribution"));
        }
    return CP_CHECK_ALLOC(a->effects, err, "", "the attribution");
}

/* Variables of one group share dimensions by name, so Shapley's fields have a name of their own. */
static enum cp_status define_factorial(struct cp_lockstep *ls, struct cp_attribution *a,
                                       struct cp_error *err) {
    const struct cp_experiment *e = ls->study->experiment;
    const char **factors = cp_arena_alloc(&ls->arena, e->factor_count, sizeof *factors);
    const char **cells = cp_arena_alloc(&ls->arena, (size_t)1 << e->factor_count, sizeof *cells);
    CP_TRY(CP_CHECK_ALLOC(factors && cells, err, "", "the attribution"));
    CP_TRY(name_effects(ls, a, err));
    for (size_t f = 0; f < e->factor_count; f++)
        factors[f] = e->factors[f].name;
    for (size_t c = 0; c < a->effects; c++)
        cells[c] = e->candidates[e->factorial_first + c].name;
    const struct cp_dim response = {.length = a->responses, .labels = cp_response_names};
    const struct cp_dim factor = {.length = e->factor_count, .labels = factors};
    const struct cp_dim of_effects[] = {
        {.length = a->effects, .labels = a->name}, response, {.length = CP_EFFECT_FIELDS}};
    const struct cp_dim of_values[] = {factor, response, {.length = CP_SHAPLEY_FIELDS}};
    const struct cp_dim of_cells[] = {{.length = a->effects, .labels = cells}, factor};
    CP_TRY(cp_schema_define(ls->result, CP_SCHEMA_EFFECTS, NULL, of_effects, &a->effect_handle, err));
    CP_TRY(cp_schema_define(ls->result, CP_SCHEMA_SHAPLEY, NULL, of_values, &a->shapley_handle, err));
    return cp_schema_define(ls->result, CP_SCHEMA_CELLS, NULL, of_cells, &a->cell_handle, err);
}

static enum cp_status define_layers(struct cp_lockstep *ls, enum cp_tower tower, int *handle,
                                    struct cp_error *err) {
    const struct cp_candidate *layerwise = &ls->study->experiment->layerwise;
    const char **components = cp_arena_alloc(&ls->arena, layerwise->count, sizeof *components);
    for (size_t i = 0; i < layerwise->count; i++) {
        const struct cp_setting *setting = &layerwise->settings[i];
        const char *name = cp_arena_printf(&ls->arena, "%s=%s", setting->address, setting->value);
        CP_TRY(CP_CHECK_ALLOC(components && name, err, "", "the attribution"));
        components[i] = name;
    }
    const struct cp_dim dims[] = {{.length = layerwise->count, .labels = components},
                                  {.length = cp_layerwise_layers(ls->study, tower)}};
    return cp_schema_define(ls->result, tower == CP_VISUAL ? CP_SCHEMA_LAYERS_VISUAL : CP_SCHEMA_LAYERS_TEXT,
                            NULL, dims, handle, err);
}

enum cp_status cp_attribution_define(struct cp_lockstep *ls, void **state, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    struct cp_attribution *a;
    CP_LOCKSTEP_TAKE(ls, a, 1);
    *state = a;
    *a = (struct cp_attribution){.layer_handle = {-1, -1}};
    a->responses = cp_lockstep_state(ls, &cp_decisions_analysis) ? CP_RESPONSES : 1;
    if (study->experiment->factor_count)
        CP_TRY(define_factorial(ls, a, err));
    for (enum cp_tower tower = CP_VISUAL; tower <= CP_TEXT; tower++)
        if (study->experiment->layerwise.count && cp_layerwise_layers(study, tower))
            CP_TRY(define_layers(ls, tower, &a->layer_handle[tower], err));
    return CP_OK;
}
