/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of families, and a tower's steps: those that it has, each with what it reads. */
#include "tap/family.h"

#define FAMILY(NAME, object, key) extern const struct cp_family cp_family_##object;
FAMILY(VIT, vit, )
#include "config/families.def"
#undef FAMILY

const struct cp_family *const cp_families[CP_FAMILY_COUNT] = {
#define FAMILY(NAME, object, key) [CP_FAMILY_##NAME] = &cp_family_##object,
    FAMILY(VIT, vit, )
#include "config/families.def"
#undef FAMILY
};

/* Where the towers meet. */
static const struct cp_step joint[] = {
    CP_STEP(LOGITS_PER_IMAGE, CP_FEATURES, CP_OPERAND_TEXT),
    CP_STEP(PROBS, CP_LOGITS_PER_IMAGE, CP_OPERAND_NONE),
    CP_STEP(CLASS_FEATURES, CP_OPERAND_TEXT, CP_OPERAND_NONE),
    CP_STEP(CLASS_LOGITS, CP_FEATURES, CP_CLASS_FEATURES),
    CP_STEP(CLASS_PROBS, CP_CLASS_LOGITS, CP_OPERAND_NONE),
    CP_STEPS_END,
};

bool cp_has_norm_first(const struct cp_tower_shape *shape) {
    return shape->norm_first;
}

bool cp_has_projection(const struct cp_tower_shape *shape) {
    return !shape->unprojected;
}

bool cp_has_layer_scale(const struct cp_tower_shape *shape) {
    return shape->layer_scale;
}

bool cp_step_is_residual(enum cp_point point) {
    return point == CP_TOKEN_EMBEDDING || point == CP_EMBED || point == CP_LN_PRE || point == CP_RESID_MID ||
           point == CP_BLOCK;
}

static const struct cp_step *table_of(const struct cp_family *family, enum cp_tower tower,
                                      enum cp_tower_part part) {
    if (part == CP_TOWER_STEM)
        return family->stem[tower];
    return part == CP_TOWER_BLOCK ? family->block : family->head;
}

size_t cp_family_steps(const struct cp_tower_shape *shape, enum cp_tower tower, enum cp_tower_part part,
                       struct cp_step steps[CP_STEPS_MOST]) {
    size_t count = 0;
    bool pooled = false;
    int previous = part == CP_TOWER_STEM ? CP_OPERAND_NONE : CP_OPERAND_RESIDUAL;
    for (const struct cp_step *row = table_of(cp_families[shape->family], tower, part);
         row->point != CP_POINT_COUNT; row++) {
        if (row->has && !row->has(shape))
            continue;
        struct cp_step *step = &steps[count++];
        *step = *row;
        for (int i = 0; i < CP_OPERANDS; i++)
            if (step->operand[i] == CP_OPERAND_PREVIOUS)
                step->operand[i] = previous;
        pooled = pooled || step->point == CP_POOLED;
        step->pooled = pooled;
        previous = (int)step->point;
    }
    return count;
}

bool cp_family_step(const struct cp_tower_shape *shape, enum cp_tower tower, enum cp_point point,
                    struct cp_step *step) {
    struct cp_step steps[CP_STEPS_MOST];
    *step = (struct cp_step){point, {CP_OPERAND_NONE, CP_OPERAND_NONE}, NULL, false};
    for (const struct cp_step *row = joint; row->point != CP_POINT_COUNT; row++)
        if (row->point == point)
            return *step = *row, true;
    for (int part = 0; part < CP_TOWER_PARTS && tower != CP_JOINT; part++) {
        const size_t count = cp_family_steps(shape, tower, (enum cp_tower_part)part, steps);
        for (size_t i = 0; i < count; i++)
            if (steps[i].point == point)
                return *step = steps[i], true;
    }
    return false;
}
