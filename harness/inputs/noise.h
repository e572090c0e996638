/* SPDX-License-Identifier: GPL-3.0-or-later
 * The noise of a spec's pixel_noise: pixels + sigma * torch.randn(images, 3, size, size) after
 * torch.manual_seed(seed), one draw over all images of the run, whatever the batch. */
#ifndef CP_INPUTS_NOISE_H
#define CP_INPUTS_NOISE_H

#include "spec/spec.h"
#include "torch/random.h"

struct cp_noise {
    double sigma; /* 0: none */
    size_t row;   /* pixels of an image */
    struct cp_torch_normals numbers;
};

void cp_noise_start(const struct cp_spec *spec, size_t images, struct cp_noise *noise);
/* Whether both are of one sigma and seed. */
bool cp_noise_same(const struct cp_noise *a, const struct cp_noise *b);
/* To the pixels of images [first, first + count), each value in two roundings. Batches in order cost what
 * they hold; another one also the draws of all before it. also: other pixels of the same images, or NULL. */
void cp_noise_add(struct cp_noise *noise, size_t first, size_t count, float *pixels, float *also);

#endif
