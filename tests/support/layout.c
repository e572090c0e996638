/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/layout.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

const struct cp_clip_config tiny = {.embed_dim = 16,
                                    .init_logit_scale = 2.6592,
                                    .mean = {0.48145466, 0.4578275, 0.40821073},
                                    .std = {0.26862954, 0.26130258, 0.27577711},
                                    .vision = {.image_size = 8,
                                               .patch_size = 4,
                                               .layers = 2,
                                               .width = 64,
                                               .heads = 1,
                                               .mlp_width = 256,
                                               .eps = 1e-5,
                                               .activation = CP_CONFIG_ERF},
                                    .text = {.context_length = 6,
                                             .vocab_size = 11,
                                             .layers = 2,
                                             .width = 128,
                                             .heads = 2,
                                             .mlp_width = 512,
                                             .pool_type = CP_POOL_ARGMAX,
                                             .eps = 1e-5,
                                             .activation = CP_CONFIG_ERF}};

static struct stored *list_tensor(struct listing *list, const char *name, int rank, size_t a, size_t b,
                                  const float *values) {
    struct stored *t = &list->tensors[list->count++];
    assert_true(list->count <= STORED_MAX);
    *t = (struct stored){.rank = rank, .shape = {a, b}, .values = values};
    (void)snprintf(t->name, sizeof t->name, "%s", name);
    return t;
}

static void list_pair(struct listing *list, const char *prefix, const char *name, size_t out, size_t in,
                      const float *weight, const float *bias) {
    char key[128];
    (void)snprintf(key, sizeof key, "%s%sweight", prefix, name);
    (void)list_tensor(list, key, in ? 2 : 1, out, in, weight);
    (void)snprintf(key, sizeof key, "%s%sbias", prefix, name);
    (void)list_tensor(list, key, 1, out, 0, bias);
}

static void list_blocks(struct listing *list, const char *tower, const struct cp_block_weights *blocks,
                        int layers, size_t width, size_t mlp) {
    for (int layer = 0; layer < layers; layer++) {
        const struct cp_block_weights *b = &blocks[layer];
        char prefix[64];
        (void)snprintf(prefix, sizeof prefix, "%stransformer.resblocks.%d.", tower, layer);
        list_pair(list, prefix, "ln_1.", width, 0, b->ln_1.weight, b->ln_1.bias);
        list_pair(list, prefix, "attn.in_proj_", 3 * width, width, b->in_proj.weight, b->in_proj.bias);
        list_pair(list, prefix, "attn.out_proj.", width, width, b->out_proj.weight, b->out_proj.bias);
        list_pair(list, prefix, "ln_2.", width, 0, b->ln_2.weight, b->ln_2.bias);
        list_pair(list, prefix, "mlp.c_fc.", mlp, width, b->c_fc.weight, b->c_fc.bias);
        list_pair(list, prefix, "mlp.c_proj.", width, mlp, b->c_proj.weight, b->c_proj.bias);
        if (b->ls_1) {
            char key[128];
            (void)snprintf(key, sizeof key, "%sls_1.gamma", prefix);
            (void)list_tensor(list, key, 1, width, 0, b->ls_1);
            (void)snprintf(key, sizeof key, "%sls_2.gamma", prefix);
            (void)list_tensor(list, key, 1, width, 0, b->ls_2);
        }
    }
}

void list_model(struct listing *list, const struct cp_model *m) {
    const struct cp_clip_config *c = &m->config;
    const size_t wide = (size_t)c->vision.width, narrow = (size_t)c->text.width, embed = (size_t)c->embed_dim;
    const size_t grid = (size_t)(c->vision.image_size / c->vision.patch_size);
    const size_t patch = (size_t)c->vision.patch_size;
    list->count = 0;
    if (cp_has_vision(c)) {
        (void)list_tensor(list, "visual.class_embedding", 1, wide, 0, m->tower[CP_VISUAL].class_embedding);
        (void)list_tensor(list, "visual.positional_embedding", 2, grid * grid + 1, wide,
                          m->tower[CP_VISUAL].positional_embedding);
        if (!c->vision.no_proj)
            (void)list_tensor(list, "visual.proj", 2, wide, embed, m->tower[CP_VISUAL].proj.weight);
        struct stored *conv1 =
            list_tensor(list, "visual.conv1.weight", 4, wide, 3, m->tower[CP_VISUAL].conv1);
        conv1->shape[2] = conv1->shape[3] = patch;
        list_pair(list, "visual.", "ln_pre.", wide, 0, m->tower[CP_VISUAL].ln_pre.weight,
                  m->tower[CP_VISUAL].ln_pre.bias);
        list_blocks(list, "visual.", m->tower[CP_VISUAL].blocks, c->vision.layers, wide,
                    (size_t)c->vision.mlp_width);
        list_pair(list, "visual.", "ln_post.", wide, 0, m->tower[CP_VISUAL].ln_post.weight,
                  m->tower[CP_VISUAL].ln_post.bias);
    }
    if (cp_has_text(c)) {
        (void)list_tensor(list, "positional_embedding", 2, (size_t)c->text.context_length, narrow,
                          m->tower[CP_TEXT].positional_embedding);
        if (!c->text.no_proj)
            (void)list_tensor(list, "text_projection", 2, narrow, embed, m->tower[CP_TEXT].proj.weight);
        if (m->tower[CP_TEXT].proj.bias)
            (void)list_tensor(list, "text_projection.bias", 1, embed, 0, m->tower[CP_TEXT].proj.bias);
        (void)list_tensor(list, "token_embedding.weight", 2, (size_t)c->text.vocab_size, narrow,
                          m->tower[CP_TEXT].token_embedding);
        list_blocks(list, "", m->tower[CP_TEXT].blocks, c->text.layers, narrow, (size_t)c->text.mlp_width);
        list_pair(list, "", "ln_final.", narrow, 0, m->tower[CP_TEXT].ln_post.weight,
                  m->tower[CP_TEXT].ln_post.bias);
    }
    if (m->logit_scale)
        (void)list_tensor(list, "logit_scale", 0, 0, 0, m->logit_scale);
}

static bool name_begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

/* Columns become rows, in one of a few buffers in turn: a listing has two such tensors. */
static void transpose_stored(struct stored *t) {
    enum { BUFFERS = 8, FLOATS = 1 << 13 };
    static float buffers[BUFFERS][FLOATS];
    static size_t next;
    float *values = buffers[next++ % BUFFERS];
    assert_true(stored_bytes(t) <= sizeof buffers[0]);
    for (size_t r = 0; r < t->shape[0]; r++)
        for (size_t c = 0; c < t->shape[1]; c++)
            values[c * t->shape[0] + r] = t->values[r * t->shape[1] + c];
    const size_t rows = t->shape[0];
    t->shape[0] = t->shape[1];
    t->shape[1] = rows;
    t->values = values;
}

void as_custom_text(struct listing *list, bool linear) {
    for (size_t i = 0; i < list->count; i++) {
        struct stored *t = &list->tensors[i];
        char name[128];
        if (name_begins(t->name, "visual.") || name_begins(t->name, "logit_"))
            continue;
        const bool projection = linear && strcmp(t->name, "text_projection") == 0;
        (void)snprintf(name, sizeof name, "text.%.100s%s", t->name, projection ? ".weight" : "");
        memcpy(t->name, name, sizeof name);
        if (projection)
            transpose_stored(t);
    }
}

void as_hugging_face(struct listing *list) {
    static const char *const names[][2] = {
        {"class_embedding", "embeddings.class_embedding"},
        {"conv1.weight", "embeddings.patch_embedding.weight"},
        {"positional_embedding", "embeddings.position_embedding.weight"},
        {"token_embedding.weight", "embeddings.token_embedding.weight"},
        {"ln_pre.", "pre_layrnorm."},
        {"ln_post.", "post_layernorm."},
        {"ln_final.", "final_layer_norm."},
        {"ln_1.", "layer_norm1."},
        {"ln_2.", "layer_norm2."},
        {"mlp.c_fc.", "mlp.fc1."},
        {"mlp.c_proj.", "mlp.fc2."},
        {"attn.out_proj.", "self_attn.out_proj."},
    };
    const size_t count = list->count;
    for (size_t i = 0; i < count; i++) {
        struct stored *t = &list->tensors[i];
        const bool visual = name_begins(t->name, "visual.");
        const char *model = visual ? "vision_model." : "text_model.", *rest = t->name + (visual ? 7 : 0);
        char block[64] = "", name[128];
        if (strcmp(rest, "proj") == 0 || strcmp(rest, "text_projection") == 0) {
            (void)snprintf(t->name, sizeof t->name, "%s",
                           visual ? "visual_projection.weight" : "text_projection.weight");
            transpose_stored(t);
            continue;
        }
        if (name_begins(rest, "logit_"))
            continue;
        if (name_begins(rest, "transformer.resblocks.")) {
            (void)snprintf(block, sizeof block, "encoder.layers.%c.", rest[22]);
            rest += 24;
        }
        if (name_begins(rest, "attn.in_proj_")) {
            const size_t part = t->shape[0] / 3, width = t->rank == 2 ? t->shape[1] : 1;
            const char *kind = t->rank == 2 ? "weight" : "bias";
            const struct stored whole = *t;
            for (size_t p = 0; p < 3; p++) {
                struct stored *to = p ? &list->tensors[list->count++] : t;
                assert_true(list->count <= STORED_MAX);
                *to = whole;
                to->shape[0] = part;
                to->values = whole.values + p * part * width;
                (void)snprintf(to->name, sizeof to->name, "%s%sself_attn.%c_proj.%s", model, block, "qkv"[p],
                               kind);
            }
            continue;
        }
        size_t n = 0;
        while (n < sizeof names / sizeof names[0] && !name_begins(rest, names[n][0]))
            n++;
        assert_true(n < sizeof names / sizeof names[0]);
        (void)snprintf(name, sizeof name, "%s%s%s%.40s", model, block, names[n][1],
                       rest + strlen(names[n][0]));
        memcpy(t->name, name, sizeof name);
    }
}
