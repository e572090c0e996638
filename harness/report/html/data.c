/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the page's scripts work on, as JSON: by candidate a column of numbers for each quantity, tap by tap in
 * the order of the first candidate's taps; null for a column that nothing is known of. */
#include "report/html/html.h"

#include <math.h>
#include <stdlib.h>

enum { IMAGES = 1000 }; /* names of inputs that are carried */
/* Columns of the ledger that most operations have; from LEDGER_FOUND on few have anything. */
enum { LEDGER_COLUMNS = CP_OPERATION_FIELD_OWN, LEDGER_FOUND = CP_OPERATION_FIELD_ALTERNATIVE };

static void put_key(FILE *out, const char *name) {
    cp_print_html(out, ",\"%s\":", name);
}

static void put_texts(FILE *out, const char *name, const char *const *items, size_t count) {
    put_key(out, name);
    (void)fputc('[', out);
    for (size_t i = 0; i < count; i++) {
        (void)fputs(i ? "," : "", out);
        cp_html_json_text(out, items[i]);
    }
    (void)fputc(']', out);
}

/* ---- columns, tap by tap ---- */

typedef double (*column_of)(const struct cp_report_tap *tap, int which);

static double part_of(const struct cp_report_tap *tap, int part) {
    return tap->over_inputs.mean_rel[part];
}

static double verdict_of(const struct cp_report_tap *tap, int field) {
    return tap->verdict[field];
}

static double mean_of(const struct cp_report_tap *tap, int metric) {
    return tap->metric[metric].mean;
}

static double worst_of(const struct cp_report_tap *tap, int metric) {
    return tap->metric[metric].worst;
}

static double worst_input_of(const struct cp_report_tap *tap, int metric) {
    return tap->metric[metric].input < SIZE_MAX ? (double)tap->metric[metric].input : NAN;
}

static double local_part_of(const struct cp_report_tap *tap, int part) {
    return tap->local_rel[part];
}

static double local_verdict_of(const struct cp_report_tap *tap, int field) {
    return tap->local_verdict[field];
}

static double cause_of(const struct cp_report_tap *tap, int which) {
    return (void)which, (double)tap->cause;
}

static double floor_of(const struct cp_report_tap *tap, int which) {
    return (void)which, tap->floor;
}

static double bound_of(const struct cp_report_tap *tap, int bound) {
    return tap->bracket[bound];
}

static double state_of(const struct cp_report_tap *tap, int which) {
    return (void)which, cp_report_state(tap);
}

static double ledger_of(const struct cp_report_tap *tap, int field) {
    return tap->ledger[1] ? tap->ledger[1][field] : NAN;
}

static double baseline_ledger_of(const struct cp_report_tap *tap, int field) {
    return tap->ledger[0] ? tap->ledger[0][field] : NAN;
}

static void put_column(FILE *out, const struct cp_report *r, size_t c, column_of column, int which) {
    const size_t taps = r->candidate[0].taps;
    double *values = malloc(taps * sizeof *values + 1);
    bool known = false;
    for (size_t t = 0; values && t < taps; t++) {
        const struct cp_report_tap *tap = cp_html_tap(r, c, t);
        values[t] = tap ? column(tap, which) : NAN;
        known = known || !isnan(values[t]);
    }
    if (known)
        cp_html_json_values(out, values, taps);
    else
        (void)fputs("null", out);
    free(values);
}

/* [column, column, ...] */
static void put_columns(FILE *out, const struct cp_report *r, size_t c, const char *name, column_of column,
                        int count) {
    put_key(out, name);
    for (int i = 0; i < count; i++) {
        (void)fputc(i ? ',' : '[', out);
        put_column(out, r, c, column, i);
    }
    (void)fputc(']', out);
}

/* ---- lists of some taps, by the tap's number ---- */

/* Writes what a tap has as "[number,number,..."; nothing, and false, where it has nothing. */
typedef bool (*list_of)(FILE *out, const struct cp_report_tap *tap);

static bool put_histogram(FILE *out, const struct cp_report_tap *tap) {
    bool any = false;
    for (size_t b = 0; tap->ulp && b < CP_ULP_BINS; b++)
        if (tap->ulp[b] > 0) {
            (void)fprintf(out, "%c%zu,%.0f", any ? ',' : '[', b, tap->ulp[b]);
            any = true;
        }
    return any;
}

static bool put_worst(FILE *out, const struct cp_report_tap *tap) {
    const size_t count = tap->places ? tap->places->worst : 0;
    for (size_t i = 0; i < count; i++) {
        const struct cp_report_worst *worst = &tap->places->worst_of[i];
        (void)fprintf(out, "%c%zu,%zu,", i ? ',' : '[', worst->image, worst->token);
        cp_html_json_number(out, worst->rel);
    }
    return count > 0;
}

static bool put_patches(FILE *out, const struct cp_report_tap *tap) {
    const size_t count = tap->places ? tap->places->patches : 0;
    for (size_t i = 0; i < count; i++)
        (void)fprintf(out, "%c%zu,%zu", i ? ',' : '[', tap->places->patch[i].token,
                      tap->places->patch[i].images);
    return count > 0;
}

/* What explains an operation, and the parts of settings and weights; -1 and NaN say that there is none. */
static bool put_found(FILE *out, const double *row) {
    bool any = false;
    for (int f = LEDGER_FOUND; row && f < CP_OPERATION_FIELD_COUNT; f++)
        any = any || (f != CP_OPERATION_FIELD_TRIED && !isnan(row[f]) &&
                      !(f == CP_OPERATION_FIELD_HIDDEN && row[f] < 0));
    for (int f = LEDGER_FOUND; any && f < CP_OPERATION_FIELD_COUNT; f++) {
        (void)fputc(f == LEDGER_FOUND ? '[' : ',', out);
        cp_html_json_number(out, row[f]);
    }
    return any;
}

static bool put_own_found(FILE *out, const struct cp_report_tap *tap) {
    return put_found(out, tap->ledger[1]);
}

static bool put_baseline_found(FILE *out, const struct cp_report_tap *tap) {
    return put_found(out, tap->ledger[0]);
}

static void put_lists(FILE *out, const struct cp_report *r, size_t c, const char *name, list_of list) {
    const char *comma = "";
    put_key(out, name);
    (void)fputc('{', out);
    for (size_t t = 0; t < r->candidate[0].taps; t++) {
        const struct cp_report_tap *tap = cp_html_tap(r, c, t);
        char *text = NULL;
        size_t size;
        FILE *memory = tap ? open_memstream(&text, &size) : NULL;
        const bool any = memory && list(memory, tap);
        if (memory && fclose(memory) == 0 && any) {
            cp_print_html(out, "%s\"%zu\":%s]", comma, t, text);
            comma = ",";
        }
        free(text);
    }
    (void)fputc('}', out);
}

static void put_candidate(FILE *out, const struct cp_report *r, size_t c) {
    (void)fputs(c ? ",\n{\"name\":" : "{\"name\":", out);
    cp_html_json_text(out, r->candidate[c].name);
    put_columns(out, r, c, "part", part_of, CP_PART_COUNT);
    put_columns(out, r, c, "verdict", verdict_of, CP_VERDICT_FIELDS);
    put_columns(out, r, c, "mean", mean_of, CP_METRIC_COUNT);
    put_columns(out, r, c, "worst", worst_of, CP_METRIC_COUNT);
    put_key(out, "state");
    put_column(out, r, c, state_of, 0);
    if (r->candidate[c].ledger)
        put_columns(out, r, c, "ledger", ledger_of, LEDGER_COLUMNS);
    put_key(out, "worstInput");
    put_column(out, r, c, worst_input_of, CP_REL_L2);
    if (r->candidate[c].local) {
        put_columns(out, r, c, "localPart", local_part_of, CP_PART_COUNT);
        put_columns(out, r, c, "localVerdict", local_verdict_of, CP_VERDICT_FIELDS);
        put_key(out, "cause");
        put_column(out, r, c, cause_of, 0);
    }
    put_lists(out, r, c, "found", put_own_found);
    put_lists(out, r, c, "histogram", put_histogram);
    put_lists(out, r, c, "places", put_worst);
    put_lists(out, r, c, "patches", put_patches);
    (void)fputc('}', out);
}

/* ---- the whole ---- */

static void put_taps(FILE *out, const struct cp_report *r) {
    const struct cp_report_candidate *first = &r->candidate[0];
    put_key(out, "taps");
    for (size_t t = 0; t < first->taps; t++) {
        (void)fputc(t ? ',' : '[', out);
        cp_html_json_text(out, first->tap[t].name);
    }
    (void)fputs("],\"addresses\":", out);
    for (size_t t = 0; t < first->taps; t++) {
        (void)fputc(t ? ',' : '[', out);
        cp_html_json_text(out, first->tap[t].address);
    }
    (void)fputs("],\"towers\":", out);
    for (size_t t = 0; t < first->taps; t++)
        (void)fprintf(out, "%c%d", t ? ',' : '[', first->tap[t].tower);
    (void)fputc(']', out);
}

/* A JSON string that is one word of a shell's command. */
static void put_word(FILE *out, const char *begin, const char *name, const char *end) {
    char *plain = NULL, *word = NULL;
    size_t size;
    FILE *memory = open_memstream(&plain, &size), *quoted = open_memstream(&word, &size);
    if (memory)
        (void)fprintf(memory, "%s%s%s", begin, name, end);
    const bool whole = memory && fclose(memory) == 0;
    if (quoted && whole)
        cp_put_shell(quoted, plain);
    cp_html_json_text(out, quoted && fclose(quoted) == 0 && whole ? word : "");
    free(plain);
    free(word);
}

/* The words of the command that runs it again, recording a tap: file, output and, by index, taps. */
static void put_command(FILE *out, const struct cp_report *r) {
    const struct cp_report_candidate *first = &r->candidate[0];
    put_key(out, "file");
    put_word(out, "", r->file, "");
    put_key(out, "output");
    put_word(out, "output=results/runs/", r->name, "-tap.h5");
    put_key(out, "records");
    for (size_t t = 0; t < first->taps; t++) {
        (void)fputc(t ? ',' : '[', out);
        put_word(out, "record.", first->tap[t].name, "=full");
    }
    (void)fputc(']', out);
}

enum cp_status cp_html_data(const struct cp_report *r, FILE *out, struct cp_error *err) {
    (void)fputs("<script type=\"application/json\" id=data>{\"experiment\":", out);
    cp_html_json_text(out, r->name);
    put_command(out, r);
    put_texts(out, "verdicts", cp_verdict_names, CP_VERDICT_COUNT);
    put_texts(out, "states", cp_report_state_names, CP_REPORT_STATES);
    put_texts(out, "ledgerFields", cp_operation_field_names, CP_OPERATION_FIELD_COUNT);
    put_texts(out, "ledgerVerdicts", cp_ledger_verdict_names, CP_LEDGER_VERDICTS);
    put_texts(out, "alternatives", r->alternatives.items, r->alternatives.count);
    put_texts(out, "causes", cp_cause_names, CP_CAUSE_COUNT);
    put_texts(out, "fields", cp_verdict_field_names, CP_VERDICT_FIELDS);
    put_texts(out, "metrics", cp_metric_names, CP_METRIC_COUNT);
    put_texts(out, "images", r->images.items, r->images.count < IMAGES ? r->images.count : IMAGES);
    put_texts(out, "prompts", r->prompts.items, r->prompts.count < IMAGES ? r->prompts.count : IMAGES);
    put_taps(out, r);
    put_columns(out, r, 0, "floor", floor_of, 1);
    put_columns(out, r, 0, "bounds", bound_of, CP_BOUND_COUNT);
    put_columns(out, r, 0, "baselineLedger", baseline_ledger_of, LEDGER_COLUMNS);
    put_lists(out, r, 0, "baselineFound", put_baseline_found);
    (void)fprintf(out, ",\"least\":%d,\"grid\":%zu,\"thumbs\":", CP_VERDICT_MIN_INPUTS, r->patch_grid);
    CP_TRY(cp_html_thumbnails(r, out, err));
    (void)fputs(",\"candidates\":[", out);
    for (size_t c = 0; c < r->candidates; c++)
        put_candidate(out, r, c);
    (void)fputs("]}</script>\n", out);
    return CP_OK;
}
