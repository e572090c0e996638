/* SPDX-License-Identifier: GPL-3.0-or-later
 * Collects what config files, metadata, shapes and published weights say, compares it, and asks what each loader would
 * make of it. */
#include "task/lint.h"

#include "base/digest.h"
#include "config/hf_folder.h"
#include "config/load_as.h"
#include "format/file.h"
#include "format/json_table.h"
#include "model/state_dict.h"
#include "run/model_source.h"
#include "task/model_folder.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WEIGHTS_MAX = 8 };
enum { CONFIG_MAX = 1 << 20 };
enum { HASHED_MAX = 64 << 20 }; /* larger files take longer to hash than all the rest */

/* Paths of what is there; NULL: it is not. */
struct found {
    const char *open_clip_config, *hf_config;
    const char *weights[WEIGHTS_MAX + 1]; /* NULL: no more */
    const char *names[WEIGHTS_MAX];       /* without the folder */
};

/* ---- findings, notes, sources ---- */

static enum cp_status join_says(struct cp_lint_finding *finding, struct cp_arena *arena,
                                struct cp_lint_says says, struct cp_error *err) {
    for (size_t i = 0; i < finding->count; i++)
        if (strcmp(finding->says[i].source, says.source) == 0 &&
            strcmp(finding->says[i].value, says.value) == 0)
            return CP_OK;
    if (finding->count == CP_LINT_SOURCES)
        return CP_OK; /* enough to see it */
    struct cp_lint_says *to = &finding->says[finding->count++];
    *to = (struct cp_lint_says){cp_arena_strdup(arena, says.source), cp_arena_strdup(arena, says.value)};
    return CP_CHECK_ALLOC(to->source && to->value, err, "", "a finding");
}

enum cp_status cp_lint_add(struct cp_lint *lint, struct cp_arena *arena, const char *of,
                           struct cp_lint_says a, struct cp_lint_says b, struct cp_error *err) {
    size_t at = 0;
    CP_TRY(CP_CHECK_ALLOC(of && a.source && a.value && (!b.source || b.value), err, "", "a finding"));
    while (at < lint->count && strcmp(lint->findings[at].of, of) != 0)
        at++;
    if (at == lint->count) {
        struct cp_lint_finding *all = cp_arena_calloc(arena, lint->count + 1, sizeof *all);
        CP_TRY(CP_CHECK_ALLOC(all, err, "", "a finding"));
        if (lint->count)
            memcpy(all, lint->findings, lint->count * sizeof *all);
        lint->findings = all;
        all[lint->count++].of = of;
    }
    CP_TRY(join_says(&lint->findings[at], arena, a, err));
    return b.source ? join_says(&lint->findings[at], arena, b, err) : CP_OK;
}

enum cp_status cp_lint_note(struct cp_lint *lint, struct cp_arena *arena, const char *note,
                            struct cp_error *err) {
    const char **all = cp_arena_alloc(arena, lint->note_count + 1, sizeof *all);
    CP_TRY(CP_CHECK_ALLOC(all && note, err, "", "a note"));
    if (lint->note_count)
        memcpy(all, lint->notes, lint->note_count * sizeof *all);
    all[lint->note_count++] = note;
    lint->notes = all;
    return CP_OK;
}

struct cp_lint_view *cp_lint_source(struct cp_lint *lint, const char *name) {
    struct cp_lint_view *view = &lint->source[lint->sources++];
    *view = (struct cp_lint_view){.name = name};
    return view;
}

/* An error that is none of the program's, as one line. */
static const char *error_text(const struct cp_error *why, struct cp_arena *arena) {
    char line[1600];
    cp_error_line(why, line, sizeof line);
    return cp_arena_strdup(arena, line);
}

/* What a file says, and cannot be where it stands. */
static enum cp_status add_error(struct cp_lint *lint, const char *name, const struct cp_error *why,
                                struct cp_arena *arena, struct cp_error *err) {
    const char *line = cp_arena_printf(arena, "%s (expected %s)", why->what, why->expected);
    return cp_lint_add(lint, arena, cp_arena_printf(arena, "%s beside config.json", name),
                       (struct cp_lint_says){name, line}, (struct cp_lint_says){NULL, NULL}, err);
}

/* ---- what is there ---- */

static const char *if_there(const char *path) {
    return path && access(path, F_OK) == 0 ? path : NULL;
}

static enum cp_status find(const char *path, struct cp_arena *arena, struct found *found,
                           struct cp_error *err) {
    struct stat info;
    *found = (struct found){.hf_config = NULL};
    if (!cp_checkpoint_is_here(path))
        return cp_fail(err, CP_BAD_INPUT, path, "cannot be opened: no such file or folder"),
               cp_expected(err, "a model's folder, or a checkpoint");
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) { /* FILE#KEY is no file's own name */
        const char *slash = strrchr(path, '/');
        found->weights[0] = path;
        found->names[0] = slash ? slash + 1 : path;
        return CP_OK;
    }
    found->open_clip_config = if_there(cp_model_folder_join(arena, path, "open_clip_config.json"));
    found->hf_config = if_there(cp_model_folder_join(arena, path, "config.json"));
    size_t count;
    CP_TRY(cp_model_folder_weights(path, arena, found->names, WEIGHTS_MAX, &count, err));
    for (size_t w = 0; w < count; w++) {
        found->weights[w] = cp_model_folder_join(arena, path, found->names[w]);
        CP_TRY(CP_CHECK_ALLOC(found->weights[w], err, "", "a path"));
    }
    if (found->open_clip_config || found->hf_config || found->weights[0])
        return CP_OK;
    return cp_fail(err, CP_BAD_INPUT, path, "the folder has no model"),
           cp_expected(err,
                       "open_clip_config.json, config.json, or weights under the names that open_clip and "
                       "transformers give");
}

/* ---- config files ---- */

static enum cp_status differ(struct cp_lint *lint, struct cp_arena *arena, const char *of, const char *file,
                             long in_file, long in_config, struct cp_error *err) {
    if (in_file < 0)
        return CP_OK;
    return cp_lint_add(lint, arena, of,
                       (struct cp_lint_says){"config.json", cp_arena_printf(arena, "%ld", in_config)},
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

static enum cp_status read_hf(struct cp_lint *lint, const char *path, struct cp_arena *arena,
                              struct cp_error *err) {
    struct cp_clip_config config;
    struct cp_file file;
    CP_TRY(cp_file_read(path, CONFIG_MAX, arena, &file, err));
    CP_TRY(cp_clip_config_parse(path, file.text, file.size, &config, err));
    for (int f = 0; f < CP_HF_FILES; f++)
        CP_TRY(read_beside(lint, path, (enum cp_hf_file)f, &config, arena, err));
    cp_lint_view_fill(&config, cp_lint_source(lint, "config.json"));
    return cp_has_text(&config) ? compare_tokenizer(lint, path, &config.text, arena, err) : CP_OK;
}

/* text_config beside text_config_dict, which wins: what would be read without it. */
static enum cp_status read_older_sections(struct cp_lint *lint, const char *path, struct cp_arena *arena,
                                          struct cp_error *err) {
    struct cp_clip_config newer, older;
    struct cp_file file;
    bool both;
    CP_TRY(cp_file_read(path, CONFIG_MAX, arena, &file, err));
    CP_TRY(cp_hf_sections_parse(path, file.text, file.size, &newer, &older, &both, err));
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
    struct cp_json_table row;
    struct stat info;
    const char *const *paths;
    const char *source = cp_checkpoint_metadata(file, CP_METADATA_SOURCE);
    if (source)
        (void)snprintf(hex, sizeof hex, "%s", source);
    else if (cp_checkpoint_files(file, &paths) == 1 && stat(path, &info) == 0 && info.st_size <= HASHED_MAX)
        CP_TRY(cp_digest_file(path, hex, err));
    if (!hex[0])
        return cp_lint_note(
            lint, arena,
            cp_arena_printf(arena,
                            "%s is too large, or of several files, to be looked for among the published ones",
                            path),
            err);
    CP_TRY(cp_json_table_read("model_configs/published.json", hex, arena, &row, err));
    struct cp_lint_view *view = row.count ? cp_lint_source(lint, "") : NULL;
    for (size_t i = 0; i < row.count; i++)
        if (strcmp(row.entries[i].key, "name") == 0)
            view->name = cp_arena_printf(arena, "published as %s", row.entries[i].value);
        else
            (void)snprintf(view->value[CP_FACET_ACTIVATION], CP_FACET_TEXT, "%s", row.entries[i].value);
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
    CP_TRY(read_metadata(lint, file, path, name, arena, err));
    CP_TRY(read_published(lint, file, path, arena, err));
    const enum cp_status status = cp_shapes_config(file, path, arena, shapes, as, &why);
    if (status == CP_OK)
        return cp_lint_compare_shapes(lint, name, shapes, arena, err);
    *shapes = (struct cp_clip_config){0};
    return status == CP_BAD_INPUT
               ? cp_lint_note(lint, arena,
                              cp_arena_printf(arena, "shapes not compared: %s", error_text(&why, arena)), err)
               : (*err = why, status);
}

/* What a name says of weights, and what its tag says they were trained with. */
static enum cp_status read_name(struct cp_lint *lint, const struct cp_lint_inputs *in, struct cp_arena *arena,
                                struct cp_error *err) {
    const struct cp_load_call call = {"open_clip-4.2", in->name,
                                      in->pretrained ? in->pretrained : "./weights", false};
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

/* ---- loaders ---- */

enum { OPEN_CLIP_2, OPEN_CLIP_3, OPEN_CLIP_4, TRANSFORMERS, OPENAI };
static const struct {
    const char *name, *version;
} loaders[CP_LOADERS] = {[OPEN_CLIP_2] = {"open_clip 2", "open_clip-2.24"},
                         [OPEN_CLIP_3] = {"open_clip 3", "open_clip-3.3"},
                         [OPEN_CLIP_4] = {"open_clip 4", "open_clip-4.2"},
                         [TRANSFORMERS] = {"transformers", NULL},
                         [OPENAI] = {"OpenAI", NULL}};

/* create_model by a name, given or that of the shapes; else of the folder's own config. */
static enum cp_status ask_open_clip(const struct cp_lint_inputs *in, const struct found *found,
                                    const char *as, struct cp_lint_view *view, const char *version,
                                    struct cp_arena *arena, struct cp_error *err) {
    const char *name = in->name ? in->name : as;
    struct cp_load_answer answer;
    struct cp_clip_config config;
    if (!in->name && found->open_clip_config) {
        CP_TRY(cp_clip_config_load(found->open_clip_config, &config, err));
        cp_lint_view_fill(&config, view);
        return CP_OK;
    }
    if (!name || (!in->name && found->hf_config)) {
        view->cannot = found->hf_config ? "no open_clip_config.json" : "no name has these shapes";
        return CP_OK;
    }
    const struct cp_load_call call = {version, name, in->pretrained ? in->pretrained : "./weights", false};
    CP_TRY(cp_load_as(&call, arena, &answer, err));
    cp_lint_view_fill(&answer.config, view);
    return CP_OK;
}

static void ask_transformers(const struct cp_lint *lint, struct cp_lint_view *view) {
    for (size_t i = 0; i < lint->sources; i++)
        if (strcmp(lint->source[i].name, "config.json") == 0)
            cp_lint_view_fill(&lint->source[i].config, view);
    if (!view->config.embed_dim)
        view->cannot = "no config.json";
}

/* clip.load of a PyTorch file in OpenAI's names: model.py build_model reads all but this from the shapes. */
static void ask_openai(const struct cp_clip_config *shapes, bool loads, struct cp_lint_view *view) {
    struct cp_clip_config config = *shapes;
    const struct cp_clip_config openai = cp_clip_config_default();
    if (!loads || !cp_has_vision(shapes) || !cp_has_text(shapes)) {
        view->cannot = "no PyTorch file in OpenAI's names";
        return;
    }
    cp_clip_config_activate(&config, CP_CONFIG_QUICK);
    cp_clip_config_take_preprocessing(&config, &openai);
    config.vision.heads = config.vision.width / 64;
    config.text.heads = config.text.width / 64;
    config.vision.eps = config.text.eps = 1e-5;
    config.vision.family = config.text.family = CP_FAMILY_VIT;
    config.vision.pool_type = CP_POOL_TOKEN;
    config.text.pool_type = CP_POOL_ARGMAX;
    config.text.no_causal_mask = config.text.foreign_tokenizer = false;
    cp_lint_view_fill(&config, view);
}

static void mark_differences(struct cp_lint *lint) {
    const struct cp_lint_view *first = NULL;
    for (int l = 0; l < CP_LOADERS; l++) {
        struct cp_lint_view *view = &lint->loader[l];
        first = first || view->cannot ? first : view;
        for (int f = 0; f < CP_FACETS; f++)
            view->differs[f] = first && !view->cannot && strcmp(view->value[f], first->value[f]) != 0;
    }
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

/* What the checkpoints of a folder say together. */
struct of_weights {
    struct cp_clip_config shapes;
    const char *as; /* the name with these shapes */
    bool openai;    /* clip.load takes one of them */
};

static enum cp_status read_all_weights(struct cp_lint *lint, const struct found *found, struct of_weights *of,
                                       struct cp_arena *arena, struct cp_error *err) {
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

static enum cp_status read_sources(struct cp_lint *lint, const struct cp_lint_inputs *in,
                                   const struct found *found, struct of_weights *of, struct cp_arena *arena,
                                   struct cp_error *err) {
    struct cp_clip_config config;
    if (in->name)
        CP_TRY(read_name(lint, in, arena, err));
    if (found->open_clip_config) {
        CP_TRY(cp_clip_config_load(found->open_clip_config, &config, err));
        cp_lint_view_fill(&config, cp_lint_source(lint, "open_clip_config.json"));
    }
    if (found->hf_config) {
        CP_TRY(read_hf(lint, found->hf_config, arena, err));
        CP_TRY(read_older_sections(lint, found->hf_config, arena, err));
    }
    CP_TRY(read_all_weights(lint, found, of, arena, err));
    return cp_lint_compare(lint, arena, err);
}

enum cp_status cp_lint(const struct cp_lint_inputs *in, struct cp_arena *arena, struct cp_lint *lint,
                       struct cp_error *err) {
    struct found found = {.hf_config = NULL};
    struct of_weights of = {.as = NULL};
    *lint = (struct cp_lint){.path = in->path};
    if (in->path)
        CP_TRY(find(in->path, arena, &found, err));
    CP_TRY(read_sources(lint, in, &found, &of, arena, err));
    for (int l = 0; l < CP_LOADERS; l++) {
        struct cp_lint_view *view = &lint->loader[l];
        view->name = loaders[l].name;
        if (loaders[l].version)
            CP_TRY(ask_open_clip(in, &found, of.as, view, loaders[l].version, arena, err));
    }
    ask_transformers(lint, &lint->loader[TRANSFORMERS]);
    ask_openai(&of.shapes, of.openai, &lint->loader[OPENAI]);
    mark_differences(lint);
    return CP_OK;
}
