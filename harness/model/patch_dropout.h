/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which patches the image tower sees under a spec's patch_dropout. open_clip's PatchDropout (training alone,
 * after positions are added, before ln_pre) takes the others out of the sequence. Here every token stays in
 * its place and the others are hidden: no softmax has them among its keys, no mean pools them. What the kept
 * tokens come to is the same function; a hidden token only looks on. The choice is that of one forward pass
 * over all images of the run, whatever the batch: torch.randn(images, patches).topk(kept).indices after
 * torch.manual_seed(seed).
 * Source: Li et al. 2022, "Scaling Language-Image Pre-training via Masking", arXiv:2212.00794;
 * mlfoundations/open_clip src/open_clip/transformer.py PatchDropout. */
#ifndef CP_MODEL_PATCH_DROPOUT_H
#define CP_MODEL_PATCH_DROPOUT_H

#include "base/arena.h"
#include "base/status.h"
#include "spec/spec.h"

#include <stdint.h>

struct cp_patch_mask {
    size_t images, count; /* count: tokens of each image that are seen */
    uint32_t *tokens;     /* (images, count), ascending; the class token, 0, is the first */
    double prob, seed;    /* that made it */
    const struct cp_patch_mask *next;
};

/* What the spec keeps of a run's images; NULL where that is everything. Taken from the list, or made in the
 * arena and put there. */
enum cp_status cp_patch_dropout(const struct cp_spec *spec, size_t images, struct cp_arena *arena,
                                const struct cp_patch_mask **list, const struct cp_patch_mask **patch_mask,
                                struct cp_error *err);

/* The tokens of an image of the run; NULL: all are seen. */
static inline const uint32_t *cp_patch_mask_of(const struct cp_patch_mask *patch_mask, size_t image) {
    return patch_mask ? patch_mask->tokens + image * patch_mask->count : NULL;
}

/* Moves the count kept columns of (rows, n) to the left of their row, and back again with 0 between them. */
void cp_patch_mask_gather(const uint32_t *visible, size_t count, float *x, size_t rows, size_t n);
void cp_patch_mask_spread(const uint32_t *visible, size_t count, float *x, size_t rows, size_t n);

#endif
