/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which activation weights were trained with, by what they were trained for: the contrastive loss of labelled
 * or paired inputs under each activation. Weights stand at a minimum of it under their own. So another one
 * raises the loss, to second order in what it changes: whether by more than chance is what the paired
 * bootstrap over images says. And another one leaves a gradient, to first order (study/stationarity.h). */
#ifndef CP_STUDY_CALIBRATE_H
#define CP_STUDY_CALIBRATE_H

#include "study/study.h"

struct cp_calibration {
    size_t images;
    bool labelled; /* else image i and prompt i are a pair */
    double loss[CP_CONFIG_ACTIVATIONS], accuracy[CP_CONFIG_ACTIVATIONS];
    /* The least loss; or, where losses tell nothing, one whose gradient is smaller beyond chance. */
    enum cp_config_activation best;
    bool has_gradient;                      /* CP_STATIONARITY_LEAST images at least */
    double gradient[CP_CONFIG_ACTIVATIONS]; /* squared length of its mean; noise can make it negative */
    /* Of each other: its loss above the best's, with a 95 % interval (one-sided 2.5 % each), and how many
     * standard errors its squared gradient is above the best's. */
    double above[CP_CONFIG_ACTIVATIONS], low[CP_CONFIG_ACTIVATIONS], high[CP_CONFIG_ACTIVATIONS];
    double gradient_z[CP_CONFIG_ACTIVATIONS];
    /* That it is no minimum: 1 - p, with p the smaller of both tests' by Bonferroni; excluded: p <= 2.5 %. */
    double confidence[CP_CONFIG_ACTIVATIONS];
    bool excluded[CP_CONFIG_ACTIVATIONS];
    /* Told: quick, or a GELU (erf, or its approximation tanh: which of them may stay open). The confidence is
     * that of the nearest rival of the other kind. Never told where loss and gradient say the opposite of
     * each other beyond chance: then they disagree. */
    bool told, disagree;
    bool too_few;   /* fewer than CP_STATIONARITY_LEAST images, whose intervals are not to be trusted */
    bool untrained; /* even the least loss is no better than that of equal chances: nothing to tell */
    double told_confidence;
};

/* The study's specs are one for each activation, in the order of enum cp_config_activation. */
enum cp_status cp_calibrate(const struct cp_study *study, struct cp_calibration *calibration,
                            struct cp_error *err);

/* The same from what is computed already: losses (CP_CONFIG_ACTIVATIONS, images), and the products of the
 * blocks' gradients under each activation, or NULL. */
enum cp_status cp_calibration_judge(const double *const loss[CP_CONFIG_ACTIVATIONS], size_t images,
                                    const double *const products[CP_CONFIG_ACTIVATIONS],
                                    struct cp_calibration *calibration, struct cp_error *err);

/* Whether two activations are of one kind: erf and tanh are. */
bool cp_same_kind(enum cp_config_activation a, enum cp_config_activation b);

#endif
