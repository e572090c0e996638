/* SPDX-License-Identifier: GPL-3.0-or-later
 * The call of open_clip that loads an experiment's model (load_as), and a pass's own. */
#ifndef CP_RUN_LOAD_CALL_H
#define CP_RUN_LOAD_CALL_H

#include "base/notes.h"
#include "config/load_as.h"
#include "experiment/experiment.h"
#include "spec/spec.h"

struct cp_load_call cp_load_call_of(const struct cp_model_source *source);
/* What the call computes, with a note that says so, and what the version warns of. of: whose call it is. */
enum cp_status cp_load_call_answer(const struct cp_load_call *call, const char *of, struct cp_arena *arena,
                                   struct cp_load_answer *answer, struct cp_notes *notes,
                                   struct cp_error *err);

/* Whether a setting of a pass is one of the call that loads the model: load_as, name, pretrained,
 * force_quick_gelu. */
bool cp_is_load_setting(const char *address);
/* A pass's own settings of that call, if it has any: sets the activation, filter and resize mode that the call gives. CP_BAD_INPUT
 * where the model has no load_as, and where pictures would be normalised by another mean and std than the model's. */
enum cp_status cp_load_call_apply(const struct cp_model_source *source, const struct cp_candidate *pass,
                                  struct cp_spec *spec, struct cp_arena *arena, struct cp_notes *notes,
                                  struct cp_error *err);

#endif
