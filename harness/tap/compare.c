/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tap/compare.h"

#include <math.h>
#include <stdlib.h>

const char *const cp_part_names[CP_PART_COUNT] = {"total", "semantic", "rounding", "rounding_baseline"};

static bool wants(void *self, const struct cp_site *site, size_t index) {
    (void)site;
    return ((const struct cp_compare *)self)->watched[index];
}

struct cp_compared cp_compared_shape(const struct cp_site *site, const int *judged, size_t input) {
    struct cp_compared c = {.groups = 1, .group_rows = 1};
    c.stride = site->shape[site->rank - 1];
    if (site->rank >= 3)
        c.group_rows = site->shape[site->rank - 2];
    if (site->rank == 4)
        c.groups = site->shape[1];
    c.rows = c.group_rows;
    c.width = c.stride;
    if (judged && site->rank >= 3)
        c.rows = (size_t)judged[input];
    if (judged && site->rank == 4)
        c.width = (size_t)judged[input];
    return c;
}

struct task {
    const struct cp_compare *compare;
    const struct cp_tap_event *event;
    double *metrics;
};

static const void *row_of(const struct cp_keep *keep, const struct cp_tap_event *event, size_t input,
                          enum cp_dtype dtype) {
    const char *data = keep ? keep->data[event->index] : NULL;
    return data ? data + input * cp_site_row(event->site) * cp_dtype_size(dtype) : NULL;
}

static void part(struct cp_compared shape, const void *x, enum cp_dtype x_type, const void *y,
                 enum cp_dtype y_type, double *metrics) {
    shape.x = x;
    shape.y = y;
    shape.x_type = x_type;
    shape.y_type = y_type;
    if (x && y) {
        cp_metrics(&shape, metrics);
        return;
    }
    for (size_t i = 0; i < CP_METRIC_COUNT; i++)
        metrics[i] = NAN;
}

static void compare_input(void *context, size_t input, int worker) {
    const struct task *task = context;
    const struct cp_compare *compare = task->compare;
    const struct cp_tap_event *event = task->event;
    double *metrics = task->metrics + input * CP_PART_COUNT * CP_METRIC_COUNT;
    struct cp_compared shape = cp_compared_shape(event->site, event->judged, input);
    (void)worker;
    shape.ulp_type = compare->ulp_types[event->index];
    const void *c = (const float *)event->data + input * cp_site_row(event->site);
    const void *b = row_of(compare->baseline, event, input, CP_FP32);
    const void *oracle_c = row_of(compare->oracle, event, input, CP_FP64);
    const void *oracle_b = row_of(compare->oracle_baseline, event, input, CP_FP64);
    part(shape, c, CP_FP32, b, CP_FP32, metrics + CP_TOTAL * CP_METRIC_COUNT);
    part(shape, oracle_c, CP_FP64, oracle_b, CP_FP64, metrics + CP_SEMANTIC * CP_METRIC_COUNT);
    part(shape, c, CP_FP32, oracle_c, CP_FP64, metrics + CP_ROUNDING * CP_METRIC_COUNT);
    part(shape, b, CP_FP32, oracle_b, CP_FP64, metrics + CP_ROUNDING_BASELINE * CP_METRIC_COUNT);
}

void cp_compare_event(const struct cp_compare *compare, const struct cp_tap_event *event, double *metrics) {
    struct task task = {compare, event, metrics};
    cp_pool_for(compare->pool, event->inputs, compare_input, &task);
}

static enum cp_status visit(void *self, const struct cp_tap_event *event, struct cp_error *err) {
    const struct cp_compare *compare = self;
    double *metrics = malloc(event->inputs * CP_PART_COUNT * CP_METRIC_COUNT * sizeof *metrics);
    if (!metrics)
        return cp_fail(err, CP_INTERNAL, event->site->name, "out of memory for metrics");
    cp_compare_event(compare, event, metrics);
    const enum cp_status status = cp_result_write(compare->result, compare->handles[event->index],
                                                  event->first, event->inputs, metrics, err);
    free(metrics);
    return status;
}

struct cp_tap cp_compare_tap(struct cp_compare *compare) {
    return (struct cp_tap){wants, visit, compare};
}

struct cp_tap_summary cp_tap_summarise(const double *metrics, size_t inputs) {
    struct cp_tap_summary summary = {.worst_token = 0};
    size_t counted[CP_PART_COUNT] = {0};
    for (size_t i = 0; i < inputs; i++, metrics += CP_PART_COUNT * CP_METRIC_COUNT) {
        for (int part = 0; part < CP_PART_COUNT; part++) {
            const double *m = metrics + part * CP_METRIC_COUNT;
            if (isnan(m[CP_DIFFERENT]))
                continue;
            summary.mean_rel[part] += m[CP_REL_L2];
            counted[part]++;
        }
        const double *total = metrics + CP_TOTAL * CP_METRIC_COUNT;
        summary.worst_token = cp_worse(summary.worst_token, total[CP_WORST_REL_L2]);
        summary.ulp_max = cp_worse(summary.ulp_max, total[CP_ULP_MAX]);
        summary.nonfinite += total[CP_NONFINITE];
        summary.different += total[CP_DIFFERENT];
    }
    for (int part = 0; part < CP_PART_COUNT; part++)
        summary.mean_rel[part] = counted[part] ? summary.mean_rel[part] / (double)counted[part] : NAN;
    return summary;
}
