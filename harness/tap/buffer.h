/* SPDX-License-Identifier: GPL-3.0-or-later
 * A sink that keeps copies of one stage's tensors, for a comparison that runs after it. */
#ifndef CP_TAP_BUFFER_H
#define CP_TAP_BUFFER_H

#include "tap/tap.h"

struct cp_tap_buffer {
    const bool *watched; /* per site: which to keep */
    void **data;         /* per site: the kept batch, or NULL; owned by the arena */
    size_t (*shape)[4];  /* per site: what its site said of one input, in [1] to [3] */
    size_t sites;
    struct cp_arena arena;
};

/* watched is borrowed. Free with cp_tap_buffer_free. */
enum cp_status cp_tap_buffer_create(size_t sites, const bool *watched, struct cp_tap_buffer *buffer,
                                    struct cp_error *err);
struct cp_tap cp_buffer_tap(struct cp_tap_buffer *buffer);
/* Forgets the stage. */
void cp_tap_buffer_reset(struct cp_tap_buffer *buffer);
void cp_tap_buffer_free(struct cp_tap_buffer *buffer);

#endif
