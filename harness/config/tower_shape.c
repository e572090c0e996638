/* SPDX-License-Identifier: GPL-3.0-or-later
 * Shapes of both towers, from open_clip's names for them. */
#include "config/tower_shape.h"

const char *const cp_family_keys[CP_FAMILY_COUNT] = {
#define FAMILY(NAME, object, key) [CP_FAMILY_##NAME] = (key),
#include "config/families.def"
#undef FAMILY
};

/* Of a tower that is not there the sizes may be 0. */
static size_t quotient(int a, int b) {
    return b > 0 ? (size_t)(a / b) : 0;
}

static struct cp_tower_shape image_shape(const struct cp_clip_config *c) {
    const struct cp_vision_config *v = &c->vision;
    const size_t grid = quotient(v->image_size, v->patch_size);
    return (struct cp_tower_shape){.tokens = grid * grid + 1,
                                   .patches = grid * grid,
                                   .grid = grid,
                                   .width = (size_t)v->width,
                                   .heads = (size_t)v->heads,
                                   .head = quotient(v->width, v->heads),
                                   .mlp = (size_t)v->mlp_width,
                                   .layers = (size_t)v->layers,
                                   .embed = (size_t)c->embed_dim,
                                   .norm_first = !v->no_ln_pre,
                                   .family = v->family,
                                   .unprojected = v->no_proj,
                                   .layer_scale = v->layer_scale,
                                   .pool = v->pool_type,
                                   .eps = v->eps,
                                   .activation = v->activation};
}

static struct cp_tower_shape text_shape(const struct cp_clip_config *c) {
    const struct cp_text_config *t = &c->text;
    return (struct cp_tower_shape){.tokens = (size_t)t->context_length,
                                   .width = (size_t)t->width,
                                   .heads = (size_t)t->heads,
                                   .head = quotient(t->width, t->heads),
                                   .mlp = (size_t)t->mlp_width,
                                   .layers = (size_t)t->layers,
                                   .embed = (size_t)c->embed_dim,
                                   .family = t->family,
                                   .unprojected = t->no_proj,
                                   .layer_scale = t->layer_scale,
                                   .causal = !t->no_causal_mask,
                                   .pool = t->pool_type,
                                   .eps = t->eps,
                                   .activation = t->activation};
}

struct cp_tower_shape cp_tower_shape(const struct cp_clip_config *config, enum cp_tower tower) {
    return tower == CP_TEXT ? text_shape(config) : image_shape(config);
}

size_t cp_residual_elements(const struct cp_clip_config *config) {
    const struct cp_tower_shape image = image_shape(config), text = text_shape(config);
    const size_t images = image.tokens * image.width, texts = text.tokens * text.width;
    return images > texts ? images : texts;
}
