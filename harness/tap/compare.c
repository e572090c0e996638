/* SPDX-License-Identifier: GPL-3.0-or-later
 * Measures all inputs of a tap in parallel; other sizes and token ids are measured in ways of their own. */
#include "tap/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const cp_part_names[CP_PART_COUNT] = {"total", "semantic", "rounding", "rounding_baseline"};

static bool wants(void *self, const struct cp_site *site, size_t index) {
    (void)site;
    return ((const struct cp_compare *)self)->watched[index];
}

/* Captures without a model may say more tokens than their taps have. */
static size_t at_most(int valid_tokens, size_t length) {
    return (size_t)valid_tokens < length ? (size_t)valid_tokens : length;
}

struct cp_compared cp_compared_shape(const struct cp_site *site, const int *valid_tokens, size_t input) {
    struct cp_compared c = {.groups = 1, .group_rows = 1};
    c.stride = site->shape[site->rank - 1];
    if (site->rank >= 3)
        c.group_rows = site->shape[site->rank - 2];
    if (site->rank == 4)
        c.groups = site->shape[1];
    c.rows = c.group_rows;
    c.width = c.stride;
    if (valid_tokens && site->point == CP_TOKENS)
        c.width = at_most(valid_tokens[input], c.stride);
    if (valid_tokens && site->rank >= 3)
        c.rows = at_most(valid_tokens[input], c.group_rows);
    if (valid_tokens && site->rank == 4)
        c.width = at_most(valid_tokens[input], c.stride);
    return c;
}

struct compare_task {
    const struct cp_compare *compare;
    const struct cp_tap_event *event;
    double *metrics;      /* (inputs, part, metric) */
    int32_t *ulp;         /* (inputs, CP_ULP_BINS) */
    double *work;         /* (threads, cp_metrics_work) */
    float *marks;         /* (threads, 2, elements of an input): of ids; else NULL */
    double *oracle_marks; /* the same */
};

/* One input's tensors: of the candidate and the baseline, float32, and of their oracles, float64, or NULL. */
struct sides {
    const void *c, *b, *oracle_c, *oracle_b;
};

static const void *row_of(const struct cp_tap_buffer *buffer, const struct cp_tap_event *event, size_t input,
                          enum cp_dtype dtype) {
    const char *data = buffer ? buffer->data[event->index] : NULL;
    return data ? data + input * cp_site_row(event->site) * cp_dtype_size(dtype) : NULL;
}

static struct sides sides_of(const struct cp_compare *compare, const struct cp_tap_event *event,
                             size_t input) {
    return (struct sides){(const float *)event->data + input * cp_site_row(event->site),
                          row_of(compare->baseline, event, input, CP_FP32),
                          row_of(compare->oracle, event, input, CP_FP64),
                          row_of(compare->oracle_baseline, event, input, CP_FP64)};
}

static void part(struct cp_compared shape, const void *x, enum cp_dtype x_type, const void *y, double *work,
                 double *metrics) {
    shape.x = x;
    shape.y = y;
    shape.x_type = x_type;
    shape.y_type = CP_FP64;
    if (x && y) {
        cp_metrics(&shape, work, metrics, NULL);
        return;
    }
    for (size_t i = 0; i < CP_METRIC_COUNT; i++)
        metrics[i] = NAN;
}

/* The site as the baseline has it, whose input may be of another size. */
static struct cp_site baseline_site(const struct cp_compare *compare, const struct cp_tap_event *event) {
    struct cp_site site = *event->site;
    if (site.ragged)
        memcpy(site.shape, compare->baseline->shape[event->index], sizeof site.shape);
    return site;
}

static bool same_size(const struct cp_site *a, const struct cp_site *b) {
    return memcmp(a->shape, b->shape, sizeof a->shape) == 0;
}

/* Every element differs, by no distance that there is: no tolerance allows that. */
static void apart(double elements, double *metrics) {
    for (size_t i = 0; i < CP_METRIC_COUNT; i++)
        metrics[i] = NAN;
    metrics[CP_REL_L2] = metrics[CP_WORST_REL_L2] = INFINITY;
    metrics[CP_DIFFERENT] = elements;
    metrics[CP_BEYOND] = 1;
    metrics[CP_NONFINITE] = 0;
}

/* An input that has another size than the baseline's: only the rounding of each can be told. */
static void compare_other_size(const struct compare_task *task, const struct sides *s,
                               const struct cp_site *theirs, double *work) {
    const struct cp_site *own = task->event->site;
    struct cp_compared shape = cp_compared_shape(own, NULL, 0);
    double *metrics = task->metrics;
    shape.ulp_type = task->compare->ulp_types[task->event->index];
    apart((double)cp_site_row(own), metrics + CP_TOTAL * CP_METRIC_COUNT);
    part(shape, NULL, CP_FP64, NULL, work, metrics + CP_SEMANTIC * CP_METRIC_COUNT);
    if (s->oracle_c && s->oracle_b)
        apart((double)cp_site_row(own), metrics + CP_SEMANTIC * CP_METRIC_COUNT);
    part(shape, s->c, CP_FP32, s->oracle_c, work, metrics + CP_ROUNDING * CP_METRIC_COUNT);
    shape = cp_compared_shape(theirs, NULL, 0);
    shape.ulp_type = task->compare->ulp_types[task->event->index];
    part(shape, s->b, CP_FP32, s->oracle_b, work, metrics + CP_ROUNDING_BASELINE * CP_METRIC_COUNT);
    memset(task->ulp, 0, CP_ULP_BINS * sizeof *task->ulp);
}

/* Ids are names, whose differences mean nothing: in place of an input's ids 1 where they are the baseline's,
 * and 2 elsewhere. Relative L2 then is the root of the share that differs. */
static struct sides as_marks(const struct compare_task *task, const struct sides *s, int worker) {
    const size_t n = cp_site_row(task->event->site);
    float *marks = task->marks + (size_t)worker * 2 * n;
    double *oracle_marks = task->oracle_marks + (size_t)worker * 2 * n;
    const float *ids = s->b, *own = s->c;
    const double *oracle_c = s->oracle_c, *oracle_b = s->oracle_b;
    for (size_t i = 0; i < n; i++) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): ids are recorded by both, or not at all */
        marks[i] = own[i] == ids[i] ? 1 : 2;
        marks[n + i] = 1;
        oracle_marks[i] = oracle_c && oracle_c[i] != (double)ids[i] ? 2 : 1;
        oracle_marks[n + i] = oracle_b && oracle_b[i] != (double)ids[i] ? 2 : 1;
    }
    return (struct sides){marks, marks + n, s->oracle_c ? oracle_marks : NULL,
                          s->oracle_b ? oracle_marks + n : NULL};
}

static void compare_input(void *context, size_t input, int worker) {
    const struct compare_task *task = context;
    const struct cp_compare *compare = task->compare;
    const struct cp_tap_event *event = task->event;
    struct sides s = sides_of(compare, event, input);
    struct cp_compared shape = cp_compared_shape(event->site, event->valid_tokens, input);
    double *metrics = task->metrics + input * CP_PART_COUNT * CP_METRIC_COUNT;
    double *rounding = metrics + CP_ROUNDING * CP_METRIC_COUNT;
    double *rounding_baseline = metrics + CP_ROUNDING_BASELINE * CP_METRIC_COUNT;
    double *work = task->work + (size_t)worker * cp_metrics_work(shape.stride);
    shape.ulp_type = compare->ulp_types[event->index];
    shape.tolerance = compare->tolerances ? compare->tolerances[event->index] : NULL;
    if (task->marks)
        s = as_marks(task, &s, worker);
    part(shape, s.oracle_c, CP_FP64, s.oracle_b, work, metrics + CP_SEMANTIC * CP_METRIC_COUNT);
    part(shape, s.c, CP_FP32, s.oracle_c, work, rounding);
    if (s.c == s.b && s.oracle_c == s.oracle_b)
        memcpy(rounding_baseline, rounding, CP_METRIC_COUNT * sizeof *rounding);
    else
        part(shape, s.b, CP_FP32, s.oracle_b, work, rounding_baseline);
    shape.x = s.c;
    shape.y = s.b;
    cp_metrics(&shape, work, metrics + CP_TOTAL * CP_METRIC_COUNT, task->ulp + input * CP_ULP_BINS);
}

/* Metrics and the histogram of units of last place, to the file. */
static enum cp_status store(const struct cp_compare *compare, const struct cp_tap_event *event,
                            const struct compare_task *task, struct cp_error *err) {
    const int ulp = compare->ulp_handles ? compare->ulp_handles[event->index] : -1;
    CP_TRY(cp_result_write(compare->result, compare->handles[event->index], event->first, event->inputs,
                           task->metrics, err));
    if (ulp < 0)
        return CP_OK;
    return cp_result_write(compare->result, ulp, event->first, event->inputs, task->ulp, err);
}

/* Every input's metrics; of a ragged site there is one input. */
static void compare_inputs(struct compare_task *task, const struct cp_site *theirs) {
    const struct sides s = sides_of(task->compare, task->event, 0);
    if (same_size(task->event->site, theirs))
        cp_pool_for(task->compare->pool, task->event->inputs, compare_input, task);
    else
        compare_other_size(task, &s, theirs, task->work);
}

static enum cp_status visit(void *self, const struct cp_tap_event *event, struct cp_error *err) {
    const struct cp_compare *compare = self;
    if (!compare->baseline->data[event->index])
        return CP_OK; /* the baseline has no such tensor */
    const struct cp_site theirs = baseline_site(compare, event);
    const size_t own_stride = event->site->shape[event->site->rank - 1];
    const size_t their_stride = theirs.shape[theirs.rank - 1];
    const size_t stride = own_stride > their_stride ? own_stride : their_stride;
    const size_t work = (size_t)cp_pool_threads(compare->pool) * cp_metrics_work(stride);
    struct compare_task task = {
        .compare = compare,
        .event = event,
        .metrics = malloc(event->inputs * CP_PART_COUNT * CP_METRIC_COUNT * sizeof(double)),
        .ulp = malloc(event->inputs * CP_ULP_BINS * sizeof(int32_t)),
        .work = malloc(work * sizeof(double)),
    };
    const bool ids = event->site->point == CP_TOKENS;
    const size_t marks = (size_t)cp_pool_threads(compare->pool) * 2 * cp_site_row(event->site);
    enum cp_status status = CP_OK;
    if (ids) {
        task.marks = malloc(marks * sizeof *task.marks);
        task.oracle_marks = malloc(marks * sizeof *task.oracle_marks);
    }
    if (!task.metrics || !task.ulp || !task.work || (ids && (!task.marks || !task.oracle_marks))) {
        status = cp_no_memory(err, event->site->name, "metrics");
    } else {
        compare_inputs(&task, &theirs);
        status = store(compare, event, &task, err);
    }
    free(task.metrics);
    free(task.ulp);
    free(task.work);
    free(task.marks);
    free(task.oracle_marks);
    return status;
}

struct cp_tap cp_compare_tap(struct cp_compare *compare) {
    return (struct cp_tap){wants, visit, compare};
}

static bool has_part(const double *metrics, int part) {
    return !isnan(metrics[part * CP_METRIC_COUNT + CP_DIFFERENT]);
}

/* The parts that any input has. */
static void find_parts(const double *metrics, size_t inputs, bool there[CP_PART_COUNT]) {
    for (int part = 0; part < CP_PART_COUNT; part++) {
        there[part] = false;
        for (size_t i = 0; i < inputs && !there[part]; i++)
            there[part] = has_part(metrics + i * CP_PART_COUNT * CP_METRIC_COUNT, part);
    }
}

static bool has_all(const double *metrics, const bool there[CP_PART_COUNT]) {
    for (int part = 0; part < CP_PART_COUNT; part++)
        if (there[part] && !has_part(metrics, part))
            return false;
    return true;
}

struct cp_tap_summary cp_tap_summarise(const double *metrics, size_t inputs) {
    struct cp_tap_summary summary = {.worst_token = 0};
    bool there[CP_PART_COUNT];
    find_parts(metrics, inputs, there);
    for (size_t i = 0; i < inputs; i++, metrics += CP_PART_COUNT * CP_METRIC_COUNT) {
        const double *total = metrics + CP_TOTAL * CP_METRIC_COUNT;
        if (has_all(metrics, there)) {
            summary.meant++;
            for (int part = 0; part < CP_PART_COUNT; part++)
                summary.mean_rel[part] += metrics[part * CP_METRIC_COUNT + CP_REL_L2];
        }
        if (!has_part(metrics, CP_TOTAL))
            continue;
        summary.compared++;
        summary.worst_token = cp_worse(summary.worst_token, total[CP_WORST_REL_L2]);
        summary.ulp_max = cp_worse(summary.ulp_max, total[CP_ULP_MAX]);
        summary.nonfinite += total[CP_NONFINITE];
        summary.different += total[CP_DIFFERENT];
    }
    for (int part = 0; part < CP_PART_COUNT; part++)
        summary.mean_rel[part] =
            summary.meant && there[part] ? summary.mean_rel[part] / (double)summary.meant : NAN;
    return summary;
}
