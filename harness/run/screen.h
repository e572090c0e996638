/* SPDX-License-Identifier: GPL-3.0-or-later
 * With `oracle: auto` the first inputs alone have an oracle. The others are screened by how far a candidate's tower ends from the
 * baseline's: what goes much further than any input with an oracle did is none of what was examined, and is run again with
 * one. */
#ifndef CP_RUN_SCREEN_H
#define CP_RUN_SCREEN_H

#include "run/lockstep.h"

/* Times the largest of the inputs that were examined. */
#define CP_SCREEN_TIMES 8

/* Of the batch [first, first + count) of a tower, whose metrics are written: which inputs, in order, *found of them. again has
 * room for count. None where `oracle` is not auto, or nothing is compared at the tower's taps. */
enum cp_status cp_screen(struct cp_lockstep *lockstep, enum cp_tower tower, size_t first, size_t count,
                         size_t *again, size_t *found, struct cp_error *err);

#endif
