/* SPDX-License-Identifier: GPL-3.0-or-later
 * The specs that an experiment's `layerwise` asks for: each of its settings in one block alone, over all
 * blocks of the towers that have inputs. They stand behind the candidates: settings in the file's order, for
 * each the image tower's blocks, then the text tower's. */
#ifndef CP_RUN_LAYERWISE_H
#define CP_RUN_LAYERWISE_H

#include "run/study.h"

/* How many; the inputs are known. */
size_t cp_layerwise_count(const struct cp_study *study);
/* Blocks of a tower that are swapped in; 0 where it has no inputs. */
size_t cp_layerwise_layers(const struct cp_study *study, enum cp_tower tower);
/* Which of the study's specs has setting i in that block alone. */
size_t cp_layerwise_spec(const struct cp_study *study, size_t i, enum cp_tower tower, size_t layer);

/* Makes them, named ADDRESS=VALUE@visual.0 and so on, in study->spec. CP_BAD_INPUT at the setting where a
 * block does not take it, a candidate has that name, or there are too many. */
enum cp_status cp_layerwise_make(struct cp_study *study, struct cp_error *err);

#endif
