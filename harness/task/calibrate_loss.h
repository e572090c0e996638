/* SPDX-License-Identifier: GPL-3.0-or-later
 * The cross entropy of each image over the columns: its class among the classes, each the normalised mean of
 * its prompts' features, or its prompt among all prompts. */
#ifndef CP_TASK_CALIBRATE_LOSS_H
#define CP_TASK_CALIBRATE_LOSS_H

#include "task/gradient_test.h"

/* loss [count]: of each image at the logit_scale where their mean is least, searched for from `start` (both
 * logarithms). columns_of: room for (columns, embed). Returns the accuracy. */
double cp_image_losses(const struct cp_gradient_test *s, size_t columns, double start, double *columns_of,
                       struct cp_pool *pool, double *loss, struct cp_fitted_scale *scale);

#endif
