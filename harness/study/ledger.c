/* SPDX-License-Identifier: GPL-3.0-or-later
 * The ledger from segment to segment: what each pass recorded is kept, its operations are checked, and what
 * the next segment starts from is carried on. */
#include "study/ledger.h"

#include "study/captured.h"

#include <string.h>

void cp_ledger_inputs(const struct cp_study *study, size_t *images, size_t *prompts) {
    const struct cp_run_inputs *in = &study->inputs;
    const int wanted = study->experiment->ledger;
    const size_t most = wanted < 0 ? 0 : (size_t)wanted;
    *images = most < in->images ? most : in->images;
    *prompts = most < in->prompts ? most : in->prompts;
    if (wanted != CP_LEDGER_AUTO)
        return;
    *images = !study->modelled ? in->images : study->oracle_count ? study->oracle_images : 0;
    *prompts = !study->modelled || study->oracle_count ? in->prompts : 0;
}

bool cp_ledger_active(const struct cp_lockstep *ls, struct cp_segment segment) {
    const struct cp_ledger *ledger = ls->ledger;
    if (!ledger)
        return false;
    if (segment.kind == CP_SEGMENT_CLASSES)
        return ls->study->inputs.classes && ledger->prompts == ls->study->inputs.prompts;
    if (segment.kind == CP_SEGMENT_LOGITS && ledger->prompts < ls->study->inputs.prompts)
        return false;
    const struct cp_pass *pass = &ls->lanes[0].pass;
    return pass->first < (pass->tower == CP_TEXT ? ledger->prompts : ledger->images);
}

/* ---- making it ---- */

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

static struct cp_ledger_shape shape_from_sites(const struct cp_sites *sites, enum cp_tower tower) {
    static const enum cp_point streams[] = {CP_BLOCK, CP_RESID_MID, CP_LN_1, CP_LN_2, CP_ATTN, CP_MLP_C_PROJ};
    struct cp_ledger_shape s = {.heads = length_of(sites, tower, CP_ATTN_SCORES, CP_DIM_HEAD),
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
    s.layout = (struct cp_operation_layout){length_of(sites, tower, CP_LS_1, CP_DIM_CHANNEL) > 0,
                                            length_of(sites, tower, CP_LN_PRE, CP_DIM_CHANNEL) == 0, false};
    return s;
}

static struct cp_ledger_shape shape_of(const struct cp_study *study, enum cp_tower tower) {
    const struct cp_clip_config *c = &study->model.config;
    if (!study->modelled)
        return shape_from_sites(&study->sites, tower);
    const size_t grid = (size_t)(c->vision.image_size / c->vision.patch_size);
    const bool visual = tower == CP_VISUAL;
    return (struct cp_ledger_shape){.tokens = visual ? grid * grid + 1 : (size_t)c->text.context_length,
                                    .width = (size_t)(visual ? c->vision.width : c->text.width),
                                    .heads = (size_t)(visual ? c->vision.heads : c->text.heads),
                                    .mlp = (size_t)(visual ? c->vision.mlp_width : c->text.mlp_width),
                                    .embed = (size_t)c->embed_dim,
                                    .causal = !visual && !c->text.no_causal_mask,
                                    .layout = cp_operation_layout(c, tower)};
}

/* Without a model the ids need not be as long as the taps. */
static bool has_ids(const struct cp_lockstep *ls) {
    return ls->study->modelled || ls->study->inputs.token_count == ls->ledger->shape[CP_TEXT].tokens;
}

/* A capture's own ids, where it says them. */
static void take_ids(const struct cp_lockstep *ls, size_t s, struct cp_ledger_side *side) {
    const struct cp_study *study = ls->study;
    const size_t length = ls->ledger->shape[CP_TEXT].tokens;
    const struct cp_captured *captured = s < study->captured_count ? &study->captured[s] : NULL;
    if (!captured || !captured->ids || !side->tokens)
        return;
    side->tokens = captured->ids;
    side->valid = captured->judged;
    for (size_t p = 0; p < study->inputs.prompts; p++)
        side->tokens_differ += memcmp(captured->ids + p * length, study->inputs.tokens + p * length,
                                      length * sizeof(int32_t)) != 0;
}

static bool says_activation(const struct cp_study *study, size_t s) {
    const struct cp_experiment *e = study->experiment;
    const struct cp_candidate *pass = s == 0 ? &e->baseline : &e->candidates[s - 1];
    for (size_t i = 0; i < pass->count; i++)
        if (strncmp(pass->settings[i].address, "activation", strlen("activation")) == 0)
            return true;
    return false;
}

static size_t pixels_of(const struct cp_study *study) {
    const size_t side = (size_t)study->model.config.vision.image_size;
    return 3 * side * side;
}

static enum cp_status make_side(struct cp_lockstep *ls, size_t s, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    struct cp_ledger_side *side = &ls->ledger->side[s];
    side->spec = study->spec[s];
    side->says_activation = study->modelled || says_activation(study, s);
    side->model = study->modelled ? study->spec_model[s] : NULL;
    side->tokens = has_ids(ls) ? study->inputs.tokens : NULL;
    side->valid = has_ids(ls) ? study->inputs.judged : NULL;
    if (study->modelled) {
        const struct cp_token_set set = cp_inputs_tokens(&study->inputs, cp_spec_tokenizer(side->spec));
        if (set.tokens) {
            side->tokens = set.tokens;
            side->valid = set.judged;
        }
        CP_TRY(cp_patch_dropout(side->spec, study->inputs.images, &ls->store.arena, &ls->store.kept,
                                &side->kept, err));
    }
    if (!cp_captured_of(study, s) && !study->inputs_from && cp_inputs_has_pictures(&study->inputs))
        CP_LOCKSTEP_TAKE(ls, side->cropped, study->batch * pixels_of(study), sizeof *side->cropped);
    take_ids(ls, s, side);
    return CP_OK;
}

enum cp_status cp_ledger_create(struct cp_lockstep *ls, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    size_t images, prompts;
    cp_ledger_inputs(study, &images, &prompts);
    if (images + prompts == 0)
        return CP_OK;
    CP_LOCKSTEP_TAKE(ls, ls->ledger, 1, sizeof *ls->ledger);
    struct cp_ledger *ledger = ls->ledger;
    ledger->images = images;
    ledger->prompts = prompts;
    CP_LOCKSTEP_TAKE(ls, ledger->side, study->spec_count, sizeof *ledger->side);
    CP_LOCKSTEP_TAKE(ls, ledger->rows, study->sites.count + 1, sizeof *ledger->rows);
    CP_LOCKSTEP_TAKE(ls, ledger->sums, study->sites.count + 1, sizeof *ledger->sums);
    CP_TRY(cp_keep_create(study->sites.count, ls->every_site, &ledger->keep, err));
    ledger->shape[CP_VISUAL] = shape_of(study, CP_VISUAL);
    ledger->shape[CP_TEXT] = shape_of(study, CP_TEXT);
    for (size_t s = 0; s < study->spec_count; s++)
        CP_TRY(make_side(ls, s, err));
    return cp_ledger_define(ls, err);
}

static void free_side(struct cp_ledger_side *side, size_t sites) {
    for (size_t i = 0; side->seen && i < sites; i++)
        cp_rows_seen_free(&side->seen[i]);
    cp_arena_free(&side->stream_arena[0]);
    cp_arena_free(&side->stream_arena[1]);
    cp_arena_free(&side->image_arena);
    cp_arena_free(&side->text_arena);
    cp_arena_free(&side->class_arena);
}

void cp_ledger_free(struct cp_lockstep *ls) {
    struct cp_ledger *ledger = ls->ledger;
    if (!ledger)
        return;
    for (size_t s = 0; ledger->side && s < ls->study->spec_count; s++)
        free_side(&ledger->side[s], ls->study->sites.count);
    cp_keep_free(&ledger->keep);
    cp_arena_free(&ledger->scratch);
    cp_arena_free(&ledger->segment);
    cp_arena_free(&ledger->rows_arena);
}

/* ---- a segment ---- */

/* What one pass shows: a picture's crop goes to its place in the batch, all else to the segment's. */
struct watcher {
    struct cp_lockstep *ls;
    struct cp_tap keep;
    size_t s;
};

static bool watches(void *self, const struct cp_site *site, size_t index) {
    const struct watcher *w = self;
    return site->point == CP_PIXELS_CROPPED || w->keep.wants(w->keep.self, site, index);
}

static enum cp_status watch(void *self, const struct cp_tap_event *event, struct cp_error *err) {
    const struct watcher *w = self;
    const size_t each = cp_site_row(event->site), first = w->ls->lanes[w->s].pass.first;
    float *cropped = w->ls->ledger->side[w->s].cropped;
    if (event->site->point != CP_PIXELS_CROPPED || !cropped)
        return w->keep.visit(w->keep.self, event, err);
    memcpy(cropped + (event->first - first) * each, event->data, event->inputs * each * sizeof *cropped);
    return CP_OK;
}

struct cp_tap cp_ledger_tap(struct cp_lockstep *ls, size_t s) {
    struct watcher *w = cp_arena_alloc(&ls->arena, 1, sizeof *w);
    const struct cp_tap keep = cp_keep_tap(&ls->ledger->keep);
    if (!w)
        return keep;
    *w = (struct watcher){ls, keep, s};
    return (struct cp_tap){watches, watch, w};
}

void cp_ledger_begin(struct cp_lockstep *ls, size_t s) {
    if (!ls->ledger)
        return;
    cp_keep_reset(&ls->ledger->keep);
    if (s == 0) {
        cp_arena_reset(&ls->ledger->rows_arena);
        memset(ls->ledger->rows, 0, ls->study->sites.count * sizeof *ls->ledger->rows);
        memset(ls->ledger->sums, 0, ls->study->sites.count * sizeof *ls->ledger->sums);
    }
}

/* Of the batch at hand. */
static size_t checked_inputs(const struct cp_lockstep *ls, const struct cp_pass *pass) {
    const size_t most = pass->tower == CP_TEXT ? ls->ledger->prompts : ls->ledger->images;
    return pass->first + pass->inputs > most ? most - pass->first : pass->inputs;
}

static struct cp_ledger_at place(struct cp_lockstep *ls, size_t s, struct cp_segment segment) {
    const struct cp_pass *pass = &ls->lanes[0].pass;
    const bool classes = segment.kind == CP_SEGMENT_CLASSES;
    const enum cp_tower tower = segment.tower == CP_TEXT ? CP_TEXT : CP_VISUAL;
    struct cp_ledger_side *side = &ls->ledger->side[s];
    struct cp_ledger_at at = {.ls = ls,
                              .ledger = ls->ledger,
                              .side = side,
                              .s = s,
                              .memory = &ls->ledger->segment,
                              .scratch = &ls->ledger->scratch,
                              .segment = segment,
                              .tower = tower,
                              .first = classes ? 0 : pass->first,
                              .inputs = classes ? ls->study->inputs.classes : checked_inputs(ls, pass),
                              .shape = &ls->ledger->shape[tower],
                              .changed = -1};
    if (tower == CP_TEXT && side->valid)
        at.valid = side->valid + at.first;
    return at;
}

/* What earlier segments left. */
static void take_over(struct cp_ledger_at *at) {
    const struct cp_ledger_side *side = at->side;
    if (at->segment.kind == CP_SEGMENT_STEM && at->tower == CP_VISUAL && side->cropped && at->ls->steps)
        at->value[CP_PIXELS_CROPPED] =
            (struct cp_value){.recorded = side->cropped, .type = CP_FP32, .each = pixels_of(at->ls->study)};
    if (at->segment.tower != CP_JOINT) {
        at->value[CP_OPERAND_STREAM] = side->stream;
        return;
    }
    at->value[CP_FEATURES] = side->image;
    at->value[CP_OPERAND_TEXT] = side->text;
    at->value[CP_CLASS_FEATURES] = side->classes;
}

bool cp_ledger_recomputed(const struct cp_study *study, size_t s, size_t site) {
    const struct cp_capture *capture = cp_captured_of(study, s);
    const size_t tap = capture ? study->captured[s].tap[site] : 0;
    return capture && tap < capture->taps && capture->tap[tap].recomputed;
}

static bool was_grafted(const struct cp_ledger_at *at, size_t site) {
    return at->ls->graft.data[site] != NULL;
}

/* What was recorded in this segment. What a capture tool recomputed was not. */
static void take_recorded(struct cp_ledger_at *at) {
    const struct cp_study *study = at->ls->study;
    for (size_t i = 0; i < study->sites.count; i++) {
        const struct cp_site *site = &study->sites.list[i];
        const void *data = at->ledger->keep.data[i];
        if (!data || site->point >= CP_POINT_COUNT || site->ragged || cp_ledger_recomputed(study, at->s, i))
            continue;
        at->value[site->point] =
            (struct cp_value){.recorded = data, .type = study->types[at->s][i], .each = cp_site_row(site)};
    }
}

/* Room for a batch's sums; NULL in them where the operation has no slope. */
static bool take_sums(struct cp_ledger_at *at, const struct cp_site *site, struct cp_slope_sums *sums) {
    const size_t slopes = cp_slope_count(cp_operations[site->point].kind), rows = cp_ledger_slope_rows(site);
    *sums = (struct cp_slope_sums){NULL, NULL};
    if (slopes == 0)
        return true;
    sums->slope = cp_arena_calloc(&at->ledger->rows_arena, at->inputs * slopes, sizeof *sums->slope);
    sums->hash = cp_arena_calloc(&at->ledger->rows_arena, at->inputs * rows, sizeof *sums->hash);

    return sums->slope && sums->hash;
}

static enum cp_status check_site(struct cp_ledger_at *at, size_t i, bool follows, struct cp_error *err) {
    struct cp_ledger *ledger = at->ledger;
    const struct cp_site *site = &at->ls->study->sites.list[i];
    struct cp_rows_seen *seen = &at->side->seen[i];
    struct cp_slope_sums sums;
    if (follows && ledger->rows[i])
        return cp_ledger_store(at->ls, at->s, i, at->first, at->inputs, ledger->rows[i], &ledger->sums[i],
                               err);
    double *rows = cp_arena_calloc(&ledger->rows_arena, at->inputs * CP_LEDGER_FIELDS, sizeof *rows);
    if (!rows || !take_sums(at, site, &sums))
        return cp_fail(err, CP_INTERNAL, site->name, "out of memory for the ledger");
    if (sums.slope && at->first > 0 && seen->room == 0)
        CP_TRY(cp_ledger_recall(at->ls, at->s, i, at->first, seen, err));
    CP_TRY(cp_ledger_check(at, site->point, seen, rows, &sums, err));
    if (at->s == 0) {
        ledger->rows[i] = rows;
        ledger->sums[i] = sums;
    }
    return cp_ledger_store(at->ls, at->s, i, at->first, at->inputs, rows, &sums, err);
}

enum cp_status cp_ledger_segment(struct cp_lockstep *ls, size_t s, struct cp_segment segment, bool follows,
                                 struct cp_error *err) {
    const struct cp_study *study = ls->study;
    if (!cp_ledger_active(ls, segment) || (segment.kind == CP_SEGMENT_CLASSES && study->inputs.classes == 0))
        return CP_OK;
    struct cp_ledger_at at = place(ls, s, segment);
    cp_arena_reset(&ls->ledger->segment);
    cp_arena_reset(&ls->ledger->scratch);
    if (segment.kind == CP_SEGMENT_STEM)
        at.side->stream = (struct cp_value){.recorded = NULL};
    take_over(&at);
    take_recorded(&at);
    for (size_t i = 0; i < study->sites.count; i++)
        if (ls->ledger->keep.data[i] && study->sites.list[i].point < CP_POINT_COUNT && study->watched[i] &&
            !cp_ledger_recomputed(study, s, i) && !was_grafted(&at, i))
            CP_TRY(check_site(&at, i, follows, err));
    return cp_ledger_carry(&at, err);
}
