/* SPDX-License-Identifier: GPL-3.0-or-later
 * Defines each tap's variables by its mode, then computes and writes what they hold. */
#include "tap/record.h"

#include "base/digest.h"
#include "num/metrics.h"
#include "result/schema.h"

#include <stdlib.h>

struct cp_dim cp_record_dim(const struct cp_site *site, int dim, const struct cp_record_labels *labels) {
    const enum cp_dim_kind kind = site->dims[dim];
    const char *const *names = kind == CP_DIM_IMAGE    ? labels->images
                               : kind == CP_DIM_PROMPT ? labels->prompts
                               : kind == CP_DIM_CLASS  ? labels->classes
                                                       : NULL;
    return (struct cp_dim){cp_dim_name(kind), site->shape[dim], names};
}

/* "-40" .. "9" as the coordinates of the histogram, after "zero"; NULL: out of memory. */
static const char *const *exponent_labels(struct cp_arena *arena) {
    const char **labels = cp_arena_alloc(arena, CP_EXPONENT_BINS, sizeof *labels);
    bool whole = labels != NULL;
    for (int bin = 0; whole && bin < CP_EXPONENT_BINS; bin++) {
        labels[bin] = bin ? cp_arena_printf(arena, "%d", CP_EXPONENT_FIRST + bin - 1) : "zero";
        whole = labels[bin] != NULL;
    }
    return whole ? labels : NULL;
}

static const char *what_is(const struct cp_site *site) {
    return site->point < CP_POINT_COUNT ? cp_points[site->point].what : "a tensor of another system";
}

static enum cp_status define_value(struct cp_recorder *r, size_t site_index, const char *const *names,
                                   struct cp_error *err) {
    const struct cp_site *site = &r->sites->list[site_index];
    char path[CP_SCHEMA_PATH];
    struct cp_variable value = cp_schema_variable(CP_SCHEMA_VALUE, names, path);
    value.long_name = what_is(site);
    value.dtype = r->dtype;
    value.arithmetic_dtype = cp_dtype_name(r->types ? r->types[site_index] : r->dtype);
    value.rank = site->rank;
    for (int d = 0; d < site->rank; d++)
        value.dims[d] = cp_record_dim(site, d, r->labels);
    return cp_result_define(r->result, &value, &r->handles[site_index].value, err);
}

static enum cp_status define_stats(struct cp_recorder *r, size_t site_index, const char *const *names,
                                   const char *const *exponents, struct cp_error *err) {
    const struct cp_dim input = cp_record_dim(&r->sites->list[site_index], 0, r->labels);
    const struct cp_dim moments[] = {input, {.length = CP_STAT_COUNT, .labels = cp_stat_names}};
    const struct cp_dim histogram[] = {input, {.length = CP_EXPONENT_BINS, .labels = exponents}};
    CP_TRY(
        cp_schema_define(r->result, CP_SCHEMA_MOMENTS, names, moments, &r->handles[site_index].stats, err));
    return cp_schema_define(r->result, CP_SCHEMA_EXPONENTS, names, histogram,
                            &r->handles[site_index].histogram, err);
}

static enum cp_status define_digest(struct cp_recorder *r, size_t site_index, const char *const *names,
                                    struct cp_error *err) {
    char path[CP_SCHEMA_PATH];
    struct cp_variable digest = cp_schema_variable(CP_SCHEMA_DIGEST, names, path);
    digest.arithmetic_dtype = cp_dtype_name(r->types ? r->types[site_index] : r->dtype);
    digest.dims[0] = cp_record_dim(&r->sites->list[site_index], 0, r->labels);
    digest.dims[1].length = CP_DIGEST_BYTES;
    return cp_result_define(r->result, &digest, &r->handles[site_index].digest, err);
}

static enum cp_status define_size(struct cp_recorder *r, size_t site_index, const char *const *names,
                                  struct cp_error *err) {
    const struct cp_dim dims[] = {cp_record_dim(&r->sites->list[site_index], 0, r->labels), {.length = 2}};
    return cp_schema_define(r->result, CP_SCHEMA_SIZE, names, dims, &r->handles[site_index].size, err);
}

enum cp_status cp_recorder_define(struct cp_recorder *r, struct cp_arena *arena, struct cp_error *err) {
    const char *const *exponents = exponent_labels(arena);
    r->handles = cp_arena_alloc(arena, r->sites->count, sizeof *r->handles);
    CP_TRY(CP_CHECK_ALLOC(exponents && r->handles, err, "", "%zu taps", r->sites->count));
    for (size_t i = 0; i < r->sites->count; i++) {
        const char *const *names = CP_NAMES(r->name, r->sites->list[i].name);
        r->handles[i] = (struct cp_record_handles){-1, -1, -1, -1, -1};
        if (r->modes[i] >= CP_MODE_FULL && !r->sites->list[i].ragged)
            CP_TRY(define_value(r, i, names, err));
        if (r->modes[i] >= CP_MODE_DIGEST)
            CP_TRY(define_digest(r, i, names, err));
        if (r->modes[i] >= CP_MODE_DIGEST && r->sites->list[i].ragged)
            CP_TRY(define_size(r, i, names, err));
        if (r->modes[i] >= CP_MODE_STATS)
            CP_TRY(define_stats(r, i, names, exponents, err));
    }
    return CP_OK;
}

static bool wants(void *self, const struct cp_site *site, size_t index) {
    (void)site;
    return ((const struct cp_recorder *)self)->modes[index] != CP_MODE_OFF;
}

struct record_task {
    const struct cp_tap_event *event;
    double *stats;      /* (inputs, CP_STAT_COUNT) or NULL */
    int32_t *histogram; /* (inputs, CP_EXPONENT_BINS) or NULL */
    uint8_t *digest;    /* (inputs, 32) */
};

static void summarise_input(void *context, size_t input, int worker) {
    const struct record_task *task = context;
    const size_t row = cp_site_row(task->event->site);
    const char *data = (const char *)task->event->data + input * row * cp_dtype_size(task->event->dtype);
    (void)worker;
    if (task->stats)
        cp_statistics(data, task->event->dtype, row, task->stats + input * CP_STAT_COUNT,
                      task->histogram + input * CP_EXPONENT_BINS);
    cp_digest_tensor(task->event->dtype, data, row, task->digest + input * CP_DIGEST_BYTES);
}

static enum cp_status write_all(const struct cp_recorder *r, const struct record_task *task,
                                struct cp_error *err) {
    const struct cp_tap_event *event = task->event;
    const struct cp_record_handles *handles = &r->handles[event->index];
    const int32_t size[2] = {(int32_t)event->site->shape[2], (int32_t)event->site->shape[3]};
    const struct {
        int handle;
        const void *data;
    } parts[] = {{handles->value, event->data},
                 {handles->stats, task->stats},
                 {handles->histogram, task->histogram},
                 {handles->digest, task->digest},
                 {handles->size, size}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i].handle >= 0)
            CP_TRY(
                cp_result_write(r->result, parts[i].handle, event->first, event->inputs, parts[i].data, err));
    return CP_OK;
}

static enum cp_status visit(void *self, const struct cp_tap_event *event, struct cp_error *err) {
    const struct cp_recorder *r = self;
    const bool stats = r->modes[event->index] >= CP_MODE_STATS;
    struct record_task task = {
        .event = event,
        .stats = stats ? malloc(event->inputs * CP_STAT_COUNT * sizeof(double)) : NULL,
        .histogram = stats ? malloc(event->inputs * CP_EXPONENT_BINS * sizeof(int32_t)) : NULL,
        .digest = malloc(event->inputs * CP_DIGEST_BYTES),
    };
    enum cp_status status;
    if (!task.digest || (stats && (!task.stats || !task.histogram))) {
        status = cp_no_memory(err, event->site->name, "statistics");
    } else {
        cp_pool_for(r->pool, event->inputs, summarise_input, &task);
        status = write_all(r, &task, err);
    }
    free(task.stats);
    free(task.histogram);
    free(task.digest);
    return status;
}

struct cp_tap cp_recorder_tap(struct cp_recorder *recorder) {
    return (struct cp_tap){wants, visit, recorder};
}
