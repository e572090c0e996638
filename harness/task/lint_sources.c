/* SPDX-License-Identifier: GPL-3.0-or-later
 * What config files, names, metadata, shapes and published weights say. */
#include "base/digest.h"
#include "config/hf_folder.h"
#include "config/published.h"
#include "format/file.h"
#include "model/state_dict.h"
#include "run/known_config.h"
#include "task/lint_parts.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { CONFIG_MAX = 1 << 20 };
enum { HASHED_MAX = 64 << 20 }; /* larger files take longer to hash than all the rest */

/* What a file says, and cannot be where it stands. */
static enum cp_status add_error(struct cp_lint *lint, const char *name, const struct cp_error *why,
                                struct cp_arena *arena, struct cp_error *err) {
    const char *line = cp_arena_printf(arena, "%s (expected %s)", why->what, why->expected);
    return cp_lint_add(lint, arena, cp_arena_printf(arena, "%s beside config.json", name),
                       (struct cp_lint_says){name, line}, (struct cp_lint_says){NULL, NULL}, err);
}

/* ---- config files ---- */

static enum cp_status differ(struct cp_lint *lint, struct cp_arena *arena, const char *of, const char *file,
                             long in_file, long in_config, struct cp_error *err) {
    if (in_file < 0)
        return CP_OK;
    return cp_lint_add(lint, arena, of,
                       (struct cp_lint_says){CP_LINT_HF_CONFIG, cp_arena_printf(arena, "%ld", in_config)},
                       (struct cp_lint_says){file, cp_arena_printf(arena, "%ld", in_file)}, err);
}

/* Tokenizer files against the config that they stand beside. */
static enum cp_status compare_tokenizer(struct cp_lint *lint, const char *path,
                                        const struct cp_text_config *t, struct cp_arena *arena,
                                        struct cp_error *err) {
    struct cp_hf_tokenizer says;
    CP_TRY(cp_hf_tokenizer_read(path, &says, err));
    /* argmax takes the largest id, which in CLIP's vocabulary is the end of a text */
    const long end = t->pool_type == CP_POOL_EOS ? t->eos_id : t->vocab_size - 1;
    if (says.max_length != t->context_length)
        CP_TRY(differ(lint, arena, "context length", "tokenizer_config.json", says.max_length,
                      t->context_length, err));
    if (says.ids > t->vocab_size)
        CP_TRY(differ(lint, arena, "vocabulary", "tokenizer.json", says.ids, t->vocab_size, err));
    return says.eos == end
               ? CP_OK
               : differ(lint, arena, "the id that ends a text", "tokenizer.json", says.eos, end, err);
}

/* Compares views that are no sources by themselves. */
static enum cp_status compare_two(struct cp_lint *lint, const char *name_a, const struct cp_clip_config *a,
                                  const char *name_b, const struct cp_clip_config *b, struct cp_arena *arena,
                                  struct cp_error *err) {
    struct cp_lint *two = cp_arena_calloc(arena, 1, sizeof *two);
    CP_TRY(CP_CHECK_ALLOC(two, err, "", "a comparison"));
    cp_lint_view_fill(a, cp_lint_source(two, name_a));
    cp_lint_view_fill(b, cp_lint_source(two, name_b));
    CP_TRY(cp_lint_compare(two, arena, err));
    for (size_t i = 0; i < two->count; i++)
        CP_TRY(cp_lint_add(lint, arena, two->findings[i].of, two->findings[i].says[0],
                           two->findings[i].says[1], err));
    return CP_OK;
}

/* One file beside config.json, into what transformers makes of all of them. A file that cannot stand there is a finding; of
 * two processors the first counts. */
static enum cp_status read_beside(struct cp_lint *lint, const char *path, enum cp_hf_file which,
                                  struct cp_clip_config *config, struct cp_arena *arena,
                                  struct cp_error *err) {
    struct cp_clip_config with = *config;
    struct cp_error why = {0};
    bool there;
    const enum cp_status status = cp_hf_file_read(path, which, &with, &there, &why);
    if (status == CP_BAD_INPUT)
        return add_error(lint, cp_hf_file_names[which], &why, arena, err);
    if (status != CP_OK)
        return *err = why, status;
    if (!there)
        return CP_OK;
    if (which == CP_HF_PREPROCESSOR && config->pictures_from[0])
        return compare_two(lint, cp_hf_file_names[CP_HF_PROCESSOR], config, cp_hf_file_names[which], &with,
                           arena, err);
    *config = with;
    return CP_OK;
}

static enum cp_status read_hf(struct cp_lint *lint, const char *path, const struct cp_file *file,
                              struct cp_arena *arena, struct cp_error *err) {
    struct cp_clip_config config;
    CP_TRY(cp_clip_config_parse(path, file->text, file->size, &config, err));
    for (int f = 0; f < CP_HF_FILES; f++)
        CP_TRY(read_beside(lint, path, (enum cp_hf_file)f, &config, arena, err));
    cp_lint_view_fill(&config, cp_lint_source(lint, CP_LINT_HF_CONFIG));
    return cp_has_text(&config) ? compare_tokenizer(lint, path, &config.text, arena, err) : CP_OK;
}

/* text_config beside text_config_dict, which wins: what would be read without it. */
static enum cp_status read_older_sections(struct cp_lint *lint, const char *path, const struct cp_file *file,
                                          struct cp_arena *arena, struct cp_error *err) {
    struct cp_clip_config newer, older;
    bool both;
    CP_TRY(cp_hf_sections_parse(path, file->text, file->size, &newer, &older, &both, err));
    if (!both)
        return CP_OK;
    return compare_two(lint, "config.json: text_config, vision_config", &newer,
                       "config.json: text_config_dict, vision_config_dict, which win", &older, arena, err);
}

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
        return add_error(lint, name, &why, arena, err);
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

/* Metadata, published weights and shapes of one checkpoint. */
static enum cp_status read_weights(struct cp_lint *lint, const struct cp_checkpoint *file, const char *path,
                                   const char *name, struct cp_clip_config *shapes, const char **as,
                                   struct cp_arena *arena, struct cp_error *err) {
    struct cp_error why = {0};
    char line[1600];
    CP_TRY(read_metadata(lint, file, path, name, arena, err));
    CP_TRY(read_published(lint, file, path, arena, err));
    const enum cp_status status = cp_shapes_config(file, path, arena, shapes, as, &why);
    if (status == CP_OK)
        return cp_lint_compare_shapes(lint, name, shapes, arena, err);
    *shapes = (struct cp_clip_config){0};
    if (status != CP_BAD_INPUT)
        return *err = why, status;
    cp_error_line(&why, line, sizeof line);
    return cp_note(&lint->notes, arena, err, "shapes not compared: %s", line);
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

static enum cp_status read_all_weights(struct cp_lint *lint, const struct cp_lint_found *found,
                                       struct cp_lint_weights *of, struct cp_arena *arena,
                                       struct cp_error *err) {
    for (size_t w = 0; found->weights[w]; w++) {
        struct cp_checkpoint *file = NULL;
        struct cp_clip_config shapes;
        const char *as = NULL;
        CP_TRY(is_openai_file(found->weights[w], &of->openai, err));
        CP_TRY(cp_state_dict_open(found->weights[w], &file, err));
        const enum cp_status status =
            read_weights(lint, file, found->weights[w], found->names[w], &shapes, &as, arena, err);
        if (!of->shapes.embed_dim) {
            of->shapes = shapes;
            of->as = as;
        }
        cp_checkpoint_close(file);
        CP_TRY(status);
    }
    return CP_OK;
}

static enum cp_status read_configs(struct cp_lint *lint, const struct cp_lint_found *found,
                                   struct cp_arena *arena, struct cp_error *err) {
    struct cp_clip_config config;
    struct cp_file file;
    if (found->open_clip_config) {
        CP_TRY(cp_clip_config_load(found->open_clip_config, &config, err));
        cp_lint_view_fill(&config, cp_lint_source(lint, CP_LINT_OPEN_CLIP_CONFIG));
    }
    if (!found->hf_config)
        return CP_OK;
    CP_TRY(cp_file_read(found->hf_config, CONFIG_MAX, arena, &file, err));
    CP_TRY(read_hf(lint, found->hf_config, &file, arena, err));
    return read_older_sections(lint, found->hf_config, &file, arena, err);
}

enum cp_status cp_lint_read(struct cp_lint *lint, const struct cp_lint_inputs *in,
                            const struct cp_lint_found *found, struct cp_lint_weights *weights,
                            struct cp_arena *arena, struct cp_error *err) {
    if (in->name)
        CP_TRY(read_name(lint, in, arena, err));
    CP_TRY(read_configs(lint, found, arena, err));
    CP_TRY(read_all_weights(lint, found, weights, arena, err));
    return cp_lint_compare(lint, arena, err);
}
