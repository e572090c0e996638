/* SPDX-License-Identifier: GPL-3.0-or-later
 * Walks the table of components for kernels that change pixels. */
#include "inputs/pixel_changes.h"

enum cp_status cp_pixel_changes_start(const struct cp_spec *spec, size_t images, struct cp_arena *arena,
                                      struct cp_pixel_changes *changes, struct cp_error *err) {
    const size_t side = (size_t)spec->config->vision.image_size;
    *changes = (struct cp_pixel_changes){.choice = *cp_spec_at(spec, CP_VISUAL, -1), .row = 3 * side * side};
    for (int c = 0; c < CP_COMPONENT_COUNT; c++) {
        const struct cp_pixel_kernel *kernel = cp_components[c]->pixels;
        if (!kernel || !kernel->start || !kernel->acts(&changes->choice))
            continue;
        changes->state[c] = cp_arena_alloc(arena, 1, kernel->state);
        CP_TRY(CP_CHECK_ALLOC(changes->state[c], err, "", "component %s", cp_components[c]->name));
        kernel->start(&changes->choice, images * changes->row, changes->state[c]);
    }
    return CP_OK;
}

void cp_pixel_changes_apply(const struct cp_pixel_changes *changes, size_t first, size_t count, float *pixels,
                            float *also) {
    for (int c = 0; c < CP_COMPONENT_COUNT; c++) {
        const struct cp_pixel_kernel *kernel = cp_components[c]->pixels;
        if (kernel && kernel->acts(&changes->choice))
            kernel->apply(&changes->choice, changes->state[c], first * changes->row, count * changes->row,
                          pixels, also);
    }
}
