/* SPDX-License-Identifier: GPL-3.0-or-later
 * The report of a finished result: what was measured, gathered once (data.c), and written by one file per
 * form. A report only reads; every number was computed by the run. */
#ifndef CP_REPORT_REPORT_H
#define CP_REPORT_REPORT_H

#include "io/result_reader.h"
#include "num/metrics.h"
#include "study/verdict.h"
#include "tap/compare.h"

#include <stdbool.h>
#include <stdio.h>

/* One candidate at one tap, over all inputs. */
struct cp_report_tap {
    const char *name; /* open_clip's module path */
    char address[96]; /* "visual.0.mlp.gelu" */
    enum cp_tower tower;
    struct cp_tap_summary over_inputs;
    double verdict[CP_VERDICT_FIELDS];
};

struct cp_report_candidate {
    const char *name;
    size_t taps;
    struct cp_report_tap *tap;  /* [taps] in order of execution: image tower, text tower, joint */
    bool judged;                /* by an oracle */
    struct cp_decisions counts; /* images 0: nothing was decided */
    const double *decisions;    /* (images, CP_DECISION_COUNT) */
};

struct cp_page;

struct cp_report {
    const char *path, *name, *hypothesis; /* hypothesis NULL: none */
    const char *experiment;               /* the resolved experiment and specs */
    size_t candidates;
    struct cp_report_candidate *candidate;
    struct cp_reader_texts images, columns; /* what the decisions are between: classes or prompts */
    int32_t *labels;                        /* [images] NULL: none */
    size_t facts;
    struct cp_report_fact {
        const char *name, *value;
    } fact[16];                 /* the provenance */
    const struct cp_page *page; /* what only the page shows (report/page.h) */
    struct cp_arena arena;
};

/* Free with cp_report_free, also after a failure. */
enum cp_status cp_report_load(const char *path, struct cp_report *report, struct cp_error *err);
void cp_report_free(struct cp_report *report);

/* The first tap of a tower where the maths differs (the bits, where there is no oracle); NULL: none. */
const struct cp_report_tap *cp_report_first(const struct cp_report_candidate *candidate, enum cp_tower tower);
/* Taps whose rounding was judged so. */
size_t cp_report_rounding(const struct cp_report_candidate *candidate, enum cp_verdict verdict);
/* The answer in words, one line of text without markup. */
void cp_report_answer(const struct cp_report_candidate *candidate, char *text, size_t size);

void cp_report_html(const struct cp_report *report, FILE *out);
void cp_report_csv(const struct cp_report *report, FILE *out);

#endif
