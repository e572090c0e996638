/* SPDX-License-Identifier: GPL-3.0-or-later
 * A study in words, and the fingerprint of those on which its bits depend. */
#include "run/study.h"

#include "base/digest.h"

#include <string.h>

/* The specs, and what the experiment does not know of its model. */
static const char *print_specs(struct cp_study *study) {
    const char *text = "";
    for (size_t s = 0; s < study->spec_count && text; s++) {
        const char *spec = cp_spec_print(study->spec[s], &study->arena);
        text = spec ? cp_arena_printf(&study->arena, "%s\n# %s\n%s", text, study->spec[s]->name, spec) : NULL;
    }
    const struct cp_vision_config *v = &study->model.config.vision;
    if (text && v->stored_grid)
        text = cp_arena_printf(
            &study->arena, "%s\n# position embeddings of a grid of %d x %d, resized to %d x %d\n", text,
            v->stored_grid, v->stored_grid, v->image_size / v->patch_size, v->image_size / v->patch_size);
    const struct cp_clip_config *c = &study->model.config;
    if (text && c->pictures_from[0]) /* a file of which the experiment knows nothing */
        text = cp_arena_printf(&study->arena, "%s\n# %s: mean %.9g %.9g %.9g, std %.9g %.9g %.9g\n", text,
                               c->pictures_from, c->mean[0], c->mean[1], c->mean[2], c->std[0], c->std[1],
                               c->std[2]);
    return text;
}

size_t cp_plan_experiment(const char *plan) {
    const char *specs = strstr(plan, "\n\n# baseline\n"); /* its texts have no line ends of their own */
    return specs ? (size_t)(specs + 1 - plan) : 0;
}

enum cp_status cp_study_describe(struct cp_study *study, struct cp_error *err) {
    const char *all = cp_experiment_print(study->experiment, &study->arena);
    const char *what = cp_experiment_print_what(study->experiment, &study->arena);
    const char *specs = print_specs(study);
    struct cp_digest *digest = NULL;
    CP_TRY(CP_CHECK_ALLOC(all && what && specs &&
                              (study->plan = cp_arena_printf(&study->arena, "%s%s", all, specs)),
                          err, "", "a study"));
    CP_TRY(cp_digest_start(&digest, err));
    cp_digest_add(digest, what, strlen(what));
    cp_digest_add(digest, specs, strlen(specs));
    enum cp_status status = CP_OK;
    for (size_t f = 0; f < study->inputs.file_count && status == CP_OK; f++) {
        char hex[CP_DIGEST_HEX];
        status = cp_digest_file(study->inputs.files[f], hex, err);
        cp_digest_add(digest, hex, strlen(hex));
    }
    cp_digest_finish_hex(digest, study->fingerprint);
    return status;
}
