/* SPDX-License-Identifier: GPL-3.0-or-later
 * A checkpoint in another form, which says how it must be computed. */
#ifndef CP_TASK_CONVERT_H
#define CP_TASK_CONVERT_H

#include "run/known_config.h"

struct cp_conversion {
    const char *in, *out;
    const char *config, *name; /* NULL: what the file says of itself, or its shapes */
    const char *activation;    /* NULL: the config's */
    bool force;                /* replace out where it is there: the same name may be of another activation */
};

/* Writes out, safetensors or HDF5 (.h5) by its ending, with the tensors as they are stored and the metadata
 * of model_source.h. What would leave the activation open, or contradict what the file says, is CP_BAD_INPUT.
 * Nothing is left behind after a failure. Notes, in the arena, say what was assumed. */
enum cp_status cp_convert(const struct cp_conversion *conversion, struct cp_arena *arena,
                          struct cp_notes *notes, struct cp_error *err);

#endif
