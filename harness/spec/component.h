/* SPDX-License-Identifier: GPL-3.0-or-later
 * Components of the pipeline and their knobs. A component is one struct in one file, spec/component/NAME.c, and
 * one row of spec/components.def; enums, addresses, messages, comparisons and `clip-parity list` come from these.
 */
#ifndef CP_SPEC_COMPONENT_H
#define CP_SPEC_COMPONENT_H

#include "base/number.h"
#include "config/tower_shape.h"
#include "ops/ops.h"

#include <stdbool.h>
#include <stddef.h>

enum cp_component_id {
#define COMPONENT(NAME, object) CP_##NAME,
#define KNOB(COMPONENT, NAME)
#include "spec/components.def"
#undef COMPONENT
#undef KNOB
    CP_COMPONENT_COUNT
};

enum cp_knob_id {
#define COMPONENT(NAME, object)
#define KNOB(COMPONENT, NAME) CP_##COMPONENT##_##NAME,
#include "spec/components.def"
#undef COMPONENT
#undef KNOB
    CP_KNOB_COUNT
};

enum cp_attention_scale { CP_SCALE_ON_Q, CP_SCALE_ON_SCORES, CP_SCALE_SQRT };
enum cp_weights_scope { CP_SCOPE_LINEAR, CP_SCOPE_ALL };

/* Options whose knob is a type list "fp32", "fp16", "bf16" in that order: the option's index is the enum
 * cp_dtype. */
struct cp_choice {
    int variant[CP_COMPONENT_COUNT];
    int option[CP_KNOB_COUNT];
    double number[CP_KNOB_COUNT];
};

/* What a knob without options takes. */
enum cp_number {
    CP_NO_NUMBER, /* it has options */
    CP_POSITIVE,
    CP_NOT_NEGATIVE,
    CP_PROBABILITY, /* from 0 to below 1 */
    CP_SEED,        /* a whole number; 0: off */
    CP_TORCH_SEED,  /* a whole number below 2^32, which is all that MT19937 takes of torch.manual_seed's */
    CP_NUMBER_COUNT
};

/* What a kind of number is called, and what is expected, in messages and lists. */
struct cp_number_kind {
    const char *name, *expected;
    double least, most;
    bool whole;
};
extern const struct cp_number_kind cp_number_kinds[CP_NUMBER_COUNT];

struct cp_knob {
    const char *name, *what;
    const char *const *options; /* allowed values, ending with NULL; NULL: a number */
    const char *initial;        /* default; NULL: from the model's config, by one of these: */
    const char *(*option_by_config)(const struct cp_clip_config *config);
    double (*number_by_config)(const struct cp_clip_config *config, enum cp_tower tower);
    bool maths; /* changes the ideal function, not only its rounding */
    enum cp_number number;
};
extern const char *const cp_types[]; /* options by enum cp_dtype: fp32, fp16, bf16 */

/* Which layers a component takes. */
enum cp_reach {
    CP_EACH_LAYER,        /* addresses may name layers */
    CP_BEFORE_IMAGES,     /* none: it acts before the image tower, */
    CP_BEFORE_TEXTS,      /* before the text tower, */
    CP_WHOLE_IMAGE_TOWER, /* or throughout the image tower */
};

/* What a component makes of pixels.normalized. The forward pass and the oracle both start from what it leaves, so it is
 * part of the function, as a rule: its knobs are maths. */
struct cp_pixel_kernel {
    bool (*acts)(const struct cp_choice *choice); /* whether it does anything */
    /* pixels[i] and also[i] are number first + i of all images of the run, image by image, for i < count; also may be
     * NULL. state: what start left, or NULL. */
    void (*apply)(const struct cp_choice *choice, void *state, size_t first, size_t count, float *pixels,
                  float *also);
    /* Fills state, of so many bytes, for so many numbers in all; NULL: none is kept from batch to batch. */
    void (*start)(const struct cp_choice *choice, size_t total, void *state);
    size_t state;
};

struct cp_component {
    const char *name, *what;
    /* The variant at an index, NULL past the last. */
    const struct cp_variant *(*variant)(const struct cp_ops *ops, int index);
    const char *initial;   /* the default variant's name, or auto */
    const char *automatic; /* what auto means; NULL: there is none */
    const char *(*by_config)(const struct cp_clip_config *config,
                             enum cp_tower tower);        /* the variant it is */
    const char *(*maths)(const struct cp_choice *choice); /* of the ideal function; NULL: the variant's */
    bool (*acts)(const struct cp_clip_config *config); /* whether a model has use for it; NULL: every one */
    enum cp_reach reach;
    const struct cp_knob *knobs;          /* ending with a name of NULL; NULL: none */
    const struct cp_pixel_kernel *pixels; /* NULL: it leaves them alone */
};

extern const struct cp_component *const cp_components[CP_COMPONENT_COUNT];
const struct cp_knob *cp_knob(int knob);
enum cp_component_id cp_knob_component(int knob);

#endif
