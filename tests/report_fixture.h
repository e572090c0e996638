/* SPDX-License-Identifier: GPL-3.0-or-later
 * A candidate of two small towers, made by hand, and what is said of it. */
#ifndef CP_TESTS_REPORT_FIXTURE_H
#define CP_TESTS_REPORT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/data/difference.h"
#include "report/data/words.h"
#include "report/html/html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 4, MOST = 40 };

static struct cp_report_tap taps[MOST];
static struct cp_report report;
static struct cp_report_candidate candidate;
static char text[CP_REPORT_ANSWER];

static struct cp_report_tap *add(enum cp_tower tower, enum cp_point point, int layer) {
    struct cp_report_tap *tap = &taps[candidate.taps++];
    const struct cp_point_row *row = &cp_points[point];
    *tap = (struct cp_report_tap){.tower = tower, .point = point, .layer = layer, .floor = NAN};
    tap->name = tower == CP_VISUAL ? row->visual : tower == CP_TEXT ? row->text : row->joint;
    (void)snprintf(tap->address, sizeof tap->address, "%s", tap->name);
    tap->verdict[CP_FIELD_VERDICT] = CP_IDENTICAL;
    tap->verdict[CP_FIELD_ROUNDING] = CP_EQUIVALENT;
    tap->verdict[CP_FIELD_K] = 2;
    return tap;
}

/* Two towers of LAYERS blocks in which norm, activation and block output were recorded. */
static int make(void **state) {
    (void)state;
    memset(taps, 0, sizeof taps);
    report = (struct cp_report){.candidates = 1, .candidate = &candidate};
    candidate = (struct cp_report_candidate){
        .name = "erf", .baseline = "the baseline", .tap = taps, .judged = true, .local = true};
    for (int tower = CP_VISUAL; tower <= CP_TEXT; tower++) {
        (void)add((enum cp_tower)tower, CP_EMBED, -1);
        for (int layer = 0; layer < LAYERS; layer++) {
            (void)add((enum cp_tower)tower, CP_LN_1, layer);
            (void)add((enum cp_tower)tower, CP_MLP_GELU, layer);
        }
        (void)add((enum cp_tower)tower, CP_FEATURES, -1);
    }
    return 0;
}

static struct cp_report_tap *find(enum cp_tower tower, enum cp_point point, int layer) {
    for (size_t t = 0; t < candidate.taps; t++)
        if (taps[t].tower == tower && taps[t].point == point && taps[t].layer == layer)
            return &taps[t];
    return NULL;
}

/* Taps from one on in a tower differ so. */
static void differ(struct cp_report_tap *from, enum cp_verdict verdict, double total, double rounding) {
    for (struct cp_report_tap *tap = from; tap < taps + candidate.taps && tap->tower == from->tower; tap++) {
        tap->verdict[CP_FIELD_VERDICT] = verdict;
        tap->verdict[CP_FIELD_ROUNDING] = verdict == CP_DEGRADED ? CP_DEGRADED : CP_EQUIVALENT;
        tap->verdict[CP_FIELD_ABOVE_HIGH] = NAN;
        tap->over_inputs.different = 5;
        tap->over_inputs.mean_rel[CP_TOTAL] = total;
        tap->over_inputs.mean_rel[CP_ROUNDING] = rounding;
    }
}

/* A tap's rounding is judged so over so many inputs, of which the ratio was seen. */
static void judge(double fields[CP_VERDICT_FIELDS], enum cp_verdict verdict, double inputs, double ratio) {
    fields[CP_FIELD_VERDICT] = fields[CP_FIELD_ROUNDING] = verdict;
    fields[CP_FIELD_INPUTS] = fields[CP_FIELD_DISTINCT] = inputs;
    fields[CP_FIELD_DF] = inputs - 1;
    fields[CP_FIELD_ABOVE_HIGH] = 1 - pow(0.05, 1 / inputs); /* none was above */
    fields[CP_FIELD_RATIO] = ratio;
    fields[CP_FIELD_K] = 2;
}

/* All taps but the embeddings, by themselves too, over so many inputs. */
static void judge_all(enum cp_verdict verdict, double inputs, double ratio) {
    for (size_t t = 0; t < candidate.taps; t++) {
        if (taps[t].point == CP_EMBED)
            continue;
        taps[t].over_inputs.different = 5;
        judge(taps[t].verdict, verdict, inputs, ratio);
        judge(taps[t].local_verdict, verdict, inputs, ratio);
    }
}

static void says(const char *expected) {
    cp_report_answer(&candidate, text, sizeof text);
    assert_string_equal(text, expected);
}

/* The card of the candidate: its class, and what stands on it. Freed by the next. */
static const char *card(void) {
    static char *page;
    size_t size;
    free(page);
    page = NULL;
    FILE *out = open_memstream(&page, &size);
    assert_non_null(out);
    cp_html_answers(&report, out);
    cp_html_causes(&report, out);
    assert_int_equal(fclose(out), 0);
    return page;
}

static void card_is(const char *class, const char *words) {
    char expected[200];
    const char *page = card();
    (void)snprintf(expected, sizeof expected,
                   "<div class=\"answer %s\" data-candidate=0><span class=kind>%s</span>", class, words);
    if (!strstr(page, expected))
        fail_msg("not %s in %.300s", expected, page);
}

#endif
