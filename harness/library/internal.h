/* SPDX-License-Identifier: GPL-3.0-or-later
 * What stands behind the opaque structs of the public header. */
#ifndef CP_LIBRARY_INTERNAL_H
#define CP_LIBRARY_INTERNAL_H

#include "library/clip-parity.h"
#include "model/pass.h"
#include "run/model_source.h"

struct clip_parity_model {
    struct cp_model_source source;
    struct cp_model model;
    struct cp_notes notes;
    struct cp_arena arena;
};

enum { CP_LIBRARY_BATCH = CP_BATCH_DEFAULT };

struct clip_parity_pass {
    const struct clip_parity_model *of;
    struct cp_spec *spec;
    const struct cp_model *weights; /* as the spec has them */
    struct cp_plan *plan;           /* of the latest count of images, 1 at first */
    struct cp_packed_store store;
    struct cp_pool *pool;
    struct cp_workspace ws;
    float *x;                       /* the residual stream of a batch */
    struct cp_arena arena, scratch; /* scratch: of one call */
};

/* A call's status, with its error told to the caller. */
enum clip_parity_status cp_library_status(enum cp_status status, const struct cp_error *from,
                                          struct clip_parity_error *error);

/* CP_BAD_INPUT where the model lacks a tower. */
enum cp_status cp_library_need(const struct clip_parity_pass *pass, enum cp_tower tower,
                               struct cp_error *err);

#endif
