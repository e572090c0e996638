/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a page shows of a result beyond the verdicts: each tap's every metric, where on which image it is
 * worst, how far elements are apart, what is known of the noise, causes, attribution, and the images. All of
 * it is optional in a result but for the metrics. */
#ifndef CP_REPORT_PAGE_H
#define CP_REPORT_PAGE_H

#include "report/report.h"

enum { CP_PAGE_WORST = 4, CP_PAGE_PATCHES = 40, CP_PAGE_THUMBNAILS = 1000 };

struct cp_page_tap {
    double metric[CP_METRIC_COUNT];     /* of the total: the worst over inputs, or the mean, or the sum */
    double worst_input, worst_relative; /* the input with the largest relative L2 */
    size_t bins;                        /* 0: no histogram */
    const double *histogram;            /* [bins] elements by ULP distance, summed over inputs */
    bool local;                         /* taken apart */
    double local_relative[CP_PART_COUNT];
    size_t worst; /* image tower only: the images with the largest error of a token */
    struct cp_page_worst {
        size_t image, token;
        double relative;
    } worst_of[CP_PAGE_WORST];
    size_t patches; /* the tokens that are the worst of most images */
    struct cp_page_patch {
        size_t token, images;
    } patch[CP_PAGE_PATCHES];
};

/* A labelled table, (rows, columns) or (rows, columns, depth); values NULL: not in the result. A dimension
 * whose coordinates are no texts has no labels. */
struct cp_page_table {
    size_t rows, columns, depth;
    struct cp_reader_texts row, column, layer;
    const double *values;
};

struct cp_page_candidate {
    struct cp_page_tap *tap;          /* [taps] */
    const double *probabilities;      /* (images, columns); NULL: not recorded in full */
    struct cp_page_table local;       /* (tap, field): verdicts of each operation by itself */
    struct cp_page_table propagation; /* (segment, field) */
};

struct cp_page {
    struct cp_page_candidate *candidate;
    const double *probabilities;    /* the baseline's */
    const double *floor;            /* [taps of the first candidate] relative L2 of reruns; NULL: none */
    struct cp_page_table bounds;    /* (tap, bound) */
    struct cp_page_table effects;   /* (effect, response, field) */
    struct cp_page_table shapley;   /* (factor, response, field) */
    struct cp_page_table layers[2]; /* image tower, text tower: (component, layer) */
    size_t grid;                    /* patches along a side; 0: not known */
    size_t thumbnails, side;
    const double *thumbnail; /* (thumbnails, side, side, 3), 0 to 255 */
    const char *file;        /* of the experiment */
};

/* Fills report->page; everything lives in the report's arena. */
enum cp_status cp_page_load(struct cp_reader *reader, struct cp_report *report, struct cp_error *err);

/* Place of a label; -1: none such, as for NULL. */
int cp_page_column(const struct cp_reader_texts *labels, const char *label);

/* ---- its parts ---- */

struct cp_page_loader {
    struct cp_reader *reader;
    struct cp_report *report;
    struct cp_page *page;
    struct cp_error *err;
};
enum cp_status cp_page_taps(struct cp_page_loader *loader, size_t candidate);
enum cp_status cp_page_tables(struct cp_page_loader *loader);
enum cp_status cp_page_candidate_tables(struct cp_page_loader *loader, size_t candidate);
enum cp_status cp_page_damaged(const struct cp_page_loader *loader, const char *object, const char *expected);

#endif
