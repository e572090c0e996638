/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the next stage starts from: copies of the values that a stage ends with. */
#include "analysis/ledger/ledger.h"
#include "run/captured/captured.h"

#include <string.h>

/* A copy, in an arena of its own, appended where it holds the inputs before. */
static enum cp_status keep_value(const struct cp_value *from, size_t inputs, struct cp_arena *arena,
                                 struct cp_value *to, struct cp_error *err) {
    const size_t count = inputs * from->each;
    *to = (struct cp_value){.type = from->type, .each = from->each};
    const void *sources[1 + CP_RERUNS + 1] = {from->recorded, from->ideal};
    for (int k = 0; k < CP_RERUNS; k++)
        sources[2 + k] = from->plain[k];
    for (int i = 0; i < 2 + CP_RERUNS; i++) {
        const size_t size = i == 1 ? sizeof(double) : sizeof(float);
        if (!sources[i] || (i == 1 && from->recorded))
            continue;
        void *copy = cp_arena_alloc(arena, count, size);
        CP_TRY(CP_CHECK_BATCH_ALLOC(copy, err, "", "the ledger"));
        memcpy(copy, sources[i], count * size);
        if (i == 0)
            to->recorded = copy;
        else if (i == 1)
            to->ideal = copy;
        else
            to->plain[i - 2] = copy;
    }
    return CP_OK;
}

/* Whether any later operation of this pass has been recorded, for which the stream would have to be
 * evaluated. */
static bool is_needed(const struct cp_ledger_at *at) {
    const struct cp_study *study = at->ls->study;
    const size_t layer = at->stage.kind == CP_STAGE_STEM ? 0 : (size_t)at->stage.layer + 1;
    for (size_t i = 0; i < study->sites.count; i++) {
        const struct cp_site *site = &study->sites.list[i];
        const bool later = site->layer >= (int)layer || (site->layer < 0 && site->point >= CP_LN_POST);
        if ((site->tower == at->tower || site->tower == CP_JOINT) && later && study->watched[i] &&
            cp_captured_has(study, at->s, i) && !cp_ledger_recomputed(study, at->s, i))
            return true;
    }
    return false;
}

static enum cp_point end_of(const struct cp_ledger_at *at) {
    const enum cp_tower_part part = at->stage.kind == CP_STAGE_HEAD    ? CP_TOWER_HEAD
                                    : at->stage.kind == CP_STAGE_BLOCK ? CP_TOWER_BLOCK
                                                                       : CP_TOWER_STEM;
    struct cp_step steps[CP_STEPS_MOST];
    return steps[cp_family_steps(at->shape, at->tower, part, steps) - 1].point;
}

/* Cleared buffers for all prompts' text features, recorded or evaluated as these are. */
static enum cp_status start_text(struct cp_ledger_side *side, const struct cp_value *v, size_t all,
                                 struct cp_error *err) {
    struct cp_arena *arena = &side->text_arena;
    struct cp_text_buffers *to = &side->text_buffers;
    cp_arena_reset(arena);
    *to = (struct cp_text_buffers){.recorded = NULL};
    if (v->recorded)
        CP_TRY(CP_ARENA_CALLOC(arena, to->recorded, all, err, "", "the ledger"));
    else
        CP_TRY(CP_ARENA_CALLOC(arena, to->ideal, all, err, "", "the ledger"));
    side->text =
        (struct cp_value){.recorded = to->recorded, .ideal = to->ideal, .type = v->type, .each = all};
    for (int k = 0; k < CP_RERUNS && !v->recorded; k++) {
        CP_TRY(CP_ARENA_CALLOC(arena, to->plain[k], all, err, "", "the ledger"));
        side->text.plain[k] = to->plain[k];
    }
    return CP_OK;
}

/* All prompts' text features, batch by batch. */
static enum cp_status add_text(struct cp_ledger_at *at, const struct cp_value *v, struct cp_error *err) {
    const struct cp_text_buffers *to = &at->side->text_buffers;
    const size_t at_row = at->first * v->each;
    if (at->first == 0)
        CP_TRY(start_text(at->side, v, at->ls->study->inputs.prompts * v->each, err));
    if (v->recorded && to->recorded)
        memcpy(to->recorded + at_row, v->recorded, at->inputs * v->each * sizeof(float));
    for (size_t i = 0; !v->recorded && to->ideal && i < at->inputs * v->each; i++) {
        to->ideal[at_row + i] = v->ideal[i];
        for (int k = 0; k < CP_RERUNS; k++)
            to->plain[k][at_row + i] = v->plain[k][i];
    }
    return CP_OK;
}

static enum cp_status carry_tower(struct cp_ledger_at *at, struct cp_error *err) {
    struct cp_ledger_side *side = at->side;
    const enum cp_point end = end_of(at);
    struct cp_value *v = &at->value[end];
    if (!v->recorded && is_needed(at))
        CP_TRY(cp_ledger_value(at, (int)end, &v, err));
    if (at->stage.kind == CP_STAGE_HEAD && at->tower == CP_TEXT)
        return cp_value_is_there(v) ? add_text(at, v, err) : CP_OK;
    if (at->stage.kind == CP_STAGE_HEAD) {
        cp_arena_reset(&side->image_arena);
        return keep_value(v, at->inputs, &side->image_arena, &side->image, err);
    }
    side->flip = !side->flip;
    cp_arena_reset(&side->residual_stream_arena[side->flip]);
    return keep_value(v, at->inputs, &side->residual_stream_arena[side->flip], &side->residual_stream, err);
}

static enum cp_status carry_joint(struct cp_ledger_at *at, struct cp_error *err) {
    struct cp_value *v = &at->value[CP_CLASS_FEATURES];
    if (at->stage.kind != CP_STAGE_CLASSES)
        return CP_OK;
    cp_arena_reset(&at->side->class_arena);
    CP_TRY(keep_value(v, at->inputs, &at->side->class_arena, &at->side->classes, err));
    at->side->classes.each = at->inputs * v->each;
    return CP_OK;
}

enum cp_status cp_ledger_carry(struct cp_ledger_at *at, struct cp_error *err) {
    return at->stage.tower == CP_JOINT ? carry_joint(at, err) : carry_tower(at, err);
}
