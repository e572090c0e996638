/* SPDX-License-Identifier: GPL-3.0-or-later
 * From the tokens of an input to one vector. open_clip transformer.py _global_pool, text_global_pool. */
#include "model/steps.h"

#include <string.h>

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

/* The mean of the patch tokens that are seen: one float32 sum in token order (pool_type avg). */
static void mean_of_patches(const struct cp_pass *pass, size_t n, const float *rows, size_t width,
                            float *out) {
    size_t count;
    const uint32_t *visible = cp_pass_visible(pass, n, &count);
    for (size_t c = 0; c < width; c++) {
        float sum = 0;
        for (size_t i = 1; i < count; i++)
            sum += rows[(visible ? visible[i] : i) * width + c];
        out[c] = sum / (float)(count - 1);
    }
}

void cp_pool_tokens(const struct cp_call *call) {
    const struct cp_pass *pass = call->pass;
    const struct cp_tower_shape *shape = cp_pass_shape(pass);
    const size_t tokens = shape->tokens, width = shape->width;
    for (size_t n = 0; n < pass->inputs; n++) {
        const float *rows = call->a + n * tokens * width;
        float *out = call->y + n * width;
        if (shape->pool == CP_POOL_AVG) {
            mean_of_patches(pass, n, rows, width, out);
            continue;
        }
        const size_t at =
            shape->pool == CP_POOL_TOKEN
                ? 0
                : (size_t)cp_text_pool_position(&pass->plan->model->config, pass->tokens + n * tokens);
        memcpy(out, rows + at * width, width * sizeof *out);
    }
    pass->plan->spec->ops->round(call->y, call->y, call->rows * width, cp_choice_residual(call->choice));
}
