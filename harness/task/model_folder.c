/* SPDX-License-Identifier: GPL-3.0-or-later
 * Looks for known pairs of file names, and takes the first of which both are there. */
#include "task/model_folder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The names that open_clip's push_to_hf_hub and transformers' save_pretrained give, best first. */
static const struct {
    const char *config, *weights;
} pairs[] = {
    {"open_clip_config.json", "open_clip_model.safetensors"},
    {"open_clip_config.json", "open_clip_pytorch_model.bin"},
    {"config.json", "model.safetensors"},
    {"config.json", "model.safetensors.index.json"},
    {"config.json", "pytorch_model.bin"},
};

static const char *join(struct cp_arena *arena, const char *folder, const char *name) {
    const size_t length = strlen(folder);
    return cp_arena_printf(arena, "%s%s%s", folder, length && folder[length - 1] == '/' ? "" : "/", name);
}

static enum cp_status look(const char *folder, bool configured, struct cp_arena *arena,
                           const char **checkpoint, const char **config, struct cp_error *err) {
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const char *weights = join(arena, folder, pairs[i].weights);
        const char *beside = join(arena, folder, pairs[i].config);
        CP_TRY(CP_CHECK_ALLOC(weights && beside, err, "", "a path"));
        if (access(weights, F_OK) != 0 || (!configured && access(beside, F_OK) != 0))
            continue;
        *checkpoint = weights;
        *config = configured ? NULL : beside;
        return CP_OK;
    }
    (void)cp_fail(err, CP_BAD_INPUT, folder, "the folder has no %s", configured ? "weights" : "model");
    return cp_expected(err, configured ? "open_clip_model.safetensors or model.safetensors"
                                       : "open_clip_config.json and open_clip_model.safetensors, or "
                                         "config.json and model.safetensors");
}

enum cp_status cp_model_folder(const char *path, bool configured, struct cp_arena *arena,
                               const char **checkpoint, const char **config, struct cp_error *err) {
    struct stat info;
    *checkpoint = path;
    *config = NULL;
    if (stat(path, &info) != 0)
        return cp_fail(err, CP_BAD_INPUT, path, "%s", strerror(errno)),
               cp_expected(err, "a checkpoint, or the folder of a model");
    return S_ISDIR(info.st_mode) ? look(path, configured, arena, checkpoint, config, err) : CP_OK;
}
