/* SPDX-License-Identifier: GPL-3.0-or-later
 * What is known of a model's config without a file of it: its checkpoint's metadata, open_clip's name for it, or its
 * shapes. */
#ifndef CP_RUN_KNOWN_CONFIG_H
#define CP_RUN_KNOWN_CONFIG_H

#include "base/notes.h"
#include "checkpoint/checkpoint.h"
#include "config/clip_config.h"

/* Keys of a checkpoint's metadata (clip-parity convert writes them). */
#define CP_METADATA_ACTIVATION "clip_parity.activation"
#define CP_METADATA_CONFIG "clip_parity.config"
#define CP_METADATA_SOURCE "clip_parity.source_sha256"
#define CP_METADATA_TOOL "clip_parity.version"

/* What a checkpoint says of itself. */
struct cp_own_words {
    bool activates, configures;
    enum cp_config_activation activation; /* of the image tower, or of a text tower alone */
    struct cp_clip_config config;
};
enum cp_status cp_own_words_read(const struct cp_checkpoint *file, const char *path,
                                 struct cp_own_words *words, struct cp_error *err);

/* The config from the shapes of a file, with the heads of a named config of the same shapes where there is
 * one. *as: that name, in the arena, or NULL. */
enum cp_status cp_shapes_config(const struct cp_checkpoint *file, const char *path, struct cp_arena *arena,
                                struct cp_clip_config *config, const char **as, struct cp_error *err);

/* The same, with a note of what is assumed. */
enum cp_status cp_assumed_config(const struct cp_checkpoint *file, const char *path, struct cp_arena *arena,
                                 struct cp_clip_config *config, struct cp_notes *notes, struct cp_error *err);

/* The config of that name, with the preprocessing that its published weights share; notes say where it is not OpenAI's, and
 * where they share none. */
enum cp_status cp_named_config(const char *name, struct cp_arena *arena, struct cp_clip_config *config,
                               struct cp_notes *notes, struct cp_error *err);

#endif
