/* SPDX-License-Identifier: GPL-3.0-or-later
 * The tables of components and knobs, from the rows of spec/components.def. */
#include "spec/component.h"

#include <float.h>
#include <stdint.h>

#define COMPONENT(NAME, object) extern const struct cp_component cp_component_##object;
#define KNOB(COMPONENT, NAME)
#include "spec/components.def"
#undef COMPONENT
#undef KNOB

const struct cp_component *const cp_components[CP_COMPONENT_COUNT] = {
#define COMPONENT(NAME, object) &cp_component_##object,
#define KNOB(COMPONENT, NAME)
#include "spec/components.def"
#undef COMPONENT
#undef KNOB
};

static const enum cp_component_id owners[CP_KNOB_COUNT] = {
#define COMPONENT(NAME, object)
#define KNOB(COMPONENT, NAME) CP_##COMPONENT,
#include "spec/components.def"
#undef COMPONENT
#undef KNOB
};

const char *const cp_types[] = {"fp32", "fp16", "bf16", NULL};

const struct cp_number_kind cp_number_kinds[CP_NUMBER_COUNT] = {
    [CP_POSITIVE] = {"a positive number", "a number such as 1e-5", DBL_TRUE_MIN, DBL_MAX, false},
    [CP_NOT_NEGATIVE] = {"a number of 0 or more", "a number such as 0.01", 0, DBL_MAX, false},
    [CP_PROBABILITY] = {"a number from 0 to below 1", "a number such as 0.5", 0, 1 - DBL_EPSILON / 2, false},
    [CP_SEED] = {"a seed", "a whole number from 1 to 999999999, or 0 for none", 0, 999999999, true},
    [CP_TORCH_SEED] = {"a seed of PyTorch", "a whole number from 0 to 4294967295", 0, UINT32_MAX, true},
};

enum cp_component_id cp_knob_component(int knob) {
    return owners[knob];
}

const struct cp_knob *cp_knob(int knob) {
    int first = knob;
    while (first > 0 && owners[first - 1] == owners[knob])
        first--;
    return &cp_components[owners[knob]]->knobs[knob - first];
}
