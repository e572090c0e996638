/* SPDX-License-Identifier: GPL-3.0-or-later
 * The weights of each pass of a study: the model's, or those of a checkpoint of its own. */
#ifndef CP_RUN_PASS_WEIGHTS_H
#define CP_RUN_PASS_WEIGHTS_H

#include "run/study.h"

/* Fills study->own and study->spec_weights; specs and sites of captures must be there. A file is loaded once,
 * whatever it is called, and tensors of equal bits are kept once. CP_BAD_INPUT, with file and tensor, for a
 * checkpoint that is not of the model's config. */
enum cp_status cp_pass_weights_load(struct cp_study *study, struct cp_error *err);
void cp_pass_weights_free(struct cp_study *study);

/* The file of spec s's weights where it is not the model's: its own, or the baseline's; NULL: the model's. */
const char *cp_pass_checkpoint(const struct cp_study *study, size_t s);

#endif
