/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which activation weights were trained with, by what they were trained for: the contrastive loss of labelled
 * or paired inputs under each activation. Weights stand at a minimum of it under their own, so that another
 * raises it, by little; whether by more than chance is what the paired bootstrap over images says. */
#ifndef CP_STUDY_CALIBRATE_H
#define CP_STUDY_CALIBRATE_H

#include "study/study.h"

struct cp_calibration {
    size_t images;
    bool labelled; /* else image i and prompt i are a pair */
    double loss[CP_CONFIG_ACTIVATIONS], accuracy[CP_CONFIG_ACTIVATIONS];
    enum cp_config_activation best; /* the least loss */
    /* Of each other: its loss above the best's, with a 95 % interval (one-sided 2.5 % each), and the
     * confidence that it is above at all. */
    double above[CP_CONFIG_ACTIVATIONS], low[CP_CONFIG_ACTIVATIONS], high[CP_CONFIG_ACTIVATIONS];
    double confidence[CP_CONFIG_ACTIVATIONS];
    bool excluded[CP_CONFIG_ACTIVATIONS]; /* the interval is above 0 */
    /* Told: quick, or a GELU (erf, or its approximation tanh: which of them may stay open). The confidence is
     * that of the nearest rival of the other kind. */
    bool told;
    double told_confidence;
};

/* The study's specs are one for each activation, in the order of enum cp_config_activation. */
enum cp_status cp_calibrate(const struct cp_study *study, struct cp_calibration *calibration,
                            struct cp_error *err);

/* The same from losses (CP_CONFIG_ACTIVATIONS, images) that are there already. */
enum cp_status cp_calibration_judge(const double *const loss[CP_CONFIG_ACTIVATIONS], size_t images,
                                    struct cp_calibration *calibration, struct cp_error *err);

/* Whether two activations are of one kind: erf and tanh are. */
bool cp_same_kind(enum cp_config_activation a, enum cp_config_activation b);

#endif
