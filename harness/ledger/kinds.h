/* SPDX-License-Identifier: GPL-3.0-or-later
 * The kinds of operations, one file each, or one for those of a family. */
#ifndef CP_LEDGER_KINDS_H
#define CP_LEDGER_KINDS_H

#include "ledger/case.h"

extern const struct cp_kind cp_kind_normalize, cp_kind_gather, cp_kind_embed, cp_kind_norm, cp_kind_linear,
    cp_kind_scores, cp_kind_softmax, cp_kind_context, cp_kind_gain, cp_kind_add, cp_kind_activation,
    cp_kind_pool, cp_kind_unit, cp_kind_logits, cp_kind_classes;

#endif
