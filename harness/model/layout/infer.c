/* SPDX-License-Identifier: GPL-3.0-or-later
 * Counts layers by name and takes sizes from tensor shapes; heads are 64 wide, as OpenAI's are. */
#include "model/layout/infer.h"

#include <stdio.h>
#include <string.h>

enum { HEAD_WIDTH = 64, RANK_MAX = 4 };

struct reader {
    const struct cp_layout *layout;
    const struct cp_checkpoint *file;
    const char *path;
    struct cp_error *err;
};

/* The shape of a tensor of the model, of this rank, with sizes that a config can have. */
static enum cp_status shape_of(const struct reader *r, const char *name, int rank, int shape[RANK_MAX]) {
    struct cp_layout_source source;
    char where[512];
    const bool found = cp_layout_find(r->layout, r->file, name, &source);
    (void)snprintf(where, sizeof where, "%.300s: tensor %.200s", r->path, source.name);
    if (!found)
        return cp_fail(r->err, CP_BAD_INPUT, where, "missing, and there is no config"),
               cp_expected(r->err, "the tensor, whose shape gives the architecture");
    const struct cp_checkpoint_tensor *tensor = source.part[0];
    bool fits = tensor->rank == rank;
    for (int d = 0; d < rank && fits; d++) {
        fits = tensor->shape[d] >= 1 && tensor->shape[d] <= CP_CONFIG_VOCABULARY;
        shape[d] = fits ? (int)tensor->shape[d] : 0;
    }
    if (!fits)
        return cp_fail(r->err, CP_BAD_INPUT, where, "has a shape that no CLIP has"),
               cp_expected(r->err, "%d sizes from 1 to %d", rank, CP_CONFIG_VOCABULARY);
    if (source.form == CP_LAYOUT_TRANSPOSED) {
        const int rows = shape[0];
        shape[0] = shape[1];
        shape[1] = rows;
    }
    return CP_OK;
}

static bool has(const struct reader *r, const char *name) {
    struct cp_layout_source source;
    return cp_layout_find(r->layout, r->file, name, &source);
}

static int count_layers(const struct reader *r, const char *tower) {
    char name[96];
    int layers = 0;
    do
        (void)snprintf(name, sizeof name, "%stransformer.resblocks.%d.ln_1.weight", tower, layers);
    while (has(r, name) && ++layers < CP_CONFIG_LAYERS);
    return layers;
}

/* Layers, and the hidden width of the first. */
static enum cp_status read_blocks(const struct reader *r, const char *tower, int *layers, int *mlp_width) {
    char name[96];
    int shape[RANK_MAX] = {0};
    *layers = count_layers(r, tower);
    if (*layers == 0)
        return cp_fail(r->err, CP_BAD_INPUT, r->path, "no layers in its %s tower",
                       tower[0] ? "vision" : "text"),
               cp_expected(r->err, "layer 0 at least");
    (void)snprintf(name, sizeof name, "%stransformer.resblocks.0.mlp.c_fc.weight", tower);
    CP_TRY(shape_of(r, name, 2, shape));
    *mlp_width = shape[0];
    return CP_OK;
}

/* 0: no whole number. */
static int heads_of(int width) {
    return width % HEAD_WIDTH == 0 ? width / HEAD_WIDTH : 0;
}

static enum cp_status infer_vision(const struct reader *r, struct cp_clip_config *c) {
    struct cp_vision_config *v = &c->vision;
    int conv1[RANK_MAX] = {0}, positions[RANK_MAX] = {0}, proj[RANK_MAX] = {0}, grid = 1;
    CP_TRY(shape_of(r, "visual.conv1.weight", 4, conv1));
    CP_TRY(shape_of(r, "visual.positional_embedding", 2, positions));
    v->no_proj = cp_layout_lacks_projection(r->layout, r->file);
    if (!v->no_proj)
        CP_TRY(shape_of(r, "visual.proj", 2, proj));
    while ((grid + 1) * (grid + 1) <= positions[0] - 1)
        grid++;
    if (grid * grid != positions[0] - 1 || conv1[0] > CP_CONFIG_SIZE || conv1[3] > CP_CONFIG_SIZE / grid)
        return cp_fail(r->err, CP_BAD_INPUT, r->path,
                       "%d positions of images are not a square and a class token", positions[0]),
               cp_expected(r->err, "a config");
    *v = (struct cp_vision_config){.image_size = grid * conv1[3],
                                   .patch_size = conv1[3],
                                   .width = conv1[0],
                                   .no_ln_pre = !has(r, "visual.ln_pre.weight"),
                                   .no_proj = v->no_proj,
                                   .layer_scale = has(r, "visual.transformer.resblocks.0.ls_1.gamma"),
                                   .activation = CP_CONFIG_ERF,
                                   .pool_type = CP_POOL_TOKEN,
                                   .eps = 1e-5};
    c->embed_dim = v->no_proj ? v->width : proj[1];
    v->heads = heads_of(v->width);
    return read_blocks(r, "visual.", &v->layers, &v->mlp_width);
}

static enum cp_status infer_text(const struct reader *r, struct cp_clip_config *c) {
    struct cp_text_config *t = &c->text;
    int tokens[RANK_MAX] = {0}, positions[RANK_MAX] = {0}, proj[RANK_MAX] = {0};
    CP_TRY(shape_of(r, "token_embedding.weight", 2, tokens));
    CP_TRY(shape_of(r, "positional_embedding", 2, positions));
    t->no_proj = cp_layout_lacks_projection(r->layout, r->file);
    if (!t->no_proj)
        CP_TRY(shape_of(r, "text_projection", 2, proj));
    *t = (struct cp_text_config){.context_length = positions[0],
                                 .vocab_size = tokens[0],
                                 .width = tokens[1],
                                 .layer_scale = has(r, "transformer.resblocks.0.ls_1.gamma"),
                                 .proj_bias = has(r, "text_projection.bias"),
                                 .activation = CP_CONFIG_ERF,
                                 .no_proj = t->no_proj,
                                 .pool_type = CP_POOL_ARGMAX,
                                 .eps = 1e-5};
    c->embed_dim = t->no_proj ? t->width : proj[1];
    t->heads = heads_of(t->width);
    return read_blocks(r, "", &t->layers, &t->mlp_width);
}

enum cp_status cp_infer_config(const struct cp_layout *layout, const struct cp_checkpoint *file,
                               const char *path, struct cp_clip_config *config, struct cp_error *err) {
    const struct reader r = {layout, file, path, err};
    *config = cp_clip_config_default();
    config->activation_unknown = true;
    const bool vision = cp_layout_has_vision(layout, file), text = cp_layout_has_text(layout, file);
    config->has_logit_bias = vision && text && has(&r, "logit_bias");
    if (text)
        CP_TRY(infer_text(&r, config));
    return vision ? infer_vision(&r, config) : CP_OK;
}
