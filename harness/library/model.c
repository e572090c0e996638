/* SPDX-License-Identifier: GPL-3.0-or-later
 * Models of the public header: found and read as `classify` finds and reads them. */
#include "library/internal.h"

#include "base/version.h"
#include "task/model_folder.h"

#include <stdlib.h>

enum clip_parity_status cp_library_status(enum cp_status status, const struct cp_error *from,
                                          struct clip_parity_error *error) {
    if (status != CP_OK && error) {
        error->status = (enum clip_parity_status)status;
        cp_error_line(from, error->message, sizeof error->message);
    }
    return (enum clip_parity_status)status;
}

const char *clip_parity_version(void) {
    return cp_version();
}

static enum cp_status read_model(const char *path, const char *config, struct clip_parity_model *m,
                                 struct cp_error *err) {
    const char *beside = NULL;
    CP_TRY(cp_model_folder(path, config != NULL, &m->arena, &m->source.checkpoint.text, &beside, err));
    m->source.config.text = config ? cp_arena_strdup(&m->arena, config) : beside;
    CP_TRY(CP_CHECK_ALLOC(m->source.config.text || !config, err, path, "a path"));
    return cp_model_source_load(&m->source, &m->arena, &m->model, &m->notes, err);
}

enum clip_parity_status clip_parity_model_open(const char *path, const char *config,
                                               struct clip_parity_model **out,
                                               struct clip_parity_error *error) {
    struct cp_error err = {CP_OK, "", "", ""};
    struct clip_parity_model *model = calloc(1, sizeof *model);
    enum cp_status status = CP_CHECK_ALLOC(model, &err, path, "a model");
    if (status == CP_OK)
        status = read_model(path, config, model, &err);
    if (status != CP_OK) {
        clip_parity_model_close(model);
        model = NULL;
    }
    *out = model;
    return cp_library_status(status, &err, error);
}

void clip_parity_model_close(struct clip_parity_model *model) {
    if (!model)
        return;
    cp_model_free(&model->model);
    cp_arena_free(&model->arena);
    free(model);
}

struct clip_parity_shape clip_parity_model_shape(const struct clip_parity_model *model) {
    const struct cp_clip_config *config = &model->model.config;
    return (struct clip_parity_shape){
        .image_size = cp_has_vision(config) ? (size_t)config->vision.image_size : 0,
        .context_length = cp_has_text(config) ? (size_t)config->text.context_length : 0,
        .embed_dim = (size_t)config->embed_dim};
}

const char *clip_parity_model_note(const struct clip_parity_model *model, size_t index) {
    return index < model->notes.count ? model->notes.lines[index] : NULL;
}
