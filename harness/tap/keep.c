/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copies go into an arena that is reset before the next segment. */
#include "tap/keep.h"

#include <stdlib.h>
#include <string.h>

enum cp_status cp_keep_create(size_t sites, const bool *watched, struct cp_keep *keep, struct cp_error *err) {
    *keep = (struct cp_keep){.watched = watched,
                             .sites = sites,
                             .data = calloc(sites, sizeof(void *)),
                             .shape = calloc(sites, sizeof *keep->shape)};
    return CP_CHECK_ALLOC(keep->data && keep->shape, err, "", "%zu taps", sites);
}

static bool wants(void *self, const struct cp_site *site, size_t index) {
    (void)site;
    return ((const struct cp_keep *)self)->watched[index];
}

static enum cp_status visit(void *self, const struct cp_tap_event *event, struct cp_error *err) {
    struct cp_keep *keep = self;
    const size_t elements = event->inputs * cp_site_row(event->site), size = cp_dtype_size(event->dtype);
    void *copy = cp_arena_alloc(&keep->arena, elements, size);
    CP_TRY(CP_CHECK_BATCH_ALLOC(copy, err, event->site->name, "a comparison"));
    keep->data[event->index] = memcpy(copy, event->data, elements * size);
    memcpy(keep->shape[event->index], event->site->shape, sizeof *keep->shape);
    return CP_OK;
}

struct cp_tap cp_keep_tap(struct cp_keep *keep) {
    return (struct cp_tap){wants, visit, keep};
}

void cp_keep_reset(struct cp_keep *keep) {
    cp_arena_reset(&keep->arena);
    memset(keep->data, 0, keep->sites * sizeof *keep->data);
}

void cp_keep_free(struct cp_keep *keep) {
    cp_arena_free(&keep->arena);
    free(keep->data);
    free(keep->shape);
    keep->data = NULL;
    keep->shape = NULL;
}
