/* SPDX-License-Identifier: GPL-3.0-or-later
 * The weights that open_clip's class CLIP has after torch.manual_seed(seed), before any training: PyTorch's
 * default initialisation of every module in the order in which they are made, then the text tower's own.
 * mlfoundations/open_clip v2.24.0 src/open_clip/transformer.py VisionTransformer, TextTransformer; pytorch
 * torch/nn/init.py, torch/nn/modules/activation.py MultiheadAttention. */
#include "model/model.h"
#include "model/tensors.h"

#include <math.h>
#include <string.h>

struct maker {
    struct cp_model *model;
    struct cp_torch_random *random;
    bool failed; /* out of memory */
};

/* What the maker made: const to everybody else. */
static float *writable(const float *values) {
    return (float *)(uintptr_t)values; /* NOLINT(performance-no-int-to-ptr): the maker's own room */
}

static float *alloc(struct maker *m, size_t n) {
    float *values = cp_arena_alloc(&m->model->arena, n, sizeof *values);
    m->failed = m->failed || !values;
    m->model->bytes += n * sizeof *values;
    return values;
}

static const float *constant(struct maker *m, size_t n, float value) {
    float *values = alloc(m, n);
    for (size_t i = 0; values && i < n; i++)
        values[i] = value;
    return values;
}

static const float *uniform(struct maker *m, size_t n, double bound) {
    float *values = alloc(m, n);
    if (values)
        cp_torch_uniform(m->random, values, n, -bound, bound);
    return values;
}

/* scale * torch.randn(n) */
static const float *scaled_normal(struct maker *m, size_t n, double scale) {
    float *values = alloc(m, n);
    if (!values)
        return NULL;
    cp_torch_normal(m->random, values, n, 0, 1);
    for (size_t i = 0; i < n; i++)
        values[i] *= (float)scale;
    return values;
}

/* nn.init.normal_ of what has a value already. */
static void normal(struct maker *m, const float *values, size_t n, double std) {
    if (!m->failed)
        cp_torch_normal(m->random, writable(values), n, 0, std);
}

static const float *kaiming(struct maker *m, size_t n, size_t fan_in) {
    float *values = alloc(m, n);
    if (values)
        cp_torch_kaiming_uniform(m->random, values, n, fan_in);
    return values;
}

static struct cp_linear_weights linear(struct maker *m, size_t out, size_t in) {
    struct cp_linear_weights made;
    made.weight = kaiming(m, out * in, in);
    made.bias = uniform(m, out, 1 / sqrt((double)in));
    return made;
}

static struct cp_norm_weights norm(struct maker *m, size_t width) {
    return (struct cp_norm_weights){constant(m, width, 1), constant(m, width, 0)};
}

/* nn.MultiheadAttention draws out_proj first, sets its bias to 0, and in_proj by xavier_uniform_. */
static void block(struct maker *m, size_t width, size_t mlp, const double *ls_init_value,
                  struct cp_block_weights *b) {
    const double std = sqrt(2.0 / (double)(width + 3 * width));
    b->ln_1 = norm(m, width);
    b->out_proj = linear(m, width, width);
    b->in_proj.weight = uniform(m, 3 * width * width, sqrt(3.0) * std);
    b->in_proj.bias = constant(m, 3 * width, 0);
    b->out_proj.bias = constant(m, width, 0);
    b->ln_2 = norm(m, width);
    b->c_fc = linear(m, mlp, width);
    b->c_proj = linear(m, width, mlp);
    if (ls_init_value) {
        b->ls_1 = constant(m, width, (float)*ls_init_value);
        b->ls_2 = constant(m, width, (float)*ls_init_value);
    }
}

static void vision(struct maker *m) {
    const struct cp_vision_config *c = &m->model->config.vision;
    struct cp_tower_weights *v = &m->model->tower[CP_VISUAL];
    const size_t width = (size_t)c->width, patch = (size_t)c->patch_size;
    const size_t tokens = cp_tower_shape(&m->model->config, CP_VISUAL).tokens;
    const double scale = pow((double)width, -0.5);
    v->conv1 = kaiming(m, width * 3 * patch * patch, 3 * patch * patch);
    v->class_embedding = scaled_normal(m, width, scale);
    v->positional_embedding = scaled_normal(m, tokens * width, scale);
    if (!c->no_ln_pre)
        v->ln_pre = norm(m, width);
    for (int layer = 0; layer < c->layers; layer++)
        block(m, width, (size_t)c->mlp_width, c->layer_scale ? &c->ls_init_value : NULL, &v->blocks[layer]);
    v->ln_post = norm(m, width);
    v->proj.weight = scaled_normal(m, width * (size_t)m->model->config.embed_dim, scale);
}

/* An nn.Linear's values, drawn when it was made, are drawn again as (out, in), and its bias is set to 0. */
static void text_projection_again(struct maker *m, size_t width, size_t embed, double std) {
    const struct cp_tower_weights *t = &m->model->tower[CP_TEXT];
    float *drawn = cp_arena_alloc(&m->model->arena, embed * width, sizeof *drawn);
    m->failed = m->failed || !drawn;
    if (m->failed)
        return;
    float *projection = writable(t->proj.weight);
    cp_torch_normal(m->random, drawn, embed * width, 0, std);
    for (size_t e = 0; e < embed; e++)
        for (size_t i = 0; i < width; i++)
            projection[i * embed + e] = drawn[e * width + i];
    memset(writable(t->proj.bias), 0, embed * sizeof(float));
}

/* TextTransformer.init_parameters, over the modules' own initialisation. */
static void text_again(struct maker *m, size_t width, size_t mlp, size_t vocabulary, size_t positions) {
    const struct cp_tower_weights *t = &m->model->tower[CP_TEXT];
    const int layers = m->model->config.text.layers;
    const size_t embed = (size_t)m->model->config.embed_dim;
    const double attention = pow((double)width, -0.5), projection = attention * pow(2.0 * layers, -0.5);
    const double fc = pow(2.0 * (double)width, -0.5);
    normal(m, t->token_embedding, vocabulary * width, 0.02);
    normal(m, t->positional_embedding, positions * width, 0.01);
    for (int layer = 0; layer < layers; layer++) {
        const struct cp_block_weights *b = &t->blocks[layer];
        normal(m, b->in_proj.weight, 3 * width * width, attention);
        normal(m, b->out_proj.weight, width * width, projection);
        normal(m, b->c_fc.weight, mlp * width, fc);
        normal(m, b->c_proj.weight, width * mlp, projection);
    }
    if (m->model->config.text.proj_bias)
        text_projection_again(m, width, embed, attention);
    else
        normal(m, t->proj.weight, width * embed, attention);
}

static void text(struct maker *m) {
    const struct cp_text_config *c = &m->model->config.text;
    struct cp_tower_weights *t = &m->model->tower[CP_TEXT];
    const size_t width = (size_t)c->width, vocabulary = (size_t)c->vocab_size;
    const size_t positions = (size_t)c->context_length, mlp = (size_t)c->mlp_width;
    const size_t embed = (size_t)m->model->config.embed_dim;
    t->token_embedding = scaled_normal(m, vocabulary * width, 1);
    t->positional_embedding = constant(m, positions * width, 0);
    for (int layer = 0; layer < c->layers; layer++)
        block(m, width, mlp, c->layer_scale ? &c->ls_init_value : NULL, &t->blocks[layer]);
    t->ln_post = norm(m, width);
    if (c->proj_bias) {
        const struct cp_linear_weights made = linear(m, embed, width);
        t->proj.weight = made.weight;
        t->proj.bias = made.bias;
    } else {
        t->proj.weight = constant(m, width * embed, 0);
    }
    text_again(m, width, mlp, vocabulary, positions);
}

enum cp_status cp_model_open_clip(const struct cp_clip_config *config, uint64_t seed,
                                  enum cp_torch_capability capability, struct cp_model *model,
                                  struct cp_error *err) {
    struct cp_torch_random random;
    struct maker m = {.model = model, .random = &random};
    CP_TRY(cp_model_begin(config, model, err));
    cp_torch_seed(&random, seed, capability);
    vision(&m);
    text(&m);
    model->logit_scale = constant(&m, 1, (float)config->init_logit_scale);
    if (config->has_logit_bias)
        model->logit_bias = constant(&m, 1, (float)config->init_logit_bias);
    return CP_CHECK_ALLOC(!m.failed, err, "", "a model");
}
