/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copies the model's struct, not its tensors, and swaps in position embeddings and faults. */
#include "model/spec_model.h"

#include "model/fault.h"

enum cp_status cp_spec_model(const struct cp_spec *spec, const struct cp_model *model, struct cp_arena *arena,
                             const struct cp_model **out, struct cp_error *err) {
    const float *positions =
        model->tower[CP_VISUAL].positions[cp_spec_at(spec, CP_VISUAL, -1)->variant[CP_POSITION]];
    if (!positions || positions == model->tower[CP_VISUAL].positional_embedding)
        return cp_fault_model(spec, model, arena, out, err);
    struct cp_model *copy = cp_arena_alloc(arena, 1, sizeof *copy);
    CP_TRY(CP_CHECK_ALLOC(copy, err, "", "a model"));
    *copy = *model;
    copy->arena = (struct cp_arena){0}; /* owns nothing */
    copy->tower[CP_VISUAL].positional_embedding = positions;
    return cp_fault_model(spec, copy, arena, out, err);
}
