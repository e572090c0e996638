/* SPDX-License-Identifier: GPL-3.0-or-later
 * Hashes seeds to decide where each fault strikes; for a flipped bit, copies the matrix it is in. */
#include "model/fault.h"

#include "base/hash.h"

#include <math.h>
#include <string.h>

/* Number `index` that a fault's seed draws; each knob has its own stream. */
static uint64_t draw(const struct cp_choice *choice, enum cp_knob_id knob, uint64_t index) {
    return cp_counter_hash((uint64_t)choice->number[knob], (uint64_t)knob, index);
}

static bool is_set(const struct cp_choice *choice, enum cp_knob_id knob) {
    return choice->number[knob] > 0;
}

int cp_fault_activation(const struct cp_ops *ops, const struct cp_choice *choice) {
    const int own = choice->variant[CP_ACTIVATION];
    int others[16], count = 0;
    if (!is_set(choice, CP_INJECT_ACTIVATION))
        return own;
    for (int i = 0; ops->activations[i] && count < 16; i++)
        if (strcmp(ops->activations[i]->info.maths, ops->activations[own]->info.maths) != 0)
            others[count++] = i;
    return count ? others[draw(choice, CP_INJECT_ACTIVATION, 0) % (uint64_t)count] : own;
}

double cp_fault_eps(const struct cp_choice *choice, enum cp_point point) {
    const double own = choice->number[CP_NORM_EPS];
    const uint64_t drawn = draw(choice, CP_INJECT_EPS, 0);
    if (!is_set(choice, CP_INJECT_EPS) || point != (drawn & 1 ? CP_LN_1 : CP_LN_2))
        return own;
    return own * (drawn & 2 ? 100 : 1000);
}

enum cp_dtype cp_fault_softmax(const struct cp_choice *choice) {
    if (!is_set(choice, CP_INJECT_SOFTMAX))
        return cp_choice_type(choice, CP_ATTENTION_SOFTMAX);
    return draw(choice, CP_INJECT_SOFTMAX, 0) & 1 ? CP_FP16 : CP_BF16;
}

float cp_fault_head_factor(const struct cp_choice *choice, size_t head, size_t heads) {
    static const float factors[] = {1.25f, 1.5f, 0.75f, 0.5f};
    if (!is_set(choice, CP_INJECT_HEAD_SCALE) || draw(choice, CP_INJECT_HEAD_SCALE, 0) % heads != head)
        return 1;
    return factors[draw(choice, CP_INJECT_HEAD_SCALE, 1) % 4];
}

bool cp_fault_transposes(const struct cp_choice *choice) {
    return is_set(choice, CP_INJECT_TRANSPOSE);
}

/* ---- a flipped bit ---- */

enum { FIRST_BIT = 18, BITS = 6 }; /* 23 is the exponent's lowest: the weight doubles or halves */

/* One matrix of a block. */
struct matrix {
    const float **weight;
    size_t count;
};

static struct matrix drawn_matrix(const struct cp_choice *choice, struct cp_block_weights *block,
                                  size_t width, size_t mlp_width) {
    const struct matrix matrices[] = {{&block->in_proj.weight, 3 * width * width},
                                      {&block->out_proj.weight, width * width},
                                      {&block->c_fc.weight, width * mlp_width},
                                      {&block->c_proj.weight, width * mlp_width}};
    return matrices[draw(choice, CP_INJECT_WEIGHT_BIT, 0) % 4];
}

/* The drawn element, or the next one that is at least half as large as the root mean square. */
static size_t drawn_element(const struct cp_choice *choice, const float *weight, size_t count) {
    double square = 0;
    for (size_t i = 0; i < count; i++)
        square += (double)weight[i] * (double)weight[i];
    const double least = 0.5 * sqrt(square / (double)count);
    /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): a matrix has elements */
    size_t at = (size_t)(draw(choice, CP_INJECT_WEIGHT_BIT, 1) % count);
    for (size_t tried = 0; tried < count && fabs((double)weight[at]) < least; tried++)
        at = (at + 1) % count;
    return at;
}

static enum cp_status flip(const struct cp_choice *choice, struct matrix matrix, struct cp_arena *arena,
                           struct cp_error *err) {
    float *copy = cp_arena_alloc(arena, matrix.count, sizeof *copy);
    CP_TRY(CP_CHECK_ALLOC(copy, err, "", "%zu weights", matrix.count));
    memcpy(copy, *matrix.weight, matrix.count * sizeof *copy);
    const size_t at = drawn_element(choice, copy, matrix.count);
    const uint32_t bit = FIRST_BIT + (uint32_t)(draw(choice, CP_INJECT_WEIGHT_BIT, 2) % BITS);
    copy[at] = cp_from_bits(cp_bits(copy[at]) ^ (1u << bit));
    *matrix.weight = copy;
    return CP_OK;
}

static enum cp_status flip_in_tower(const struct cp_spec *spec, enum cp_tower tower, struct cp_model *copy,
                                    struct cp_arena *arena, struct cp_error *err) {
    const struct cp_tower_shape shape = cp_tower_shape(spec->config, tower);
    struct cp_block_weights **blocks = &copy->tower[tower].blocks;
    struct cp_block_weights *own = cp_arena_alloc(arena, shape.layers, sizeof *own);
    CP_TRY(CP_CHECK_ALLOC(own, err, "", "a model"));
    memcpy(own, *blocks, shape.layers * sizeof *own);
    *blocks = own;
    for (size_t layer = 0; layer < shape.layers; layer++) {
        const struct cp_choice *choice = cp_spec_at(spec, tower, (int)layer);
        if (is_set(choice, CP_INJECT_WEIGHT_BIT))
            CP_TRY(flip(choice, drawn_matrix(choice, &own[layer], shape.width, shape.mlp), arena, err));
    }
    return CP_OK;
}

enum cp_status cp_fault_model(const struct cp_spec *spec, const struct cp_model *model,
                              struct cp_arena *arena, const struct cp_model **out, struct cp_error *err) {
    bool any = false;
    for (size_t slot = 0; slot < spec->slots; slot++)
        any = any || is_set(&spec->choice[slot], CP_INJECT_WEIGHT_BIT);
    *out = model;
    if (!any)
        return CP_OK;
    struct cp_model *copy = cp_arena_alloc(arena, 1, sizeof *copy);
    CP_TRY(CP_CHECK_ALLOC(copy, err, "", "a model"));
    *copy = *model;
    copy->arena = (struct cp_arena){0}; /* owns nothing */
    *out = copy;
    CP_TRY(flip_in_tower(spec, CP_VISUAL, copy, arena, err));
    return flip_in_tower(spec, CP_TEXT, copy, arena, err);
}
