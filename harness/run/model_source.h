/* SPDX-License-Identifier: GPL-3.0-or-later
 * The config of an experiment's model: from a file, by a name, from the call that loaded it, from what the
 * checkpoint says of itself, or from its shapes. */
#ifndef CP_RUN_MODEL_SOURCE_H
#define CP_RUN_MODEL_SOURCE_H

#include "checkpoint/checkpoint.h"
#include "experiment/experiment.h"
#include "model/model.h"

/* Sentences for people, in an arena. */
struct cp_notes {
    const char **lines;
    size_t count;
};

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

enum cp_status cp_model_source_config(const struct cp_model_source *source, struct cp_arena *arena,
                                      struct cp_clip_config *config, struct cp_notes *notes,
                                      struct cp_error *err);

/* What only loading tells: notes where position embeddings were resized, where the file has less than the config that was
 * asked for, where images have more pixels than patches, and where logit_scale is doubtful. */
enum cp_status cp_model_source_loaded(const struct cp_model_source *source,
                                      const struct cp_clip_config *config, const struct cp_model *model,
                                      struct cp_arena *arena, struct cp_notes *notes, struct cp_error *err);

/* Whether a setting of a pass is one of the call that loads the model: load_as, name, pretrained,
 * force_quick_gelu. */
bool cp_is_load_setting(const char *address);
/* The activation of the model's call with a pass's own settings of it; NULL: it has none. */
enum cp_status cp_model_source_pass(const struct cp_model_source *source, const struct cp_candidate *pass,
                                    struct cp_arena *arena, const char **activation, struct cp_notes *notes,
                                    struct cp_error *err);

#endif
