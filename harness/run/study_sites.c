/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which taps a study has, and what is recorded of each. */
#include "run/study_parts.h"

#include "base/glob.h"
#include "run/captured/captured.h"
#include "run/captured/graft.h"
#include "run/check.h"

/* A glob that matches no tap is a mistake, not a wish. */
static enum cp_status check_globs(const struct cp_study *study, struct cp_error *err) {
    for (size_t r = 0; r < study->experiment->record_count; r++) {
        const struct cp_record_rule *rule = &study->experiment->record[r];
        size_t matches = 0;
        for (size_t i = 0; i < study->sites.count; i++)
            matches += cp_glob_match(rule->glob, study->sites.list[i].name);
        if (matches == 0)
            return (void)cp_mark_fail(&rule->mark, err, "record: no tap matches '%s'", rule->glob),
                   cp_expected(err, "a tap name or glob; `clip-parity list taps` shows them");
    }
    return CP_OK;
}

static bool has_tensor(const struct cp_study *study, size_t site) {
    bool any = false;
    for (size_t s = 0; s < study->spec_count; s++)
        any = any || cp_captured_has(study, s, site);
    return any;
}

/* A site without inputs (no images, or no prompts) is not there; captures may have what joins the towers
 * alone. */
static bool is_there(const struct cp_study *study, const struct cp_site *site) {
    const struct cp_run_inputs *in = &study->inputs;
    if (site->tower == CP_VISUAL)
        return in->images > 0;
    if (site->tower == CP_TEXT)
        return in->prompts > 0;
    if (!study->inputs_from)
        return in->images && in->prompts;
    return in->images || site->point == CP_CLASS_FEATURES;
}

enum cp_status cp_study_sites(struct cp_study *study, struct cp_error *err) {
    const struct cp_run_inputs *in = &study->inputs;
    if (study->modelled)
        CP_TRY(cp_sites_create(&study->model.config, in->images, in->prompts, in->classes, &study->arena,
                               &study->sites, err));
    CP_TRY(cp_captured_sites(study, err));
    CP_TRY(cp_graft_find(study, err));
    CP_TRY(check_globs(study, err));
    CP_TRY(cp_check_globs(study, err));
    study->modes = cp_arena_calloc(&study->arena, study->sites.count, sizeof *study->modes);
    study->watched = cp_arena_calloc(&study->arena, study->sites.count, sizeof *study->watched);
    CP_TRY(CP_CHECK_ALLOC(study->modes && study->watched, err, "", "a study"));
    size_t watched = 0;
    for (size_t i = 0; i < study->sites.count; i++) {
        const struct cp_site *site = &study->sites.list[i];
        if (is_there(study, site) && has_tensor(study, i) && !cp_graft_hides(study, i))
            study->modes[i] = cp_experiment_record(study->experiment, site->name);
        study->watched[i] = study->modes[i] != CP_MODE_OFF;
        watched += study->watched[i];
    }
    if (watched == 0 && study->spec_count > 1)
        return cp_fail(err, CP_NOTHING_COMPARED, study->path,
                       "no tap is recorded, so nothing would be compared"),
               cp_expected(err, "record: at least one tap");
    return CP_OK;
}
