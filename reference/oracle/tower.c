/* SPDX-License-Identifier: GPL-3.0-or-later
 * What stands before and after the blocks, and where the towers meet. */
#include "model/pass.h"
#include "oracle/steps.h"

#include <math.h>
#include <string.h>

enum cp_status cp_oracle_vision_stem(struct cp_oracle *oracle, const float *pixels, struct cp_error *err) {
    const struct cp_oracle_tower t = cp_oracle_tower(oracle);
    const struct cp_tower_weights *weights = t.weights;
    const size_t side = (size_t)oracle->model->config.vision.image_size;
    const size_t patch = (size_t)oracle->model->config.vision.patch_size;
    const size_t grid = t.shape.grid, depth = 3 * patch * patch, patches = t.shape.patches;
    double *wide, *cut, *embedded;
    cp_arena_reset(oracle->scratch);
    CP_TRY(cp_oracle_alloc(oracle, oracle->inputs * 3 * side * side, &wide, err));
    CP_TRY(cp_oracle_alloc(oracle, oracle->inputs * patches * depth, &cut, err));
    CP_TRY(cp_oracle_alloc(oracle, oracle->inputs * patches * t.shape.width, &embedded, err));

    for (size_t i = 0; i < oracle->inputs * 3 * side * side; i++)
        wide[i] = (double)pixels[i];
    CP_TRY(cp_oracle_visit(oracle, CP_PIXELS_NORMALIZED, -1, wide, err));
    for (size_t n = 0; n < oracle->inputs; n++)
        for (size_t p = 0; p < patches; p++)
            for (size_t i = 0; i < depth; i++) {
                const size_t c = i / (patch * patch), ky = i / patch % patch, kx = i % patch;
                const size_t y = p / grid * patch + ky, x = p % grid * patch + kx;
                cut[(n * patches + p) * depth + i] = wide[((n * 3 + c) * side + y) * side + x];
            }
    CP_TRY(cp_oracle_linear(oracle, cut, oracle->inputs * patches,
                            (struct cp_linear_weights){weights->conv1, NULL}, depth, t.shape.width, false,
                            embedded, err));
    CP_TRY(cp_oracle_visit(oracle, CP_CONV1, -1, embedded, err));
    for (size_t n = 0; n < oracle->inputs; n++)
        for (size_t i = 0; i < t.shape.tokens * t.shape.width; i++) {
            const double content = i < t.shape.width
                                       ? (double)weights->class_embedding[i]
                                       : embedded[n * patches * t.shape.width + i - t.shape.width];
            oracle->x[n * t.shape.tokens * t.shape.width + i] =
                content + (double)weights->positional_embedding[i];
        }
    CP_TRY(cp_oracle_visit(oracle, CP_EMBED, -1, oracle->x, err));
    if (!t.shape.norm_first)
        return CP_OK;
    CP_TRY(cp_oracle_norm_rows(oracle, CP_LN_PRE, -1, oracle->x, oracle->inputs * t.shape.tokens, oracle->x,
                               err));
    return cp_oracle_visit(oracle, CP_LN_PRE, -1, oracle->x, err);
}

enum cp_status cp_oracle_text_stem(struct cp_oracle *oracle, struct cp_error *err) {
    const struct cp_oracle_tower t = cp_oracle_tower(oracle);
    const struct cp_tower_weights *weights = t.weights;
    double *ids;
    cp_arena_reset(oracle->scratch);
    CP_TRY(cp_oracle_alloc(oracle, oracle->inputs * t.shape.tokens, &ids, err));
    for (size_t i = 0; i < oracle->inputs * t.shape.tokens; i++)
        ids[i] = (double)oracle->tokens[i];
    CP_TRY(cp_oracle_visit(oracle, CP_TOKENS, -1, ids, err));
    for (size_t i = 0; i < oracle->inputs * t.shape.tokens; i++)
        for (size_t c = 0; c < t.shape.width; c++)
            oracle->x[i * t.shape.width + c] =
                (double)weights->token_embedding[(size_t)ids[i] * t.shape.width + c];
    CP_TRY(cp_oracle_visit(oracle, CP_TOKEN_EMBEDDING, -1, oracle->x, err));
    for (size_t i = 0; i < oracle->inputs * t.shape.tokens * t.shape.width; i++)
        oracle->x[i] += (double)weights->positional_embedding[i % (t.shape.tokens * t.shape.width)];
    return cp_oracle_visit(oracle, CP_EMBED, -1, oracle->x, err);
}

static void pool(const struct cp_oracle *oracle, const struct cp_oracle_tower *t, const double *x,
                 double *pooled) {
    for (size_t n = 0; n < oracle->inputs; n++) {
        const double *rows = x + n * t->shape.tokens * t->shape.width;
        double *out = pooled + n * t->shape.width;
        if (t->shape.pool == CP_POOL_AVG) {
            size_t count;
            const uint32_t *visible = cp_oracle_visible(oracle, n, &count);
            for (size_t c = 0; c < t->shape.width; c++) {
                out[c] = 0;
                for (size_t i = 1; i < count; i++)
                    out[c] += rows[(visible ? visible[i] : i) * t->shape.width + c];
                out[c] /= (double)(count - 1);
            }
            continue;
        }
        const size_t at =
            t->shape.pool == CP_POOL_TOKEN
                ? 0
                : (size_t)cp_text_pool_position(&oracle->model->config, oracle->tokens + n * t->shape.tokens);
        memcpy(out, rows + at * t->shape.width, t->shape.width * sizeof *out);
    }
}

enum cp_status cp_oracle_head(struct cp_oracle *oracle, double *features, struct cp_error *err) {
    const struct cp_oracle_tower t = cp_oracle_tower(oracle);
    const size_t rows = oracle->inputs * t.shape.tokens, embed = (size_t)oracle->model->config.embed_dim;
    double *h, *pooled;
    cp_arena_reset(oracle->scratch);
    CP_TRY(cp_oracle_alloc(oracle, rows * t.shape.width, &h, err));
    CP_TRY(cp_oracle_alloc(oracle, oracle->inputs * t.shape.width, &pooled, err));
    if (t.shape.norm_after_pool) {
        pool(oracle, &t, oracle->x, pooled);
        CP_TRY(cp_oracle_visit(oracle, CP_POOLED, -1, pooled, err));
        CP_TRY(cp_oracle_norm_rows(oracle, CP_LN_POST, -1, pooled, oracle->inputs, pooled, err));
        CP_TRY(cp_oracle_visit(oracle, CP_LN_POST, -1, pooled, err));
    } else {
        CP_TRY(cp_oracle_norm_rows(oracle, CP_LN_POST, -1, oracle->x, rows, h, err));
        CP_TRY(cp_oracle_visit(oracle, CP_LN_POST, -1, h, err));
        pool(oracle, &t, h, pooled);
        CP_TRY(cp_oracle_visit(oracle, CP_POOLED, -1, pooled, err));
    }
    CP_TRY(cp_oracle_linear(oracle, pooled, oracle->inputs, t.weights->proj, t.shape.width, embed, true,
                            features, err));
    CP_TRY(cp_oracle_visit(oracle, CP_PROJECTED, -1, features, err));
    for (size_t n = 0; n < oracle->inputs; n++)
        cp_oracle_normalize(features + n * embed, embed);
    return cp_oracle_visit(oracle, CP_FEATURES, -1, features, err);
}

enum cp_status cp_oracle_classes(struct cp_oracle *oracle, const double *text_features, size_t prompts,
                                 size_t classes, double *class_features, struct cp_error *err) {
    const size_t embed = (size_t)oracle->model->config.embed_dim, templates = prompts / classes;
    for (size_t k = 0; k < classes; k++) {
        for (size_t c = 0; c < embed; c++) {
            double sum = 0;
            for (size_t i = 0; i < templates; i++)
                sum += text_features[(k * templates + i) * embed + c];
            class_features[k * embed + c] = sum / (double)templates;
        }
        cp_oracle_normalize(class_features + k * embed, embed);
    }
    return cp_oracle_visit(oracle, CP_CLASS_FEATURES, -1, class_features, err);
}

enum cp_status cp_oracle_logits(struct cp_oracle *oracle, const double *image_features, const double *columns,
                                size_t count, bool classes, struct cp_error *err) {
    const size_t embed = (size_t)oracle->model->config.embed_dim;
    const double scale = exp((double)*oracle->model->logit_scale);
    const double bias = oracle->model->logit_bias ? (double)*oracle->model->logit_bias : 0;
    double *logits;
    cp_arena_reset(oracle->scratch);
    CP_TRY(cp_oracle_alloc(oracle, oracle->inputs * count, &logits, err));
    for (size_t n = 0; n < oracle->inputs; n++)
        for (size_t k = 0; k < count; k++) {
            double sum = 0;
            for (size_t c = 0; c < embed; c++)
                sum += image_features[n * embed + c] * columns[k * embed + c];
            logits[n * count + k] = scale * sum + bias;
        }
    CP_TRY(cp_oracle_visit(oracle, classes ? CP_CLASS_LOGITS : CP_LOGITS_PER_IMAGE, -1, logits, err));
    for (size_t n = 0; n < oracle->inputs; n++)
        cp_oracle_softmax(logits + n * count, count);
    return cp_oracle_visit(oracle, classes ? CP_CLASS_PROBS : CP_PROBS, -1, logits, err);
}
