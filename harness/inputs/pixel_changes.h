/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a spec's components make of the normalised pixels (spec/component.h struct cp_pixel_kernel), one component after
 * the other in the order of the table. */
#ifndef CP_INPUTS_PIXEL_CHANGES_H
#define CP_INPUTS_PIXEL_CHANGES_H

#include "base/arena.h"
#include "spec/spec.h"

struct cp_pixel_changes {
    struct cp_choice choice;
    size_t row;                      /* numbers of an image: 3 size size */
    void *state[CP_COMPONENT_COUNT]; /* of the kernels that keep one; NULL: none */
};

/* Of a run over so many images; states live in the arena. */
enum cp_status cp_pixel_changes_start(const struct cp_spec *spec, size_t images, struct cp_arena *arena,
                                      struct cp_pixel_changes *changes, struct cp_error *err);
/* Changes the pixels of images [first, first + count). Batches in order cost what they hold; others may cost as much
 * as all images before them. also: other pixels of the same images, or NULL. */
void cp_pixel_changes_apply(const struct cp_pixel_changes *changes, size_t first, size_t count, float *pixels,
                            float *also);

#endif
