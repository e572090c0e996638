/* SPDX-License-Identifier: GPL-3.0-or-later
 * Looks for known pairs of file names, and takes the first of which both are there. */
#include "task/model_folder.h"

#include "base/glob.h"
#include "base/path.h"
#include "checkpoint/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The names that open_clip's push_to_hf_hub and transformers' save_pretrained give, best first; with a * those of a
 * variant, such as fp16. */
static const struct {
    const char *config, *weights;
} pairs[] = {
    {"open_clip_config.json", "open_clip_model.safetensors"},
    {"open_clip_config.json", "open_clip_pytorch_model.bin"},
    {"config.json", "model.safetensors"},
    {"config.json", "model.safetensors.index.json"},
    {"config.json", "pytorch_model.bin"},
    {"config.json", "pytorch_model.bin.index.json"},
    {"open_clip_config.json", "open_clip_model.*.safetensors"},
    {"config.json", "model.*.safetensors"},
    {"config.json", "model.safetensors.index.*.json"},
    {"config.json", "pytorch_model.*.bin"},
};

const char *cp_model_folder_join(struct cp_arena *arena, const char *folder, const char *name) {
    const size_t length = strlen(folder);
    return cp_arena_printf(arena, "%s%s%s", folder, length && folder[length - 1] == '/' ? "" : "/", name);
}

static enum cp_status refuse_two(const char *folder, const char *one, const char *two, struct cp_error *err) {
    const bool ordered = strcmp(one, two) < 0;
    (void)cp_fail(err, CP_BAD_INPUT, folder, "the folder has %.100s and %.100s", ordered ? one : two,
                  ordered ? two : one);
    return cp_expected(err, "one of these files by its own path, with --config");
}

static enum cp_status unreadable(const char *folder, struct cp_error *err) {
    return cp_fail(err, CP_BAD_INPUT, folder, "cannot be listed: %s", strerror(errno)),
           cp_expected(err, "a folder that may be read");
}

/* The one file of a folder that a pattern fits; NULL: none does. */
static enum cp_status find_one(const char *folder, const char *pattern, struct cp_arena *arena,
                               const char **name, struct cp_error *err) {
    DIR *directory = opendir(folder);
    enum cp_status status = CP_OK;
    *name = NULL;
    if (!directory)
        return unreadable(folder, err);
    for (const struct dirent *entry; status == CP_OK && (entry = readdir(directory)) != NULL;) {
        if (!cp_glob_match(pattern, entry->d_name))
            continue;
        if (*name)
            status = refuse_two(folder, *name, entry->d_name, err);
        else if (!(*name = cp_arena_strdup(arena, entry->d_name)))
            status = cp_no_memory(err, "", "a path");
    }
    (void)closedir(directory);
    return status;
}

static enum cp_status look(const char *folder, bool configured, struct cp_arena *arena,
                           const char **checkpoint, const char **config, struct cp_error *err) {
    DIR *directory = opendir(folder);
    if (!directory)
        return unreadable(folder, err);
    (void)closedir(directory);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const char *beside = cp_model_folder_join(arena, folder, pairs[i].config), *name = NULL;
        CP_TRY(CP_CHECK_ALLOC(beside, err, "", "a path"));
        if (!configured && !cp_path_is_there(beside))
            continue;
        CP_TRY(find_one(folder, pairs[i].weights, arena, &name, err));
        if (!name)
            continue;
        *checkpoint = cp_model_folder_join(arena, folder, name);
        *config = configured ? NULL : beside;
        return CP_CHECK_ALLOC(*checkpoint, err, "", "a path");
    }
    (void)cp_fail(err, CP_BAD_INPUT, folder, "the folder has no %s", configured ? "weights" : "model");
    return cp_expected(err, "%sweights under the names that open_clip and transformers give",
                       configured ? "" : "open_clip_config.json or config.json, and ");
}

enum cp_status cp_model_folder(const char *path, bool configured, struct cp_arena *arena,
                               const char **checkpoint, const char **config, struct cp_error *err) {
    struct stat info;
    *checkpoint = path;
    *config = NULL;
    if (cp_checkpoint_key(path))
        return CP_OK;
    if (stat(path, &info) != 0)
        return cp_fail(err, CP_BAD_INPUT, path, "%s", strerror(errno)),
               cp_expected(err, "a checkpoint, or the folder of a model");
    return S_ISDIR(info.st_mode) ? look(path, configured, arena, checkpoint, config, err) : CP_OK;
}

enum cp_status cp_model_folder_any(const char *path, bool configured, struct cp_arena *arena,
                                   const char **checkpoint, const char **config, struct cp_error *err) {
    struct cp_error alone;
    const enum cp_status status = cp_model_folder(path, configured, arena, checkpoint, config, err);
    if (status != CP_BAD_INPUT || configured ||
        cp_model_folder(path, true, arena, checkpoint, config, &alone) != CP_OK)
        return status;
    return CP_OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum cp_status cp_model_folder_weights(const char *folder, struct cp_arena *arena, const char **names,
                                       size_t most, size_t *count, struct cp_error *err) {
    *count = 0;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const size_t first = *count;
        DIR *directory = opendir(folder);
        if (!directory)
            return unreadable(folder, err);
        for (const struct dirent *entry; *count < most && (entry = readdir(directory)) != NULL;)
            if (cp_glob_match(pairs[i].weights, entry->d_name))
                names[(*count)++] = cp_arena_strdup(arena, entry->d_name);
        (void)closedir(directory);
        for (size_t n = first; n < *count; n++)
            CP_TRY(CP_CHECK_ALLOC(names[n], err, "", "a name"));
        qsort(names + first, *count - first, sizeof *names, by_name); /* a folder has no order of its own */
    }
    return CP_OK;
}
