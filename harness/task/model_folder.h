/* SPDX-License-Identifier: GPL-3.0-or-later
 * A model as open_clip or Hugging Face saves it: a folder with the weights and the config beside them. */
#ifndef CP_TASK_MODEL_FOLDER_H
#define CP_TASK_MODEL_FOLDER_H

#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>

/* *checkpoint, and the *config that belongs to it, of what path names. A file, or FILE#KEY, is a checkpoint, and its
 * *config NULL. Of a folder, open_clip's files win over Hugging Face's, as in open_clip; configured: a config
 * is known from elsewhere, so that only weights are looked for. The strings live in the arena. CP_BAD_INPUT:
 * there is nothing, or not both, or several variants. */
enum cp_status cp_model_folder(const char *path, bool configured, struct cp_arena *arena,
                               const char **checkpoint, const char **config, struct cp_error *err);

/* The same, but of a folder without a config the weights alone. */
enum cp_status cp_model_folder_any(const char *path, bool configured, struct cp_arena *arena,
                                   const char **checkpoint, const char **config, struct cp_error *err);

/* Every file of a folder whose name is one of weights, by the order of the names: at most `most`. */
enum cp_status cp_model_folder_weights(const char *folder, struct cp_arena *arena, const char **names,
                                       size_t most, size_t *count, struct cp_error *err);
/* The path of a file in a folder, in the arena; NULL: out of memory. */
const char *cp_model_folder_join(struct cp_arena *arena, const char *folder, const char *name);

#endif
