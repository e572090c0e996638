/* SPDX-License-Identifier: GPL-3.0-or-later
 * Makes each rounded, packed tensor once: a list of copies is searched before a new one is made. */
#include "model/packed.h"

#include "model/fault.h"
#include "model/permute.h"

#include <math.h>
#include <string.h>

enum layout { VECTOR, OUT_IN, IN_OUT };

struct cp_packed_copy {
    struct cp_packed_copy *next;
    const float *source;
    enum layout layout;
    enum cp_dtype first, second; /* rounded to first, then to second */
    const struct cp_linear *linear;
    size_t k, n;
    uint64_t permutation; /* seed of the order of k; 0: as it is */
    float *values;
};

struct packer {
    const struct cp_spec *spec;
    struct cp_packed_store *store;
    struct cp_error *err;
    enum cp_status status; /* the first failure; what follows is skipped */
};

/* The rows (IN_OUT) or columns (OUT_IN) of k in the order of the permutation, in place. */
static bool permute(const struct cp_packed_copy *copy, float *values, struct cp_arena *scratch) {
    const size_t count = copy->k * copy->n;
    uint32_t *order = cp_arena_alloc(scratch, copy->k, sizeof *order);
    float *before = cp_arena_alloc(scratch, count, sizeof *before);
    if (!order || !before)
        return false;
    memcpy(before, values, count * sizeof *before);
    cp_permutation(copy->permutation, copy->k, order);
    if (copy->layout == OUT_IN)
        cp_permute_columns(before, copy->n, copy->k, order, values, NULL);
    else
        cp_permute_rows(before, copy->k, copy->n, order, values);
    return true;
}

/* values = source rounded to the two types in turn, then packed for a matrix. */
static bool fill(struct cp_packed_store *store, const struct cp_ops *ops, struct cp_packed_copy *copy) {
    const size_t count = copy->k * copy->n;
    if (copy->layout == VECTOR) {
        copy->values = cp_arena_alloc(&store->arena, count, sizeof(float));
        if (!copy->values)
            return false;
        ops->round(copy->source, copy->values, count, copy->first);
        ops->round(copy->values, copy->values, count, copy->second);
        return true;
    }
    struct cp_arena scratch = {0};
    float *rounded = cp_arena_alloc(&scratch, count, sizeof(float));
    copy->values = cp_arena_alloc(&store->arena, copy->linear->packed_size(copy->k, copy->n), sizeof(float));
    bool ready = rounded && copy->values;
    if (ready) {
        ops->round(copy->source, rounded, count, copy->first);
        ops->round(rounded, rounded, count, copy->second);
        ready = !copy->permutation || permute(copy, rounded, &scratch);
    }
    if (ready) {
        if (copy->layout == OUT_IN)
            copy->linear->pack_nt(rounded, copy->k, copy->n, copy->k, copy->values);
        else
            copy->linear->pack_nn(rounded, copy->n, copy->k, copy->n, copy->values);
    }
    cp_arena_free(&scratch);
    return ready;
}

static const float *copy_of(struct packer *p, struct cp_packed_copy want) {
    if (p->status != CP_OK || !want.source)
        return NULL;
    if (want.layout == VECTOR && want.first == CP_FP32 && want.second == CP_FP32)
        return want.source;
    for (struct cp_packed_copy *c = p->store->copies; c; c = c->next)
        if (c->source == want.source && c->layout == want.layout && c->first == want.first &&
            c->second == want.second && c->linear == want.linear && c->n == want.n &&
            c->permutation == want.permutation)
            return c->values;
    struct cp_packed_copy *made = cp_arena_alloc(&p->store->arena, 1, sizeof *made);
    if (!made || !fill(p->store, p->spec->ops, &want)) {
        p->status = cp_no_memory(p->err, "", "%zu weights", want.k * want.n);
        return NULL;
    }
    *made = want;
    made->next = p->store->copies;
    p->store->copies = made;
    return made->values;
}

static enum cp_dtype weights_type(const struct cp_choice *choice) {
    return (enum cp_dtype)choice->variant[CP_WEIGHTS];
}

static const float *pack_vector(struct packer *p, enum cp_dtype first, enum cp_dtype second,
                                const float *source, size_t n) {
    return copy_of(p,
                   (struct cp_packed_copy){
                       .source = source, .layout = VECTOR, .first = first, .second = second, .k = 1, .n = n});
}

static struct cp_norm_weights pack_norm(struct packer *p, const struct cp_choice *choice,
                                        struct cp_norm_weights from, size_t width) {
    const enum cp_dtype type = cp_choice_stored(choice);
    return (struct cp_norm_weights){pack_vector(p, type, CP_FP32, from.weight, width),
                                    pack_vector(p, type, CP_FP32, from.bias, width)};
}

static struct cp_packed_linear pack_linear(struct packer *p, const struct cp_choice *choice,
                                           enum layout layout, struct cp_linear_weights from, size_t k,
                                           size_t n) {
    /* A sum held in fp16 is of fp16 operands. */
    const bool fp16_sum = choice->option[CP_LINEAR_ACCUMULATE] == CP_FP16;
    const enum cp_dtype compute = fp16_sum ? CP_FP16 : cp_choice_type(choice, CP_LINEAR_COMPUTE);
    struct cp_packed_linear packed = {.k = k, .n = n};
    packed.b = copy_of(p, (struct cp_packed_copy){.source = from.weight,
                                                  .layout = layout,
                                                  .first = weights_type(choice),
                                                  .second = compute,
                                                  .linear = p->spec->ops->linears[choice->variant[CP_LINEAR]],
                                                  .k = k,
                                                  .n = n,
                                                  .permutation = cp_choice_permutation(choice)});
    packed.bias = pack_vector(p, weights_type(choice), compute, from.bias, n);
    return packed;
}

static void pack_block(struct packer *p, const struct cp_choice *choice, const struct cp_block_weights *from,
                       size_t width, size_t mlp_width, struct cp_packed_block *to) {
    struct cp_packed_linear *const qkv[3] = {&to->q, &to->k, &to->v};
    to->ln_1 = pack_norm(p, choice, from->ln_1, width);
    to->ln_2 = pack_norm(p, choice, from->ln_2, width);
    for (size_t i = 0; i < 3; i++) {
        const struct cp_linear_weights part = {from->in_proj.weight + i * width * width,
                                               from->in_proj.bias + i * width};
        *qkv[i] = pack_linear(p, choice, OUT_IN, part, width, width);
    }
    to->out_proj =
        pack_linear(p, choice, cp_fault_transposes(choice) ? IN_OUT : OUT_IN, from->out_proj, width, width);
    to->c_fc = pack_linear(p, choice, OUT_IN, from->c_fc, width, mlp_width);
    to->c_proj = pack_linear(p, choice, OUT_IN, from->c_proj, mlp_width, width);
    to->ls_1 = pack_vector(p, cp_choice_stored(choice), cp_choice_residual(choice), from->ls_1, width);
    to->ls_2 = pack_vector(p, cp_choice_stored(choice), cp_choice_residual(choice), from->ls_2, width);
}

/* What a tower does not have stays NULL. */
static void pack_tower(struct packer *p, const struct cp_model *model, enum cp_tower tower,
                       struct cp_plan *plan) {
    const struct cp_choice *outer = cp_spec_at(p->spec, tower, -1);
    const struct cp_tower_shape shape = plan->shape[tower];
    const struct cp_tower_weights *from = &model->tower[tower];
    struct cp_packed_tower *to = &plan->tower[tower];
    const enum cp_dtype residual = cp_choice_residual(outer), stored = cp_choice_stored(outer);
    const size_t patch = (size_t)model->config.vision.patch_size;
    to->class_embedding = pack_vector(p, stored, residual, from->class_embedding, shape.width);
    to->token_embedding = pack_vector(p, stored, CP_FP32, from->token_embedding,
                                      (size_t)model->config.text.vocab_size * shape.width);
    to->positional_embedding =
        pack_vector(p, stored, residual, from->positional_embedding, shape.tokens * shape.width);
    to->conv1 = pack_linear(p, outer, OUT_IN, (struct cp_linear_weights){from->conv1, NULL},
                            3 * patch * patch, shape.width);
    to->proj = pack_linear(p, outer, IN_OUT, from->proj, shape.width, (size_t)model->config.embed_dim);
    to->ln_pre = pack_norm(p, outer, from->ln_pre, shape.width);
    to->ln_post = pack_norm(p, outer, from->ln_post, shape.width);
    for (size_t layer = 0; layer < shape.layers; layer++)
        pack_block(p, cp_spec_at(p->spec, tower, (int)layer), &from->blocks[layer], shape.width, shape.mlp,
                   &to->blocks[layer]);
}

/* The factor of the logits, exp correctly rounded from float64: one value, so no kernel. PyTorch makes a
 * scalar that multiplies a tensor one of the tensor's type. */
static void pack_joint(const struct cp_spec *spec, const struct cp_model *model, struct cp_plan *plan) {
    const struct cp_choice *joint = cp_spec_at(spec, CP_JOINT, -1);
    if (!model->logit_scale)
        return; /* one tower alone */
    const float stored = cp_round_to(cp_choice_stored(joint), *model->logit_scale);
    const float factor = cp_round_to(cp_choice_stored(joint), (float)exp((double)stored));
    plan->logit_scale = cp_round_to(cp_choice_type(joint, CP_LINEAR_COMPUTE), factor);
    plan->logit_bias = model->logit_bias ? cp_round_to(cp_choice_stored(joint), *model->logit_bias) : 0.0f;
}

enum cp_status cp_plan_create(const struct cp_spec *spec, const struct cp_model *model, size_t images,
                              struct cp_packed_store *store, struct cp_plan **out, struct cp_error *err) {
    struct packer packer = {.spec = spec, .store = store, .err = err};
    struct cp_plan *plan = cp_arena_calloc(&store->arena, 1, sizeof *plan);
    struct cp_packed_block *blocks = cp_arena_calloc(
        &store->arena, (size_t)model->config.vision.layers + (size_t)model->config.text.layers,
        sizeof *blocks);
    CP_TRY(CP_CHECK_ALLOC(plan && blocks, err, "", "a plan"));
    plan->spec = spec;
    plan->model = model;
    CP_TRY(cp_patch_dropout(spec, images, &store->arena, &store->patch_mask, &plan->patch_mask, err));
    for (enum cp_tower tower = CP_VISUAL; tower < CP_TOWERS; tower++) {
        plan->shape[tower] = cp_tower_shape(&model->config, tower);
        plan->tower[tower].blocks = blocks;
        blocks += plan->shape[tower].layers;
        pack_tower(&packer, model, tower, plan);
    }
    pack_joint(spec, model, plan);
    *out = plan;
    return packer.status;
}

void cp_packed_store_free(struct cp_packed_store *store) {
    cp_arena_free(&store->arena);
    store->copies = NULL;
    store->patch_mask = NULL;
}
