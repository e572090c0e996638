/* SPDX-License-Identifier: GPL-3.0-or-later
 * Lists a tap's tensors by name, and tells whether two models or two roundings differ in any of them. */
#include "model/tap_weights.h"

#include "tap/tap.h"

#include <stdio.h>
#include <string.h>

static void add(struct cp_tap_weights *w, const char *name, const float *values, size_t elements) {
    if (!values)
        return;
    struct cp_tap_tensor *tensor = &w->tensor[w->count++];
    (void)snprintf(tensor->name, sizeof tensor->name, "%s", name);
    tensor->values = values;
    tensor->elements = elements;
    tensor->first = 0;
}

static void add_norm(struct cp_tap_weights *w, const char *prefix, struct cp_norm_weights norm,
                     size_t width) {
    char name[CP_TENSOR_NAME];
    (void)snprintf(name, sizeof name, "%s.weight", prefix);
    add(w, name, norm.weight, width);
    (void)snprintf(name, sizeof name, "%s.bias", prefix);
    add(w, name, norm.bias, width);
}

/* prefix ends with the character before "weight". */
static void add_linear(struct cp_tap_weights *w, const char *prefix, struct cp_linear_weights linear,
                       size_t in, size_t out) {
    char name[CP_TENSOR_NAME];
    (void)snprintf(name, sizeof name, "%sweight", prefix);
    add(w, name, linear.weight, in * out);
    (void)snprintf(name, sizeof name, "%sbias", prefix);
    add(w, name, linear.bias, out);
}

/* A third of the rows of in_proj: q, k or v. */
static void add_in_proj(struct cp_tap_weights *w, const char *prefix, struct cp_linear_weights in_proj,
                        size_t part, size_t width) {
    const size_t matrix = part * width * width, vector = part * width;
    const struct cp_linear_weights third = {in_proj.weight + matrix,
                                            in_proj.bias ? in_proj.bias + vector : NULL};
    add_linear(w, prefix, third, width, width);
    w->tensor[0].first = matrix;
    w->tensor[1].first = vector;
}

static void add_of_block(struct cp_tap_weights *w, const struct cp_block_weights *block,
                         const struct cp_site *site, const struct cp_tower_shape *shape) {
    char prefix[CP_TENSOR_NAME];
    const size_t width = shape->width;
    const size_t at = (size_t)snprintf(prefix, sizeof prefix, "%stransformer.resblocks.%d.",
                                       cp_tower_words[site->tower].prefix, site->layer);
    char *const name = prefix + at;
    const size_t space = sizeof prefix - at;
    switch (site->point) {
    case CP_LN_1:
        (void)snprintf(name, space, "ln_1");
        add_norm(w, prefix, block->ln_1, width);
        break;
    case CP_ATTN_Q:
    case CP_ATTN_K:
    case CP_ATTN_V:
        (void)snprintf(name, space, "attn.in_proj_");
        add_in_proj(w, prefix, block->in_proj, (size_t)site->point - CP_ATTN_Q, width);
        break;
    case CP_ATTN:
        (void)snprintf(name, space, "attn.out_proj.");
        add_linear(w, prefix, block->out_proj, width, width);
        break;
    case CP_LS_1:
        (void)snprintf(name, space, "ls_1.gamma");
        add(w, prefix, block->ls_1, width);
        break;
    case CP_LN_2:
        (void)snprintf(name, space, "ln_2");
        add_norm(w, prefix, block->ln_2, width);
        break;
    case CP_MLP_C_FC:
        (void)snprintf(name, space, "mlp.c_fc.");
        add_linear(w, prefix, block->c_fc, width, shape->mlp);
        break;
    case CP_MLP_C_PROJ:
        (void)snprintf(name, space, "mlp.c_proj.");
        add_linear(w, prefix, block->c_proj, shape->mlp, width);
        break;
    case CP_LS_2:
        (void)snprintf(name, space, "ls_2.gamma");
        add(w, prefix, block->ls_2, width);
        break;
    default:
        break;
    }
}

static void add_of_vision(struct cp_tap_weights *w, const struct cp_model *model, enum cp_point point) {
    const struct cp_tower_weights *from = &model->tower[CP_VISUAL];
    const struct cp_tower_shape shape = cp_tower_shape(&model->config, CP_VISUAL);
    const size_t width = shape.width, patch = (size_t)model->config.vision.patch_size;
    switch (point) {
    case CP_CONV1:
        add(w, "visual.conv1.weight", from->conv1, width * 3 * patch * patch);
        break;
    case CP_EMBED:
        add(w, "visual.class_embedding", from->class_embedding, width);
        add(w, "visual.positional_embedding", from->positional_embedding, shape.tokens * width);
        break;
    case CP_LN_PRE:
        add_norm(w, "visual.ln_pre", from->ln_pre, width);
        break;
    case CP_LN_POST:
        add_norm(w, "visual.ln_post", from->ln_post, width);
        break;
    case CP_PROJECTED:
        add(w, "visual.proj", from->proj.weight, width * (size_t)model->config.embed_dim);
        break;
    default:
        break;
    }
}

static void add_of_text(struct cp_tap_weights *w, const struct cp_model *model, enum cp_point point) {
    const struct cp_tower_weights *from = &model->tower[CP_TEXT];
    const struct cp_tower_shape shape = cp_tower_shape(&model->config, CP_TEXT);
    const size_t width = shape.width;
    switch (point) {
    case CP_TOKEN_EMBEDDING:
        add(w, "token_embedding.weight", from->token_embedding,
            (size_t)model->config.text.vocab_size * width);
        break;
    case CP_EMBED:
        add(w, "positional_embedding", from->positional_embedding, shape.tokens * width);
        break;
    case CP_LN_POST:
        add_norm(w, "ln_final", from->ln_post, width);
        break;
    case CP_PROJECTED:
        add(w, "text_projection", from->proj.weight, width * (size_t)model->config.embed_dim);
        add(w, "text_projection.bias", from->proj.bias, (size_t)model->config.embed_dim);
        break;
    default:
        break;
    }
}

struct cp_tap_weights cp_tap_weights(const struct cp_model *model, const struct cp_site *site) {
    struct cp_tap_weights w = {.count = 0};
    if (site->layer >= 0) {
        const struct cp_tower_shape shape = cp_tower_shape(&model->config, site->tower);
        add_of_block(&w, &model->tower[site->tower].blocks[site->layer], site, &shape);
    } else if (site->tower == CP_VISUAL) {
        add_of_vision(&w, model, site->point);
    } else if (site->tower == CP_TEXT) {
        add_of_text(&w, model, site->point);
    } else if (site->point == CP_LOGITS_PER_IMAGE || site->point == CP_CLASS_LOGITS) {
        add(&w, "logit_scale", model->logit_scale, 1);
        add(&w, "logit_bias", model->logit_bias, 1);
    }
    return w;
}

bool cp_tap_weights_differ(const struct cp_model *a, const struct cp_model *b, const struct cp_site *site) {
    if (a == b)
        return false;
    const struct cp_tap_weights x = cp_tap_weights(a, site), y = cp_tap_weights(b, site);
    for (size_t i = 0; i < x.count; i++) {
        const float *of_a = x.tensor[i].values, *of_b = y.tensor[i].values;
        if (of_a != of_b && (!of_a || !of_b || memcmp(of_a, of_b, x.tensor[i].elements * sizeof(float)) != 0))
            return true;
    }
    return false;
}

/* Norms, embeddings and the rest are rounded only where the scope is `all`. */
static enum cp_dtype rounded_to(const struct cp_spec *spec, const struct cp_site *site) {
    const struct cp_choice *choice = cp_spec_at(spec, site->tower, site->layer);
    const bool matrix = site->point < CP_POINT_COUNT && cp_points[site->point].kind == CP_OPERATION_LINEAR;
    return matrix ? (enum cp_dtype)choice->variant[CP_WEIGHTS] : cp_choice_stored(choice);
}

bool cp_tap_weights_round_differently(const struct cp_model *model, const struct cp_spec *a,
                                      const struct cp_spec *b, const struct cp_site *site) {
    const enum cp_dtype of_a = rounded_to(a, site), of_b = rounded_to(b, site);
    if (of_a == of_b)
        return false;
    const struct cp_tap_weights w = cp_tap_weights(model, site);
    for (size_t t = 0; t < w.count; t++)
        for (size_t i = 0; i < w.tensor[t].elements; i++)
            if (cp_bits(cp_round_to(of_a, w.tensor[t].values[i])) !=
                cp_bits(cp_round_to(of_b, w.tensor[t].values[i])))
                return true;
    return false;
}
