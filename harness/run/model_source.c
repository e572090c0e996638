/* SPDX-License-Identifier: GPL-3.0-or-later
 * Asks each source in order of precedence, and notes what was inferred and where two disagree. */
#include "run/model_source.h"

#include "model/layout/state_dict.h"
#include "run/known_config.h"
#include "run/load_call.h"

#include <string.h>

static enum cp_status given_config(const struct cp_model_source *source, struct cp_arena *arena,
                                   struct cp_clip_config *config, struct cp_notes *notes,
                                   struct cp_error *err) {
    if (source->load_as.text) {
        const struct cp_load_call call = cp_load_call_of(source);
        struct cp_load_answer answer;
        CP_TRY(cp_load_call_answer(&call, "model", arena, &answer, notes, err));
        *config = answer.config;
        return CP_OK;
    }
    if (source->name.text)
        return cp_named_config(source->name.text, arena, config, notes, err);
    CP_TRY(cp_clip_config_load(source->config.text, config, err));
    return config->pictures_from[0]
               ? cp_note(notes, arena, err, "%s: pictures become pixels as %s beside it says",
                         source->config.text, config->pictures_from)
               : CP_OK;
}

static enum cp_status own_config(const struct cp_checkpoint *file, const char *path, struct cp_arena *arena,
                                 const struct cp_own_words *words, struct cp_clip_config *config,
                                 struct cp_notes *notes, struct cp_error *err) {
    if (words->configures) {
        *config = words->config;
        return CP_OK;
    }
    CP_TRY(cp_assumed_config(file, path, arena, config, notes, err));
    if (words->activates)
        cp_clip_config_activate(config, words->activation);
    return CP_OK;
}

/* A config that says something else than the checkpoint wins, but not in silence. */
static enum cp_status compare_words(const struct cp_model_source *source, const struct cp_own_words *words,
                                    const struct cp_clip_config *config, struct cp_arena *arena,
                                    struct cp_notes *notes, struct cp_error *err) {
    const char *path = source->checkpoint.text;
    const enum cp_config_activation given = cp_clip_config_activation(config);
    if (words->activates && given != words->activation)
        CP_TRY(cp_note(notes, arena, err,
                       "warning: %s says that it was trained with activation %s, and the "
                       "config has %s",
                       path, cp_config_activation_names[words->activation],
                       cp_config_activation_names[given]));
    if (words->configures &&
        (words->config.vision.heads != config->vision.heads ||
         words->config.text.heads != config->text.heads || words->config.vision.eps != config->vision.eps ||
         words->config.text.eps != config->text.eps))
        CP_TRY(cp_note(notes, arena, err, "warning: %s says that its heads or eps differ from the config's",
                       path));
    return CP_OK;
}

static enum cp_status with_checkpoint(const struct cp_model_source *source, const struct cp_checkpoint *file,
                                      struct cp_arena *arena, struct cp_clip_config *config,
                                      struct cp_notes *notes, struct cp_error *err) {
    const char *path = source->checkpoint.text;
    struct cp_own_words words;
    CP_TRY(cp_own_words_read(file, path, &words, err));
    if (!source->config.text && !source->name.text)
        return own_config(file, path, arena, &words, config, notes, err);
    CP_TRY(given_config(source, arena, config, notes, err));
    return compare_words(source, &words, config, arena, notes, err);
}

/* model.image_size in the place of the config's. */
static enum cp_status set_image_size(const struct cp_model_source *source, struct cp_clip_config *config,
                                     struct cp_error *err) {
    struct cp_vision_config *v = &config->vision;
    char where[256];
    if (!source->image_size)
        return CP_OK;
    cp_mark_text(&source->image_size_mark, where, sizeof where);
    if (!cp_has_vision(config))
        return cp_fail(err, CP_BAD_INPUT, where, "model.image_size: the model has no image tower"),
               cp_expected(err, "no image_size");
    if (source->image_size < v->patch_size)
        return cp_fail(err, CP_BAD_INPUT, where, "model.image_size: %d is smaller than patch_size %d",
                       source->image_size, v->patch_size),
               cp_expected(err, "one patch at least");
    if (source->image_size / v->patch_size > CP_GRID_MOST)
        return cp_fail(err, CP_BAD_INPUT, where, "model.image_size: %d is more than %d patches a side",
                       source->image_size, CP_GRID_MOST),
               cp_expected(err, "at most %d", CP_GRID_MOST * v->patch_size);
    v->image_size = source->image_size;
    return CP_OK;
}

/* A context or vocabulary that is smaller in the file than in the config. */
static enum cp_status note_rows(const char *path, const char *what, int asked, int loaded,
                                struct cp_arena *arena, struct cp_notes *notes, struct cp_error *err) {
    return asked == loaded
               ? CP_OK
               : cp_note(notes, arena, err, "%s: %s is %d, as the file has it; the config says %d", path,
                         what, loaded, asked);
}

static enum cp_status note_scale(const char *path, const struct cp_model *model, struct cp_arena *arena,
                                 struct cp_notes *notes, struct cp_error *err) {
    const char *doubt = model->logit_scale ? cp_logit_scale_doubt((double)*model->logit_scale) : NULL;
    return doubt ? cp_note(notes, arena, err, "warning: %s: logit_scale is %g: %s", path,
                           (double)*model->logit_scale, doubt)
                 : CP_OK;
}

/* Pixels that no patch has, and positions that were resized. */
static enum cp_status note_patches(const char *path, const struct cp_vision_config *v, struct cp_arena *arena,
                                   struct cp_notes *notes, struct cp_error *err) {
    if (v->image_size % v->patch_size)
        CP_TRY(cp_note(
            notes, arena, err,
            "%s: of images of %d x %d the patches of %d leave out %d pixels at the right and below, as a "
            "convolution does",
            path, v->image_size, v->image_size, v->patch_size, v->image_size % v->patch_size));
    if (!v->stored_grid)
        return CP_OK;
    const int from = v->stored_grid, to = v->image_size / v->patch_size;
    return cp_note(
        notes, arena, err,
        "%s: position embeddings of a grid of %d x %d are resized to %d x %d, for images of %d x %d "
        "(setting: position)",
        path, from, from, to, to, v->image_size, v->image_size);
}

/* What only loading tells: notes of what the file is and where position embeddings were resized, where the file has
 * less than the config that was asked for, where images have more pixels than patches, and where logit_scale is
 * doubtful. */
static enum cp_status note_loaded(const struct cp_model_source *source, const struct cp_clip_config *config,
                                  const struct cp_model *model, struct cp_arena *arena,
                                  struct cp_notes *notes, struct cp_error *err) {
    const char *path = source->checkpoint.text;
    const struct cp_vision_config *v = &model->config.vision;
    const struct cp_text_config *t = &model->config.text;
    CP_TRY(cp_notes_add(notes, path, &model->notes, arena, err));
    CP_TRY(note_scale(path, model, arena, notes, err));
    CP_TRY(
        note_rows(path, "context_length", config->text.context_length, t->context_length, arena, notes, err));
    CP_TRY(note_rows(path, "vocab_size", config->text.vocab_size, t->vocab_size, arena, notes, err));
    if (v->no_proj || t->no_proj)
        CP_TRY(cp_note(notes, arena, err,
                       "%s: no projection: the features are what %s gives, pooled and normalised", path,
                       v->no_proj ? "visual.ln_post" : "ln_final"));
    return cp_has_vision(&model->config) ? note_patches(path, v, arena, notes, err) : CP_OK;
}

static enum cp_status find_config(const struct cp_model_source *source, struct cp_arena *arena,
                                  struct cp_clip_config *config, struct cp_notes *notes,
                                  struct cp_error *err) {
    struct cp_checkpoint *file = NULL;
    if (!source->checkpoint.text)
        return given_config(source, arena, config, notes, err);
    CP_TRY(cp_state_dict_open(source->checkpoint.text, &file, err));
    const enum cp_status status = with_checkpoint(source, file, arena, config, notes, err);
    cp_checkpoint_close(file);
    return status;
}

enum cp_status cp_model_source_config(const struct cp_model_source *source, struct cp_arena *arena,
                                      struct cp_clip_config *config, struct cp_notes *notes,
                                      struct cp_error *err) {
    CP_TRY(find_config(source, arena, config, notes, err));
    return set_image_size(source, config, err);
}

enum cp_status cp_model_source_load(const struct cp_model_source *source, struct cp_arena *arena,
                                    struct cp_model *model, struct cp_notes *notes, struct cp_error *err) {
    struct cp_clip_config config;
    CP_TRY(cp_model_source_config(source, arena, &config, notes, err));
    if (source->checkpoint.text) {
        CP_TRY(cp_model_load(source->checkpoint.text, &config, model, err));
        return note_loaded(source, &config, model, arena, notes, err);
    }
    if (strcmp(source->init, "open_clip") == 0)
        return cp_model_open_clip(&config, (uint64_t)source->seed, CP_TORCH_AVX2, model, err);
    return cp_model_counter(&config, (uint64_t)source->seed, model, err);
}

enum cp_status cp_model_source_activation(const struct cp_model_source *source,
                                          const struct cp_clip_config *config,
                                          const struct cp_candidate *baseline, struct cp_error *err) {
    bool said = !config->activation_unknown;
    for (size_t i = 0; i < baseline->count && config->activation_unknown; i++)
        if (strcmp(baseline->settings[i].address, "activation") == 0)
            said = strcmp(baseline->settings[i].value, "auto") != 0;
    if (said)
        return CP_OK;
    return cp_fail(err, CP_BAD_INPUT, source->checkpoint.text,
                   "neither a config nor the file says which activation it was trained with"),
           cp_expected(
               err, "a config or a name (model.config, model.name; --config, --name), or activation: quick | "
                    "erf | tanh in the baseline; "
                    "`clip-parity inspect` helps to tell");
}
