/* SPDX-License-Identifier: GPL-3.0-or-later
 * Taking a divergence apart, for the first inputs of a study (`local:`).
 *
 * Teacher forcing. Every candidate, and every oracle, runs each stage a second time with the baseline's
 * tensors put in at every tap. So each operation is fed the baseline's own input, and
 * /metrics/CANDIDATE/TAP/local (input, part, metric) holds what it alone does: the four parts of
 * tap/compare.h, the oracles being float64 evaluations of the operation on the baseline's float32 input.
 *
 * Amplification. Along the residual stream, with E_l the relative L2 divergence at the end of stage l
 * (stem, blocks, head), E_l <= kappa_l E_(l-1) + eps_l:
 *
 *   eps_l    a candidate's whole stage on the baseline's input, against the baseline's result
 *   kappa_l  relative change of the baseline's result by a small random change of its input, CP_PROBES seeded
 *            directions in which every token moves by CP_PROBE_STEP of its own root mean square (of pixels:
 *            every row)
 *
 * What the candidate's stage makes of its own input instead of the baseline's is `inherited`, measured. */
#ifndef CP_ANALYSIS_TEACHER_FORCING_H
#define CP_ANALYSIS_TEACHER_FORCING_H

#include "run/analysis.h"
#include "run/stage.h"

enum { CP_PROBES = 4 };
#define CP_PROBE_STEP 0x1p-10

enum cp_stage_error {
    CP_ERROR_TOTAL,
    CP_ERROR_LOCAL,
    CP_ERROR_INHERITED,
    CP_ERROR_BEFORE, /* of the stage's input */
    CP_STAGE_ERRORS
};

/* Columns of /metrics/CANDIDATE/propagation (stage, field), means over inputs. */
enum cp_propagation_field {
    CP_PROPAGATION_ERROR,     /* E_l */
    CP_PROPAGATION_BEFORE,    /* E_(l-1); of the vision stem at pixels.normalized, of the text stem 0 */
    CP_PROPAGATION_KAPPA,     /* root mean square over probes; NaN for the text stem: tokens have no small
                                 change */
    CP_PROPAGATION_LOCAL,     /* eps_l */
    CP_PROPAGATION_PREDICTED, /* kappa_l E_(l-1) + eps_l */
    CP_PROPAGATION_EXPLAINED, /* the smaller of error and prediction over the larger */
    CP_PROPAGATION_LEFT,      /* error - prediction */
    CP_PROPAGATION_INHERITED,
    CP_PROPAGATION_FIELDS
};
extern const char *const cp_propagation_names[CP_PROPAGATION_FIELDS];

struct cp_teacher_forcing {
    struct cp_lane *replaced;       /* [spec_count]; lane 0 unused */
    struct cp_compare *compare;     /* [spec_count] */
    struct cp_oracle_lane *oracles; /* [oracle_count] fed with the baseline's tensors */
    struct cp_lane whole;           /* a stage of any spec, unobserved */
    float *before;                  /* (batch, residual): the baseline's, before the stage */
    float *perturbed;               /* (batch, 3, size, size): its pixels, a little changed */
    double *errors;                 /* (spec, batch, stage, cp_stage_error), of the tower at hand */
    double *kappa;                  /* (batch, stage, CP_PROBES) */
    int *error_handles[2];          /* [tower][spec] */
    int kappa_handles[2];           /* [tower] */
    int *verdicts;                  /* [spec_count] */
    int *propagation;               /* [spec_count] */
};

extern const struct cp_analysis cp_teacher_forcing_analysis;

/* Its state; NULL: not wanted. */
struct cp_teacher_forcing *cp_teacher_forcing_of(const struct cp_lockstep *lockstep);
/* How many images (CP_DIM_IMAGE) or prompts (CP_DIM_PROMPT) are taken apart: the first ones. */
size_t cp_teacher_forcing_first(const struct cp_study *study, enum cp_dim_kind of);
/* The same of a site's inputs. */
size_t cp_teacher_forcing_inputs(const struct cp_study *study, const struct cp_site *site);

/* ---- between its parts ---- */

enum cp_status cp_teacher_forcing_define(struct cp_lockstep *lockstep, void **state, struct cp_error *err);
/* After the last batch: /metrics/CANDIDATE/propagation. */
enum cp_status cp_propagation_write(struct cp_lockstep *lockstep, struct cp_error *err);

#endif
