/* SPDX-License-Identifier: GPL-3.0-or-later
 * The variants (open_clip's, Hugging Face's), as two passes over the grid; the class token is copied. */
#include "preprocess/position.h"

#include "preprocess/torch_axis.h"

#include <stdlib.h>
#include <string.h>

const struct cp_position cp_positions[CP_POSITIONS] = {
    {.info = {.name = "open_clip",
              .imitates = "open_clip resize_pos_embed since v2.10.0",
              .formula = "F.interpolate bicubic, antialias=True, align_corners=False: a = -0.5, in fp32",
              .source = "mlfoundations/open_clip src/open_clip/model.py resize_pos_embed; pytorch/pytorch "
                        "aten/src/ATen/native/cpu/UpSampleKernel.cpp",
              .maths = "position_antialias"},
     .axis = cp_torch_axis_antialias,
     .sum = cp_torch_sum_antialias},
    {.info = {.name = "huggingface",
              .imitates = "Hugging Face interpolate_pos_encoding; open_clip before v2.10.0",
              .formula = "F.interpolate bicubic, antialias=False, align_corners=False: a = -0.75, in fp32",
              .source = "huggingface/transformers models/clip/modeling_clip.py interpolate_pos_encoding; "
                        "pytorch/pytorch aten/src/ATen/native/cpu/UpSampleKernel.cpp",
              .maths = "position_plain"},
     .axis = cp_torch_axis_plain,
     .sum = cp_torch_sum_plain},
};

/* in: (from, from, width), middle: (from, to, width), out: (to, to, width). */
static void apply(const struct cp_position *how, const struct cp_axis *axis, const float *in, size_t from,
                  size_t width, float *middle, float *out) {
    const size_t to = axis->outputs, row = to * width;
    for (size_t y = 0; y < from; y++)
        for (size_t o = 0; o < to; o++)
            for (size_t c = 0; c < width; c++)
                middle[y * row + o * width + c] = how->sum(axis, o, in + y * from * width + c, width);
    for (size_t o = 0; o < to; o++)
        for (size_t i = 0; i < row; i++)
            out[o * row + i] = how->sum(axis, o, middle + i, row);
}

enum cp_status cp_position_resize(const struct cp_position *how, const float *table, size_t from, size_t to,
                                  size_t width, float *out, struct cp_error *err) {
    const struct cp_span whole = {to, 0, to, 0};
    struct cp_axis axis = {0};
    float *middle = malloc(from * to * width * sizeof *middle);
    CP_TRY(CP_CHECK_ALLOC(middle, err, "", "resizing position embeddings"));
    const enum cp_status status =
        how->axis(CP_BICUBIC, from, &whole, "visual.positional_embedding", &axis, err);
    if (status == CP_OK) {
        memcpy(out, table, width * sizeof *out);
        apply(how, &axis, table + width, from, width, middle, out + width);
    }
    cp_axis_free(&axis);
    free(middle);
    return status;
}
