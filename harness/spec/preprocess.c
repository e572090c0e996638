/* SPDX-License-Identifier: GPL-3.0-or-later
 * A spec's choices as arguments of preprocessing, and whether two specs get the same pixels. */
#include "spec/spec.h"

#include <string.h>

struct cp_preprocess cp_spec_preprocess(const struct cp_spec *spec) {
    const struct cp_choice *choice = cp_spec_at(spec, CP_VISUAL, -1);
    const struct cp_clip_config *config = spec->config;
    const int *option = choice->option;
    struct cp_preprocess how = {
        .resize = cp_resizes[choice->variant[CP_PREPROCESS]],
        .mode = (enum cp_resize_mode)option[CP_PREPROCESS_MODE],
        .filter = (enum cp_resize_filter)option[CP_PREPROCESS_FILTER],
        .long_side = (enum cp_long_side)option[CP_PREPROCESS_LONG_SIDE],
        .crop = (enum cp_crop_offset)option[CP_PREPROCESS_CROP],
        .rescale = (enum cp_rescale)option[CP_PREPROCESS_RESCALE],
        .normalize = (enum cp_normalize)option[CP_PREPROCESS_NORMALIZE],
        .colours = (enum cp_colours)option[CP_PREPROCESS_COLOURS],
        .exif = (enum cp_exif)option[CP_PREPROCESS_EXIF],
        .decode = {option[CP_PREPROCESS_IDCT] != 0, option[CP_PREPROCESS_UPSAMPLING] != 0},
        .size = (size_t)config->vision.image_size,
        .fill = (uint8_t)config->fill,
    };
    memcpy(how.mean, config->mean, sizeof how.mean);
    memcpy(how.std, config->std, sizeof how.std);
    return how;
}

bool cp_spec_same_preprocess(const struct cp_spec *a, const struct cp_spec *b) {
    const struct cp_preprocess x = cp_spec_preprocess(a), y = cp_spec_preprocess(b);
    return cp_preprocess_same(&x, &y);
}

bool cp_choice_same_pixel_changes(const struct cp_choice *a, const struct cp_choice *b) {
    for (int c = 0; c < CP_COMPONENT_COUNT; c++)
        if (cp_components[c]->pixels && a->variant[c] != b->variant[c])
            return false;
    for (int k = 0; k < CP_KNOB_COUNT; k++)
        if (cp_components[cp_knob_component(k)]->pixels &&
            (a->option[k] != b->option[k] || a->number[k] != b->number[k]))
            return false;
    return true;
}

bool cp_spec_same_pixels(const struct cp_spec *a, const struct cp_spec *b) {
    return cp_spec_same_preprocess(a, b) &&
           cp_choice_same_pixel_changes(cp_spec_at(a, CP_VISUAL, -1), cp_spec_at(b, CP_VISUAL, -1));
}

bool cp_spec_changes_pixels(const struct cp_spec *spec) {
    const struct cp_choice *choice = cp_spec_at(spec, CP_VISUAL, -1);
    for (int c = 0; c < CP_COMPONENT_COUNT; c++)
        if (cp_components[c]->pixels && cp_components[c]->pixels->acts(choice))
            return true;
    return false;
}

bool cp_spec_same_pixel_maths(const struct cp_spec *a, const struct cp_spec *b) {
    for (int c = 0; c < CP_COMPONENT_COUNT; c++)
        if (cp_components[c]->pixels && !cp_spec_same_maths_of(a, b, c))
            return false;
    return cp_spec_same_maths_of(a, b, CP_PREPROCESS);
}
