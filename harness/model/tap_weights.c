/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/tap_weights.h"

#include <string.h>

static void add(struct cp_tap_weights *w, const float *values, size_t elements) {
    if (!values)
        return;
    w->tensor[w->count].values = values;
    w->tensor[w->count++].elements = elements;
}

static void add_norm(struct cp_tap_weights *w, struct cp_norm_weights norm, size_t width) {
    add(w, norm.weight, width);
    add(w, norm.bias, width);
}

static void add_linear(struct cp_tap_weights *w, struct cp_linear_weights linear, size_t in, size_t out) {
    add(w, linear.weight, in * out);
    add(w, linear.bias, out);
}

static void add_of_block(struct cp_tap_weights *w, const struct cp_block_weights *block, enum cp_point point,
                         size_t width, size_t mlp) {
    const size_t part = (size_t)point - CP_ATTN_Q;
    switch (point) {
    case CP_LN_1:
        add_norm(w, block->ln_1, width);
        break;
    case CP_ATTN_Q:
    case CP_ATTN_K:
    case CP_ATTN_V:
        add(w, block->in_proj.weight + part * width * width, width * width);
        add(w, block->in_proj.bias + part * width, width);
        break;
    case CP_ATTN:
        add_linear(w, block->out_proj, width, width);
        break;
    case CP_LS_1:
        add(w, block->ls_1, width);
        break;
    case CP_LN_2:
        add_norm(w, block->ln_2, width);
        break;
    case CP_MLP_C_FC:
        add_linear(w, block->c_fc, width, mlp);
        break;
    case CP_MLP_C_PROJ:
        add_linear(w, block->c_proj, mlp, width);
        break;
    case CP_LS_2:
        add(w, block->ls_2, width);
        break;
    default:
        break;
    }
}

static void add_of_vision(struct cp_tap_weights *w, const struct cp_model *model, enum cp_point point) {
    const struct cp_vision_config *c = &model->config.vision;
    const size_t width = (size_t)c->width, patch = (size_t)c->patch_size;
    const size_t grid = (size_t)(c->image_size / c->patch_size);
    switch (point) {
    case CP_CONV1:
        add(w, model->vision.conv1, width * 3 * patch * patch);
        break;
    case CP_EMBED:
        add(w, model->vision.class_embedding, width);
        add(w, model->vision.positional_embedding, (grid * grid + 1) * width);
        break;
    case CP_LN_PRE:
        add_norm(w, model->vision.ln_pre, width);
        break;
    case CP_LN_POST:
        add_norm(w, model->vision.ln_post, width);
        break;
    case CP_PROJECTED:
        add(w, model->vision.proj, width * (size_t)model->config.embed_dim);
        break;
    default:
        break;
    }
}

static void add_of_text(struct cp_tap_weights *w, const struct cp_model *model, enum cp_point point) {
    const struct cp_text_config *c = &model->config.text;
    const size_t width = (size_t)c->width;
    switch (point) {
    case CP_TOKEN_EMBEDDING:
        add(w, model->text.token_embedding, (size_t)c->vocab_size * width);
        break;
    case CP_EMBED:
        add(w, model->text.positional_embedding, (size_t)c->context_length * width);
        break;
    case CP_LN_POST:
        add_norm(w, model->text.ln_final, width);
        break;
    case CP_PROJECTED:
        add(w, model->text.text_projection, width * (size_t)model->config.embed_dim);
        add(w, model->text.text_projection_bias, (size_t)model->config.embed_dim);
        break;
    default:
        break;
    }
}

struct cp_tap_weights cp_tap_weights(const struct cp_model *model, const struct cp_site *site) {
    const struct cp_clip_config *c = &model->config;
    struct cp_tap_weights w = {.count = 0};
    if (site->layer >= 0 && site->tower == CP_VISUAL) {
        add_of_block(&w, &model->vision.blocks[site->layer], site->point, (size_t)c->vision.width,
                     (size_t)c->vision.mlp_width);
    } else if (site->layer >= 0) {
        add_of_block(&w, &model->text.blocks[site->layer], site->point, (size_t)c->text.width,
                     (size_t)c->text.mlp_width);
    } else if (site->tower == CP_VISUAL) {
        add_of_vision(&w, model, site->point);
    } else if (site->tower == CP_TEXT) {
        add_of_text(&w, model, site->point);
    } else if (site->point == CP_LOGITS_PER_IMAGE || site->point == CP_CLASS_LOGITS) {
        add(&w, model->logit_scale, 1);
        add(&w, model->logit_bias, 1);
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
