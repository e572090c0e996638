/* SPDX-License-Identifier: GPL-3.0-or-later
 * Making the ledger: what each tower's tensors are like, and what each pass has been given. */
#include "analysis/ledger/ledger.h"
#include "run/captured/captured.h"

#include <string.h>

/* The length of a dimension of some tap of a tower; 0: no tap has it. */
static size_t length_of(const struct cp_sites *sites, enum cp_tower tower, enum cp_point point,
                        enum cp_dim_kind dim) {
    for (size_t i = 0; i < sites->count; i++) {
        const struct cp_site *site = &sites->list[i];
        for (int d = 1; d < site->rank && site->tower == tower; d++)
            if (site->dims[d] == dim && (point == CP_POINT_COUNT || site->point == point))
                return site->shape[d];
    }
    return 0;
}

static struct cp_tower_shape shape_from_sites(const struct cp_sites *sites, enum cp_tower tower) {
    static const enum cp_point streams[] = {CP_BLOCK, CP_RESID_MID, CP_LN_1, CP_LN_2, CP_ATTN, CP_MLP_C_PROJ};
    struct cp_tower_shape s = {.heads = length_of(sites, tower, CP_ATTN_SCORES, CP_DIM_HEAD),
                               .mlp = length_of(sites, tower, CP_MLP_C_FC, CP_DIM_CHANNEL),
                               .embed = length_of(sites, tower, CP_FEATURES, CP_DIM_CHANNEL)};
    for (size_t i = 0; i < sizeof streams / sizeof streams[0] && !s.width; i++) {
        s.width = length_of(sites, tower, streams[i], CP_DIM_CHANNEL);
        s.tokens = length_of(sites, tower, streams[i], CP_DIM_TOKEN); /* conv1's are the patches alone */
    }
    if (!s.tokens)
        s.tokens = length_of(sites, tower, CP_ATTN_SCORES, CP_DIM_KEY);
    if (!s.tokens)
        s.tokens = length_of(sites, tower, CP_POINT_COUNT, CP_DIM_TOKEN);
    s.heads = s.heads ? s.heads : 1;
    s.layer_scale = length_of(sites, tower, CP_LS_1, CP_DIM_CHANNEL) > 0;
    s.norm_first = length_of(sites, tower, CP_LN_PRE, CP_DIM_CHANNEL) > 0;
    return s;
}

static struct cp_tower_shape shape_of(const struct cp_study *study, enum cp_tower tower) {
    return study->modelled ? cp_tower_shape(&study->model.config, tower)
                           : shape_from_sites(&study->sites, tower);
}

/* Without a model the ids need not be as long as the taps. */
static bool has_ids(const struct cp_lockstep *ls) {
    return ls->study->modelled || ls->study->inputs.token_count == cp_ledger_of(ls)->shape[CP_TEXT].tokens;
}

/* A capture's own ids, where it says them. */
static void take_ids(const struct cp_lockstep *ls, size_t s, struct cp_ledger_side *side) {
    const struct cp_study *study = ls->study;
    const struct cp_captured *captured = s < study->captured_count ? &study->captured[s] : NULL;
    if (!captured || !captured->ids || !side->tokens)
        return;
    side->tokens = captured->ids;
    side->valid = captured->valid_tokens;
}

static bool says_activation(const struct cp_study *study, size_t s) {
    const struct cp_experiment *e = study->experiment;
    const struct cp_candidate *pass = s == 0 ? &e->baseline : &e->candidates[s - 1];
    for (size_t i = 0; i < pass->count; i++)
        if (strncmp(pass->settings[i].address, "activation", strlen("activation")) == 0)
            return true;
    return false;
}

static enum cp_status make_side(struct cp_lockstep *ls, size_t s, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    struct cp_ledger_side *side = &cp_ledger_of(ls)->side[s];
    side->spec = study->spec[s];
    side->says_activation = study->modelled || says_activation(study, s);
    side->model = study->modelled ? study->spec_model[s] : NULL;
    side->tokens = has_ids(ls) ? study->inputs.tokens : NULL;
    side->valid = has_ids(ls) ? study->inputs.valid_tokens : NULL;
    if (study->modelled) {
        const struct cp_token_set set = cp_inputs_tokens(&study->inputs, cp_spec_tokenizer(side->spec));
        if (set.tokens) {
            side->tokens = set.tokens;
            side->valid = set.valid_tokens;
        }
        CP_TRY(cp_patch_dropout(side->spec, study->inputs.images, &ls->store.arena, &ls->store.patch_mask,
                                &side->patch_mask, err));
    }
    if (!cp_captured_of(study, s) && !study->inputs_from && cp_inputs_has_pictures(&study->inputs))
        CP_LOCKSTEP_TAKE(ls, side->cropped, study->batch * cp_ledger_of(ls)->pixels);
    take_ids(ls, s, side);
    return CP_OK;
}

enum cp_status cp_ledger_make(struct cp_lockstep *ls, void **state, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    struct cp_ledger *ledger;
    CP_LOCKSTEP_TAKE(ls, ledger, 1);
    *state = ledger;
    ledger->pixels =
        3 * (size_t)study->model.config.vision.image_size * (size_t)study->model.config.vision.image_size;
    ledger->images = cp_ledger_first(study, CP_DIM_IMAGE);
    ledger->prompts = cp_ledger_first(study, CP_DIM_PROMPT);
    CP_LOCKSTEP_TAKE(ls, ledger->side, study->spec_count);
    CP_LOCKSTEP_TAKE(ls, ledger->rows, study->sites.count + 1);
    CP_LOCKSTEP_TAKE(ls, ledger->sums, study->sites.count + 1);
    CP_TRY(cp_tap_buffer_create(study->sites.count, ls->every_site, &ledger->buffer, err));
    ledger->shape[CP_VISUAL] = shape_of(study, CP_VISUAL);
    ledger->shape[CP_TEXT] = shape_of(study, CP_TEXT);
    for (size_t s = 0; s < study->spec_count; s++)
        CP_TRY(make_side(ls, s, err));
    return cp_ledger_define(ls, err);
}

static void free_side(struct cp_ledger_side *side, size_t sites) {
    for (size_t i = 0; side->seen && i < sites; i++)
        cp_rows_seen_free(&side->seen[i]);
    cp_arena_free(&side->residual_stream_arena[0]);
    cp_arena_free(&side->residual_stream_arena[1]);
    cp_arena_free(&side->image_arena);
    cp_arena_free(&side->text_arena);
    cp_arena_free(&side->class_arena);
}

void cp_ledger_free(struct cp_lockstep *ls) {
    struct cp_ledger *ledger = cp_ledger_of(ls);
    for (size_t s = 0; ledger->side && s < ls->study->spec_count; s++)
        free_side(&ledger->side[s], ls->study->sites.count);
    cp_tap_buffer_free(&ledger->buffer);
    cp_arena_free(&ledger->scratch);
    cp_arena_free(&ledger->stage);
    cp_arena_free(&ledger->rows_arena);
}
