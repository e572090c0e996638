/* SPDX-License-Identifier: GPL-3.0-or-later
 * Finds a folder's files, reads what they say, and asks what each loader would make of it. */
#include "base/path.h"
#include "checkpoint/checkpoint.h"
#include "task/lint/parts.h"
#include "task/model_folder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* *path: of the file in the folder; NULL: there is none. */
static enum cp_status look_for(const char *folder, const char *name, struct cp_arena *arena,
                               const char **path, struct cp_error *err) {
    const char *const whole = cp_model_folder_join(arena, folder, name);
    CP_TRY(CP_CHECK_ALLOC(whole, err, "", "a path"));
    *path = cp_path_is_there(whole) ? whole : NULL;
    return CP_OK;
}

static enum cp_status find_in_folder(const char *path, struct cp_arena *arena, struct cp_lint_found *found,
                                     struct cp_error *err) {
    size_t count;
    found->beside = cp_model_folder_join(arena, path, CP_LINT_HF_CONFIG);
    CP_TRY(CP_CHECK_ALLOC(found->beside, err, "", "a path"));
    CP_TRY(look_for(path, CP_LINT_OPEN_CLIP_CONFIG, arena, &found->open_clip_config, err));
    CP_TRY(look_for(path, CP_LINT_HF_CONFIG, arena, &found->hf_config, err));
    CP_TRY(cp_model_folder_weights(path, arena, found->names, CP_LINT_WEIGHTS, &count, err));
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

static enum cp_status find(const char *path, struct cp_arena *arena, struct cp_lint_found *found,
                           struct cp_error *err) {
    struct stat info;
    const bool whole = stat(path, &info) == 0; /* else it may be FILE#KEY, which is no file's own name */
    *found = (struct cp_lint_found){.hf_config = NULL};
    if (!whole && !cp_checkpoint_key(path))
        return cp_fail(err, CP_BAD_INPUT, path, "cannot be opened: %s", strerror(errno)),
               cp_expected(err, "a model's folder, or a checkpoint");
    if (whole && S_ISDIR(info.st_mode))
        return find_in_folder(path, arena, found, err);
    found->weights[0] = path;
    found->names[0] = cp_path_name(path);
    return CP_OK;
}

enum cp_status cp_lint(const struct cp_lint_inputs *in, struct cp_arena *arena, struct cp_lint *lint,
                       struct cp_error *err) {
    struct cp_lint_found found = {.hf_config = NULL};
    struct cp_lint_weights weights = {.as = NULL};
    *lint = (struct cp_lint){.path = in->path};
    if (in->path)
        CP_TRY(find(in->path, arena, &found, err));
    CP_TRY(cp_lint_read(lint, in, &found, &weights, arena, err));
    return cp_lint_ask(lint, in, &weights, arena, err);
}
