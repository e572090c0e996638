/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which activation weights were trained with, by what they were trained for: the contrastive loss of labelled
 * or paired inputs under each activation, each at the logit_scale that it is least at. Weights at a minimum
 * of their loss have no gradient under their own activation; another one leaves one (task/gradient_test.h).
 * The losses themselves can only object: wrong labels favour whichever activation is less sure of itself.
 *
 * All of it holds only near a minimum. What tells that weights, scale, labels or inputs are not what they
 * were trained with is looked for first, and no activation is named then (enum cp_doubt). */
#ifndef CP_TASK_CALIBRATE_H
#define CP_TASK_CALIBRATE_H

#include "run/study.h"
#include "task/gradient_test.h"

/* Why no activation is named; the first that applies. */
enum cp_doubt {
    CP_DOUBT_NONE,
    CP_DOUBT_CHANCE,    /* the accuracy is not clearly above that of always naming the commonest class */
    CP_DOUBT_FEW,       /* fewer than CP_GRADIENT_TEST_LEAST images, whose intervals are not to be trusted */
    CP_DOUBT_SCALE,     /* the stored logit_scale is not where the loss is least */
    CP_DOUBT_GRADIENT,  /* the best's own gradient dwarfs what another activation changes in it */
    CP_DOUBT_LOSS,      /* the loss does not confirm what the gradient says */
    CP_DOUBT_CONFIDENCE /* too little to tell them apart */
};

struct cp_calibration {
    size_t images;
    bool labelled; /* else image i and prompt i are a pair */
    /* Of an image over the columns, at the logit_scale where that is least. */
    double loss[CP_CONFIG_ACTIVATIONS], accuracy[CP_CONFIG_ACTIVATIONS];
    double accuracy_low,
        chance; /* of the best: 99 % bound (Clopper & Pearson); share of the commonest class */
    enum cp_config_activation best;         /* of the least gradient; without gradients, of the least loss */
    bool has_gradient;                      /* CP_GRADIENT_TEST_LEAST images at least */
    double gradient[CP_CONFIG_ACTIVATIONS]; /* squared length of its mean; noise can make it negative */
    /* Logarithms; fitted to the loss that the gradient is of, or to that of an image where there is none. */
    double stored_scale;
    struct cp_fitted_scale scale[CP_CONFIG_ACTIVATIONS];
    /* Of each other: its loss above the best's, with a 95 % interval (one-sided 2.5 % each). */
    double above[CP_CONFIG_ACTIVATIONS], low[CP_CONFIG_ACTIVATIONS], high[CP_CONFIG_ACTIVATIONS];
    /* How many standard errors its squared gradient is above the best's; the best's squared gradient over the
     * square of the two gradients' difference; 1 - p of neither more gradient nor more loss than the best, by
     * both estimates together; whether p is small enough, by each alone too, and the ratio. */
    double gradient_z[CP_CONFIG_ACTIVATIONS], rest[CP_CONFIG_ACTIVATIONS];
    double confidence[CP_CONFIG_ACTIVATIONS];
    bool excluded[CP_CONFIG_ACTIVATIONS];
    /* Named where there is no doubt: quick, or a GELU (erf, or its approximation tanh: which of them may stay
     * open). The confidence is that of the nearest rival of the other kind, if the premise holds. */
    enum cp_doubt doubt;
    double named_confidence, worst_rest;
};

/* The study's specs are one for each activation, in the order of enum cp_config_activation. */
enum cp_status cp_calibrate(const struct cp_study *study, struct cp_calibration *calibration,
                            struct cp_error *err);

/* What was computed under each activation: losses (images), and the blocks' gradients
 * (CP_GRADIENT_TEST_BLOCKS, size); NULL: too few images. */
struct cp_calibration_data {
    const double *loss[CP_CONFIG_ACTIVATIONS], *gradient[CP_CONFIG_ACTIVATIONS];
    size_t images, size;
};

/* Fills all that follows from the data and from what `calibration` has: accuracies, chance and scales. */
enum cp_status cp_calibration_judge(const struct cp_calibration_data *data,
                                    struct cp_calibration *calibration, struct cp_error *err);

/* Whether two activations are of one kind: erf and tanh are. */
bool cp_same_kind(enum cp_config_activation a, enum cp_config_activation b);

#endif
