/* SPDX-License-Identifier: GPL-3.0-or-later
 * The report of a finished result: what was measured, gathered once (data*.c), and written by one file per
 * form. A report only reads; every number was computed by the run, and summed up here over its inputs.
 *
 * Of a result only the metrics and verdicts must be there. What a run did not measure, or an older one did
 * not know of, is NaN, NULL or 0, as said at each. Columns are found by their names in the file. */
#ifndef CP_REPORT_DATA_REPORT_H
#define CP_REPORT_DATA_REPORT_H

#include "analysis/agreement.h"
#include "analysis/bracket.h"
#include "analysis/failing.h"
#include "analysis/inconclusive.h"
#include "analysis/teacher_forcing.h"
#include "analysis/verdict.h"
#include "num/metrics.h"
#include "result/reader.h"
#include "tap/compare.h"

#include <stdbool.h>
#include <stdio.h>

/* One metric of the total divergence over all inputs. Where a metric is a place or a value (worst_token,
 * worst_value, ...), `worst` is that of the input whose leading metric (worst_token_rel_l2, max_abs,
 * worst_channel_rel_l2) is the worst. */
struct cp_report_metric {
    double mean;  /* NaN for places and values */
    double worst; /* largest; of cosine and snr_db the least; NaN is worse than all */
    size_t input; /* the first input that has it; SIZE_MAX: nothing was compared */
};

/* Where on the images a tap of the image tower diverges most: the images with the largest error of one token,
 * and the tokens that are the worst of most images; both in that order. Token 0 is the class token, then come
 * the patches, row by row. */
enum { CP_REPORT_WORST = 4, CP_REPORT_PATCHES = 16 };
struct cp_report_places {
    size_t worst, patches;
    struct cp_report_worst {
        size_t image, token;
        double rel;
    } worst_of[CP_REPORT_WORST];
    struct cp_report_patch {
        size_t token, images;
    } patch[CP_REPORT_PATCHES];
};

/* One candidate at one tap, over all inputs. */
struct cp_report_tap {
    const char *name; /* open_clip's module path */
    char address[96]; /* "visual.0.mlp.gelu" */
    enum cp_tower tower;
    enum cp_point point;                  /* CP_POINT_COUNT: none that this program knows */
    int layer;                            /* -1 outside the blocks */
    const struct cp_reader_texts *inputs; /* what its inputs are called: images, prompts or classes */
    struct cp_tap_summary over_inputs;
    struct cp_report_metric metric[CP_METRIC_COUNT];
    double verdict[CP_VERDICT_FIELDS];
    const double *ulp; /* [CP_ULP_BINS] elements by ULP distance, summed over inputs; NULL: not recorded */
    const struct cp_report_places *places; /* NULL: its rows are no places on an image */
    const char *recorded;                  /* of the baseline: "full", "stats", "digest" or "off" */
    /* The operation by itself, fed the baseline's own input. */
    bool local; /* the rest is NaN without */
    double local_rel[CP_PART_COUNT];
    double local_verdict[CP_VERDICT_FIELDS];
    enum cp_cause cause;
    /* Rows of the baseline's and of the candidate's ledger (enum cp_operation_field); NULL: not there. */
    const double *ledger[2];
    unsigned
        own[2];   /* what sets baseline and candidate apart here: bits 1 << enum cp_own_kind, CP_OWN_LARGER */
    double floor; /* root mean square relative L2 of legitimate reruns of the baseline; NaN: none ran */
    double bracket[CP_BOUND_COUNT]; /* a-priori bounds of the operation's own rounding; NaN: none stated */
};

/* One row of E_l = kappa_l E_(l-1) + eps_l. */
struct cp_report_stage {
    const char *name; /* the tap at its end */
    char address[96];
    enum cp_tower tower;
    double field[CP_PROPAGATION_FIELDS];
};

struct cp_difference;
struct cp_report_candidate {
    const char *name;
    const char *baseline; /* "the baseline", with its settings where they are few */
    bool layerwise;       /* a swap in one layer of `layers`, of which there may be hundreds */
    size_t taps;
    struct cp_report_tap *tap; /* [taps] in order of execution: image tower, text tower, joint */
    bool judged;               /* by an oracle */
    bool local;                /* causes were looked for */
    bool ledger;               /* its operations were checked */
    bool broken;               /* the baseline contradicts itself: nothing here is equivalent to it */
    const struct cp_difference *difference; /* what the ledgers set apart; NULL: no ledger */
    struct cp_decisions counts;             /* images 0: nothing was decided */
    struct cp_report_failing {
        const double *rows; /* (inputs, enum cp_failing_field) NULL: not there */
        size_t inputs;
        const char *const *names; /* [inputs] NULL: they have none */
    } failing[2];                 /* of images, of prompts */
    const double *decisions;      /* (images, CP_DECISION_COUNT) */
    bool certificates;            /* whether decisions were certified at all */
    const double *probs;          /* (images, columns) decided from; NULL: not recorded in full */
    size_t stages;                /* 0: not measured */
    struct cp_report_stage *stage;
};

/* An array with named axes. values NULL: not there. */
struct cp_report_table {
    int rank; /* 2 or 3 */
    size_t shape[3];
    struct cp_reader_texts label[3]; /* count 0: places are numbers */
    const double *values;
};

struct cp_report {
    const char *path, *name, *hypothesis; /* hypothesis NULL: none */
    const char *experiment;               /* the resolved experiment and specs */
    size_t candidates;
    struct cp_report_candidate *candidate;
    struct cp_reader_texts images, prompts, classes;
    struct cp_reader_texts alternatives; /* what the ledger tries */
    struct cp_reader_texts columns;      /* what the decisions are between: classes or prompts */
    int32_t *labels;                     /* [images] NULL: none */
    struct cp_report_table effects;      /* (effect, response, field) */
    struct cp_report_table shapley;      /* (factor, response, field) */
    struct cp_report_table cells;        /* (cell, factor) */
    struct cp_report_table layers[2];    /* image and text tower: (component, layer) */
    size_t thumbnails, thumbnail_side;   /* 0: no pictures */
    size_t patch_grid;                   /* patches along a side of an image; 0: not known */
    const double *probs;                 /* as a candidate's: the baseline's */
    const char *file;                    /* of the experiment */
    size_t facts;
    struct cp_report_fact {
        const char *name, *value;
    } fact[16]; /* the provenance */
    struct cp_arena arena;
};

/* Free with cp_report_free, also after a failure. */
enum cp_status cp_report_load(const char *path, struct cp_report *report, struct cp_error *err);
void cp_report_free(struct cp_report *report);
/* (thumbnails, side, side, 3) values 0 to 255, read from the file in the report's path. */
enum cp_status cp_report_thumbnails(const struct cp_report *report, struct cp_arena *arena,
                                    const double **pixels, struct cp_error *err);

/* Works out `difference`, `broken` and the taps' `own` from the ledgers at a candidate's taps. Where the
 * baseline is broken, what was judged equivalent becomes inconclusive: agreeing with it shows nothing. Lives
 * in the report's arena. */
enum cp_status cp_report_find_difference(struct cp_report *report, struct cp_report_candidate *candidate,
                                         struct cp_error *err);

/* What one sign shows of a tap: its verdict, or what the ledger found its operation to do. */
enum { CP_STATE_COARSE = CP_VERDICT_COUNT, CP_REPORT_STATES };
extern const char *const cp_report_state_names[CP_REPORT_STATES];
int cp_report_state(const struct cp_report_tap *tap);
/* Taps of a candidate in that state. */
size_t cp_report_count_state(const struct cp_report_candidate *candidate, int state);
/* The worse, the larger; 0 to CP_REPORT_STATES - 1. */
int cp_report_state_rank(int state);
/* " by the baseline", " by both" of a contradicted or coarse tap; else "". */
const char *cp_report_state_side(const struct cp_report_tap *tap);
/* Beside the kinds: declared rounding that is larger than the baseline's. CP_OWN_ROUNDING is coarse. */
enum { CP_OWN_LARGER = CP_OWN_KINDS };
static inline bool cp_report_has(const struct cp_report_tap *tap, int side, int kind) {
    return tap->own[side] >> kind & 1u;
}

/* What an input of a tap is called; "" for SIZE_MAX or where it has no name. */
const char *cp_report_input(const struct cp_report_tap *tap, size_t input);
/* A cell of a table by the place on its first axis and the labels on the others (last is ignored at rank 2);
 * NaN where there is no such label. */
double cp_report_cell(const struct cp_report_table *table, size_t first, const char *second,
                      const char *last);

/* The first tap of a tower where the maths differs (the bits, where there is no oracle); NULL: none. */
const struct cp_report_tap *cp_report_first(const struct cp_report_candidate *candidate, enum cp_tower tower);
/* Taps whose rounding was judged so. */
size_t cp_report_rounding(const struct cp_report_candidate *candidate, enum cp_verdict verdict);
/* Taps whose verdict could not be decided, and operations that may or may not be causes. */
struct cp_inconclusive cp_report_inconclusive(const struct cp_report_candidate *candidate);
struct cp_inconclusive cp_report_inconclusive_causes(const struct cp_report_candidate *candidate);
/* Of the features the tap with the larger divergence; NULL: neither was compared. */
const struct cp_report_tap *cp_report_outcome(const struct cp_report_candidate *candidate);
/* How far differences at the steps of preprocessing grow until the features of the images. */
enum { CP_REPORT_STEPS = 4 };
struct cp_report_growth {
    const struct cp_report_tap *features; /* image_features; NULL: no step differs, or it was not compared */
    size_t steps;
    const struct cp_report_tap *step[CP_REPORT_STEPS]; /* that differ, in order of execution */
    double times[CP_REPORT_STEPS]; /* relative L2 at the features over that at the step; NaN: the step's is
                                      not finite */
    double chance; /* how far random changes of the pixels grow: the product of the image tower's kappas; NaN:
                      not measured */
};
struct cp_report_growth cp_report_growth(const struct cp_report_candidate *candidate);
/* The answer in words, one line of text without markup. */
enum { CP_REPORT_SUMMARY = 2048 };
void cp_report_summary(const struct cp_report_candidate *candidate, char *text, size_t size);

#endif
