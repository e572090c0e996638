/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which weights feed a tap's operation, so that weights can be told as the cause of a divergence. */
#ifndef CP_MODEL_TAP_WEIGHTS_H
#define CP_MODEL_TAP_WEIGHTS_H

#include "model/model.h"
#include "tap/tap.h"

struct cp_tap_weights {
    struct {
        const float *values;
        size_t elements;
    } tensor[2];
    size_t count; /* 0: the operation has no weights */
};

/* Views into the model: a weight and its bias, or whatever the operation at the site reads. */
struct cp_tap_weights cp_tap_weights(const struct cp_model *model, const struct cp_site *site);

/* Whether two models of one architecture have other bits there. */
bool cp_tap_weights_differ(const struct cp_model *a, const struct cp_model *b, const struct cp_site *site);

#endif
