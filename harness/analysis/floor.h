/* SPDX-License-Identifier: GPL-3.0-or-later
 * The noise floor (`floor: N`): how far legitimate reruns of the baseline are from it, tap by tap. N of them
 * add every matrix product of the towers in another order (linear.permute, seeds 1 to N), N round
 * stochastically (tap/jitter.h, seeds 1 to N). /floor/TAP/rel_l2 (input, run). */
#ifndef CP_ANALYSIS_FLOOR_H
#define CP_ANALYSIS_FLOOR_H

#include "run/segment.h"
#include "tap/distance.h"
#include "tap/jitter.h"

struct cp_floor {
    struct cp_lane *lanes;        /* [floor_count] */
    struct cp_distance *distance; /* [floor_count] */
    struct cp_jitter *jitter;     /* [floor_count] */
    double **rows;                /* per site: (batch, floor_count), NULL: not watched */
    int *handles;                 /* per site */
};

/* After the lanes are made; defines its variables. Lives in the lockstep's arena. */
enum cp_status cp_floor_create(struct cp_lockstep *lockstep, struct cp_error *err);
/* After the baseline's segment. */
enum cp_status cp_floor_segment(struct cp_lockstep *lockstep, struct cp_segment segment,
                                struct cp_error *err);

#endif
