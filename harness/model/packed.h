/* SPDX-License-Identifier: GPL-3.0-or-later
 * A model's weights as one spec uses them: rounded as its knobs say, matrices packed for the matrix product.
 * Copies are shared between specs and slots that ask for the same rounding. */
#ifndef CP_MODEL_PACKED_H
#define CP_MODEL_PACKED_H

#include "model/model.h"
#include "model/patch_dropout.h"
#include "spec/spec.h"

struct cp_packed_linear {
    const float *b;    /* packed by the slot's linear variant */
    const float *bias; /* (n) or NULL */
    size_t k, n;
};

struct cp_packed_block {
    struct cp_norm_weights ln_1, ln_2;
    struct cp_packed_linear q, k, v, out_proj, c_fc, c_proj;
    const float *ls_1, *ls_2; /* (width) or NULL */
};

struct cp_packed_tower {
    const float *class_embedding, *positional_embedding, *token_embedding;
    struct cp_packed_linear conv1, proj;
    struct cp_norm_weights ln_pre, ln_post;
    struct cp_packed_block *blocks;
};

/* A plan: a spec resolved against a model and the number of images of a run. */
struct cp_plan {
    const struct cp_spec *spec;
    const struct cp_model *model;
    struct cp_tower_shape shape[CP_TOWERS];
    struct cp_packed_tower tower[CP_TOWERS];
    const struct cp_patch_mask *patch_mask; /* the patches that are seen; NULL: all */
    float logit_scale;                      /* exp(logit_scale) as the spec's weights give it */
    float logit_bias;                       /* 0 where the model has none */
};

struct cp_packed_copy;

/* Owns the copies of every plan made with it; zero-initialise to start. */
struct cp_packed_store {
    struct cp_arena arena;
    struct cp_packed_copy *copies;
    const struct cp_patch_mask *patch_mask;
};

enum cp_status cp_plan_create(const struct cp_spec *spec, const struct cp_model *model, size_t images,
                              struct cp_packed_store *store, struct cp_plan **plan, struct cp_error *err);
void cp_packed_store_free(struct cp_packed_store *store);

#endif
