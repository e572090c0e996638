/* SPDX-License-Identifier: GPL-3.0-or-later
 * A candidate's taps: metrics summed up over inputs, verdicts, causes. */
#include "report/data/load.h"
#include "result/schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double *total_of(const struct cp_reader_array *metrics, size_t input) {
    return metrics->values + input * CP_PART_COUNT * CP_METRIC_COUNT;
}

/* The metric whose worst input a place or a value is taken from; others lead themselves. */
static enum cp_metric leader_of(enum cp_metric metric) {
    switch (metric) {
    case CP_WORST_ROW:
    case CP_WORST_ROW_X:
    case CP_WORST_ROW_Y:
        return CP_WORST_REL_L2;
    case CP_WORST_AT:
    case CP_WORST_X:
    case CP_WORST_Y:
        return CP_MAX_ABS;
    case CP_WORST_CHANNEL:
    case CP_WORST_CHANNEL_X:
    case CP_WORST_CHANNEL_Y:
        return CP_WORST_CHANNEL_REL_L2;
    default:
        return metric;
    }
}

/* Whether a is worse than b. */
static bool worse(enum cp_metric metric, double a, double b) {
    if (isnan(a) || isnan(b))
        return isnan(a) && !isnan(b);
    return metric == CP_COSINE || metric == CP_SNR_DB ? a < b : a > b;
}

static struct cp_report_metric over_inputs(const struct cp_reader_array *metrics, enum cp_metric metric) {
    const enum cp_metric leader = leader_of(metric);
    struct cp_report_metric m = {NAN, NAN, SIZE_MAX};
    size_t count = 0;
    double sum = 0;
    for (size_t i = 0; i < metrics->shape[0]; i++) {
        const double *total = total_of(metrics, i);
        if (isnan(total[CP_DIFFERENT]))
            continue;
        sum += total[metric];
        count++;
        if (m.input == SIZE_MAX || worse(leader, total[leader], total_of(metrics, m.input)[leader]))
            m.input = i;
    }
    if (m.input < SIZE_MAX)
        m.worst = total_of(metrics, m.input)[metric];
    if (count && leader == metric)
        m.mean = sum / (double)count;
    return m;
}

static enum cp_status read_metrics(const struct cp_load *l, const char *object, struct cp_arena *arena,
                                   struct cp_reader_array *metrics) {
    static const char shape[] = "(input, part, metric)";
    CP_TRY(cp_load_array(l, object, &cp_load_metrics, 3, shape, arena, metrics));
    return metrics->shape[1] == CP_PART_COUNT ? CP_OK : cp_load_damaged(l, object, shape);
}

static enum cp_status load_histogram(const struct cp_load *l, const char *candidate, struct cp_arena *scratch,
                                     struct cp_report_tap *tap) {
    struct cp_reader_array counts;
    char object[CP_SCHEMA_PATH];
    (void)cp_schema_path(CP_SCHEMA_ULP_HISTOGRAM, CP_NAMES(candidate, tap->name), object);
    if (!cp_reader_has(l->reader, object))
        return CP_OK;
    CP_TRY(cp_reader_numbers(l->reader, object, scratch, &counts, l->err));
    if (counts.rank != 2 || counts.shape[1] != CP_ULP_BINS)
        return cp_load_damaged(l, object, "(input, bin)");
    double *sum = cp_arena_calloc(&l->report->arena, CP_ULP_BINS, sizeof *sum);
    CP_TRY(CP_CHECK_ALLOC(sum, l->err, l->report->path, "a report"));
    for (size_t i = 0; i < counts.shape[0] * CP_ULP_BINS; i++)
        sum[i % CP_ULP_BINS] += counts.values[i];
    tap->ulp = sum;
    return CP_OK;
}

static enum cp_status load_local(const struct cp_load *l, const char *candidate, struct cp_arena *scratch,
                                 struct cp_report_tap *tap) {
    struct cp_reader_array metrics;
    char object[CP_SCHEMA_PATH];
    (void)cp_schema_path(CP_SCHEMA_LOCAL, CP_NAMES(candidate, tap->name), object);
    if (!cp_reader_has(l->reader, object))
        return CP_OK;
    CP_TRY(read_metrics(l, object, scratch, &metrics));
    const struct cp_tap_summary summary = cp_tap_summarise(metrics.values, metrics.shape[0]);
    memcpy(tap->local_rel, summary.mean_rel, sizeof tap->local_rel);
    tap->local = true;
    return CP_OK;
}

static enum cp_status load_tap(const struct cp_load *l, const char *candidate, struct cp_arena *scratch,
                               struct cp_report_tap *tap) {
    struct cp_reader_array metrics;
    char object[CP_SCHEMA_PATH];
    (void)cp_schema_path(CP_SCHEMA_METRICS, CP_NAMES(candidate, tap->name), object);
    CP_TRY(read_metrics(l, object, scratch, &metrics));
    tap->over_inputs = cp_tap_summarise(metrics.values, metrics.shape[0]);
    for (int m = 0; m < CP_METRIC_COUNT; m++)
        tap->metric[m] = over_inputs(&metrics, (enum cp_metric)m);
    CP_TRY(cp_load_places(l, &metrics, tap));
    CP_TRY(load_histogram(l, candidate, scratch, tap));
    return load_local(l, candidate, scratch, tap);
}

static void describe(const struct cp_report *r, const char *name, struct cp_report_tap *tap) {
    tap->name = name;
    cp_tap_address(name, tap->address);
    const struct cp_tap_place place = cp_tap_place(name);
    tap->tower = place.tower;
    tap->layer = place.layer;
    tap->point = place.point;
    tap->inputs = tap->tower == CP_TEXT ? &r->prompts : &r->images;
    if (strcmp(name, "class_features") == 0)
        tap->inputs = &r->classes;
    tap->recorded = "off";
    tap->floor = NAN;
    for (int b = 0; b < CP_BOUND_COUNT; b++)
        tap->bracket[b] = NAN;
    for (int part = 0; part < CP_PART_COUNT; part++)
        tap->local_rel[part] = NAN;
    for (int f = 0; f < CP_VERDICT_FIELDS; f++)
        tap->local_verdict[f] = NAN;
}

/* (tap, field) with codes that are codes; values NULL where it is not there. */
static enum cp_status read_verdicts(const struct cp_load *l, const struct cp_report_candidate *c,
                                    enum cp_schema_id id, struct cp_reader_array *verdicts) {
    char object[CP_SCHEMA_PATH];
    (void)cp_schema_path(id, CP_NAMES(c->name), object);
    verdicts->values = NULL;
    if (!cp_reader_has(l->reader, object) && id != CP_SCHEMA_VERDICTS)
        return CP_OK;
    CP_TRY(cp_load_array(l, object, &cp_load_verdicts, 2, "(tap, field)", &l->report->arena, verdicts));
    if (verdicts->shape[0] != c->taps)
        return cp_load_damaged(l, object, "(tap, field)");
    for (size_t t = 0; t < c->taps; t++)
        for (int f = CP_FIELD_VERDICT; f <= CP_FIELD_ROUNDING; f++) {
            const double code = verdicts->values[t * CP_VERDICT_FIELDS + (size_t)f];
            if (!(code >= 0 && code < CP_VERDICT_COUNT))
                return cp_load_damaged(l, object, "a verdict's code");
        }
    return CP_OK;
}

/* A part of the result that another one needs. */
static enum cp_status lacks(const struct cp_load *l, enum cp_schema_id id, const char *candidate) {
    char object[CP_SCHEMA_PATH], where[512];
    (void)cp_schema_path(id, CP_NAMES(candidate), object);
    (void)snprintf(where, sizeof where, "%.200s: %.250s", l->report->path, object);
    (void)cp_fail(l->err, CP_BAD_INPUT, where, "is not there");
    return cp_expected(l->err, "a result that `clip-parity run` finished");
}

static enum cp_status load_verdicts(const struct cp_load *l, struct cp_report_candidate *c) {
    struct cp_reader_array verdicts, local;
    CP_TRY(read_verdicts(l, c, CP_SCHEMA_VERDICTS, &verdicts));
    CP_TRY(read_verdicts(l, c, CP_SCHEMA_LOCAL_VERDICTS, &local));
    c->local = local.values != NULL;
    for (size_t t = 0; t < c->taps && !c->local; t++)
        if (c->tap[t].local)
            return lacks(l, CP_SCHEMA_LOCAL_VERDICTS, c->name);
    for (size_t t = 0; t < c->taps; t++) {
        struct cp_report_tap *tap = &c->tap[t];
        memcpy(tap->verdict, verdicts.values + t * CP_VERDICT_FIELDS, sizeof tap->verdict);
        c->judged = c->judged || tap->verdict[CP_FIELD_INPUTS] > 0;
        if (!c->local)
            continue;
        memcpy(tap->local_verdict, local.values + t * CP_VERDICT_FIELDS, sizeof tap->local_verdict);
        tap->cause = cp_cause_of(tap->local_verdict);
    }
    return CP_OK;
}

/* Inputs that fail by themselves. */
static enum cp_status load_failing(const struct cp_load *l, struct cp_report_candidate *c) {
    static const struct cp_load_columns columns = {cp_failing_field_names, CP_FAILING_FIELDS, "failing_taps"};
    static const enum cp_schema_id ids[] = {CP_SCHEMA_FAILING_IMAGES, CP_SCHEMA_FAILING_PROMPTS};
    const struct cp_reader_texts *const inputs[] = {&l->report->images, &l->report->prompts};
    for (int of = 0; of < 2; of++) {
        struct cp_reader_array rows;
        char object[CP_SCHEMA_PATH];
        (void)cp_schema_path(ids[of], CP_NAMES(c->name), object);
        if (!cp_reader_has(l->reader, object))
            continue;
        CP_TRY(cp_load_array(l, object, &columns, 2, "(input, field)", &l->report->arena, &rows));
        c->failing[of] = (struct cp_report_failing){
            rows.values, rows.shape[0], inputs[of]->count == rows.shape[0] ? inputs[of]->items : NULL};
    }
    return CP_OK;
}

enum cp_status cp_load_taps(const struct cp_load *l, struct cp_report_candidate *c) {
    struct cp_reader_texts names;
    struct cp_arena scratch = {0};
    char object[CP_SCHEMA_PATH];
    enum cp_status status = CP_OK;
    (void)cp_schema_scale(CP_SCHEMA_VERDICTS, 0, CP_NAMES(c->name), object);
    CP_TRY(cp_reader_texts(l->reader, object, &l->report->arena, &names, l->err));
    CP_TRY(CP_ARENA_CALLOC(&l->report->arena, c->tap, names.count, l->err, l->report->path, "a report"));
    c->taps = names.count;
    for (size_t t = 0; t < c->taps && status == CP_OK; t++) {
        describe(l->report, names.items[t], &c->tap[t]);
        cp_arena_reset(&scratch);
        status = load_tap(l, c->name, &scratch, &c->tap[t]);
    }
    cp_arena_free(&scratch);
    CP_TRY(status);
    CP_TRY(load_failing(l, c));
    return load_verdicts(l, c);
}
