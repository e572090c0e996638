/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "study/inputs_load.h"

#include "model/pass.h"

#include <string.h>

enum cp_status cp_inputs_no_memory(struct cp_error *err) {
    return cp_fail(err, CP_INTERNAL, "", "out of memory for the inputs");
}

bool cp_inputs_grow(struct cp_arena *arena, void **array, size_t count, size_t size) {
    if (count & (count - 1))
        return true;
    void *larger = cp_arena_alloc(arena, count ? 2 * count : 1, size);
    if (larger && count)
        memcpy(larger, *array, count * size);
    *array = larger;
    return larger != NULL;
}

enum cp_status cp_inputs_add_file(struct cp_inputs_loader *l, const char *path) {
    struct cp_run_inputs *in = l->in;
    if (!cp_inputs_grow(l->arena, (void **)&in->files, in->file_count, sizeof *in->files))
        return cp_inputs_no_memory(l->err);
    in->files[in->file_count++] = path;
    return CP_OK;
}

bool cp_inputs_ends_with(const char *text, const char *ending) {
    const size_t a = strlen(text), b = strlen(ending);
    return a >= b && strcmp(text + a - b, ending) == 0;
}

enum cp_status cp_inputs_model_files(struct cp_inputs_loader *l) {
    const struct cp_model_source *model = &l->experiment->model;
    if (model->checkpoint.text)
        CP_TRY(cp_inputs_add_file(l, model->checkpoint.text));
    return model->config.text ? cp_inputs_add_file(l, model->config.text) : CP_OK;
}

enum cp_status cp_inputs_judge(struct cp_inputs_loader *l, const int32_t *tokens, int **judged) {
    const size_t length = (size_t)l->config->text.context_length;
    *judged = cp_arena_alloc(l->arena, l->in->prompts, sizeof **judged);
    if (!*judged)
        return cp_inputs_no_memory(l->err);
    for (size_t p = 0; p < l->in->prompts; p++)
        (*judged)[p] = 1 + cp_text_pool_position(l->config, tokens + p * length);
    return CP_OK;
}

enum cp_status cp_inputs_load(const struct cp_experiment *experiment, const struct cp_clip_config *config,
                              struct cp_arena *arena, struct cp_run_inputs *in, struct cp_error *err) {
    struct cp_inputs_loader l = {experiment, config, arena, in, err};
    *in = (struct cp_run_inputs){0};
    CP_TRY(cp_inputs_model_files(&l));
    CP_TRY(cp_inputs_images(&l));
    CP_TRY(cp_inputs_texts(&l));
    CP_TRY(cp_inputs_labels(&l));
    return in->tokens ? cp_inputs_judge(&l, in->tokens, &in->judged) : CP_OK;
}
