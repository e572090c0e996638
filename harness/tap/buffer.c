/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copies go into an arena that is reset before the next stage. */
#include "tap/buffer.h"

#include <stdlib.h>
#include <string.h>

enum cp_status cp_tap_buffer_create(size_t sites, const bool *watched, struct cp_tap_buffer *buffer,
                                    struct cp_error *err) {
    *buffer = (struct cp_tap_buffer){.watched = watched,
                                     .sites = sites,
                                     .data = calloc(sites, sizeof(void *)),
                                     .shape = calloc(sites, sizeof *buffer->shape)};
    return CP_CHECK_ALLOC(buffer->data && buffer->shape, err, "", "%zu taps", sites);
}

static bool wants(void *self, const struct cp_site *site, size_t index) {
    (void)site;
    return ((const struct cp_tap_buffer *)self)->watched[index];
}

static enum cp_status visit(void *self, const struct cp_tap_event *event, struct cp_error *err) {
    struct cp_tap_buffer *buffer = self;
    const size_t elements = event->inputs * cp_site_row(event->site), size = cp_dtype_size(event->dtype);
    void *copy = cp_arena_alloc(&buffer->arena, elements, size);
    CP_TRY(CP_CHECK_BATCH_ALLOC(copy, err, event->site->name, "a comparison"));
    buffer->data[event->index] = memcpy(copy, event->data, elements * size);
    memcpy(buffer->shape[event->index], event->site->shape, sizeof *buffer->shape);
    return CP_OK;
}

struct cp_tap cp_buffer_tap(struct cp_tap_buffer *buffer) {
    return (struct cp_tap){wants, visit, buffer};
}

void cp_tap_buffer_reset(struct cp_tap_buffer *buffer) {
    cp_arena_reset(&buffer->arena);
    memset(buffer->data, 0, buffer->sites * sizeof *buffer->data);
}

void cp_tap_buffer_free(struct cp_tap_buffer *buffer) {
    cp_arena_free(&buffer->arena);
    free(buffer->data);
    free(buffer->shape);
    buffer->data = NULL;
    buffer->shape = NULL;
}
