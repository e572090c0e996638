/* SPDX-License-Identifier: GPL-3.0-or-later
 * What names, configs, and checkpoints say: their metadata, what they were published as, and their tensors. */
#include "base/digest.h"
#include "config/published.h"
#include "model/layout/fit.h"
#include "model/layout/infer.h"
#include "model/layout/state_dict.h"
#include "run/known_config.h"
#include "task/lint/parts.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { HASHED_MAX = 64 << 20 }; /* larger files take longer to hash than all the rest */

/* ---- weights ---- */

/* The weights that a published file has, by its digest or by that of the file it was converted from. */
static enum cp_status read_published(struct cp_lint *lint, const struct cp_checkpoint *file, const char *path,
                                     struct cp_arena *arena, struct cp_error *err) {
    char hex[CP_DIGEST_HEX] = "";
    struct cp_published published;
    struct stat info;
    const char *const *paths;
    const char *source = cp_checkpoint_metadata(file, CP_METADATA_SOURCE);
    if (source)
        (void)snprintf(hex, sizeof hex, "%s", source);
    else if (cp_checkpoint_files(file, &paths) == 1 && stat(path, &info) == 0 && info.st_size <= HASHED_MAX)
        CP_TRY(cp_digest_file(path, hex, err));
    if (!hex[0])
        return cp_note(&lint->notes, arena, err,
                       "%s is too large, or of several files, to be looked for among the published ones",
                       path);
    CP_TRY(cp_published_find(hex, arena, &published, err));
    if (!published.name)
        return CP_OK;
    const char *name = cp_arena_printf(arena, "published as %s", published.name);
    CP_TRY(CP_CHECK_ALLOC(name, err, "", "a name"));
    (void)snprintf(cp_lint_source(lint, name)->value[CP_FACET_ACTIVATION], CP_FACET_TEXT, "%s",
                   cp_config_activation_names[published.activation]);
    return CP_OK;
}

static enum cp_status read_metadata(struct cp_lint *lint, const struct cp_checkpoint *file, const char *path,
                                    const char *name, struct cp_arena *arena, struct cp_error *err) {
    struct cp_own_words words;
    struct cp_error why = {0};
    const enum cp_status status = cp_own_words_read(file, path, &words, &why);
    if (status == CP_BAD_INPUT)
        return cp_lint_add_error(lint, arena, "metadata", name, path, &why, err);
    if (status != CP_OK)
        return *err = why, status;
    const char *of = cp_arena_printf(arena, "metadata of %s", name);
    CP_TRY(CP_CHECK_ALLOC(of, err, "", "a name"));
    if (words.configures)
        cp_lint_view_fill(&words.config, cp_lint_source(lint, of));
    else if (words.activates)
        (void)snprintf(cp_lint_source(lint, of)->value[CP_FACET_ACTIVATION], CP_FACET_TEXT, "%s",
                       cp_config_activation_names[words.activation]);
    return CP_OK;
}

/* The first config whose sizes are those of the shapes; NULL: there is none. */
static const struct cp_lint_view *config_of_shapes(const struct cp_lint *lint,
                                                   const struct cp_clip_config *shapes) {
    for (size_t i = 0; i < lint->sources; i++)
        if (lint->source[i].config.embed_dim && cp_lint_same_sizes(&lint->source[i].config, shapes))
            return &lint->source[i];
    return NULL;
}

/* Whether the tensors make a model, by names, shapes and dtypes. */
static enum cp_status check_tensors(struct cp_lint *lint, const struct cp_checkpoint *file, const char *path,
                                    const char *name, const struct cp_clip_config *shapes,
                                    struct cp_arena *arena, struct cp_error *err) {
    const struct cp_lint_view *of = config_of_shapes(lint, shapes);
    struct cp_clip_config config = of ? of->config : *shapes;
    struct cp_error why = {0};
    const struct cp_fit fit = {file, path, false, of ? of->name : "a model of these shapes"};
    const enum cp_status status = cp_model_fit(&fit, &config, &why);
    if (status == CP_BAD_INPUT)
        return cp_lint_add_error(lint, arena, "tensors", name, path, &why, err);
    return status == CP_OK ? CP_OK : (*err = why, status);
}

static enum cp_status note_error(struct cp_lint *lint, const char *what, const struct cp_error *why,
                                 struct cp_arena *arena, struct cp_error *err) {
    char line[1600];
    cp_error_line(why, line, sizeof line);
    return cp_note(&lint->notes, arena, err, "%s: %s", what, line);
}

/* What the shapes tell; where they tell nothing, because the file is no CLIP's, that is all that can be said of it. */
static enum cp_status read_shapes(struct cp_lint *lint, const struct cp_checkpoint *file, const char *path,
                                  const char *name, struct cp_clip_config *shapes, struct cp_arena *arena,
                                  struct cp_error *err) {
    const struct cp_layout *layout = NULL;
    const char *of = cp_arena_printf(arena, "shapes of %s", name);
    struct cp_error why = {0};
    CP_TRY(CP_CHECK_ALLOC(of, err, "", "a name"));
    enum cp_status status = cp_layout_of(file, path, &layout, &why);
    if (status == CP_BAD_INPUT && lint->sources)
        return note_error(lint, "no shapes compared", &why, arena, err);
    if (status == CP_OK && (status = cp_infer_config(layout, file, path, shapes, &why)) == CP_BAD_INPUT) {
        shapes->embed_dim = 0; /* half of it may have been told */
        return cp_lint_add_error(lint, arena, "tensors", name, path, &why, err);
    }
    if (status != CP_OK)
        return *err = why, status;
    CP_TRY(check_tensors(lint, file, path, name, shapes, arena, err));
    cp_lint_source(lint, of)->config = *shapes;
    return CP_OK;
}

/* Metadata, published weights and shapes of one checkpoint. *as: the name with its shapes, or NULL; shapes that tell
 * nothing have embed_dim 0. */
static enum cp_status read_weights(struct cp_lint *lint, const struct cp_checkpoint *file, const char *path,
                                   const char *name, struct cp_clip_config *shapes, const char **as,
                                   struct cp_arena *arena, struct cp_error *err) {
    struct cp_clip_config told = {0};
    struct cp_error why = {0};
    *shapes = told;
    CP_TRY(read_metadata(lint, file, path, name, arena, err));
    CP_TRY(read_published(lint, file, path, arena, err));
    CP_TRY(read_shapes(lint, file, path, name, &told, arena, err));
    if (!told.embed_dim)
        return CP_OK;
    const enum cp_status status = cp_shapes_config(file, path, arena, shapes, as, &why);
    if (status == CP_OK)
        return CP_OK;
    *shapes = (struct cp_clip_config){0};
    return status == CP_BAD_INPUT ? note_error(lint, "no loader is asked by the shapes", &why, arena, err)
                                  : (*err = why, status);
}

/* ---- names ---- */

/* What a name says of weights, and what its tag says they were trained with. */
static enum cp_status read_name(struct cp_lint *lint, const struct cp_lint_inputs *in, struct cp_arena *arena,
                                struct cp_error *err) {
    const struct cp_load_call call = cp_lint_call(in, cp_lint_newest);
    struct cp_load_answer answer;
    CP_TRY(cp_load_as(&call, arena, &answer, err));
    const char *name = cp_arena_printf(arena, "the name %s", in->name),
               *tag = cp_arena_printf(arena, "the tag %s, as trained", in->pretrained ? in->pretrained : "");
    CP_TRY(CP_CHECK_ALLOC(name && tag, err, "", "a name"));
    cp_lint_view_fill(&answer.config, cp_lint_source(lint, name));
    if (answer.of_tag)
        (void)snprintf(cp_lint_source(lint, tag)->value[CP_FACET_ACTIVATION], CP_FACET_TEXT, "%s",
                       answer.tag_quick_gelu ? "quick" : "erf");
    return CP_OK;
}

/* ---- the whole ---- */

static enum cp_status is_openai_file(const char *path, bool *openai, struct cp_error *err) {
    struct cp_checkpoint *file = NULL;
    CP_TRY(cp_checkpoint_open(path, &file, err));
    const enum cp_checkpoint_format format = cp_checkpoint_format(file);
    *openai = *openai || ((format == CP_FORMAT_TORCH_ZIP || format == CP_FORMAT_TORCHSCRIPT) &&
                          cp_checkpoint_find(file, "visual.conv1.weight"));
    cp_checkpoint_close(file);
    return CP_OK;
}

/* Why a loader does not find the model in a file that this program does. open_clip's load_state_dict (factory.py) takes a
 * dict's "state_dict" and a "module." before the first name; transformers' from_pretrained the name of the model's
 * class, and no dict's. NULL: it does. */
static const char *not_found_by(enum cp_lint_naming naming, const struct cp_checkpoint *file,
                                const char *path, struct cp_arena *arena) {
    static const char *const known[CP_LINT_NAMINGS][5] = {
        {"", "module.", "state_dict.", "state_dict.module."}, {"", "clip."}};
    const char *prefix = cp_checkpoint_prefix(file);
    const struct cp_layout *layout = NULL;
    struct cp_error ignored;
    if (cp_layout_of(file, path, &layout, &ignored) != CP_OK)
        return "the weights are not a CLIP's";
    if (layout->transformers != (naming == CP_LINT_TRANSFORMERS))
        return cp_arena_printf(arena, "the tensors have the names of %s", layout->name);
    if (cp_checkpoint_was_wrapped(file))
        return "the names have words of PyTorch's wrappers";
    for (size_t k = 0; known[naming][k]; k++)
        if (strcmp(prefix, known[naming][k]) == 0)
            return NULL;
    return cp_arena_printf(arena, "the tensors are behind %s", prefix);
}

/* One file that a loader takes is enough. */
static void ask_file(struct cp_lint_weights *of, const struct cp_checkpoint *file, const char *path,
                     bool first, struct cp_arena *arena) {
    for (int n = 0; n < CP_LINT_NAMINGS; n++) {
        const char *why = not_found_by((enum cp_lint_naming)n, file, path, arena);
        if (first || !why)
            of->tensors[n] = why;
    }
}

static enum cp_status read_file(struct cp_lint *lint, const char *path, const char *name, bool first,
                                struct cp_lint_weights *of, struct cp_arena *arena, struct cp_error *err) {
    struct cp_checkpoint *file = NULL;
    struct cp_clip_config shapes;
    const char *as = NULL;
    CP_TRY(is_openai_file(path, &of->openai, err));
    CP_TRY(cp_state_dict_open(path, &file, err));
    ask_file(of, file, path, first, arena);
    enum cp_status status = cp_notes_add(&lint->notes, name, cp_checkpoint_notes(file), arena, err);
    if (status == CP_OK)
        status = read_weights(lint, file, path, name, &shapes, &as, arena, err);
    if (status == CP_OK && !of->shapes.embed_dim) {
        of->shapes = shapes;
        of->as = as;
    }
    cp_checkpoint_close(file);
    return status;
}

/* Where there is more to look at, a file that cannot be read is a finding. */
static enum cp_status read_all_weights(struct cp_lint *lint, const struct cp_lint_found *found,
                                       struct cp_lint_weights *of, struct cp_arena *arena,
                                       struct cp_error *err) {
    for (size_t w = 0; found->weights[w]; w++) {
        const char *path = found->weights[w], *name = found->names[w];
        struct cp_error why = {0};
        const enum cp_status status = read_file(lint, path, name, w == 0, of, arena, &why);
        if (status != CP_OK && (status != CP_BAD_INPUT || !found->beside))
            return *err = why, status;
        if (status == CP_OK)
            continue;
        CP_TRY(cp_lint_add_error(lint, arena, "tensors", name, path, &why, err));
        for (int n = 0; n < CP_LINT_NAMINGS && w == 0; n++)
            of->tensors[n] = "the weights cannot be read";
    }
    return CP_OK;
}

/* preprocess_cfg.size, in whose place open_clip takes the model's: nothing is computed by it, but it says another. */
static enum cp_status compare_picture_size(struct cp_lint *lint, const char *path, int image_size,
                                           struct cp_arena *arena, struct cp_error *err) {
    long says;
    CP_TRY(cp_clip_config_picture_size(path, &says, err));
    if (image_size == 0 || says == 0 || says == image_size)
        return CP_OK;
    return cp_lint_add(lint, arena, cp_facet_names[CP_FACET_SIZE],
                       (struct cp_lint_says){CP_LINT_OPEN_CLIP_CONFIG ": model_cfg",
                                             cp_arena_printf(arena, "%d", image_size)},
                       (struct cp_lint_says){CP_LINT_OPEN_CLIP_CONFIG ": preprocess_cfg",
                                             cp_arena_printf(arena, "%ld", says)},
                       err);
}

static enum cp_status read_config(struct cp_lint *lint, const char *path, struct cp_arena *arena,
                                  struct cp_error *err) {
    struct cp_clip_config config;
    CP_TRY(cp_clip_config_load(path, &config, err));
    cp_lint_view_fill(&config, cp_lint_source(lint, CP_LINT_OPEN_CLIP_CONFIG));
    return compare_picture_size(lint, path, config.vision.image_size, arena, err);
}

/* A config that cannot be read is a finding. */
static enum cp_status try_config(struct cp_lint *lint, const char *path, struct cp_lint_weights *weights,
                                 struct cp_arena *arena, struct cp_error *err) {
    struct cp_error why = {0};
    const enum cp_status status = read_config(lint, path, arena, &why);
    if (status != CP_BAD_INPUT)
        return status == CP_OK ? CP_OK : (*err = why, status);
    weights->config[CP_LINT_OPEN_CLIP] = CP_LINT_OPEN_CLIP_CONFIG " cannot be read";
    return cp_lint_add_error(lint, arena, "config", CP_LINT_OPEN_CLIP_CONFIG, path, &why, err);
}

enum cp_status cp_lint_read(struct cp_lint *lint, const struct cp_lint_inputs *in,
                            const struct cp_lint_found *found, struct cp_lint_weights *weights,
                            struct cp_arena *arena, struct cp_error *err) {
    if (in->name)
        CP_TRY(read_name(lint, in, arena, err));
    if (found->open_clip_config)
        CP_TRY(try_config(lint, found->open_clip_config, weights, arena, err));
    if (found->beside)
        CP_TRY(cp_lint_read_hf(lint, found, weights, arena, err));
    CP_TRY(read_all_weights(lint, found, weights, arena, err));
    if (in->path && !found->weights[0])
        CP_TRY(cp_note(&lint->notes, arena, err,
                       "no weights are under the names that open_clip and transformers give"));
    return cp_lint_compare(lint, arena, err);
}
