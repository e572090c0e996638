/* SPDX-License-Identifier: GPL-3.0-or-later
 * Families of towers. A family is a table of steps: which operations its stem, its blocks and its head have, in which
 * order, and what each reads. The forward pass, the oracle, the taps and the ledger all follow the table. A family is
 * one file, tap/family/NAME.c, and one row of config/families.def.
 *
 * The residual stream is written in place: EMBED, LN_PRE, RESID_MID and BLOCK overwrite it, and the forward pass
 * keeps ln_1 and ln_2, and both branches, in one place each (cp_pass_value). A step reads what no step in between
 * overwrites; the tests walk every family for it. */
#ifndef CP_TAP_FAMILY_H
#define CP_TAP_FAMILY_H

#include "tap/tap.h"

/* What an operation reads: a point of its own block or tower, or one of these. */
enum cp_operand {
    CP_OPERAND_RESIDUAL = CP_POINT_COUNT, /* the residual stream that the block, or the head, starts from */
    CP_OPERAND_TEXT,                      /* text_features, where the towers meet */
    CP_OPERAND_SLOTS,
    CP_OPERAND_NONE = CP_OPERAND_SLOTS,
    CP_OPERAND_PREVIOUS, /* in tables alone: the step before, of those that the tower has */
};
enum { CP_OPERANDS = 2 };

struct cp_step {
    enum cp_point point;
    int operand[CP_OPERANDS];
    bool (*has)(const struct cp_tower_shape *shape); /* which towers have it; NULL: all */
    bool pooled; /* one vector for each input: in the head, from the pooling on; not in tables */
};

enum cp_tower_part { CP_TOWER_STEM, CP_TOWER_BLOCK, CP_TOWER_HEAD, CP_TOWER_PARTS };
enum { CP_STEPS_MOST = 20 }; /* of a part */

/* Rows of a table end with CP_POINT_COUNT. */
#define CP_STEP(point, a, b)                                                                                 \
    { CP_##point, {a, b}, NULL, false }
#define CP_STEP_IF(has, point, a, b)                                                                         \
    { CP_##point, {a, b}, has, false }
#define CP_STEPS_END                                                                                         \
    { CP_POINT_COUNT, {CP_OPERAND_NONE, CP_OPERAND_NONE}, NULL, false }

struct cp_family {
    const char *name, *what, *source;
    const struct cp_step *stem[CP_TOWERS], *block, *head;
};
extern const struct cp_family *const cp_families[CP_FAMILY_COUNT];

/* For families that differ from the plain ViT in some parts only. */
extern const struct cp_step cp_vit_image_stem[], cp_vit_text_stem[], cp_vit_block[], cp_vit_head[];
bool cp_has_norm_first(const struct cp_tower_shape *shape);
bool cp_has_projection(const struct cp_tower_shape *shape);
bool cp_has_layer_scale(const struct cp_tower_shape *shape);

/* The steps of a part of a tower of that shape, operands resolved, and how many. */
size_t cp_family_steps(const struct cp_tower_shape *shape, enum cp_tower tower, enum cp_tower_part part,
                       struct cp_step steps[CP_STEPS_MOST]);
/* The step at a point of a tower, or where the towers meet; false: there is none, and *step reads nothing. */
bool cp_family_step(const struct cp_tower_shape *shape, enum cp_tower tower, enum cp_point point,
                    struct cp_step *step);
/* Whether a step writes the residual stream. */
bool cp_step_is_residual(enum cp_point point);

#endif
