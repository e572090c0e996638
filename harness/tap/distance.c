/* SPDX-License-Identifier: GPL-3.0-or-later
 * One number for each input and rerun instead of tap/compare.h's table of metrics. */
#include "tap/distance.h"

#include "tap/compare.h"

static bool wants(void *self, const struct cp_site *site, size_t index) {
    const struct cp_distance *d = self;
    (void)site;
    return d->baseline->data[index] && d->rows[index]; /* kept, and recorded */
}

struct distance_task {
    const struct cp_distance *distance;
    const struct cp_tap_event *event;
};

static void measure_input(void *context, size_t input, int worker) {
    const struct distance_task *task = context;
    const struct cp_distance *d = task->distance;
    const struct cp_tap_event *event = task->event;
    const size_t at = input * cp_site_row(event->site);
    struct cp_compared shape = cp_compared_shape(event->site, event->valid_tokens, input);
    (void)worker;
    shape.x = (const float *)event->data + at;
    shape.y = (const float *)d->baseline->data[event->index] + at;
    d->rows[event->index][input * d->runs + d->run] = cp_relative_l2(&shape);
}

static enum cp_status visit(void *self, const struct cp_tap_event *event, struct cp_error *err) {
    struct distance_task task = {self, event};
    (void)err;
    cp_pool_for(task.distance->pool, event->inputs, measure_input, &task);
    return CP_OK;
}

struct cp_tap cp_distance_tap(struct cp_distance *distance) {
    return (struct cp_tap){wants, visit, distance};
}
