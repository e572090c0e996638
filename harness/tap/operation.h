/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of operations: what each tap is computed from. One row for every point of the forward pass, which
 * names the kind of operation, the operands, the type and the words for it; the ledger, the brackets, the
 * gate, the types of a pass and the report read it. Its weights are in model/tap_weights.h, its function, its
 * bound and its plain evaluation by kind in ledger/case.h.
 *
 * An operand that the model does not have (ln_pre, LayerScale) stands for that operand's own first operand.
 */
#ifndef CP_TAP_OPERATION_H
#define CP_TAP_OPERATION_H

#include "tap/tap.h"

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

/* What an operation reads: a point of its own block or tower, or one of these. */
enum cp_operand {
    CP_OPERAND_RESIDUAL = CP_POINT_COUNT, /* the residual stream that the block, or the head, starts from */
    CP_OPERAND_TEXT,                      /* text_features, where the towers meet */
    CP_OPERAND_SLOTS,
    CP_OPERAND_NONE = CP_OPERAND_SLOTS
};
enum { CP_OPERANDS = 2 };

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

struct cp_operation {
    enum cp_operation_kind kind;
    int operand[CP_OPERANDS]; /* a point, or enum cp_operand */
    enum cp_operation_type type;
    const char *words; /* "norm before attention" */
};
extern const struct cp_operation cp_operations[CP_POINT_COUNT];

/* Each element of the result comes from one element of each operand. */
static inline bool cp_operation_is_elementwise(enum cp_operation_kind kind) {
    return kind == CP_OPERATION_EMBED || kind == CP_OPERATION_GAIN || kind == CP_OPERATION_ADD ||
           kind == CP_OPERATION_ACTIVATION;
}
/* A product of attention's own. */
static inline bool cp_operation_is_attention(enum cp_operation_kind kind) {
    return kind == CP_OPERATION_SCORES || kind == CP_OPERATION_CONTEXT;
}

/* What a model's operations depend on besides the table. */
struct cp_operation_layout {
    bool layer_scale, no_ln_pre, norm_after_pool;
};
struct cp_operation_layout cp_operation_layout(const struct cp_clip_config *config, enum cp_tower tower);
/* The operation at a point; operands that the model does not have are resolved. */
struct cp_operation cp_operation_at(enum cp_point point, struct cp_operation_layout layout);
/* Whether a model of this layout has the point. */
bool cp_operation_exists(enum cp_point point, struct cp_operation_layout layout);

#endif
