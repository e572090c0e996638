/* SPDX-License-Identifier: GPL-3.0-or-later
 * Attention: from q, k and v to context. The kernel is model/attention.c. */
#include "spec/component.h"

static const struct cp_variant variants[] = {{
    .name = "eager",
    .imitates = "torch.nn.MultiheadAttention, Hugging Face eager attention",
    .formula = "softmax(q k^T / sqrt(head_dim) + mask) v, scores and probabilities materialised",
    .source = "Vaswani et al. 2017; pytorch/pytorch torch/nn/functional.py multi_head_attention_forward",
    .maths = "attention",
}};

static const struct cp_variant *variant(const struct cp_ops *ops, int index) {
    (void)ops;
    return index == 0 ? variants : NULL;
}

static const char *const sums[] = {"fp32", "fp16", NULL};
static const char *const scales[] = {"q", "scores", "sqrt", NULL}; /* enum cp_attention_scale */

static const struct cp_knob knobs[] = {
    {.name = "compute",
     .what = "type of q, k, v, scores, probs and context",
     .options = cp_types,
     .initial = "fp32"},
    {.name = "accumulate",
     .what = "type of the sums in q k^T and probs v",
     .options = sums,
     .initial = "fp32"},
    {.name = "softmax",
     .what = "type of each operation inside the softmax",
     .options = cp_types,
     .initial = "fp32"},
    {.name = "scale",
     .what = "where 1/sqrt(head_dim) is applied: q, scores, or its root on q and k",
     .options = scales,
     .initial = "q"},
    {.name = NULL},
};

const struct cp_component cp_component_attention = {
    .name = "attention",
    .what = "q, k, v to context",
    .variant = variant,
    .initial = "eager",
    .knobs = knobs,
};
