/* SPDX-License-Identifier: GPL-3.0-or-later
 * Inputs run in parallel; one hash serves sixteen elements, four bits each. */
#include "tap/stochastic.h"

#include "base/hash.h"

#include <math.h>

static bool wants(void *self, const struct cp_site *site, size_t index) {
    (void)self;
    (void)index;
    return site->point > CP_PIXELS_NORMALIZED && site->point != CP_TOKENS &&
           site->point != CP_TOKEN_EMBEDDING && site->point != CP_POOLED;
}

struct stochastic_task {
    const struct cp_stochastic *stochastic;
    const struct cp_tap_event *event;
    uint64_t stream;
};

static float moved(float x, enum cp_dtype type, uint64_t drawn) {
    if (drawn >= 4 || x == 0 || !isfinite(x))
        return x;
    const float step = (float)cp_ulp_at(type, (double)x);
    return drawn & 1 ? x + step : x - step;
}

/* A hash serves sixteen elements. */
static void move_input(void *context, size_t input, int worker) {
    const struct stochastic_task *task = context;
    const struct cp_tap_event *event = task->event;
    const size_t row = cp_site_row(event->site);
    const enum cp_dtype type = task->stochastic->types[event->index];
    float *data = (float *)event->data + input * row;
    uint64_t bits = 0;
    (void)worker;
    for (size_t i = 0; i < row; i++, bits >>= 4) {
        if (i % 16 == 0)
            bits = cp_counter_hash(task->stochastic->seed, task->stream, (event->first + input) * row + i);
        data[i] = moved(data[i], type, bits & 15);
    }
}

static enum cp_status visit(void *self, const struct cp_tap_event *event, struct cp_error *err) {
    struct stochastic_task task = {self, event, cp_name_hash(event->site->name)};
    (void)err;
    cp_pool_for(task.stochastic->pool, event->inputs, move_input, &task);
    return CP_OK;
}

struct cp_tap cp_stochastic_tap(struct cp_stochastic *stochastic) {
    return (struct cp_tap){wants, visit, stochastic};
}
