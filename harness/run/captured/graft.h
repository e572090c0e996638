/* SPDX-License-Identifier: GPL-3.0-or-later
 * Grafting: every pass of a study, and every oracle, goes on from another system's tensor at a tap, so that a
 * divergence can be looked for on either side of it. What lies before the tap in its tower is not recorded.
 *
 * At a tap that all that follows comes from (the embedding, the stream, what the head makes of it, logits)
 * the capture's tensor is enough. Inside a branch of a block the stream goes on beside it: from the capture's
 * resid_mid, or from the block before, or from ln_pre or embed, which it must have too. */
#ifndef CP_RUN_CAPTURED_GRAFT_H
#define CP_RUN_CAPTURED_GRAFT_H

#include "run/lockstep.h"

/* Finds the tensors of study->graft.from; the sites are known. */
enum cp_status cp_graft_find(struct cp_study *study, struct cp_error *err);
/* Whether a site lies before the graft. */
bool cp_graft_hides(const struct cp_study *study, size_t site);
/* Reads what a batch of images, prompts or classes will be replaced by. */
enum cp_status cp_graft_load(struct cp_lockstep *lockstep, enum cp_dim_kind inputs, size_t first,
                             size_t count, struct cp_error *err);

#endif
