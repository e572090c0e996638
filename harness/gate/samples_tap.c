/* SPDX-License-Identifier: GPL-3.0-or-later
 * One tap of one subject: its bits, its errors, and what the ledger says of it. */
#include "gate/samples.h"

#include "analysis/ledger/ledger.h"
#include "base/digest.h"
#include "result/schema.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- bits ---- */

static enum cp_status fold(const struct cp_reader_array *rows, char bits[CP_GATE_BITS],
                           struct cp_error *err) {
    struct cp_digest *digest;
    char hex[CP_DIGEST_HEX];
    CP_TRY(cp_digest_start(&digest, err));
    for (size_t i = 0; i < rows->shape[0] * rows->shape[1]; i++) {
        const uint8_t byte = (uint8_t)rows->values[i];
        cp_digest_add(digest, &byte, 1);
    }
    cp_digest_finish_hex(digest, hex);
    memcpy(bits, hex, CP_GATE_BITS - 1);
    bits[CP_GATE_BITS - 1] = '\0';
    return CP_OK;
}

/* Older results do not tell the type: then the strictest. */
static enum cp_status take_type(const struct cp_gate_taking *t, const char *object, enum cp_dtype *type) {
    const char *const attribute = cp_schema[CP_SCHEMA_ARITHMETIC_DTYPE].attribute, *name = "";
    if (cp_reader_has_text(t->load.reader, object, attribute))
        CP_TRY(cp_reader_text(t->load.reader, object, attribute, &t->samples->arena, &name, t->load.err));
    *type = strcmp(name, cp_dtype_name(CP_FP16)) == 0   ? CP_FP16
            : strcmp(name, cp_dtype_name(CP_BF16)) == 0 ? CP_BF16
                                                        : CP_FP32;
    return CP_OK;
}

static enum cp_status take_bits(const struct cp_gate_taking *t, const char *subject,
                                struct cp_gate_tap *tap) {
    struct cp_arena scratch = {0};
    struct cp_reader_array rows;
    char object[CP_SCHEMA_PATH];
    (void)cp_schema_path(CP_SCHEMA_DIGEST, CP_NAMES(subject, tap->name), object);
    if (!cp_reader_has(t->load.reader, object))
        return CP_OK;
    CP_TRY(take_type(t, object, &tap->type));
    enum cp_status status = cp_reader_numbers(t->load.reader, object, &scratch, &rows, t->load.err);
    if (status == CP_OK && (rows.rank != 2 || rows.shape[1] != CP_DIGEST_BYTES))
        status = cp_load_damaged(&t->load, object, "(input, byte)");
    if (status == CP_OK)
        status = fold(&rows, tap->bits, t->load.err);
    cp_arena_free(&scratch);
    return status;
}

/* ---- errors ---- */

static const double *metrics_of(const struct cp_reader_array *metrics, size_t input, enum cp_part part) {
    return metrics->values + (input * CP_PART_COUNT + part) * CP_METRIC_COUNT;
}

static void note_place(const double *m, size_t input, struct cp_gate_tap *tap) {
    tap->place = (struct cp_gate_place){input,
                                        m[CP_WORST_ROW],
                                        m[CP_WORST_ROW_X],
                                        m[CP_WORST_ROW_Y],
                                        m[CP_WORST_CHANNEL],
                                        m[CP_WORST_CHANNEL_X],
                                        m[CP_WORST_CHANNEL_Y],
                                        m[CP_ULP_MAX]};
}

/* The errors of the inputs that are kept. One without an oracle has no counts either. */
static enum cp_status keep_errors(const struct cp_gate_taking *t, const struct cp_reader_array *metrics,
                                  enum cp_part part, enum cp_tower tower, struct cp_gate_tap *tap) {
    tap->error = cp_arena_alloc(&t->samples->arena, CP_GATE_INPUTS, sizeof *tap->error);
    tap->oracle = cp_arena_alloc(&t->samples->arena, CP_GATE_INPUTS, sizeof *tap->oracle);
    CP_TRY(CP_CHECK_ALLOC(tap->error && tap->oracle, t->load.err, t->load.report->path, "a report"));
    for (size_t k = 0; k < CP_GATE_INPUTS; k++) {
        const size_t input = cp_gate_kept_input(&t->samples->kept, tower, k);
        if (input >= metrics->shape[0])
            break;
        const double *m = metrics_of(metrics, input, part);
        if (isnan(m[CP_DIFFERENT]))
            continue;
        tap->error[tap->inputs] = m[CP_RMS];
        tap->oracle[tap->inputs++] = m[CP_RMS_REF];
    }
    return CP_OK;
}

/* Against the baseline's values. One that is finite on one side alone is within no tolerance. */
static void sum_up_distance(const struct cp_reader_array *metrics, struct cp_gate_tap *tap) {
    for (size_t i = 0; i < metrics->shape[0]; i++) {
        const double *m = metrics_of(metrics, i, CP_TOTAL);
        if (isnan(m[CP_DIFFERENT]))
            continue;
        tap->compared_inputs++;
        tap->beyond_inputs += m[CP_BEYOND] > 0 || m[CP_NONFINITE] > 0;
        tap->beyond = fmax(tap->beyond, m[CP_BEYOND]);
        tap->apart = fmax(tap->apart, m[CP_MAX_ABS]);
    }
}

static void sum_up(const struct cp_reader_array *metrics, enum cp_part part, struct cp_gate_tap *tap) {
    for (size_t i = 0; i < metrics->shape[0]; i++) {
        const double *m = metrics_of(metrics, i, part);
        if (isnan(m[CP_DIFFERENT]))
            continue;
        tap->nonfinite += m[CP_NONFINITE];
        const double worst = isnan(tap->worst_token) ? -1 : tap->worst_token;
        if (m[CP_WORST_REL_L2] > worst) {
            tap->worst_token = m[CP_WORST_REL_L2];
            note_place(m, i, tap);
        }
    }
}

static enum cp_status read_metrics(const struct cp_gate_taking *t, const char *object, struct cp_arena *arena,
                                   struct cp_reader_array *metrics) {
    static const char shape[] = "(input, part, metric)";
    CP_TRY(cp_load_array(&t->load, object, &cp_load_metrics, 3, shape, arena, metrics));
    return metrics->shape[1] == CP_PART_COUNT ? CP_OK : cp_load_damaged(&t->load, object, shape);
}

static enum cp_status take_metrics(const struct cp_gate_taking *t, const char *object, enum cp_part part,
                                   enum cp_tower tower, struct cp_gate_tap *tap) {
    struct cp_arena scratch = {0};
    struct cp_reader_array metrics;
    enum cp_status status = read_metrics(t, object, &scratch, &metrics);
    if (status == CP_OK)
        status = keep_errors(t, &metrics, part, tower, tap);
    if (status == CP_OK)
        sum_up(&metrics, part, tap);
    if (status == CP_OK && part == CP_ROUNDING)
        sum_up_distance(&metrics, tap);
    cp_arena_free(&scratch);
    return status;
}

/* The error of the operation by itself, which is fed the baseline's own input. */
static enum cp_status take_ulp(const struct cp_gate_taking *t, const char *object, enum cp_part part,
                               struct cp_gate_tap *tap) {
    struct cp_arena scratch = {0};
    struct cp_reader_array local;
    double worst = -1;
    if (!cp_reader_has(t->load.reader, object))
        return CP_OK;
    enum cp_status status = read_metrics(t, object, &scratch, &local);
    for (size_t i = 0; status == CP_OK && i < local.shape[0]; i++)
        worst = fmax(worst, metrics_of(&local, i, part)[CP_ULP_MAX]);
    if (worst >= 0)
        tap->ulp = worst;
    cp_arena_free(&scratch);
    return status;
}

/* Whether the pass does what it says there; row NULL: its ledger is not there. */
static void take_ledger(const struct cp_gate_taking *t, const double *row, struct cp_gate_tap *tap) {
    const struct cp_reader_texts *names = &t->samples->report.alternatives;
    if (!row || row[CP_OPERATION_FIELD_VERDICT] != CP_LEDGER_CONTRADICTED)
        return;
    const double bound = row[CP_OPERATION_FIELD_BOUND], alternative = row[CP_OPERATION_FIELD_ALTERNATIVE];
    if (row[CP_OPERATION_FIELD_BASIS] != CP_BASIS_EMPIRICAL)
        tap->evidence = CP_GATE_BY_BOUND;
    else
        tap->evidence = isnan(row[CP_OPERATION_FIELD_SLOPE]) ? CP_GATE_BY_RERUNS : CP_GATE_BY_SLOPE;
    tap->contradicted = bound > 1 ? bound : fmax(row[CP_OPERATION_FIELD_COARSENESS], 1);
    if (alternative >= 0 && alternative < (double)names->count)
        tap->explained = names->items[(size_t)alternative];
}

/* The metrics of the baseline lie beside those of the candidate. */
enum cp_status cp_gate_take_tap(const struct cp_gate_taking *t, const char *subject, const char *candidate,
                                const struct cp_report_tap *from, struct cp_gate_tap *tap) {
    const enum cp_part part = subject == candidate ? CP_ROUNDING : CP_ROUNDING_BASELINE;
    char object[CP_SCHEMA_PATH];
    *tap = (struct cp_gate_tap){.name = from->name,
                                .worst_token = NAN,
                                .ulp = NAN,
                                .place.input = SIZE_MAX,
                                .names = from->inputs,
                                .point = from->point};
    take_ledger(t, from->ledger[subject == candidate], tap);
    CP_TRY(take_bits(t, subject, tap));
    (void)cp_schema_path(CP_SCHEMA_METRICS, CP_NAMES(candidate, tap->name), object);
    CP_TRY(take_metrics(t, object, part, from->tower, tap));
    (void)cp_schema_path(CP_SCHEMA_LOCAL, CP_NAMES(candidate, tap->name), object);
    return take_ulp(t, object, part, tap);
}
