/* SPDX-License-Identifier: GPL-3.0-or-later
 * The noise floor (`floor: N`): how far legitimate reruns of the baseline are from it, tap by tap. N of them
 * add every matrix product of the towers in another order (linear.permute, seeds 1 to N), N round
 * stochastically (tap/jitter.h, seeds 1 to N). /floor/TAP/rel_l2 (input, run). */
#ifndef CP_ANALYSIS_FLOOR_H
#define CP_ANALYSIS_FLOOR_H

#include "run/analysis.h"

extern const struct cp_analysis cp_floor_analysis;

#endif
