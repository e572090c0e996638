/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of operations: what each tap is computed from. One row for every point of the forward pass, which
 * names the kind of operation and the operands; the ledger, the brackets and the words about an operation
 * read it.
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
    CP_OPERAND_STREAM = CP_POINT_COUNT, /* the residual stream that the block, or the head, starts from */
    CP_OPERAND_TEXT,                    /* text_features, where the towers meet */
    CP_OPERAND_SLOTS,
    CP_OPERAND_NONE = CP_OPERAND_SLOTS
};
enum { CP_OPERANDS = 2 };

struct cp_operation {
    enum cp_operation_kind kind;
    int operand[CP_OPERANDS]; /* a point, or enum cp_operand */
};
extern const struct cp_operation cp_operations[CP_POINT_COUNT];

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
