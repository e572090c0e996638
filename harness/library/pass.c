/* SPDX-License-Identifier: GPL-3.0-or-later
 * Passes of the public header: a spec with its packed weights and buffers, and what it makes of texts and pictures. */
#include "library/internal.h"

#include "format/file.h"
#include "inputs/inputs.h"
#include "model/spec_model.h"

#include <stdlib.h>

enum cp_status cp_library_need(const struct clip_parity_pass *pass, enum cp_tower tower,
                               struct cp_error *err) {
    const struct cp_clip_config *config = &pass->of->model.config;
    if (tower == CP_VISUAL ? cp_has_vision(config) : cp_has_text(config))
        return CP_OK;
    return cp_fail(err, CP_BAD_INPUT, pass->of->source.checkpoint.text, "has no %s tower",
                   tower == CP_VISUAL ? "image" : "text"),
           cp_expected(err, "a model with it");
}

/* ---- making one ---- */

static enum cp_status apply(struct clip_parity_pass *pass, const char *settings, struct cp_error *err) {
    struct cp_candidate chosen = {0};
    if (settings && settings[0])
        CP_TRY(cp_settings_parse(settings, "settings", &pass->arena, &chosen, err));
    for (size_t i = 0; i < chosen.count; i++)
        if (cp_spec_set(pass->spec, chosen.settings[i].address, chosen.settings[i].value, err) != CP_OK)
            return cp_mark_within(&chosen.settings[i].mark, err);
    return cp_model_source_activation(&pass->of->source, &pass->of->model.config, &chosen, err);
}

static enum cp_status make(struct clip_parity_pass *pass, const char *settings, int threads,
                           struct cp_error *err) {
    const struct cp_model *model = &pass->of->model;
    const struct cp_ops *ops = cp_ops_find(NULL);
    const int used = threads > 0 ? threads : cp_pool_processors();
    CP_TRY(cp_spec_create("pass", &model->config, ops, &pass->arena, &pass->spec, err));
    CP_TRY(apply(pass, settings, err));
    CP_TRY(cp_spec_model(pass->spec, model, &pass->arena, &pass->weights, err));
    CP_TRY(cp_plan_create(pass->spec, pass->weights, 1, &pass->store, &pass->plan, err));
    CP_TRY(cp_pool_create(used, &pass->pool, err));
    CP_TRY(cp_workspace_create(&model->config, ops, CP_LIBRARY_BATCH, used, &pass->ws, err));
    return CP_ARENA_ALLOC(&pass->arena, pass->x, CP_LIBRARY_BATCH * cp_residual_elements(&model->config), err,
                          "", "a pass");
}

enum clip_parity_status clip_parity_pass_create(const struct clip_parity_model *model, const char *settings,
                                                int threads, struct clip_parity_pass **out,
                                                struct clip_parity_error *error) {
    struct cp_error err = {CP_OK, "", "", ""};
    struct clip_parity_pass *pass = calloc(1, sizeof *pass);
    enum cp_status status = CP_CHECK_ALLOC(pass, &err, "", "a pass");
    if (status == CP_OK) {
        pass->of = model;
        status = make(pass, settings, threads, &err);
    }
    if (status != CP_OK) {
        clip_parity_pass_free(pass);
        pass = NULL;
    }
    *out = pass;
    return cp_library_status(status, &err, error);
}

void clip_parity_pass_free(struct clip_parity_pass *pass) {
    if (!pass)
        return;
    cp_packed_store_free(&pass->store);
    cp_workspace_free(&pass->ws);
    if (pass->pool)
        cp_pool_free(pass->pool);
    cp_arena_free(&pass->arena);
    cp_arena_free(&pass->scratch);
    free(pass);
}

/* ---- its inputs ---- */

static enum cp_status tokenize(const struct clip_parity_pass *pass, const char *const *texts, size_t count,
                               bool truncate, struct cp_arena *arena, int32_t *ids, struct cp_error *err) {
    const struct cp_clip_config *config = &pass->of->model.config;
    const struct cp_model_source *source = &pass->of->source;
    struct cp_tokenizer *tokenizer = NULL;
    CP_TRY(cp_library_need(pass, CP_TEXT, err));
    CP_TRY(cp_inputs_check_texts(config, source->config.text ? source->config.text : source->checkpoint.text,
                                 err));
    const char *vocabulary = cp_data_path(CP_VOCABULARY, arena);
    CP_TRY(CP_CHECK_ALLOC(vocabulary, err, "", "a path"));
    CP_TRY(cp_tokenizer_open(vocabulary, &tokenizer, err));
    const int length = config->text.context_length;
    enum cp_status status = CP_OK;
    for (size_t t = 0; t < count && status == CP_OK; t++)
        status = cp_tokenizer_encode(tokenizer, cp_spec_tokenizer(pass->spec), texts[t], length, truncate,
                                     ids + t * (size_t)length, err);
    cp_tokenizer_close(tokenizer);
    return status;
}

enum clip_parity_status clip_parity_tokenize(const struct clip_parity_pass *pass, const char *const *texts,
                                             size_t count, bool truncate, int32_t *ids,
                                             struct clip_parity_error *error) {
    struct cp_error err = {CP_OK, "", "", ""};
    struct cp_arena arena = {0};
    const enum cp_status status = tokenize(pass, texts, count, truncate, &arena, ids, &err);
    cp_arena_free(&arena);
    return cp_library_status(status, &err, error);
}

static enum cp_status preprocess(const struct clip_parity_pass *pass, const char *path, float *pixels,
                                 struct cp_error *err) {
    const struct cp_preprocess how = cp_spec_preprocess(pass->spec);
    struct cp_picture picture;
    CP_TRY(cp_library_need(pass, CP_VISUAL, err));
    CP_TRY(cp_picture_read(path, &how.decode, &picture, err));
    const enum cp_status status = cp_preprocess_apply(&how, &picture, path, NULL, pixels, err);
    cp_picture_free(&picture);
    return status;
}

enum clip_parity_status clip_parity_preprocess(const struct clip_parity_pass *pass, const char *picture,
                                               float *pixels, struct clip_parity_error *error) {
    struct cp_error err = {CP_OK, "", "", ""};
    return cp_library_status(preprocess(pass, picture, pixels, &err), &err, error);
}
