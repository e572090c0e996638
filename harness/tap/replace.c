/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copies what was kept over the pass's own tensor, unless the event says that it must stay. */
#include "tap/replace.h"

#include <string.h>

static bool wants(void *self, const struct cp_site *site, size_t index) {
    (void)site;
    return ((const struct cp_tap_buffer *)self)->data[index] != NULL;
}

static enum cp_status visit(void *self, const struct cp_tap_event *event, struct cp_error *err) {
    const float *from = ((const struct cp_tap_buffer *)self)->data[event->index];
    const size_t elements = event->inputs * cp_site_row(event->site);
    (void)err;
    if (event->fixed)
        return CP_OK;
    if (event->dtype == CP_FP64)
        for (size_t i = 0; i < elements; i++)
            ((double *)event->data)[i] = (double)from[i];
    else
        memcpy(event->data, from, elements * sizeof *from);
    return CP_OK;
}

struct cp_tap cp_replace_tap(struct cp_tap_buffer *baseline) {
    return (struct cp_tap){wants, visit, baseline};
}
