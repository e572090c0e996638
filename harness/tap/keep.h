/* SPDX-License-Identifier: GPL-3.0-or-later
 * A sink that keeps copies of one segment's tensors, for a comparison that runs after it. */
#ifndef CP_TAP_KEEP_H
#define CP_TAP_KEEP_H

#include "tap/tap.h"

struct cp_keep {
    const bool *watched; /* per site: which to keep */
    void **data;         /* per site: the kept batch, or NULL; owned by the arena */
    size_t (*shape)[4];  /* per site: what its site said of one input, in [1] to [3] */
    size_t sites;
    struct cp_arena arena;
};

/* watched is borrowed. Free with cp_keep_free. */
enum cp_status cp_keep_create(size_t sites, const bool *watched, struct cp_keep *keep, struct cp_error *err);
struct cp_tap cp_keep_tap(struct cp_keep *keep);
/* Forgets the segment. */
void cp_keep_reset(struct cp_keep *keep);
void cp_keep_free(struct cp_keep *keep);

#endif
