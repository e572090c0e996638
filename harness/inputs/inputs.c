/* SPDX-License-Identifier: GPL-3.0-or-later
 * Calls the loaders of images, texts and labels in turn, and lists every file read for the fingerprint. */
#include "inputs/load.h"

#include "checkpoint/checkpoint.h"
#include "model/pass.h"

#include <string.h>

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
    CP_TRY(CP_CHECK_ALLOC(cp_inputs_grow(l->arena, (void **)&in->files, in->file_count, sizeof *in->files),
                          l->err, "", "the inputs"));
    in->files[in->file_count++] = path;
    return CP_OK;
}

bool cp_inputs_ends_with(const char *text, const char *ending) {
    const size_t a = strlen(text), b = strlen(ending);
    return a >= b && strcmp(text + a - b, ending) == 0;
}

static bool is_added(const struct cp_inputs_loader *l, const char *path) {
    for (size_t f = 0; f < l->in->file_count; f++)
        if (strcmp(l->in->files[f], path) == 0)
            return true;
    return false;
}

/* A checkpoint in shards is more files than the one that is named. */
static enum cp_status add_checkpoint(struct cp_inputs_loader *l, const char *path) {
    struct cp_checkpoint *file;
    const char *const *paths;
    if (is_added(l, path))
        return CP_OK;
    CP_TRY(cp_checkpoint_open(path, &file, l->err));
    enum cp_status status = CP_OK;
    const size_t count = cp_checkpoint_files(file, &paths);
    for (size_t i = 0; i < count && status == CP_OK; i++) {
        if (is_added(l, paths[i])) /* by another KEY */
            continue;
        const char *copy = cp_arena_strdup(l->arena, paths[i]);
        status = copy ? cp_inputs_add_file(l, copy) : cp_no_memory(l->err, "", "the inputs");
    }
    cp_checkpoint_close(file);
    return status;
}

enum cp_status cp_inputs_model_files(struct cp_inputs_loader *l) {
    const struct cp_model_source *model = &l->experiment->model;
    if (model->checkpoint.text)
        CP_TRY(add_checkpoint(l, model->checkpoint.text));
    if (model->config.text)
        CP_TRY(cp_inputs_add_file(l, model->config.text));
    if (l->experiment->baseline.checkpoint.text)
        CP_TRY(add_checkpoint(l, l->experiment->baseline.checkpoint.text));
    for (size_t c = 0; c < l->experiment->candidate_count; c++)
        if (l->experiment->candidates[c].checkpoint.text)
            CP_TRY(add_checkpoint(l, l->experiment->candidates[c].checkpoint.text));
    return CP_OK;
}

/* A model of one tower alone takes one kind of inputs. */
static enum cp_status check_towers(const struct cp_inputs_loader *l) {
    const struct cp_experiment_inputs *inputs = &l->experiment->inputs;
    const struct cp_model_source *model = &l->experiment->model;
    const bool images = (inputs->image_count || inputs->synthetic_images) && !cp_has_vision(l->config);
    const bool prompts =
        (inputs->prompts != CP_PROMPTS_NONE || inputs->synthetic_prompts) && !cp_has_text(l->config);
    if (!images && !prompts)
        return CP_OK;
    return cp_fail(l->err, CP_BAD_INPUT, model->checkpoint.text ? model->checkpoint.text : model->config.text,
                   "%s, but the %s has no %s tower", images ? "images are given" : "prompts are given",
                   model->checkpoint.text ? "checkpoint" : "model", images ? "vision" : "text"),
           cp_expected(l->err, "%s alone, as `clip-parity run` takes them", images ? "prompts" : "images");
}

enum cp_status cp_inputs_valid_tokens(struct cp_inputs_loader *l, const int32_t *tokens, int **valid_tokens) {
    const size_t length = (size_t)l->config->text.context_length;
    CP_TRY(CP_ARENA_ALLOC(l->arena, *valid_tokens, l->in->prompts, l->err, "", "the inputs"));
    for (size_t p = 0; p < l->in->prompts; p++)
        (*valid_tokens)[p] = 1 + cp_text_pool_position(l->config, tokens + p * length);
    return CP_OK;
}

enum cp_status cp_inputs_load(const struct cp_experiment *experiment, const struct cp_clip_config *config,
                              struct cp_arena *arena, struct cp_run_inputs *in, struct cp_error *err) {
    struct cp_inputs_loader l = {experiment, config, arena, in, err};
    *in = (struct cp_run_inputs){0};
    CP_TRY(cp_inputs_model_files(&l));
    CP_TRY(check_towers(&l));
    CP_TRY(cp_inputs_images(&l));
    CP_TRY(cp_inputs_texts(&l));
    CP_TRY(cp_inputs_labels(&l));
    return in->tokens ? cp_inputs_valid_tokens(&l, in->tokens, &in->valid_tokens) : CP_OK;
}
