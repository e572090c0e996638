/* SPDX-License-Identifier: GPL-3.0-or-later
 * One step of a family's table (tap/family.h) as the forward pass computes it. */
#ifndef CP_MODEL_STEPS_H
#define CP_MODEL_STEPS_H

#include "model/pass.h"

struct cp_call {
    struct cp_pass *pass;
    enum cp_point point;
    int layer;                      /* -1 outside the blocks */
    const struct cp_choice *choice; /* at that layer */
    const float *a, *b;             /* operands; b: NULL where there is one */
    float *y;                       /* the result; may be a, where the place is the same */
    size_t rows;                    /* of the result: patches, tokens, or one for each input */
};

/* What q, k and v are rounded to, as operands of attention. */
enum cp_dtype cp_attention_operand(const struct cp_choice *choice);
/* Attention in three steps, head by head: scores from q and k; probabilities over the keys that are seen, in place;
 * their sum of v. */
void cp_attention_scores(const struct cp_call *call);
void cp_attention_softmax(const struct cp_call *call);
void cp_attention_context(const struct cp_call *call);
/* y (inputs, width): one token of a, or the mean of the patch tokens that are seen, in token order. */
void cp_pool_tokens(const struct cp_call *call);

#endif
