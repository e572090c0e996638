/* SPDX-License-Identifier: GPL-3.0-or-later
 * The weights that a spec computes with, before they are rounded. */
#ifndef CP_MODEL_SPEC_MODEL_H
#define CP_MODEL_SPEC_MODEL_H

#include "model/model.h"
#include "spec/spec.h"

/* The model as the spec has it, with its position embeddings and its faults: `model` itself, or a copy in the
 * arena. Tensors that are not changed are shared. */
enum cp_status cp_spec_model(const struct cp_spec *spec, const struct cp_model *model, struct cp_arena *arena,
                             const struct cp_model **out, struct cp_error *err);

#endif
