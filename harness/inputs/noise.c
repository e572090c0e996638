/* SPDX-License-Identifier: GPL-3.0-or-later
 * Draws the numbers in small pieces and adds them to one or two buffers of pixels. */
#include "inputs/noise.h"

enum { PIECE = 4096 };

void cp_noise_start(const struct cp_spec *spec, size_t images, struct cp_noise *noise) {
    const double *number = cp_spec_at(spec, CP_VISUAL, -1)->number;
    const size_t side = (size_t)spec->config->vision.image_size;
    noise->sigma = number[CP_PIXEL_NOISE_SIGMA];
    noise->row = 3 * side * side;
    cp_torch_normals_start(&noise->numbers, (uint64_t)number[CP_PIXEL_NOISE_SEED], CP_TORCH_AVX2,
                           images * noise->row);
}

bool cp_noise_same(const struct cp_noise *a, const struct cp_noise *b) {
    return a->sigma == b->sigma && a->numbers.seed == b->numbers.seed;
}

void cp_noise_add(struct cp_noise *noise, size_t first, size_t count, float *pixels, float *also) {
    const size_t total = count * noise->row;
    float piece[PIECE];
    for (size_t at = 0; at < total && noise->sigma > 0; at += PIECE) {
        const size_t n = total - at < PIECE ? total - at : PIECE;
        cp_torch_normals_read(&noise->numbers, first * noise->row + at, n, piece);
        for (size_t i = 0; i < n; i++)
            pixels[at + i] += (float)noise->sigma * piece[i];
        for (size_t i = 0; also && i < n; i++)
            also[at + i] += (float)noise->sigma * piece[i];
    }
}
