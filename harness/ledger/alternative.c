/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table, and for each row a small function that changes a case or says that it does not apply. */
#include "ledger/alternative.h"

#include <math.h>
#include <string.h>

/* ---- of any kind ---- */

static bool leave_out(struct cp_case *c, double value) {
    (void)value;
    const size_t size = cp_case_operand_size(c, 0);
    if (size == 0 || size != c->inputs * cp_case_elements(c))
        return false;
    return c->maths.left_out = true;
}

static bool zero(struct cp_case *c, double value) {
    (void)value;
    c->maths.zero = true;
    return true;
}

static bool first_input(struct cp_case *c, double value) {
    (void)value;
    return c->maths.first_input = true;
}

/* ---- activation, norm ---- */

static bool set_activation(struct cp_case *c, const char *maths) {
    if (strcmp(c->maths.activation, maths) == 0)
        return false;
    c->maths.activation = maths;
    return true;
}

static bool quick(struct cp_case *c, double value) {
    (void)value;
    return set_activation(c, "quick_gelu");
}

static bool erf_gelu(struct cp_case *c, double value) {
    (void)value;
    return set_activation(c, "gelu_erf");
}

static bool tanh_gelu(struct cp_case *c, double value) {
    (void)value;
    return set_activation(c, "gelu_tanh");
}

static bool silu(struct cp_case *c, double value) {
    (void)value;
    return set_activation(c, "silu");
}

static bool relu(struct cp_case *c, double value) {
    (void)value;
    return set_activation(c, "relu");
}

static bool eps(struct cp_case *c, double value) {
    if (c->maths.eps == value)
        return false;
    c->maths.eps = value;
    return true;
}

static bool other_norm(struct cp_case *c, double value) {
    (void)value;
    c->maths.norm = strcmp(c->maths.norm, "rms_norm") == 0 ? "layer_norm" : "rms_norm";
    return true;
}

static bool unbiased(struct cp_case *c, double value) {
    if (c->out < 2)
        return false;
    c->maths.ddof = value;
    return true;
}

static bool swap_weights(struct cp_case *c, double value) {
    (void)value;
    if (!c->weight || !c->bias)
        return false;
    return c->maths.swapped = true;
}

static bool no_bias(struct cp_case *c, double value) {
    (void)value;
    if (!c->bias && c->maths.shift == 0)
        return false;
    c->maths.shift = 0;
    return c->maths.no_bias = true;
}

static bool no_weight(struct cp_case *c, double value) {
    (void)value;
    if (!c->weight)
        return false;
    return c->maths.no_weight = true;
}

static bool branch_alone(struct cp_case *c, double value) {
    (void)value;
    return c->maths.no_weight = true;
}

/* ---- linear ---- */

static bool transposed(struct cp_case *c, double value) {
    (void)value;
    if (c->in != c->out)
        return false;
    return c->maths.transposed = true;
}

/* The weight of q, k or v in the place of the own one. */
static bool part(struct cp_case *c, double value) {
    const size_t i = (size_t)value;
    if (!c->qkv[i] || c->qkv[i] == c->weight)
        return false;
    c->weight = c->qkv[i];
    c->bias = c->qkv_bias[i];
    return true;
}

static bool format_both(struct cp_case *c, double value) {
    c->maths.x_format = c->maths.w_format = (enum cp_narrow)(int)value;
    return true;
}

static bool narrow_throughout(struct cp_case *c, double value) {
    c->maths.format_outputs = true;
    return format_both(c, value);
}

static bool format_weight(struct cp_case *c, double value) {
    c->maths.w_format = (enum cp_narrow)(int)value;
    return true;
}

static bool format_operands(struct cp_case *c, double value) {
    c->maths.x_format = (enum cp_narrow)(int)value;
    return true;
}

/* conv1: the planes of a patch in the other order. */
static bool planes(struct cp_case *c, double value) {
    (void)value;
    if (c->in % 3 != 0 || c->operand_rows == 0)
        return false;
    return c->maths.reversed = true;
}

static bool accumulate(struct cp_case *c, double value) {
    if (c->types.accumulate == (enum cp_dtype)(int)value)
        return false;
    c->types.accumulate = (enum cp_dtype)(int)value;
    return true;
}

static bool stats(struct cp_case *c, double value) {
    const enum cp_dtype type = (enum cp_dtype)(int)value;
    if (c->types.stats == type)
        return false;
    c->types.stats = type;
    return true;
}

/* ---- attention ---- */

static bool times(struct cp_case *c, double power) {
    c->maths.scale *= pow((double)c->in / (double)c->groups, power);
    return true;
}

static bool by_width(struct cp_case *c, double value) {
    (void)value;
    if (c->groups == 1)
        return false;
    c->maths.scale /= sqrt((double)c->groups);
    return true;
}

static bool exchange(struct cp_case *c, double value) {
    (void)value;
    return c->maths.swapped = true;
}

static bool mask(struct cp_case *c, double value) {
    if (c->maths.mask == (enum cp_mask)(int)value || c->out != c->rows)
        return false;
    c->maths.mask = (enum cp_mask)(int)value;
    return true;
}

static bool scaled_again(struct cp_case *c, double value) {
    if (c->out != c->rows || c->in == 0)
        return false;
    c->maths.scale = pow((double)c->in, value);
    return true;
}

/* ---- embedding, pooling, outputs ---- */

static bool no_lead_position(struct cp_case *c, double value) {
    (void)value;
    if (c->lead == 0)
        return false;
    return c->maths.no_lead_position = true;
}

static bool shifted(struct cp_case *c, double value) {
    c->maths.position_shift = (int)value;
    return true;
}

static bool pooled_mean(struct cp_case *c, double value) {
    if (c->maths.pooled == (enum cp_pooled)(int)value || c->operand_rows < 2)
        return false;
    c->maths.pooled = (enum cp_pooled)(int)value;
    return true;
}

static bool pooled_at(struct cp_case *c, double value) {
    int *at = cp_arena_calloc(c->scratch, c->inputs + 1, sizeof *at);
    if (!at || c->operand_rows < 2)
        return false;
    for (size_t n = 0; n < c->inputs; n++)
        at[n] = value < 0 ? (int)c->operand_rows - 1 : (int)value;
    c->maths.pooled = CP_POOLED_AT;
    c->maths.at = at;
    return true;
}

/* The token before or behind the one that is declared. */
static bool pooled_near(struct cp_case *c, double value) {
    int *at = cp_arena_calloc(c->scratch, c->inputs + 1, sizeof *at);
    if (!at || c->maths.pooled != CP_POOLED_AT)
        return false;
    for (size_t n = 0; n < c->inputs; n++) {
        at[n] = c->maths.at[n] + (int)value;
        if (at[n] < 0 || (size_t)at[n] >= c->operand_rows)
            return false;
    }
    c->maths.at = at;
    return true;
}

static bool no_scale(struct cp_case *c, double value) {
    (void)value;
    c->maths.scale = 1;
    return true;
}

static bool log_scale(struct cp_case *c, double value) {
    (void)value;
    if (!(c->maths.scale > 0))
        return false;
    c->maths.scale = log(c->maths.scale);
    return true;
}

static bool twice(struct cp_case *c, double value) {
    (void)value;
    return c->maths.twice = true;
}

static bool reversed(struct cp_case *c, double value) {
    (void)value;
    return c->maths.reversed = true;
}

/* Another mean has no value of its own. */
static bool never(struct cp_case *c, double value) {
    (void)c;
    (void)value;
    return false;
}

#define MATHS(kind, name, apply, value)                                                                      \
    { name, CP_OPERATION_##kind, CP_ALTERNATIVE_MATHS, apply, value }
#define FORMAT(kind, name, apply, value)                                                                     \
    { name, CP_OPERATION_##kind, CP_ALTERNATIVE_NARROW, apply, value }
#define TYPE(kind, name, apply, value)                                                                       \
    { name, CP_OPERATION_##kind, CP_ALTERNATIVE_TYPE, apply, value }

const struct cp_alternative cp_alternatives[] = {
    MATHS(ACTIVATION, "activation = quick", quick, 0),
    MATHS(ACTIVATION, "activation = erf", erf_gelu, 0),
    MATHS(ACTIVATION, "activation = tanh", tanh_gelu, 0),
    MATHS(ACTIVATION, "activation = silu", silu, 0),
    MATHS(ACTIVATION, "activation = relu", relu, 0),
    MATHS(NORM, "norm.eps = 1e-5", eps, 1e-5),
    MATHS(NORM, "norm.eps = 1e-6", eps, 1e-6),
    MATHS(NORM, "norm.eps = 1e-12", eps, 1e-12),
    MATHS(NORM, "norm.eps = 1e-3", eps, 1e-3),
    MATHS(NORM, "the other norm (with the mean, or without)", other_norm, 0),
    MATHS(NORM, "the unbiased variance", unbiased, 1),
    MATHS(NORM, "weight and bias exchanged", swap_weights, 0),
    MATHS(NORM, "no bias", no_bias, 0),
    MATHS(NORM, "no weight", no_weight, 0),
    TYPE(NORM, "norm.stats = fp16", stats, CP_FP16),
    TYPE(NORM, "norm.stats = bf16", stats, CP_BF16),
    MATHS(LINEAR, "no bias", no_bias, 0),
    MATHS(LINEAR, "weight transposed", transposed, 0),
    MATHS(LINEAR, "the weight of q", part, 0),
    MATHS(LINEAR, "the weight of k", part, 1),
    MATHS(LINEAR, "the weight of v", part, 2),
    MATHS(LINEAR, CP_REVERSED, planes, 0),
    FORMAT(LINEAR, "operands in tf32", format_both, CP_NARROW_TF32),
    FORMAT(LINEAR, "operands in fp16", format_both, CP_NARROW_FP16),
    FORMAT(LINEAR, "operands in bf16", format_both, CP_NARROW_BF16),
    FORMAT(LINEAR, "operands in int8", format_both, CP_NARROW_INT8),
    FORMAT(LINEAR, "computed in fp16", narrow_throughout, CP_NARROW_FP16),
    FORMAT(LINEAR, "computed in bf16", narrow_throughout, CP_NARROW_BF16),
    FORMAT(SCORES, "computed in fp16", narrow_throughout, CP_NARROW_FP16),
    FORMAT(SCORES, "computed in bf16", narrow_throughout, CP_NARROW_BF16),
    FORMAT(CONTEXT, "computed in fp16", narrow_throughout, CP_NARROW_FP16),
    FORMAT(CONTEXT, "computed in bf16", narrow_throughout, CP_NARROW_BF16),
    FORMAT(LINEAR, "weights in fp16", format_weight, CP_NARROW_FP16),
    FORMAT(LINEAR, "weights in bf16", format_weight, CP_NARROW_BF16),
    FORMAT(LINEAR, "weights in int8", format_weight, CP_NARROW_INT8),
    FORMAT(LINEAR, "weights in uint8", format_weight, CP_NARROW_UINT8),
    FORMAT(LINEAR, "weights in int8 by channel", format_weight, CP_NARROW_INT8_CHANNEL),
    FORMAT(LINEAR, "inputs in int8", format_operands, CP_NARROW_INT8),
    FORMAT(LINEAR, "inputs in uint8", format_operands, CP_NARROW_UINT8),
    TYPE(LINEAR, "linear.accumulate = fp16", accumulate, CP_FP16),
    MATHS(SCORES, "not scaled", times, 0.5),
    MATHS(SCORES, "scaled twice", times, -0.5),
    MATHS(SCORES, "scaled by the width instead of the head's", by_width, 0),
    MATHS(SCORES, "q and k exchanged", exchange, 0),
    FORMAT(SCORES, "operands in tf32", format_operands, CP_NARROW_TF32),
    FORMAT(SCORES, "operands in fp16", format_operands, CP_NARROW_FP16),
    FORMAT(SCORES, "operands in bf16", format_operands, CP_NARROW_BF16),
    TYPE(SCORES, "attention.accumulate = fp16", accumulate, CP_FP16),
    MATHS(SOFTMAX, "no causal mask", mask, CP_MASK_NONE),
    MATHS(SOFTMAX, "a causal mask", mask, CP_MASK_CAUSAL),
    MATHS(SOFTMAX, "a mask that hides the own token", mask, CP_MASK_STRICT),
    MATHS(SOFTMAX, "scores scaled once more", scaled_again, -0.5),
    MATHS(SOFTMAX, "scores not scaled", scaled_again, 0.5),
    TYPE(SOFTMAX, "attention.softmax = fp16", stats, CP_FP16),
    TYPE(SOFTMAX, "attention.softmax = bf16", stats, CP_BF16),
    FORMAT(CONTEXT, "operands in tf32", format_operands, CP_NARROW_TF32),
    FORMAT(CONTEXT, "operands in fp16", format_operands, CP_NARROW_FP16),
    FORMAT(CONTEXT, "operands in bf16", format_operands, CP_NARROW_BF16),
    TYPE(CONTEXT, "attention.accumulate = fp16", accumulate, CP_FP16),
    MATHS(GAIN, "no weight", no_weight, 0),
    MATHS(ADD, "the branch alone", branch_alone, 0),
    MATHS(EMBED, "no positions", no_weight, 0),
    MATHS(EMBED, "the class token without its position", no_lead_position, 0),
    MATHS(EMBED, "positions one on", shifted, 1),
    MATHS(EMBED, "positions one back", shifted, -1),
    MATHS(POOL, "token 0", pooled_at, 0),
    MATHS(POOL, "the last token", pooled_at, -1),
    MATHS(POOL, "the token before", pooled_near, -1),
    MATHS(POOL, "the token behind", pooled_near, 1),
    MATHS(POOL, "the mean of the patches", pooled_mean, CP_POOLED_MEAN),
    MATHS(POOL, "the mean of all tokens", pooled_mean, CP_POOLED_MEAN_ALL),
    MATHS(LOGITS, "not scaled", no_scale, 0),
    MATHS(LOGITS, "logit_scale without its exponential", log_scale, 0),
    MATHS(LOGITS, "no bias", no_bias, 0),
    FORMAT(LOGITS, "operands in tf32", format_operands, CP_NARROW_TF32),
    FORMAT(LOGITS, "operands in fp16", format_operands, CP_NARROW_FP16),
    FORMAT(LOGITS, "operands in bf16", format_operands, CP_NARROW_BF16),
    MATHS(NORMALIZE, CP_NORMALISED_TWICE, twice, 0),
    MATHS(NORMALIZE, CP_REVERSED, reversed, 0),
    {CP_OTHER_RED, CP_OPERATION_NORMALIZE, CP_ALTERNATIVE_TOLD, never, 0},
    {CP_OTHER_GREEN, CP_OPERATION_NORMALIZE, CP_ALTERNATIVE_TOLD, never, 0},
    {CP_OTHER_BLUE, CP_OPERATION_NORMALIZE, CP_ALTERNATIVE_TOLD, never, 0},
    {CP_OTHER_CHANNELS, CP_OPERATION_NORMALIZE, CP_ALTERNATIVE_TOLD, never, 0},
    MATHS(KINDS, "left out", leave_out, 0),
    MATHS(KINDS, "all zero", zero, 0),
    {"input 0 of the batch repeated", CP_OPERATION_KINDS, CP_ALTERNATIVE_BATCH, first_input, 0},
};
const size_t cp_alternative_count = sizeof cp_alternatives / sizeof cp_alternatives[0];

bool cp_alternative_has_slope(const struct cp_alternative *a) {
    return a->class == CP_ALTERNATIVE_MATHS &&
           (a->apply == quick || a->apply == erf_gelu || a->apply == tanh_gelu || a->apply == eps);
}
