/* SPDX-License-Identifier: GPL-3.0-or-later
 * Asks each source in order of precedence, and notes what was inferred and where two disagree. */
#include "run/model_source.h"

#include "config/load_as.h"
#include "config/open_clip_tag.h"
#include "model/infer.h"
#include "model/state_dict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static enum cp_status note(struct cp_notes *notes, struct cp_arena *arena, struct cp_error *err,
                           const char *line) {
    const char **lines = cp_arena_alloc(arena, notes->count + 1, sizeof *lines);
    CP_TRY(CP_CHECK_ALLOC(line && lines, err, "", "a model"));
    if (notes->count)
        memcpy(lines, notes->lines, notes->count * sizeof *lines);
    lines[notes->count++] = line;
    notes->lines = lines;
    return CP_OK;
}

/* ---- what the checkpoint says of itself ---- */

static enum cp_status read_activation(const char *text, const char *path,
                                      enum cp_config_activation *activation, struct cp_error *err) {
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++)
        if (strcmp(cp_config_activation_names[a], text) == 0) {
            *activation = (enum cp_config_activation)a;
            return CP_OK;
        }
    return cp_fail(err, CP_BAD_INPUT, path, "metadata " CP_METADATA_ACTIVATION ": '%.60s' is no activation",
                   text),
           cp_expected(err, "quick, erf or tanh");
}

enum cp_status cp_own_words_read(const struct cp_checkpoint *file, const char *path,
                                 struct cp_own_words *words, struct cp_error *err) {
    const char *activation = cp_checkpoint_metadata(file, CP_METADATA_ACTIVATION);
    const char *config = cp_checkpoint_metadata(file, CP_METADATA_CONFIG);
    char where[512];
    *words = (struct cp_own_words){.activates = activation != NULL, .configures = config != NULL};
    (void)snprintf(where, sizeof where, "%.400s: metadata " CP_METADATA_CONFIG, path);
    if (activation)
        CP_TRY(read_activation(activation, path, &words->activation, err));
    if (config)
        CP_TRY(cp_clip_config_parse(where, config, strlen(config), &words->config, err));
    if (config && activation && cp_clip_config_activation(&words->config) != words->activation)
        return cp_fail(err, CP_BAD_INPUT, path,
                       "metadata: " CP_METADATA_ACTIVATION " is %s, and " CP_METADATA_CONFIG " has %s",
                       activation, cp_config_activation_names[cp_clip_config_activation(&words->config)]),
               cp_expected(err, "the same in both, as `clip-parity convert` writes them");
    return CP_OK;
}

/* ---- from the shapes ---- */

enum cp_status cp_named_config(const char *name, struct cp_arena *arena, struct cp_clip_config *config,
                               struct cp_notes *notes, struct cp_error *err) {
    struct cp_clip_config preprocessed;
    enum cp_tags_agree agree;
    CP_TRY(cp_clip_config_named(name, config, err));
    CP_TRY(cp_open_clip_preprocessing(name, &preprocessed, &agree, err));
    if (agree == CP_TAGS_DIFFER)
        return note(notes, arena, err,
                    cp_arena_printf(arena,
                                    "%s: its published weights are preprocessed in several ways; OpenAI's is "
                                    "assumed (load_as with pretrained: TAG tells which)",
                                    name));
    if (agree == CP_TAGS_NONE || cp_clip_config_same_preprocessing(&preprocessed, config))
        return CP_OK;
    cp_clip_config_take_preprocessing(config, &preprocessed);
    return note(notes, arena, err,
                cp_arena_printf(arena, "%s: pictures as for all its published weights: %s", name,
                                cp_clip_config_words(config, arena)));
}

/* All of a named config for the towers that are there, and the preprocessing that its published weights share. */
static enum cp_status adopt(struct cp_clip_config *config, const char *name,
                            const struct cp_clip_config *named, struct cp_error *err) {
    struct cp_clip_config preprocessed;
    enum cp_tags_agree agree;
    CP_TRY(cp_open_clip_preprocessing(name, &preprocessed, &agree, err));
    cp_clip_config_take_preprocessing(config, agree == CP_TAGS_AGREE ? &preprocessed : named);
    const bool image_only = config->vision.no_proj, text_only = config->text.no_proj;
    if (cp_has_vision(config))
        config->vision = named->vision;
    if (cp_has_text(config))
        config->text = named->text;
    config->vision.no_proj = image_only;
    config->text.no_proj = text_only;
    return CP_OK;
}

/* The named config of the same shapes; those with -quickgelu are the same architecture. Where several have these shapes,
 * they have to be one function. */
static enum cp_status find_same_shapes(const char *path, struct cp_arena *arena,
                                       struct cp_clip_config *config, const char **as, struct cp_error *err) {
    struct cp_clip_config named, first = *config;
    const char **names;
    size_t count;
    CP_TRY(cp_clip_config_names(arena, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        CP_TRY(cp_clip_config_named(names[i], &named, err));
        if (!cp_clip_config_same_shapes(config, &named) || strstr(names[i], "-quickgelu"))
            continue;
        if (*as && !cp_clip_config_same_function(config, &named))
            return cp_fail(err, CP_BAD_INPUT, path,
                           "has the shapes of %s and of %s, which are computed differently", *as, names[i]),
                   cp_expected(err, "its config, or one of these names");
        if (!*as)
            first = named;
        *as = *as ? *as : names[i];
    }
    return *as ? adopt(config, *as, &first, err) : CP_OK;
}

enum cp_status cp_shapes_config(const struct cp_checkpoint *file, const char *path, struct cp_arena *arena,
                                struct cp_clip_config *config, const char **as, struct cp_error *err) {
    const struct cp_layout *layout = NULL;
    *as = NULL;
    CP_TRY(cp_layout_of(file, path, &layout, err));
    CP_TRY(cp_infer_config(layout, file, path, config, err));
    return find_same_shapes(path, arena, config, as, err);
}

enum cp_status cp_assumed_config(const struct cp_checkpoint *file, const char *path, struct cp_arena *arena,
                                 struct cp_clip_config *config, struct cp_notes *notes,
                                 struct cp_error *err) {
    const char *as = NULL;
    CP_TRY(cp_shapes_config(file, path, arena, config, &as, err));
    const char *words = cp_clip_config_words(config, arena);
    CP_TRY(CP_CHECK_ALLOC(words, err, "", "a model"));
    return note(
        notes, arena, err,
        as ? cp_arena_printf(arena,
                             "no config: %s has the shapes of %s, and the rest is taken from there (%s); "
                             "the activation is not in the shapes",
                             path, as, words)
           : cp_arena_printf(arena,
                             "no config: the architecture of %s is told from its shapes, and the rest is "
                             "assumed (%s); the activation is not in the shapes",
                             path, words));
}

/* ---- from the call ---- */

/* How pictures are made, where it is not as OpenAI made them. */
static const char *pictures_of(const struct cp_clip_config *c, struct cp_arena *arena) {
    const struct cp_clip_config openai = cp_clip_config_default();
    if (cp_clip_config_same_preprocessing(c, &openai))
        return "";
    return cp_arena_printf(arena, "pictures by %s, %s, mean %g %g %g, std %g %g %g; ",
                           cp_resize_filter_names[c->filter], cp_resize_mode_names[c->resize_mode],
                           c->mean[0], c->mean[1], c->mean[2], c->std[0], c->std[1], c->std[2]);
}

static enum cp_status answer_call(const struct cp_load_call *call, const char *of, struct cp_arena *arena,
                                  struct cp_load_answer *answer, struct cp_notes *notes,
                                  struct cp_error *err) {
    CP_TRY(cp_load_as(call, arena, answer, err));
    return note(
        notes, arena, err,
        cp_arena_printf(
            arena, "%s: open_clip %s, create_model('%s', pretrained='%s'%s) computes %s, %s; %s%s%s", of,
            answer->version, call->name, call->pretrained,
            call->force_quick_gelu ? ", force_quick_gelu=True" : "",
            answer->quick_gelu ? "QuickGELU" : "GELU", answer->why, pictures_of(&answer->config, arena),
            answer->warning ? "it warns: " : "it gives no warning", answer->warning ? answer->warning : ""));
}

static struct cp_load_call call_of(const struct cp_model_source *source) {
    return (struct cp_load_call){source->load_as.text, source->name.text, source->pretrained.text,
                                 source->force_quick_gelu};
}

/* ---- the whole ---- */

static enum cp_status given_config(const struct cp_model_source *source, struct cp_arena *arena,
                                   struct cp_clip_config *config, struct cp_notes *notes,
                                   struct cp_error *err) {
    if (source->load_as.text) {
        const struct cp_load_call call = call_of(source);
        struct cp_load_answer answer;
        CP_TRY(answer_call(&call, "model", arena, &answer, notes, err));
        *config = answer.config;
        return CP_OK;
    }
    if (source->name.text)
        return cp_named_config(source->name.text, arena, config, notes, err);
    CP_TRY(cp_clip_config_load(source->config.text, config, err));
    return config->pictures_from[0]
               ? note(notes, arena, err,
                      cp_arena_printf(arena, "%s: pictures become pixels as %s beside it says",
                                      source->config.text, config->pictures_from))
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
        CP_TRY(note(notes, arena, err,
                    cp_arena_printf(arena,
                                    "warning: %s says that it must be computed with activation %s, and the "
                                    "config has %s",
                                    path, cp_config_activation_names[words->activation],
                                    cp_config_activation_names[given])));
    if (words->configures &&
        (words->config.vision.heads != config->vision.heads ||
         words->config.text.heads != config->text.heads || words->config.vision.eps != config->vision.eps ||
         words->config.text.eps != config->text.eps))
        CP_TRY(note(notes, arena, err,
                    cp_arena_printf(
                        arena, "warning: %s says that its heads or eps are others than the config's", path)));
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
static enum cp_status note_rows(const struct cp_model_source *source, const char *what, int asked, int loaded,
                                struct cp_arena *arena, struct cp_notes *notes, struct cp_error *err) {
    if (asked == loaded)
        return CP_OK;
    return note(notes, arena, err,
                cp_arena_printf(arena, "%s: %s is %d, as the file has it; the config says %d",
                                source->checkpoint.text, what, loaded, asked));
}

enum cp_status cp_model_source_loaded(const struct cp_model_source *source,
                                      const struct cp_clip_config *config, const struct cp_model *model,
                                      struct cp_arena *arena, struct cp_notes *notes, struct cp_error *err) {
    const struct cp_vision_config *v = &model->config.vision;
    const struct cp_text_config *t = &model->config.text;
    const int from = v->stored_grid, to = from ? v->image_size / v->patch_size : 0;
    const char *doubt = model->logit_scale ? cp_logit_scale_doubt((double)*model->logit_scale) : NULL;
    if (doubt)
        CP_TRY(note(notes, arena, err,
                    cp_arena_printf(arena, "warning: %s: logit_scale is %g: %s", source->checkpoint.text,
                                    (double)*model->logit_scale, doubt)));
    CP_TRY(note_rows(source, "context_length", config->text.context_length, t->context_length, arena, notes,
                     err));
    CP_TRY(note_rows(source, "vocab_size", config->text.vocab_size, t->vocab_size, arena, notes, err));
    if (v->no_proj || t->no_proj)
        CP_TRY(note(
            notes, arena, err,
            cp_arena_printf(arena, "%s: no projection: the features are what %s gives, pooled and normalised",
                            source->checkpoint.text, v->no_proj ? "visual.ln_post" : "ln_final")));
    if (cp_has_vision(&model->config) && v->image_size % v->patch_size)
        CP_TRY(note(notes, arena, err,
                    cp_arena_printf(arena,
                                    "%s: of images of %d x %d the patches of %d leave out %d pixels at the "
                                    "right and below, as a convolution does",
                                    source->checkpoint.text, v->image_size, v->image_size, v->patch_size,
                                    v->image_size % v->patch_size)));
    if (!from)
        return CP_OK;
    return note(notes, arena, err,
                cp_arena_printf(arena,
                                "%s: position embeddings of a grid of %d x %d are resized to %d x %d, for "
                                "images of %d x %d (setting: position)",
                                source->checkpoint.text, from, from, to, to, v->image_size, v->image_size));
}

/* What was left out of the file, or renamed. */
static enum cp_status note_file(const struct cp_checkpoint *file, const char *path, struct cp_arena *arena,
                                struct cp_notes *notes, struct cp_error *err) {
    const char *const *lines;
    const size_t count = cp_checkpoint_notes(file, &lines);
    for (size_t i = 0; i < count; i++)
        CP_TRY(note(notes, arena, err, cp_arena_printf(arena, "%s: %s", path, lines[i])));
    return CP_OK;
}

static enum cp_status find_config(const struct cp_model_source *source, struct cp_arena *arena,
                                  struct cp_clip_config *config, struct cp_notes *notes,
                                  struct cp_error *err) {
    struct cp_checkpoint *file = NULL;
    if (!source->checkpoint.text)
        return given_config(source, arena, config, notes, err);
    CP_TRY(cp_state_dict_open(source->checkpoint.text, &file, err));
    enum cp_status status = note_file(file, source->checkpoint.text, arena, notes, err);
    if (status == CP_OK)
        status = with_checkpoint(source, file, arena, config, notes, err);
    cp_checkpoint_close(file);
    return status;
}

enum cp_status cp_model_source_config(const struct cp_model_source *source, struct cp_arena *arena,
                                      struct cp_clip_config *config, struct cp_notes *notes,
                                      struct cp_error *err) {
    CP_TRY(find_config(source, arena, config, notes, err));
    return set_image_size(source, config, err);
}

/* ---- a pass's own call ---- */

enum { LOAD_AS, NAME, PRETRAINED, FORCE, LOAD_SETTINGS };
static const char *const load_settings[LOAD_SETTINGS] = {"load_as", "name", "pretrained", "force_quick_gelu"};

static int load_setting(const char *address) {
    int i = 0;
    while (i < LOAD_SETTINGS && strcmp(address, load_settings[i]) != 0)
        i++;
    return i;
}

bool cp_is_load_setting(const char *address) {
    return load_setting(address) < LOAD_SETTINGS;
}

/* The error, at its setting. */
static enum cp_status at_setting(const struct cp_setting *setting, struct cp_error *err) {
    char where[256];
    cp_mark_text(&setting->mark, where, sizeof where);
    cp_error_within(err, where);
    return err->status;
}

static enum cp_status take(struct cp_load_call *call, const struct cp_setting *setting,
                           struct cp_error *err) {
    const char *const value = setting->value;
    switch (load_setting(setting->address)) {
    case LOAD_AS:
        call->version = value;
        return CP_OK;
    case NAME:
        call->name = value;
        return CP_OK;
    case PRETRAINED:
        call->pretrained = value;
        return CP_OK;
    default:
        call->force_quick_gelu = strcmp(value, "on") == 0 || strcmp(value, "true") == 0;
        if (call->force_quick_gelu || strcmp(value, "off") == 0 || strcmp(value, "false") == 0)
            return CP_OK;
        (void)cp_fail(err, CP_BAD_INPUT, "", "force_quick_gelu: '%.60s'", value);
        (void)cp_expected(err, "on or off");
        return at_setting(setting, err);
    }
}

enum cp_status cp_model_source_pass(const struct cp_model_source *source, const struct cp_candidate *pass,
                                    struct cp_arena *arena, const char **activation, struct cp_notes *notes,
                                    struct cp_error *err) {
    struct cp_load_call call = call_of(source);
    const struct cp_setting *last = NULL;
    struct cp_load_answer answer;
    *activation = NULL;
    for (size_t i = 0; i < pass->count; i++)
        if (cp_is_load_setting(pass->settings[i].address)) {
            last = &pass->settings[i];
            CP_TRY(take(&call, last, err));
        }
    if (!last)
        return CP_OK;
    if (!source->load_as.text) {
        (void)cp_fail(err, CP_BAD_INPUT, "", "%s of a pass, but the model has no load_as", last->address);
        (void)cp_expected(err, "model: {load_as: open_clip-2.24, name: NAME, pretrained: TAG or PATH, ...}");
        return at_setting(last, err);
    }
    if (answer_call(&call, pass->name, arena, &answer, notes, err) != CP_OK)
        return at_setting(last, err);
    *activation = answer.quick_gelu ? "quick" : "erf";
    return CP_OK;
}
