/* SPDX-License-Identifier: GPL-3.0-or-later
 * Weights that two checkpoints have in common are kept once, so that to compare pointers is to compare bits:
 * what computes the same, with the same weights, is then run once, and packed once. */
#ifndef CP_MODEL_SHARE_H
#define CP_MODEL_SHARE_H

#include "model/model.h"

/* Each tensor of `model` that has the bits of the same tensor of one of `with` (of one config) becomes that
 * one, the others move to memory of their own, and the memory that they were in is freed. `with` must
 * outlive `model`. model->bytes is then of what it does not share. On failure `model` stays to be freed.
 * Returns in *same which of `with` has every tensor; count: none. */
enum cp_status cp_model_share(struct cp_model *model, const struct cp_model *const *with, size_t count,
                              size_t *same, struct cp_error *err);

/* Whether two models have the same weights in a tower's stem (layer CP_SHARE_STEM), one of its blocks, or its
 * head (CP_SHARE_HEAD), by their pointers. */
enum { CP_SHARE_STEM = -1, CP_SHARE_HEAD = -2 };
bool cp_model_same_part(const struct cp_model *a, const struct cp_model *b, enum cp_tower tower, int layer);
/* All of a tower. */
bool cp_model_same_tower(const struct cp_model *a, const struct cp_model *b, enum cp_tower tower);

#endif
