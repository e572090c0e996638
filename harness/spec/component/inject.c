/* SPDX-License-Identifier: GPL-3.0-or-later
 * Faults in blocks. What is wrong is said by the knobs; the kernels and the oracle ask model/fault.h. */
#include "spec/component.h"

static const struct cp_variant none = {"none", "-",      "no other fault than the knobs name",
                                       "-",    "inject", NULL};

static const struct cp_variant *variant(const struct cp_ops *ops, int index) {
    (void)ops;
    return index == 0 ? &none : NULL;
}

#define FAULT(fault, describes, is_maths)                                                                    \
    { .name = (fault), .what = (describes), .initial = "0", .maths = (is_maths), .number = CP_SEED }

static const struct cp_knob knobs[] = {
    FAULT("activation", "another activation than the spec's", true),
    FAULT("eps", "another eps in ln_1 or ln_2", true),
    FAULT("head_scale", "one head's scores scaled wrongly", true),
    FAULT("transpose", "attn.out_proj's weight read transposed", true),
    FAULT("softmax", "the softmax in fp16 or bf16", false),
    FAULT("weight_bit", "one bit of one weight flipped", true),
    {.name = NULL},
};

const struct cp_component cp_component_inject = {
    .name = "inject",
    .what = "faults in blocks, put there on purpose, to see that they are found",
    .variant = variant,
    .initial = "none",
    .knobs = knobs,
};
