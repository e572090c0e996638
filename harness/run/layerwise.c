/* SPDX-License-Identifier: GPL-3.0-or-later
 * Counts and numbers these specs, and makes each from the baseline by one setting. */
#include "run/layerwise.h"

#include <stdio.h>
#include <string.h>

size_t cp_layerwise_layers(const struct cp_study *study, enum cp_tower tower) {
    const size_t inputs = tower == CP_VISUAL ? study->inputs.images : study->inputs.prompts;
    return inputs ? cp_tower_shape(&study->model.config, tower).layers : 0;
}

static size_t layers_of_both(const struct cp_study *study) {
    return cp_layerwise_layers(study, CP_VISUAL) + cp_layerwise_layers(study, CP_TEXT);
}

size_t cp_layerwise_count(const struct cp_study *study) {
    return study->experiment->layerwise.count * layers_of_both(study);
}

size_t cp_layerwise_spec(const struct cp_study *study, size_t i, enum cp_tower tower, size_t layer) {
    const size_t before = tower == CP_TEXT ? cp_layerwise_layers(study, CP_VISUAL) : 0;
    return 1 + study->experiment->candidate_count + i * layers_of_both(study) + before + layer;
}

static enum cp_status check(const struct cp_study *study, struct cp_error *err) {
    const struct cp_experiment *e = study->experiment;
    if (cp_layerwise_count(study) > CP_CANDIDATES_MAX - e->candidate_count)
        return (void)cp_mark_fail(&e->layerwise.mark, err, "layerwise: too many candidates"),
               cp_expected(err, "at most %d, those of the %zu layers included", CP_CANDIDATES_MAX,
                           layers_of_both(study));
    return CP_OK;
}

static enum cp_status make_one(struct cp_study *study, const struct cp_setting *setting, enum cp_tower tower,
                               size_t layer, size_t spec, struct cp_error *err) {
    char address[2 * CP_NAME_MAX], name[2 * CP_NAME_MAX];
    const char *of = cp_tower_words[tower].name;
    (void)snprintf(address, sizeof address, "%s@%s.%zu", setting->address, of, layer);
    (void)snprintf(name, sizeof name, "%s=%s@%s.%zu", setting->address, setting->value, of, layer);
    for (size_t s = 1; s <= study->experiment->candidate_count; s++)
        if (strcmp(study->spec[s]->name, name) == 0)
            return cp_mark_fail(&setting->mark, err, "layerwise: a candidate is named '%s'", name);
    CP_TRY(cp_spec_copy(study->spec[0], name, &study->arena, &study->spec[spec], err));
    const enum cp_status status = cp_spec_set(study->spec[spec], address, setting->value, err);
    return status == CP_OK ? CP_OK : cp_mark_within(&setting->mark, err);
}

enum cp_status cp_layerwise_make(struct cp_study *study, struct cp_error *err) {
    const struct cp_candidate *layerwise = &study->experiment->layerwise;
    CP_TRY(check(study, err));
    for (size_t i = 0; i < layerwise->count; i++)
        for (enum cp_tower tower = CP_VISUAL; tower <= CP_TEXT; tower++)
            for (size_t layer = 0; layer < cp_layerwise_layers(study, tower); layer++)
                CP_TRY(make_one(study, &layerwise->settings[i], tower, layer,
                                cp_layerwise_spec(study, i, tower, layer), err));
    return CP_OK;
}
