/* SPDX-License-Identifier: GPL-3.0-or-later
 * From a picture to pixels. Variants: preprocess/preprocess.h. */
#include "spec/component.h"

#include "preprocess/preprocess.h"

static const struct cp_variant *variant(const struct cp_ops *ops, int index) {
    (void)ops;
    return cp_resizes[index] ? &cp_resizes[index]->info : NULL;
}

/* A resize's filter may be another function than its other one. */
static const char *maths(const struct cp_choice *choice) {
    const struct cp_resize *resize = cp_resizes[choice->variant[CP_PREPROCESS]];
    const bool bilinear = choice->option[CP_PREPROCESS_FILTER] == CP_BILINEAR;
    return bilinear && resize->bilinear_maths ? resize->bilinear_maths : resize->info.maths;
}

static const char *config_filter(const struct cp_clip_config *config) {
    return cp_resize_filter_names[config->filter];
}

static const char *config_mode(const struct cp_clip_config *config) {
    return cp_resize_mode_names[config->resize_mode];
}

/* In the order of the enums of preprocess/preprocess.h. */
static const char *const long_sides[] = {"auto", "truncate", "round", NULL},
                         *const crops[] = {"half_even", "half_up", "floor", NULL},
                         *const rescales[] = {"divide", "reciprocal", NULL},
                         *const normalisations[] = {"two_steps", "fused", NULL},
                         *const colours[] = {"rgb", "bgr", NULL}, *const exif[] = {"ignore", "apply", NULL},
                         *const idcts[] = {"islow", "ifast", NULL},
                         *const upsamplings[] = {"fancy", "plain", NULL};

static const struct cp_knob knobs[] = {
    {.name = "filter",
     .what = "the resize's filter",
     .options = cp_resize_filter_names,
     .option_by_config = config_filter,
     .maths = true},
    {.name = "mode",
     .what = "shortest side to the model's size and crop, longest and pad, or squash both",
     .options = cp_resize_mode_names,
     .option_by_config = config_mode,
     .maths = true},
    {.name = "long_side",
     .what = "the side that is not given: auto truncates with shortest, rounds with longest",
     .options = long_sides,
     .initial = "auto",
     .maths = true},
    {.name = "crop",
     .what = "half of an odd rest: torchvision's, its older one's, Hugging Face's",
     .options = crops,
     .initial = "half_even",
     .maths = true},
    {.name = "rescale", .what = "x / 255, or x * float(1 / 255)", .options = rescales, .initial = "divide"},
    {.name = "normalize",
     .what = "(x - mean) / std, or x * (1 / std) - mean / std",
     .options = normalisations,
     .initial = "two_steps"},
    {.name = "colours", .what = "order of the planes", .options = colours, .initial = "rgb", .maths = true},
    {.name = "exif",
     .what = "whether the picture is turned as EXIF says",
     .options = exif,
     .initial = "ignore",
     .maths = true},
    {.name = "idct", .what = "libjpeg's inverse DCT", .options = idcts, .initial = "islow"},
    {.name = "upsampling",
     .what = "libjpeg's chroma upsampling: triangle or box",
     .options = upsamplings,
     .initial = "fancy",
     .maths = true},
    {.name = NULL},
};

const struct cp_component cp_component_preprocess = {
    .name = "preprocess",
    .what = "picture to pixels: how it is resized",
    .variant = variant,
    .initial = "pillow",
    .maths = maths,
    .reach = CP_BEFORE_IMAGES,
    .knobs = knobs,
};
