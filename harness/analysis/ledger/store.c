/* SPDX-License-Identifier: GPL-3.0-or-later
 * The ledger in the result file: each input's residual at each tap, and each operation over its inputs. */
#include "analysis/ledger/ledger.h"
#include "result/schema.h"
#include "run/captured/captured.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const char *const cp_ledger_field_names[CP_LEDGER_FIELDS] = {
    "verdict", "basis", "bound",       "coarseness", "residual", "plain", "row",      "column", "y",
    "f",       "own",   "alternative", "at",         "tried",    "after", "settings", "weights"};

const char *const cp_operation_field_names[CP_OPERATION_FIELD_COUNT] = {
    "verdict",     "basis",    "inputs",  "failing",    "worst_input", "bound",       "coarseness",
    "residual",    "plain",    "row",     "column",     "y",           "f",           "own",
    "alternative", "at",       "tried",   "after",      "slope",       "slope_error", "hidden",
    "needs",       "settings", "weights", "recomputed", "before"};

/* ---- defining ---- */

static bool is_checked(const struct cp_study *study, size_t s, size_t i) {
    return study->watched[i] && study->sites.list[i].point < CP_POINT_COUNT && !study->sites.list[i].ragged &&
           cp_captured_has(study, s, i);
}

size_t cp_ledger_slope_rows(const struct cp_site *site) {
    return cp_slope_rows(site->rank > 2 ? site->shape[1] : 1, site->shape[site->rank - 1]);
}

/* What tells which function was computed behind rounding. */
static enum cp_status define_slopes(struct cp_lockstep *ls, size_t s, size_t i, const char *const *path,
                                    struct cp_error *err) {
    const struct cp_site *site = &ls->study->sites.list[i];
    struct cp_ledger_side *side = &cp_ledger_of(ls)->side[s];
    const enum cp_operation_kind kind = cp_points[site->point].kind;
    const size_t count = cp_slope_count(kind);
    const char **names;
    CP_LOCKSTEP_TAKE(ls, names, count);
    for (size_t k = 0; k < count; k++)
        names[k] = cp_alternatives[cp_slope_alternative(kind, k)].name;
    const struct cp_dim input = cp_record_dim(site, 0, &ls->labels);
    const struct cp_dim slopes[] = {input, {.length = count, .labels = names}, {.length = 3}};
    const struct cp_dim rows[] = {input, {.length = cp_ledger_slope_rows(site)}};
    CP_TRY(cp_schema_define(ls->result, CP_SCHEMA_SLOPE, path, slopes, &side->slope[i], err));
    return cp_schema_define(ls->result, CP_SCHEMA_SLOPE_ROWS, path, rows, &side->hash[i], err);
}

static enum cp_status define_site(struct cp_lockstep *ls, size_t s, size_t i, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const struct cp_site *site = &study->sites.list[i];
    struct cp_ledger_side *side = &cp_ledger_of(ls)->side[s];
    const char *const *path = CP_NAMES(study->spec[s]->name, site->name);
    const struct cp_dim dims[] = {cp_record_dim(site, 0, &ls->labels),
                                  {.length = CP_LEDGER_FIELDS, .labels = cp_ledger_field_names}};
    CP_TRY(cp_schema_define(ls->result, CP_SCHEMA_RESIDUAL, path, dims, &side->residual[i], err));
    return cp_slope_count(cp_points[site->point].kind) ? define_slopes(ls, s, i, path, err) : CP_OK;
}

static enum cp_status define_side(struct cp_lockstep *ls, size_t s, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    struct cp_ledger_side *side = &cp_ledger_of(ls)->side[s];
    const char **names;
    size_t taps = 0;
    CP_LOCKSTEP_TAKE(ls, side->residual, study->sites.count + 1);
    CP_LOCKSTEP_TAKE(ls, side->slope, study->sites.count + 1);
    CP_LOCKSTEP_TAKE(ls, side->hash, study->sites.count + 1);
    CP_LOCKSTEP_TAKE(ls, side->seen, study->sites.count + 1);
    CP_LOCKSTEP_TAKE(ls, names, study->sites.count + 1);
    for (size_t i = 0; i < study->sites.count; i++) {
        side->residual[i] = side->slope[i] = side->hash[i] = -1;
        if (!is_checked(study, s, i))
            continue;
        names[taps++] = study->sites.list[i].name;
        CP_TRY(define_site(ls, s, i, err));
    }
    side->operations = -1;
    if (taps == 0)
        return CP_OK;
    const struct cp_dim dims[] = {{.length = taps, .labels = names},
                                  {.length = CP_OPERATION_FIELD_COUNT, .labels = cp_operation_field_names}};
    return cp_schema_define(ls->result, CP_SCHEMA_OPERATIONS, CP_NAMES(study->spec[s]->name), dims,
                            &side->operations, err);
}

/* Names joined by line ends, as the attributes of /ledger. */
static enum cp_status write_names(struct cp_lockstep *ls, enum cp_schema_id id, const char *const *names,
                                  size_t count, struct cp_error *err) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    CP_TRY(CP_CHECK_ALLOC(out, err, "", "the ledger"));
    for (size_t i = 0; i < count; i++)
        (void)fprintf(out, "%s%s", i ? "\n" : "", names[i]);
    enum cp_status status = CP_CHECK_ALLOC(fclose(out) == 0, err, "", "the ledger");
    if (status == CP_OK)
        status = cp_schema_text(ls->result, id, NULL, text, err);
    free(text);
    return status;
}

enum cp_status cp_ledger_define(struct cp_lockstep *ls, struct cp_error *err) {
    const char **alternatives;
    CP_LOCKSTEP_TAKE(ls, alternatives, cp_alternative_count);
    for (size_t i = 0; i < cp_alternative_count; i++)
        alternatives[i] = cp_alternatives[i].name;
    for (size_t s = 0; s < ls->study->spec_count; s++)
        CP_TRY(define_side(ls, s, err));
    CP_TRY(write_names(ls, CP_SCHEMA_LEDGER_ALTERNATIVES, alternatives, cp_alternative_count, err));
    CP_TRY(write_names(ls, CP_SCHEMA_LEDGER_VERDICTS, cp_ledger_verdict_names, CP_LEDGER_VERDICTS, err));
    return write_names(ls, CP_SCHEMA_LEDGER_BASES, cp_ledger_basis_names, CP_BASIS_COUNT, err);
}

size_t cp_ledger_row(const struct cp_lockstep *ls, size_t s, size_t site) {
    const struct cp_ledger_side *side = cp_ledger_of(ls) ? &cp_ledger_of(ls)->side[s] : NULL;
    size_t row = 0;
    if (!side || side->residual[site] < 0)
        return SIZE_MAX;
    for (size_t i = 0; i < site; i++)
        row += side->residual[i] >= 0;
    return row;
}

/* ---- batches ---- */

enum cp_status cp_ledger_store(struct cp_lockstep *ls, size_t s, size_t site, size_t first, size_t inputs,
                               const double *rows, const struct cp_slope_sums *sums, struct cp_error *err) {
    const struct cp_ledger_side *side = &cp_ledger_of(ls)->side[s];
    if (side->residual[site] < 0)
        return CP_OK;
    CP_TRY(cp_result_write(ls->result, side->residual[site], first, inputs, rows, err));
    if (!sums->slope)
        return CP_OK;
    CP_TRY(cp_result_write(ls->result, side->slope[site], first, inputs, sums->slope, err));
    return cp_result_write(ls->result, side->hash[site], first, inputs, sums->hash, err);
}

enum cp_status cp_ledger_recall(struct cp_lockstep *ls, size_t s, size_t site, size_t first,
                                struct cp_rows_seen *seen, struct cp_error *err) {
    const size_t count = first * cp_ledger_slope_rows(&ls->study->sites.list[site]);
    int64_t *hashes = malloc(count * sizeof *hashes);
    enum cp_status status = CP_CHECK_ALLOC(hashes, err, "", "the ledger");
    if (status == CP_OK)
        status = cp_result_read(ls->result, cp_ledger_of(ls)->side[s].hash[site], 0, first, hashes, err);
    if (status == CP_OK && !cp_rows_seen_add(seen, hashes, count))
        status = cp_no_memory(err, "", "the ledger");
    free(hashes);
    return status;
}

enum cp_status cp_ledger_explained(const struct cp_ledger_at *at, enum cp_point point, size_t *count,
                                   struct cp_error *err) {
    const size_t site = cp_ledger_site(at, point);
    const int handle = site < at->ls->study->sites.count ? at->side->residual[site] : -1;
    *count = 0;
    if (handle < 0)
        return CP_OK;
    for (size_t n = 0; n < at->first; n++) {
        double row[CP_LEDGER_FIELDS];
        CP_TRY(cp_result_read(at->ls->result, handle, n, 1, row, err));
        *count += isnan(row[CP_LEDGER_FIELD_ALTERNATIVE]) ? 0 : 1;
    }
    return CP_OK;
}

enum cp_status cp_ledger_read(const struct cp_lockstep *ls, size_t s, size_t row,
                              double fields[CP_OPERATION_FIELD_COUNT], struct cp_error *err) {
    return cp_result_read(ls->result, cp_ledger_of(ls)->side[s].operations, row, 1, fields, err);
}
