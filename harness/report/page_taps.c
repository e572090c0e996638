/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- one number for all inputs ---- */

static const double *total_of(const struct cp_reader_array *metrics, size_t input) {
    return metrics->values + input * CP_PART_COUNT * CP_METRIC_COUNT;
}

/* The metric that says which input's value stands for all: the worst one's place and values go with it. */
static enum cp_metric leader_of(enum cp_metric metric) {
    switch (metric) {
    case CP_WORST_ROW:
        return CP_WORST_REL_L2;
    case CP_WORST_AT:
    case CP_WORST_X:
    case CP_WORST_Y:
        return CP_MAX_ABS;
    default:
        return metric;
    }
}

/* The input where a metric is worst: the largest, of the cosine and the signal-to-noise ratio the least. NaN
 * is passed over; inputs: all are NaN. */
static size_t worst_of(const struct cp_reader_array *metrics, enum cp_metric metric) {
    const double sign = metric == CP_COSINE || metric == CP_SNR_DB ? -1 : 1;
    size_t worst = metrics->shape[0];
    for (size_t i = 0; i < metrics->shape[0]; i++) {
        const double value = total_of(metrics, i)[metric];
        if (!isnan(value) &&
            (worst == metrics->shape[0] || sign * value > sign * total_of(metrics, worst)[metric]))
            worst = i;
    }
    return worst;
}

static double sum_of(const struct cp_reader_array *metrics, enum cp_metric metric, size_t *count) {
    double sum = 0;
    *count = 0;
    for (size_t i = 0; i < metrics->shape[0]; i++)
        if (!isnan(total_of(metrics, i)[metric])) {
            sum += total_of(metrics, i)[metric];
            ++*count;
        }
    return sum;
}

static double over_inputs(const struct cp_reader_array *metrics, enum cp_metric metric) {
    size_t count = 0;
    switch (metric) {
    case CP_MEAN_ABS:
    case CP_RMS:
    case CP_RMS_REF:
    case CP_REL_L2: {
        const double sum = sum_of(metrics, metric, &count);
        return count ? sum / (double)count : NAN;
    }
    case CP_NONFINITE:
    case CP_DIFFERENT:
        return sum_of(metrics, metric, &count);
    default: {
        const size_t worst = worst_of(metrics, leader_of(metric));
        return worst < metrics->shape[0] ? total_of(metrics, worst)[metric] : NAN;
    }
    }
}

/* ---- places on the images ---- */

/* Which token a row of a tap is: 0 the class token, then the patches; SIZE_MAX: none. Attention's rows are
 * (head, token). */
static size_t token_of(const struct cp_report_tap *tap, size_t grid, double row) {
    static const char *const whole[] = {"visual", "visual.pooled", "image_features"};
    const size_t patches = grid * grid;
    if (tap->tower != CP_VISUAL || grid == 0 || !(row >= 0) || strncmp(tap->name, "pixels", 6) == 0)
        return SIZE_MAX;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (strcmp(tap->name, whole[i]) == 0)
            return SIZE_MAX;
    return strcmp(tap->name, "visual.conv1") == 0 ? (size_t)row % patches + 1 : (size_t)row % (patches + 1);
}

static int by_images(const void *a, const void *b) {
    const struct cp_page_patch *x = a, *y = b;
    if (x->images != y->images)
        return x->images < y->images ? 1 : -1;
    return x->token > y->token ? 1 : -1;
}

static void keep_worst(struct cp_page_tap *page, struct cp_page_worst found) {
    size_t at = page->worst < CP_PAGE_WORST ? page->worst++ : CP_PAGE_WORST;
    for (; at > 0 && page->worst_of[at - 1].relative < found.relative; at--)
        if (at < CP_PAGE_WORST)
            page->worst_of[at] = page->worst_of[at - 1];
    if (at < CP_PAGE_WORST)
        page->worst_of[at] = found;
}

/* counts: (grid^2 + 1), cleared. */
static void find_places(const struct cp_reader_array *metrics, const struct cp_report_tap *tap, size_t grid,
                        struct cp_page_patch *counts, struct cp_page_tap *page) {
    const size_t tokens = grid * grid + 1;
    for (size_t i = 0; i < metrics->shape[0]; i++) {
        const double *total = total_of(metrics, i);
        const size_t token = token_of(tap, grid, total[CP_WORST_ROW]);
        if (token == SIZE_MAX || !(total[CP_WORST_REL_L2] > 0))
            continue;
        counts[token].images++;
        keep_worst(page, (struct cp_page_worst){i, token, total[CP_WORST_REL_L2]});
    }
    for (size_t k = 0; k < tokens; k++)
        counts[k].token = k;
    qsort(counts, tokens, sizeof *counts, by_images);
    while (page->patches < CP_PAGE_PATCHES && page->patches < tokens && counts[page->patches].images) {
        page->patch[page->patches] = counts[page->patches];
        page->patches++;
    }
}

/* ---- a tap ---- */

static enum cp_status summarise(struct cp_page_loader *l, const struct cp_reader_array *metrics,
                                const struct cp_report_tap *tap, struct cp_page_tap *page) {
    const size_t grid = l->page->grid;
    for (int m = 0; m < CP_METRIC_COUNT; m++)
        page->metric[m] = over_inputs(metrics, (enum cp_metric)m);
    const size_t worst = worst_of(metrics, CP_REL_L2);
    page->worst_input = worst < metrics->shape[0] ? (double)worst : NAN;
    page->worst_relative = worst < metrics->shape[0] ? total_of(metrics, worst)[CP_REL_L2] : NAN;
    if (tap->tower != CP_VISUAL || grid == 0)
        return CP_OK;
    struct cp_page_patch *counts = calloc(grid * grid + 1, sizeof *counts);
    if (!counts)
        return cp_fail(l->err, CP_INTERNAL, l->report->path, "out of memory");
    find_places(metrics, tap, grid, counts, page);
    free(counts);
    return CP_OK;
}

/* (input, part, metric) of a tap; *there: whether the result has it. */
static enum cp_status read_metrics(struct cp_page_loader *l, const char *object, struct cp_arena *arena,
                                   struct cp_reader_array *metrics, bool *there) {
    *there = cp_reader_has(l->reader, object) != 0;
    if (!*there)
        return CP_OK;
    CP_TRY(cp_reader_numbers(l->reader, object, arena, metrics, l->err));
    if (metrics->rank != 3 || metrics->shape[1] != CP_PART_COUNT || metrics->shape[2] != CP_METRIC_COUNT)
        return cp_page_damaged(l, object, "(input, part, metric)");
    return CP_OK;
}

static enum cp_status load_histogram(struct cp_page_loader *l, const char *group, struct cp_arena *scratch,
                                     struct cp_page_tap *page) {
    struct cp_reader_array counts;
    char object[400];
    (void)snprintf(object, sizeof object, "%.360s/ulp_histogram", group);
    if (!cp_reader_has(l->reader, object))
        return CP_OK;
    CP_TRY(cp_reader_numbers(l->reader, object, scratch, &counts, l->err));
    if (counts.rank != 2)
        return cp_page_damaged(l, object, "(input, bin)");
    double *sum = cp_arena_calloc(&l->report->arena, counts.shape[1], sizeof *sum);
    if (!sum)
        return cp_fail(l->err, CP_INTERNAL, l->report->path, "out of memory");
    for (size_t i = 0; i < counts.shape[0] * counts.shape[1]; i++)
        sum[i % counts.shape[1]] += counts.values[i];
    page->bins = counts.shape[1];
    page->histogram = sum;
    return CP_OK;
}

static enum cp_status load_tap(struct cp_page_loader *l, const char *candidate,
                               const struct cp_report_tap *tap, struct cp_arena *scratch,
                               struct cp_page_tap *page) {
    struct cp_reader_array metrics;
    char group[384], object[400];
    bool there;
    (void)snprintf(group, sizeof group, "/metrics/%.255s/%.100s", candidate, tap->name);
    (void)snprintf(object, sizeof object, "%s/metrics", group);
    CP_TRY(read_metrics(l, object, scratch, &metrics, &there));
    if (there)
        CP_TRY(summarise(l, &metrics, tap, page));
    (void)snprintf(object, sizeof object, "%s/local", group);
    CP_TRY(read_metrics(l, object, scratch, &metrics, &page->local));
    if (page->local) {
        const struct cp_tap_summary summary = cp_tap_summarise(metrics.values, metrics.shape[0]);
        memcpy(page->local_relative, summary.mean_rel, sizeof page->local_relative);
    }
    return load_histogram(l, group, scratch, page);
}

enum cp_status cp_page_taps(struct cp_page_loader *l, size_t c) {
    const struct cp_report_candidate *candidate = &l->report->candidate[c];
    struct cp_page_tap *taps = cp_arena_calloc(&l->report->arena, candidate->taps, sizeof *taps);
    struct cp_arena scratch = {0};
    enum cp_status status = CP_OK;
    if (!taps)
        return cp_fail(l->err, CP_INTERNAL, l->report->path, "out of memory");
    for (size_t t = 0; t < candidate->taps && status == CP_OK; t++) {
        cp_arena_reset(&scratch);
        status = load_tap(l, candidate->name, &candidate->tap[t], &scratch, &taps[t]);
    }
    cp_arena_free(&scratch);
    l->page->candidate[c].tap = taps;
    return status;
}
