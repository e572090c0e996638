/* SPDX-License-Identifier: GPL-3.0-or-later
 * A config from a file's metadata, from a name, or from shapes and the names that have them. */
#include "run/known_config.h"

#include "config/open_clip_tag.h"
#include "model/layout/infer.h"

#include <stdio.h>
#include <string.h>

/* ---- what the checkpoint says of itself ---- */

enum cp_status cp_own_words_read(const struct cp_checkpoint *file, const char *path,
                                 struct cp_own_words *words, struct cp_error *err) {
    const char *activation = cp_checkpoint_metadata(file, CP_METADATA_ACTIVATION);
    const char *config = cp_checkpoint_metadata(file, CP_METADATA_CONFIG);
    char where[512];
    *words = (struct cp_own_words){.activates = activation != NULL, .configures = config != NULL};
    (void)snprintf(where, sizeof where, "%.400s: metadata " CP_METADATA_CONFIG, path);
    if (activation && !cp_config_activation_named(activation, &words->activation))
        return cp_fail(err, CP_BAD_INPUT, path,
                       "metadata " CP_METADATA_ACTIVATION ": '%.60s' is not an activation", activation),
               cp_expected(err, "quick, erf or tanh");
    if (config)
        CP_TRY(cp_clip_config_parse(where, config, strlen(config), &words->config, err));
    if (config && activation && cp_clip_config_activation(&words->config) != words->activation)
        return cp_fail(err, CP_BAD_INPUT, path,
                       "metadata: " CP_METADATA_ACTIVATION " is %s, and " CP_METADATA_CONFIG " has %s",
                       activation, cp_config_activation_names[cp_clip_config_activation(&words->config)]),
               cp_expected(err, "the same in both, as `clip-parity convert` writes them");
    return CP_OK;
}

/* ---- by a name ---- */

enum cp_status cp_named_config(const char *name, struct cp_arena *arena, struct cp_clip_config *config,
                               struct cp_notes *notes, struct cp_error *err) {
    struct cp_clip_config preprocessed;
    enum cp_tags_agree agree;
    CP_TRY(cp_clip_config_named(name, config, err));
    CP_TRY(cp_open_clip_preprocessing(name, &preprocessed, &agree, err));
    if (agree == CP_TAGS_DIFFER)
        return cp_note(notes, arena, err,
                       "%s: its published weights are preprocessed in several ways; OpenAI's is "
                       "assumed (load_as with pretrained: TAG tells which)",
                       name);
    if (agree == CP_TAGS_NONE || cp_clip_config_same_preprocessing(&preprocessed, config))
        return CP_OK;
    cp_clip_config_take_preprocessing(config, &preprocessed);
    const char *words = cp_clip_config_words(config, arena);
    CP_TRY(CP_CHECK_ALLOC(words, err, "", "a model"));
    return cp_note(notes, arena, err, "%s: pictures as for all its published weights: %s", name, words);
}

/* ---- from the shapes ---- */

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

static enum cp_status check_heads(const char *path, const char *tower, int layers, int heads, int width,
                                  struct cp_error *err) {
    if (layers == 0 || heads > 0)
        return CP_OK;
    return cp_fail(err, CP_BAD_INPUT, path, "the %s tower's %d channels do not divide into heads of 64",
                   tower, width),
           cp_expected(err, "a config, as the number of heads is in no shape");
}

enum cp_status cp_shapes_config(const struct cp_checkpoint *file, const char *path, struct cp_arena *arena,
                                struct cp_clip_config *config, const char **as, struct cp_error *err) {
    const struct cp_layout *layout = NULL;
    *as = NULL;
    CP_TRY(cp_layout_of(file, path, &layout, err));
    CP_TRY(cp_infer_config(layout, file, path, config, err));
    CP_TRY(find_same_shapes(path, arena, config, as, err));
    const struct cp_vision_config *v = &config->vision;
    const struct cp_text_config *t = &config->text;
    CP_TRY(check_heads(path, "text", t->layers, t->heads, t->width, err));
    return check_heads(path, "vision", v->layers, v->heads, v->width, err);
}

enum cp_status cp_assumed_config(const struct cp_checkpoint *file, const char *path, struct cp_arena *arena,
                                 struct cp_clip_config *config, struct cp_notes *notes,
                                 struct cp_error *err) {
    const char *as = NULL;
    CP_TRY(cp_shapes_config(file, path, arena, config, &as, err));
    const char *words = cp_clip_config_words(config, arena);
    CP_TRY(CP_CHECK_ALLOC(words, err, "", "a model"));
    if (as)
        return cp_note(
            notes, arena, err,
            "no config: %s has the shapes of %s, and the rest is taken from there (%s); the activation is "
            "not in the shapes",
            path, as, words);
    return cp_note(
        notes, arena, err,
        "no config: the architecture of %s is inferred from its shapes, and the rest is assumed (%s); the "
        "activation is not in the shapes",
        path, words);
}
