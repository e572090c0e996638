/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a tower is like: the sizes and options that the forward pass, the oracle and every analysis read in
 * the place of a config's fields, so that they need not know which tower they are in. */
#ifndef CP_CONFIG_TOWER_SHAPE_H
#define CP_CONFIG_TOWER_SHAPE_H

#include "config/clip_config.h"

/* The towers, and what joins them: zero-shot classifier, logits, probabilities. */
enum cp_tower { CP_VISUAL, CP_TEXT, CP_JOINT };
#define CP_TOWERS 2

struct cp_tower_shape {
    size_t tokens;             /* of one input, the class token among them */
    size_t patches;            /* of one image: grid * grid; 0 of a text */
    size_t grid;               /* patches a side */
    size_t width, heads, head; /* head: channels of one head */
    size_t mlp, layers;
    size_t embed; /* embed_dim: channels of the features */
    enum cp_family_id family;
    bool norm_first;  /* ln_pre is there */
    bool unprojected; /* the features are what was pooled, normalised */
    bool layer_scale, causal;
    enum cp_pool_type pool;
    double eps;
    enum cp_config_activation activation;
};

/* Of a model without that tower: no layers. What joins the towers has the image tower's options. */
struct cp_tower_shape cp_tower_shape(const struct cp_clip_config *config, enum cp_tower tower);

/* Elements of one input's residual stream, (tokens, width), in the larger of both towers. */
size_t cp_residual_elements(const struct cp_clip_config *config);

#endif
