/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/report.h"
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct cp_report_tap report_taps[MOST];
struct cp_report small_report;
struct cp_report_candidate report_candidate;
char summary_text[CP_REPORT_SUMMARY];

struct cp_report_tap *add_tap(enum cp_tower tower, enum cp_point point, int layer) {
    struct cp_report_tap *tap = &report_taps[report_candidate.taps++];
    const struct cp_point_row *row = &cp_points[point];
    *tap = (struct cp_report_tap){.tower = tower, .point = point, .layer = layer, .floor = NAN};
    tap->name = tower == CP_VISUAL ? row->visual : tower == CP_TEXT ? row->text : row->joint;
    (void)snprintf(tap->address, sizeof tap->address, "%s", tap->name);
    tap->verdict[CP_FIELD_VERDICT] = CP_IDENTICAL;
    tap->verdict[CP_FIELD_ROUNDING] = CP_EQUIVALENT;
    tap->verdict[CP_FIELD_K] = 2;
    return tap;
}

int make_report(void **state) {
    (void)state;
    memset(report_taps, 0, sizeof report_taps);
    small_report = (struct cp_report){.candidates = 1, .candidate = &report_candidate};
    report_candidate = (struct cp_report_candidate){
        .name = "erf", .baseline = "the baseline", .tap = report_taps, .judged = true, .local = true};
    for (int tower = CP_VISUAL; tower <= CP_TEXT; tower++) {
        (void)add_tap((enum cp_tower)tower, CP_EMBED, -1);
        for (int layer = 0; layer < LAYERS; layer++) {
            (void)add_tap((enum cp_tower)tower, CP_LN_1, layer);
            (void)add_tap((enum cp_tower)tower, CP_MLP_GELU, layer);
        }
        (void)add_tap((enum cp_tower)tower, CP_FEATURES, -1);
    }
    return 0;
}

struct cp_report_tap *find_tap(enum cp_tower tower, enum cp_point point, int layer) {
    for (size_t t = 0; t < report_candidate.taps; t++)
        if (report_taps[t].tower == tower && report_taps[t].point == point && report_taps[t].layer == layer)
            return &report_taps[t];
    return NULL;
}

void differ_from(struct cp_report_tap *from, enum cp_verdict verdict, double total, double rounding) {
    for (struct cp_report_tap *tap = from;
         tap < report_taps + report_candidate.taps && tap->tower == from->tower; tap++) {
        tap->verdict[CP_FIELD_VERDICT] = verdict;
        tap->verdict[CP_FIELD_ROUNDING] = verdict == CP_DEGRADED ? CP_DEGRADED : CP_EQUIVALENT;
        tap->verdict[CP_FIELD_ABOVE_HIGH] = NAN;
        tap->over_inputs.different = 5;
        tap->over_inputs.mean_rel[CP_TOTAL] = total;
        tap->over_inputs.mean_rel[CP_ROUNDING] = rounding;
    }
}

void judge_fields(double fields[CP_VERDICT_FIELDS], enum cp_verdict verdict, double inputs, double ratio) {
    fields[CP_FIELD_VERDICT] = fields[CP_FIELD_ROUNDING] = verdict;
    fields[CP_FIELD_INPUTS] = fields[CP_FIELD_DISTINCT] = inputs;
    fields[CP_FIELD_DF] = inputs - 1;
    fields[CP_FIELD_ABOVE_HIGH] = 1 - pow(0.05, 1 / inputs); /* none was above */
    fields[CP_FIELD_RATIO] = ratio;
    fields[CP_FIELD_K] = 2;
}

void judge_all_taps(enum cp_verdict verdict, double inputs, double ratio) {
    for (size_t t = 0; t < report_candidate.taps; t++) {
        if (report_taps[t].point == CP_EMBED)
            continue;
        report_taps[t].over_inputs.different = 5;
        judge_fields(report_taps[t].verdict, verdict, inputs, ratio);
        judge_fields(report_taps[t].local_verdict, verdict, inputs, ratio);
    }
}

void assert_summary(const char *expected) {
    cp_report_summary(&report_candidate, summary_text, sizeof summary_text);
    assert_string_equal(summary_text, expected);
}

const char *summary_card(void) {
    static char *page;
    size_t size;
    free(page);
    page = NULL;
    FILE *out = open_memstream(&page, &size);
    assert_non_null(out);
    struct cp_error err;
    assert_int_equal(cp_html_answers(&small_report, out, &err), CP_OK);
    cp_html_causes(&small_report, out);
    assert_int_equal(fclose(out), 0);
    return page;
}

void assert_card(const char *class, const char *words) {
    char expected[200];
    const char *page = summary_card();
    (void)snprintf(expected, sizeof expected,
                   "<tr class=\"answer %s\"><th scope=row>erf</th><td class=word><span class=kind>%s</span>",
                   class, words);
    if (!strstr(page, expected))
        fail_msg("not %s in %.300s", expected, page);
}
