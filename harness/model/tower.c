/* SPDX-License-Identifier: GPL-3.0-or-later
 * What stands before and after the blocks of a tower. open_clip transformer.py VisionTransformer, model.py
 * CLIP. */
#include "model/pass.h"

#include <string.h>

/* patches(n, gy * G + gx, (c, ky, kx)) = pixels(n, c, gy * P + ky, gx * P + kx): conv1's weight read as a
 * matrix. */
static void cut_patches(const float *pixels, size_t inputs, size_t side, size_t patch, float *patches) {
    const size_t grid = side / patch;
    for (size_t n = 0; n < inputs; n++)
        for (size_t gy = 0; gy < grid; gy++)
            for (size_t gx = 0; gx < grid; gx++)
                for (size_t c = 0; c < 3; c++)
                    for (size_t ky = 0; ky < patch; ky++, patches += patch)
                        memcpy(patches, pixels + ((n * 3 + c) * side + gy * patch + ky) * side + gx * patch,
                               patch * sizeof *patches);
}

enum cp_status cp_vision_stem(struct cp_pass *pass, const float *pixels, struct cp_error *err) {
    const struct cp_clip_config *config = &pass->plan->model->config;
    const struct cp_packed_tower *weights = &pass->plan->tower[CP_VISUAL];
    const struct cp_choice *outer = cp_spec_at(pass->plan->spec, CP_VISUAL, -1);
    const struct cp_ops *ops = pass->plan->spec->ops;
    struct cp_workspace *ws = pass->ws;
    const struct cp_tower_shape *shape = cp_pass_shape(pass);
    const size_t side = (size_t)config->vision.image_size, tokens = shape->tokens;
    const size_t width = shape->width, residual = tokens * width;
    const enum cp_dtype type = cp_choice_residual(outer);

    memcpy(ws->pixels, pixels, pass->inputs * 3 * side * side * sizeof *pixels);
    CP_TRY(cp_pass_visit(pass, CP_PIXELS_NORMALIZED, -1, ws->pixels, err));
    cut_patches(ws->pixels, pass->inputs, side, (size_t)config->vision.patch_size, ws->patches);
    cp_pass_linear(pass, outer, &weights->conv1, ws->patches, pass->inputs * shape->patches, ws->h);
    CP_TRY(cp_pass_visit(pass, CP_CONV1, -1, ws->h, err));
    for (size_t n = 0; n < pass->inputs; n++) {
        float *x = pass->x + n * residual;
        memcpy(x, weights->class_embedding, width * sizeof *x);
        ops->round(ws->h + n * (residual - width), x + width, residual - width, type);
        ops->add(x, weights->positional_embedding, x, residual, type);
    }
    CP_TRY(cp_pass_visit(pass, CP_EMBED, -1, pass->x, err));
    if (!shape->norm_first)
        return CP_OK;
    cp_pass_norm(pass, CP_LN_PRE, -1, pass->x, pass->inputs * tokens, pass->x);
    return cp_pass_visit(pass, CP_LN_PRE, -1, pass->x, err);
}

enum cp_status cp_text_stem(struct cp_pass *pass, struct cp_error *err) {
    const struct cp_packed_tower *weights = &pass->plan->tower[CP_TEXT];
    const size_t tokens = cp_pass_tokens(pass), width = cp_pass_shape(pass)->width;
    const enum cp_dtype type = cp_choice_residual(cp_spec_at(pass->plan->spec, CP_TEXT, -1));
    /* Ids are below 2^24, so exact in float32. The rows as they are stored; the stream's type is taken on as
     * positions are added. */
    float *ids = pass->ws->h;
    for (size_t i = 0; i < pass->inputs * tokens; i++)
        ids[i] = (float)pass->tokens[i];
    CP_TRY(cp_pass_visit(pass, CP_TOKENS, -1, ids, err));
    for (size_t i = 0; i < pass->inputs * tokens; i++)
        memcpy(pass->x + i * width, weights->token_embedding + (size_t)ids[i] * width,
               width * sizeof *pass->x);
    CP_TRY(cp_pass_visit(pass, CP_TOKEN_EMBEDDING, -1, pass->x, err));
    for (size_t n = 0; n < pass->inputs; n++) {
        float *x = pass->x + n * tokens * width;
        pass->plan->spec->ops->round(x, x, tokens * width, type);
        pass->plan->spec->ops->add(x, weights->positional_embedding, x, tokens * width, type);
    }
    return cp_pass_visit(pass, CP_EMBED, -1, pass->x, err);
}

int cp_text_pool_position(const struct cp_clip_config *config, const int32_t *ids) {
    const int length = config->text.context_length;
    int best = 0;
    if (config->text.pool_type == CP_POOL_LAST)
        return length - 1;
    if (config->text.pool_type == CP_POOL_FIRST)
        return 0;
    if (config->text.pool_type == CP_POOL_EOS) {
        for (int i = 0; i < length; i++)
            if (ids[i] == config->text.eos_id)
                return i;
        return 0;
    }
    for (int i = 1; i < length; i++)
        if (ids[i] > ids[best])
            best = i;
    return best;
}

/* pooled(n) = one token of x, or the mean of the patch tokens that are seen, in token order (pool_type avg).
 */
static void pool(struct cp_pass *pass, const float *x, size_t width, float *pooled) {
    const struct cp_tower_shape *shape = cp_pass_shape(pass);
    const size_t tokens = shape->tokens;
    for (size_t n = 0; n < pass->inputs; n++) {
        const float *rows = x + n * tokens * width;
        float *out = pooled + n * width;
        if (shape->pool == CP_POOL_AVG) {
            size_t count;
            const uint32_t *visible = cp_pass_visible(pass, n, &count);
            for (size_t c = 0; c < width; c++) {
                float sum = 0;
                for (size_t i = 1; i < count; i++)
                    sum += rows[(visible ? visible[i] : i) * width + c];
                out[c] = sum / (float)(count - 1);
            }
            continue;
        }
        const size_t at =
            shape->pool == CP_POOL_TOKEN
                ? 0
                : (size_t)cp_text_pool_position(&pass->plan->model->config, pass->tokens + n * tokens);
        memcpy(out, rows + at * width, width * sizeof *out);
    }
    const enum cp_dtype type = cp_choice_residual(cp_spec_at(pass->plan->spec, pass->tower, -1));
    pass->plan->spec->ops->round(pooled, pooled, pass->inputs * width, type);
}

enum cp_status cp_tower_head(struct cp_pass *pass, float *features, struct cp_error *err) {
    const struct cp_choice *outer = cp_spec_at(pass->plan->spec, pass->tower, -1);
    const struct cp_packed_linear *proj = &pass->plan->tower[pass->tower].proj;
    struct cp_workspace *ws = pass->ws;
    const size_t width = proj->k;

    if (cp_pass_shape(pass)->norm_after_pool) {
        pool(pass, pass->x, width, ws->pooled);
        CP_TRY(cp_pass_visit(pass, CP_POOLED, -1, ws->pooled, err));
        cp_pass_norm(pass, CP_LN_POST, -1, ws->pooled, pass->inputs, ws->pooled);
        CP_TRY(cp_pass_visit(pass, CP_LN_POST, -1, ws->pooled, err));
    } else {
        cp_pass_norm(pass, CP_LN_POST, -1, pass->x, pass->inputs * cp_pass_tokens(pass), ws->h);
        CP_TRY(cp_pass_visit(pass, CP_LN_POST, -1, ws->h, err));
        pool(pass, ws->h, width, ws->pooled);
        CP_TRY(cp_pass_visit(pass, CP_POOLED, -1, ws->pooled, err));
    }
    cp_pass_linear(pass, outer, proj, ws->pooled, pass->inputs, ws->projected);
    CP_TRY(cp_pass_visit(pass, CP_PROJECTED, -1, ws->projected, err));
    pass->plan->spec->ops->normalize(ws->projected, features, pass->inputs, proj->n,
                                     cp_choice_type(outer, CP_LINEAR_COMPUTE));
    return cp_pass_visit(pass, CP_FEATURES, -1, features, err);
}

enum cp_status cp_tower_run(struct cp_pass *pass, const float *pixels, float *features,
                            struct cp_error *err) {
    CP_TRY(pass->tower == CP_VISUAL ? cp_vision_stem(pass, pixels, err) : cp_text_stem(pass, err));
    for (size_t layer = 0; layer < cp_pass_shape(pass)->layers; layer++)
        CP_TRY(cp_block(pass, (int)layer, err));
    return cp_tower_head(pass, features, err);
}
