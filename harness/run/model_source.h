/* SPDX-License-Identifier: GPL-3.0-or-later
 * The config of an experiment's model: from a file, by a name, from the call that loaded it, from what the
 * checkpoint says of itself, or from its shapes. */
#ifndef CP_RUN_MODEL_SOURCE_H
#define CP_RUN_MODEL_SOURCE_H

#include "base/notes.h"
#include "experiment/experiment.h"
#include "model/model.h"

enum cp_status cp_model_source_config(const struct cp_model_source *source, struct cp_arena *arena,
                                      struct cp_clip_config *config, struct cp_notes *notes,
                                      struct cp_error *err);

/* What only loading tells: notes of what the file is and where position embeddings were resized, where the file has less than the config that was
 * asked for, where images have more pixels than patches, and where logit_scale is doubtful. */
enum cp_status cp_model_source_loaded(const struct cp_model_source *source,
                                      const struct cp_clip_config *config, const struct cp_model *model,
                                      struct cp_arena *arena, struct cp_notes *notes, struct cp_error *err);

#endif
