/* SPDX-License-Identifier: GPL-3.0-or-later
 * An experiment's model, and its config: from a file, by a name, from the call that loaded it, from what the
 * checkpoint says of itself, or from its shapes. */
#ifndef CP_RUN_MODEL_SOURCE_H
#define CP_RUN_MODEL_SOURCE_H

#include "base/notes.h"
#include "experiment/experiment.h"
#include "model/model.h"

enum cp_status cp_model_source_config(const struct cp_model_source *source, struct cp_arena *arena,
                                      struct cp_clip_config *config, struct cp_notes *notes,
                                      struct cp_error *err);

/* The model that a source with init or checkpoint names; notes also say what only loading tells. Free with
 * cp_model_free, also after a failure. */
enum cp_status cp_model_source_load(const struct cp_model_source *source, struct cp_arena *arena,
                                    struct cp_model *model, struct cp_notes *notes, struct cp_error *err);

/* CP_BAD_INPUT where nothing says which activation the weights were trained with, neither the config nor the
 * baseline's settings. */
enum cp_status cp_model_source_activation(const struct cp_model_source *source,
                                          const struct cp_clip_config *config,
                                          const struct cp_candidate *baseline, struct cp_error *err);

#endif
