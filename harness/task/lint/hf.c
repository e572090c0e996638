/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the files say that transformers reads: config.json, and a processor's, which may stand beside any config. */
#include "config/hf_folder.h"
#include "format/file.h"
#include "task/lint/parts.h"

enum { CONFIG_MAX = 1 << 20 };

/* ---- a processor ---- */

/* What it says by itself. A file that cannot be so is a finding. */
static enum cp_status read_processor(struct cp_lint *lint, const char *path, enum cp_hf_file which,
                                     struct cp_arena *arena, struct cp_error *err) {
    struct cp_hf_pictures says;
    struct cp_error why = {0};
    bool there;
    const enum cp_status status = cp_hf_pictures_read(path, which, &says, &there, &why);
    if (status == CP_BAD_INPUT)
        return cp_lint_add_error(lint, arena, "pictures", cp_hf_file_names[which], why.where, &why, err);
    if (status != CP_OK)
        return *err = why, status;
    if (there && says.known)
        cp_lint_view_processor(&says, cp_lint_source(lint, cp_hf_file_names[which]));
    if (!there || says.known)
        return CP_OK;
    return cp_note(&lint->notes, arena, err,
                   "%s is of another class than those of CLIP, SigLIP and ViT: not compared",
                   cp_hf_file_names[which]);
}

/* ---- config.json ---- */

/* What transformers makes of config.json and the files beside it. */
static enum cp_status read_beside(const char *path, struct cp_clip_config *config, const char **refused,
                                  struct cp_arena *arena, struct cp_error *err) {
    struct cp_error why = {0};
    char line[1200];
    const enum cp_status status = cp_hf_folder_read(path, config, &why);
    if (status == CP_OK)
        return CP_OK;
    if (status != CP_BAD_INPUT)
        return *err = why, status;
    cp_error_line(&why, line, sizeof line);
    *refused = cp_arena_strdup(arena, line);
    return CP_CHECK_ALLOC(*refused, err, "", "a line");
}

/* Of pictures and the tokenizer config.json says nothing itself. */
static void view_config(struct cp_lint *lint, const struct cp_clip_config *config) {
    static const enum cp_facet of_others[] = {CP_FACET_MEAN, CP_FACET_STD, CP_FACET_FILTER, CP_FACET_RESIZE,
                                              CP_FACET_TOKENIZER};
    struct cp_lint_view *view = cp_lint_source(lint, CP_LINT_HF_CONFIG);
    cp_lint_view_fill(config, view);
    for (size_t f = 0; f < sizeof of_others / sizeof of_others[0]; f++)
        view->value[of_others[f]][0] = '\0';
}

/* text_config beside text_config_dict, which wins: what would be read without it. */
static enum cp_status compare_sections(struct cp_lint *lint, const char *path, const struct cp_file *file,
                                       struct cp_arena *arena, struct cp_error *err) {
    struct cp_lint *two = cp_arena_calloc(arena, 1, sizeof *two);
    struct cp_clip_config newer, older;
    bool both;
    CP_TRY(CP_CHECK_ALLOC(two, err, "", "a comparison"));
    CP_TRY(cp_hf_sections_parse(path, file->text, file->size, &newer, &older, &both, err));
    if (!both)
        return CP_OK;
    cp_lint_view_fill(&newer, cp_lint_source(two, "config.json: text_config, vision_config"));
    cp_lint_view_fill(&older,
                      cp_lint_source(two, "config.json: text_config_dict, vision_config_dict, which win"));
    CP_TRY(cp_lint_compare(two, arena, err));
    for (size_t i = 0; i < two->count; i++)
        CP_TRY(cp_lint_add(lint, arena, two->findings[i].of, two->findings[i].says[0],
                           two->findings[i].says[1], err));
    return CP_OK;
}

static enum cp_status read_config(struct cp_lint *lint, const char *path, struct cp_lint_weights *weights,
                                  struct cp_arena *arena, struct cp_error *err) {
    struct cp_clip_config config;
    struct cp_file file;
    CP_TRY(cp_file_read(path, CONFIG_MAX, arena, &file, err));
    CP_TRY(cp_clip_config_parse(path, file.text, file.size, &config, err));
    CP_TRY(read_beside(path, &config, &weights->config[CP_LINT_TRANSFORMERS], arena, err));
    view_config(lint, &config);
    return compare_sections(lint, path, &file, arena, err);
}

/* A config that cannot be read is a finding. */
static enum cp_status try_config(struct cp_lint *lint, const char *path, struct cp_lint_weights *weights,
                                 struct cp_arena *arena, struct cp_error *err) {
    struct cp_error why = {0};
    const enum cp_status status = read_config(lint, path, weights, arena, &why);
    if (status != CP_BAD_INPUT)
        return status == CP_OK ? CP_OK : (*err = why, status);
    weights->config[CP_LINT_TRANSFORMERS] = CP_LINT_HF_CONFIG " cannot be read";
    return cp_lint_add_error(lint, arena, "config", CP_LINT_HF_CONFIG, path, &why, err);
}

enum cp_status cp_lint_read_hf(struct cp_lint *lint, const struct cp_lint_found *found,
                               struct cp_lint_weights *weights, struct cp_arena *arena,
                               struct cp_error *err) {
    if (found->hf_config)
        CP_TRY(try_config(lint, found->hf_config, weights, arena, err));
    CP_TRY(read_processor(lint, found->beside, CP_HF_PROCESSOR, arena, err));
    CP_TRY(read_processor(lint, found->beside, CP_HF_PREPROCESSOR, arena, err));
    return cp_lint_read_tokenizer(lint, found->beside, arena, err);
}
