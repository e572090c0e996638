/* SPDX-License-Identifier: GPL-3.0-or-later
 * All tensors that a model's config calls for, one by one, under open_clip's names
 * ("visual.transformer.resblocks.0.attn.in_proj_weight"). Loading, checking, seeding and comparing models
 * are each a visit of this walk. */
#ifndef CP_MODEL_TENSORS_H
#define CP_MODEL_TENSORS_H

#include "model/model.h"

enum { CP_TENSOR_NAME = 192 };

struct cp_model_tensor {
    char name[CP_TENSOR_NAME];
    int rank;
    size_t shape[4];       /* [rank] */
    double centre, spread; /* of open_clip's initialisation; seeded models only */
    const float **values;  /* where the model keeps its pointer to them, row-major */
};

typedef enum cp_status (*cp_tensor_visit)(void *self, const struct cp_model_tensor *tensor,
                                          struct cp_error *err);

/* A model of that config with the blocks' arrays, and no tensor yet. */
enum cp_status cp_model_begin(const struct cp_clip_config *config, struct cp_model *model,
                              struct cp_error *err);

/* Visits the tensors in a fixed order until one visit fails, whose status is returned. model->config and the
 * blocks' arrays must be there. */
enum cp_status cp_each_tensor(struct cp_model *model, cp_tensor_visit visit, void *self,
                              struct cp_error *err);

/* How many it visits. */
size_t cp_model_tensor_count(struct cp_model *model);

size_t cp_model_tensor_elements(const struct cp_model_tensor *tensor);

#endif
