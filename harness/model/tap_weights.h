/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which weights feed a tap's operation, so that weights can be told as the cause of a divergence. */
#ifndef CP_MODEL_TAP_WEIGHTS_H
#define CP_MODEL_TAP_WEIGHTS_H

#include "model/tensors.h"
#include "spec/spec.h"
#include "tap/tap.h"

enum { CP_TAP_TENSORS = 2 };

/* A tensor, or a part of one: of attn.in_proj_weight and attn.in_proj_bias q, k and v read a third each. */
struct cp_tap_tensor {
    char name[CP_TENSOR_NAME]; /* of the whole, as in a checkpoint */
    const float *values;       /* of the part, row-major */
    size_t elements;           /* of the part */
    size_t first;              /* of the part's elements, in the whole */
};

struct cp_tap_weights {
    struct cp_tap_tensor tensor[CP_TAP_TENSORS];
    size_t count; /* 0: the operation has no weights */
};

/* Views into the model: a weight and its bias, or whatever the operation at the site reads. */
struct cp_tap_weights cp_tap_weights(const struct cp_model *model, const struct cp_site *site);

/* Whether two models of one architecture have other bits there. */
bool cp_tap_weights_differ(const struct cp_model *a, const struct cp_model *b, const struct cp_site *site);
/* Whether the weights that one model has there are rounded to other bits at load by two specs (component
 * `weights`). */
bool cp_tap_weights_round_differently(const struct cp_model *model, const struct cp_spec *a,
                                      const struct cp_spec *b, const struct cp_site *site);

#endif
