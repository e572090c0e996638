/* SPDX-License-Identifier: GPL-3.0-or-later
 * One tap as a JSON object: metrics, histogram, verdicts, both ledger rows, floor and bracket. */
#include "report/data/words.h"
#include "report/json/json.h"

static void put_parts(struct cp_json_writer *j, const char *name, const double parts[CP_PART_COUNT]) {
    cp_json_open(j, name, '{');
    for (int part = 0; part < CP_PART_COUNT; part++)
        cp_json_number(j, cp_part_names[part], parts[part]);
    cp_json_close(j, '}');
}

static void put_verdict(struct cp_json_writer *j, const char *name, const double fields[CP_VERDICT_FIELDS]) {
    cp_json_open(j, name, '{');
    cp_json_text(j, "verdict", cp_verdict_word(fields, CP_FIELD_VERDICT));
    cp_json_text(j, "rounding", cp_verdict_word(fields, CP_FIELD_ROUNDING));
    for (int f = CP_FIELD_INPUTS; f < CP_VERDICT_FIELDS; f++)
        cp_json_number(j, cp_verdict_field_names[f], fields[f]);
    cp_json_close(j, '}');
}

static void put_metrics(struct cp_json_writer *j, const struct cp_report_tap *tap) {
    cp_json_open(j, "metrics", '{');
    for (int m = 0; m < CP_METRIC_COUNT; m++) {
        const struct cp_report_metric *metric = &tap->metric[m];
        cp_json_open(j, cp_metric_names[m], '{');
        cp_json_number(j, "mean", metric->mean);
        cp_json_number(j, "worst", metric->worst);
        if (metric->input < tap->inputs->count)
            cp_json_count(j, "input", metric->input);
        else
            cp_json_null(j, "input");
        cp_json_close(j, '}');
    }
    cp_json_close(j, '}');
}

static void put_histogram(struct cp_json_writer *j, const double *ulp) {
    if (!ulp) {
        cp_json_null(j, "ulp_histogram");
        return;
    }
    cp_json_open(j, "ulp_histogram", '[');
    for (int b = 0; b < CP_ULP_BINS; b++)
        cp_json_number(j, NULL, ulp[b]);
    cp_json_close(j, ']');
}

static void put_local(struct cp_json_writer *j, const struct cp_report_tap *tap) {
    if (!tap->local) {
        cp_json_null(j, "local");
        return;
    }
    cp_json_open(j, "local", '{');
    cp_json_text(j, "cause", cp_cause_names[tap->cause]);
    put_parts(j, "relative_l2", tap->local_rel);
    put_verdict(j, "verdict", tap->local_verdict);
    cp_json_close(j, '}');
}

static void put_place(struct cp_json_writer *j, const struct cp_report_tap *tap) {
    cp_json_text(j, "name", tap->name);
    cp_json_text(j, "address", tap->address);
    cp_json_text(j, "tower", cp_tower_names[tap->tower]);
    if (tap->layer >= 0)
        cp_json_count(j, "layer", (size_t)tap->layer);
    else
        cp_json_null(j, "layer");
    cp_json_text(j, "inputs",
                 tap->tower == CP_TEXT             ? "prompts"
                 : tap->point == CP_CLASS_FEATURES ? "classes"
                                                   : "images");
    cp_json_text(j, "recorded", tap->recorded);
}

static void put_side(struct cp_json_writer *j, const char *name, const struct cp_report *r,
                     const double *row) {
    if (!row) {
        cp_json_null(j, name);
        return;
    }
    cp_json_open(j, name, '{');
    for (int f = 0; f < CP_OPERATION_FIELD_COUNT; f++)
        if (f == CP_OPERATION_FIELD_VERDICT)
            cp_json_text(j, cp_operation_field_names[f], cp_ledger_verdict_names[(int)row[f]]);
        else if (f == CP_OPERATION_FIELD_BASIS)
            cp_json_text(j, cp_operation_field_names[f],
                         cp_report_basis(row)[0] ? cp_report_basis(row) : NULL);
        else
            cp_json_number(j, cp_operation_field_names[f], row[f]);
    cp_json_text(j, "explained_by", cp_report_explanation(&r->alternatives, row));
    cp_json_close(j, '}');
}

static void put_ledger(struct cp_json_writer *j, const struct cp_report *r, const struct cp_report_tap *tap) {
    cp_json_open(j, "ledger", '{');
    put_side(j, "baseline", r, tap->ledger[0]);
    put_side(j, "candidate", r, tap->ledger[1]);
    cp_json_close(j, '}');
}

void cp_json_tap(struct cp_json_writer *j, const struct cp_report *r, const struct cp_report_tap *tap) {
    cp_json_open(j, NULL, '{');
    put_place(j, tap);
    put_parts(j, "relative_l2", tap->over_inputs.mean_rel);
    cp_json_number(j, "different", tap->over_inputs.different);
    cp_json_number(j, "nonfinite", tap->over_inputs.nonfinite);
    put_verdict(j, "verdict", tap->verdict);
    put_metrics(j, tap);
    put_histogram(j, tap->ulp);
    put_local(j, tap);
    put_ledger(j, r, tap);
    cp_json_number(j, "floor", tap->floor);
    cp_json_number(j, "times_floor", cp_times_floor(tap));
    cp_json_open(j, "bracket", '{');
    cp_json_number(j, "worst", tap->bracket[CP_BOUND_WORST]);
    cp_json_number(j, "probable", tap->bracket[CP_BOUND_PROBABLE]);
    cp_json_close(j, '}');
    cp_json_close(j, '}');
}
