/* SPDX-License-Identifier: GPL-3.0-or-later
 * One row for each candidate and tap (RFC 4180). New columns come last. */
#include "base/escape.h"
#include "report/data/form.h"
#include "report/data/words.h"

#include <math.h>
#include <string.h>

/* Empty where there is none: what pandas and R read as missing. */
static void put(FILE *out, double value) {
    if (isnan(value))
        (void)fputc(',', out);
    else
        (void)fprintf(out, value == floor(value) && fabs(value) < 0x1p53 ? ",%.0f" : ",%.9g", value);
}

static void put_text(FILE *out, const char *text) {
    (void)fputc(',', out);
    cp_put_csv(out, text);
}

/* An error may be contradicted, which no rounding explains: no column of it is called so. */
static const char *const parts[CP_PART_COUNT] = {"total", "semantic", "cand_error", "base_error"};

static void put_header(FILE *out) {
    (void)fputs("candidate,tower,tap,verdict,error_verdict", out);
    for (int part = 0; part < CP_PART_COUNT; part++)
        (void)fprintf(out, ",%s", parts[part]);
    (void)fputs(",worst_token,ulp_max,nonfinite,different", out);
    for (int f = CP_FIELD_INPUTS; f <= CP_FIELD_WEIGHTS; f++)
        (void)fprintf(out, ",%s%s", f == CP_FIELD_SEMANTIC ? "worst_" : "", cp_verdict_field_names[f]);
    (void)fputs(",recorded,floor,times_floor,bracket_worst,bracket_probable,cause,local_verdict", out);
    for (int part = 0; part < CP_PART_COUNT; part++)
        (void)fprintf(out, ",local_%s", parts[part]);
    (void)fputs(",worst_input", out);
    for (int m = 0; m < CP_METRIC_COUNT; m++)
        (void)fprintf(out, ",mean_of_%s,worst_of_%s", cp_metric_names[m], cp_metric_names[m]);
    (void)fputs(",ledger_verdict,ledger_basis,bound_ratio,coarseness,explained_by,settings_part,weights_part,"
                "baseline_ledger_verdict,failing_inputs",
                out);
    for (int f = CP_FIELD_DISTINCT; f < CP_VERDICT_FIELDS; f++)
        (void)fprintf(out, ",%s", cp_verdict_field_names[f]);
    (void)fputc('\n', out);
}

static const char *verdict_word(const double *row) {
    return row ? cp_ledger_verdict_names[(int)row[CP_OPERATION_FIELD_VERDICT]] : "";
}

static void put_ledger(FILE *out, const struct cp_report *r, const struct cp_report_tap *tap) {
    static const enum cp_operation_field sizes[] = {CP_OPERATION_FIELD_BOUND, CP_OPERATION_FIELD_COARSENESS},
                                         declared[] = {CP_OPERATION_FIELD_SETTINGS,
                                                       CP_OPERATION_FIELD_WEIGHTS};
    const double *row = tap->ledger[1];
    const char *explanation = cp_report_explanation(&r->alternatives, row);
    put_text(out, verdict_word(row));
    put_text(out, row ? cp_report_basis(row) : "");
    for (size_t i = 0; i < 2; i++)
        put(out, row ? row[sizes[i]] : NAN);
    put_text(out, explanation ? explanation : "");
    for (size_t i = 0; i < 2; i++)
        put(out, row ? row[declared[i]] : NAN);
    put_text(out, verdict_word(tap->ledger[0]));
    put(out, tap->verdict[CP_FIELD_FAILING]);
    for (int f = CP_FIELD_DISTINCT; f < CP_VERDICT_FIELDS; f++)
        put(out, tap->verdict[f]);
}

static void put_details(FILE *out, const struct cp_report_tap *tap) {
    put_text(out, tap->recorded);
    put(out, tap->floor);
    put(out, cp_times_floor(tap));
    for (int b = 0; b < CP_BOUND_COUNT; b++)
        put(out, tap->bracket[b]);
    put_text(out, tap->local ? cp_cause_names[tap->cause] : "");
    put_text(out, tap->local ? cp_verdict_word(tap->local_verdict, CP_FIELD_VERDICT) : "");
    for (int part = 0; part < CP_PART_COUNT; part++)
        put(out, tap->local_rel[part]);
    put_text(out, cp_report_input(tap, tap->metric[CP_REL_L2].input));
    for (int m = 0; m < CP_METRIC_COUNT; m++) {
        put(out, tap->metric[m].mean);
        put(out, tap->metric[m].worst);
    }
}

static void put_row(FILE *out, const struct cp_report *r, const char *candidate,
                    const struct cp_report_tap *tap) {
    cp_put_csv(out, candidate);
    put_text(out, cp_tower_names[tap->tower]);
    put_text(out, tap->name);
    put_text(out, cp_verdict_word(tap->verdict, CP_FIELD_VERDICT));
    put_text(out, cp_verdict_word(tap->verdict, CP_FIELD_ROUNDING));
    for (int part = 0; part < CP_PART_COUNT; part++)
        put(out, tap->over_inputs.mean_rel[part]);
    put(out, tap->over_inputs.worst_token);
    put(out, tap->over_inputs.ulp_max);
    put(out, tap->over_inputs.nonfinite);
    put(out, tap->over_inputs.different);
    for (int f = CP_FIELD_INPUTS; f <= CP_FIELD_WEIGHTS; f++)
        put(out, tap->verdict[f]);
    put_details(out, tap);
    put_ledger(out, r, tap);
    (void)fputc('\n', out);
}

static enum cp_status put_report(const struct cp_report *r, FILE *out, struct cp_error *err) {
    (void)err;
    put_header(out);
    for (size_t c = 0; c < r->candidates; c++)
        for (size_t t = 0; t < r->candidate[c].taps; t++)
            put_row(out, r, r->candidate[c].name, &r->candidate[c].tap[t]);
    return CP_OK;
}

const struct cp_report_form cp_report_form_csv = {
    .option = "--csv",
    .help = "a table with one row for each candidate and tap",
    .ending = ".csv",
    .file = {"a report's CSV", "candidate,tower,tap,verdict", NULL},
    .write = put_report};
