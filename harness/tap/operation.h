/* SPDX-License-Identifier: GPL-3.0-or-later
 * Kinds of operations, and the types of their results. Which point is which is said by the table of points
 * (tap/point.c); what it reads by the tower's family (tap/family.h). The weights are in model/tap_weights.h; each
 * kind's kernel in model/steps.c, its float64 function in oracle/steps.c, its bound and plain evaluation in
 * ledger/case.h. */
#ifndef CP_TAP_OPERATION_H
#define CP_TAP_OPERATION_H

#include <stdbool.h>

enum cp_operation_kind {
    CP_OPERATION_GIVEN,      /* comes from outside: pictures, ids */
    CP_OPERATION_NORMALIZE,  /* (pixel / 255 - mean) / std */
    CP_OPERATION_GATHER,     /* rows of an embedding */
    CP_OPERATION_EMBED,      /* class token before, positions added */
    CP_OPERATION_NORM,       /* LayerNorm and its kind */
    CP_OPERATION_LINEAR,     /* x W^T + b; conv1 over patches */
    CP_OPERATION_SCORES,     /* q k^T times the scale, head by head */
    CP_OPERATION_SOFTMAX,    /* over keys, or over columns of logits */
    CP_OPERATION_CONTEXT,    /* probs v, head by head */
    CP_OPERATION_GAIN,       /* LayerScale: a factor for each channel */
    CP_OPERATION_ADD,        /* the residual addition */
    CP_OPERATION_ACTIVATION, /* mlp.gelu */
    CP_OPERATION_POOL,       /* one token, or the mean of the patches */
    CP_OPERATION_UNIT,       /* x / ||x|| */
    CP_OPERATION_LOGITS,     /* exp(logit_scale) image . text + logit_bias */
    CP_OPERATION_CLASSES,    /* mean over a class's templates, then x / ||x|| */
    CP_OPERATION_KINDS
};

/* Which of a pass's types the result has. */
enum cp_operation_type {
    CP_TYPE_FP32,       /* whatever the settings are */
    CP_TYPE_WEIGHTS,    /* the stored weights' */
    CP_TYPE_RESIDUAL,   /* the residual stream's */
    CP_TYPE_LINEAR,     /* linear.compute */
    CP_TYPE_OPERAND,    /* of attention: rounded by the projection and again as an operand, to the narrower
                           type */
    CP_TYPE_ATTENTION,  /* attention.compute */
    CP_TYPE_ACTIVATION, /* activation.compute */
};

/* Each element of the result comes from one element of each operand. */
static inline bool cp_operation_is_elementwise(enum cp_operation_kind kind) {
    return kind == CP_OPERATION_EMBED || kind == CP_OPERATION_GAIN || kind == CP_OPERATION_ADD ||
           kind == CP_OPERATION_ACTIVATION;
}
/* A product of attention's own. */
static inline bool cp_operation_is_attention(enum cp_operation_kind kind) {
    return kind == CP_OPERATION_SCORES || kind == CP_OPERATION_CONTEXT;
}

#endif
