/* SPDX-License-Identifier: GPL-3.0-or-later
 * The ledger from stage to stage: what each pass recorded is kept, its operations are checked, and what
 * the next stage starts from is carried on. */
#include "analysis/ledger/ledger.h"

#include "run/captured/captured.h"

#include <string.h>

struct cp_ledger *cp_ledger_of(const struct cp_lockstep *ls) {
    return cp_lockstep_state(ls, &cp_ledger_analysis);
}

size_t cp_ledger_first(const struct cp_study *study, enum cp_dim_kind of) {
    const bool image = of == CP_DIM_IMAGE;
    const size_t count = image ? study->inputs.images : study->inputs.prompts;
    const int wanted = study->experiment->ledger;
    if (wanted == CP_LEDGER_AUTO && study->modelled)
        return study->oracle_count == 0 ? 0 : image ? study->oracle_images : study->oracle_prompts;
    if (wanted == CP_LEDGER_AUTO)
        return count;
    return wanted < 0 ? 0 : (size_t)wanted < count ? (size_t)wanted : count;
}

static bool wanted(const struct cp_study *study) {
    return cp_ledger_first(study, CP_DIM_IMAGE) + cp_ledger_first(study, CP_DIM_PROMPT) > 0;
}

/* Of a batch beyond the inputs that are checked nothing is done. */
static bool is_active(const struct cp_lockstep *ls, struct cp_stage stage) {
    const struct cp_ledger *ledger = cp_ledger_of(ls);
    if (stage.kind == CP_STAGE_CLASSES)
        return ls->study->inputs.classes && ledger->prompts == ls->study->inputs.prompts;
    if (stage.kind == CP_STAGE_LOGITS && ledger->prompts < ls->study->inputs.prompts)
        return false;
    const struct cp_pass *pass = &ls->lanes[0].pass;
    return pass->first < (pass->tower == CP_TEXT ? ledger->prompts : ledger->images);
}

/* ---- a stage ---- */

/* What one pass shows: a picture's crop goes to its place in the batch, all else to the stage's. */
struct watcher {
    struct cp_lockstep *ls;
    struct cp_tap buffer;
    size_t s;
};

static bool watches(void *self, const struct cp_site *site, size_t index) {
    const struct watcher *w = self;
    return site->point == CP_PIXELS_CROPPED || w->buffer.wants(w->buffer.self, site, index);
}

static enum cp_status watch(void *self, const struct cp_tap_event *event, struct cp_error *err) {
    const struct watcher *w = self;
    const size_t each = cp_site_row(event->site), first = w->ls->lanes[w->s].pass.first;
    float *cropped = cp_ledger_of(w->ls)->side[w->s].cropped;
    if (event->site->point != CP_PIXELS_CROPPED || !cropped)
        return w->buffer.visit(w->buffer.self, event, err);
    memcpy(cropped + (event->first - first) * each, event->data, event->inputs * each * sizeof *cropped);
    return CP_OK;
}

static struct cp_tap tap(struct cp_lockstep *ls, size_t s) {
    struct watcher *w = cp_arena_alloc(&ls->arena, 1, sizeof *w);
    const struct cp_tap buffer = cp_buffer_tap(&cp_ledger_of(ls)->buffer);
    if (!w)
        return buffer;
    *w = (struct watcher){ls, buffer, s};
    return (struct cp_tap){watches, watch, w};
}

static enum cp_status before(struct cp_lockstep *ls, struct cp_stage stage, struct cp_error *err) {
    struct cp_ledger *ledger = cp_ledger_of(ls);
    const size_t sites = ls->study->sites.count;
    (void)stage;
    (void)err;
    cp_tap_buffer_reset(&ledger->buffer);
    cp_arena_reset(&ledger->rows_arena);
    memset(ledger->rows, 0, sites * sizeof *ledger->rows);
    memset(ledger->sums, 0, sites * sizeof *ledger->sums);
    return CP_OK;
}

/* Of the batch at hand. */
static size_t checked_inputs(const struct cp_lockstep *ls, const struct cp_pass *pass) {
    const size_t most = pass->tower == CP_TEXT ? cp_ledger_of(ls)->prompts : cp_ledger_of(ls)->images;
    return pass->first + pass->inputs > most ? most - pass->first : pass->inputs;
}

static struct cp_ledger_at place(struct cp_lockstep *ls, size_t s, struct cp_stage stage) {
    const struct cp_pass *pass = &ls->lanes[0].pass;
    const bool classes = stage.kind == CP_STAGE_CLASSES;
    const enum cp_tower tower = stage.tower == CP_TEXT ? CP_TEXT : CP_VISUAL;
    struct cp_ledger_side *side = &cp_ledger_of(ls)->side[s];
    struct cp_ledger_at at = {.ls = ls,
                              .ledger = cp_ledger_of(ls),
                              .side = side,
                              .s = s,
                              .memory = &cp_ledger_of(ls)->stage,
                              .scratch = &cp_ledger_of(ls)->scratch,
                              .stage = stage,
                              .tower = tower,
                              .first = classes ? 0 : pass->first,
                              .inputs = classes ? ls->study->inputs.classes : checked_inputs(ls, pass),
                              .shape = &cp_ledger_of(ls)->shape[tower],
                              .changed = -1};
    if (tower == CP_TEXT && side->valid)
        at.valid = side->valid + at.first;
    return at;
}

/* What earlier stages left. */
static void take_over(struct cp_ledger_at *at) {
    const struct cp_ledger_side *side = at->side;
    if (at->stage.kind == CP_STAGE_STEM && at->tower == CP_VISUAL && side->cropped && at->ls->preprocess_taps)
        at->value[CP_PIXELS_CROPPED] =
            (struct cp_value){.recorded = side->cropped, .type = CP_FP32, .each = at->ledger->pixels};
    if (at->stage.tower != CP_JOINT) {
        at->value[CP_OPERAND_RESIDUAL] = side->residual_stream;
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

/* What was recorded in this stage. What a capture tool recomputed was not. */
static void take_recorded(struct cp_ledger_at *at) {
    const struct cp_study *study = at->ls->study;
    for (size_t i = 0; i < study->sites.count; i++) {
        const struct cp_site *site = &study->sites.list[i];
        const void *data = at->ledger->buffer.data[i];
        if (!data || site->point >= CP_POINT_COUNT || site->ragged || cp_ledger_recomputed(study, at->s, i))
            continue;
        at->value[site->point] =
            (struct cp_value){.recorded = data, .type = study->types[at->s][i], .each = cp_site_row(site)};
    }
}

/* Room for a batch's sums; NULL in them where the operation has no slope. */
static bool take_sums(struct cp_ledger_at *at, const struct cp_site *site, struct cp_slope_sums *sums) {
    const size_t slopes = cp_slope_count(cp_points[site->point].kind), rows = cp_ledger_slope_rows(site);
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
    CP_TRY(CP_CHECK_ALLOC(rows && take_sums(at, site, &sums), err, site->name, "the ledger"));
    if (sums.slope && at->first > 0 && seen->capacity == 0)
        CP_TRY(cp_ledger_recall(at->ls, at->s, i, at->first, seen, err));
    CP_TRY(cp_ledger_check(at, site->point, seen, rows, &sums, err));
    if (at->s == 0) {
        ledger->rows[i] = rows;
        ledger->sums[i] = sums;
    }
    return cp_ledger_store(at->ls, at->s, i, at->first, at->inputs, rows, &sums, err);
}

static enum cp_status check_stage(struct cp_lockstep *ls, size_t s, struct cp_stage stage,
                                  struct cp_error *err) {
    const struct cp_study *study = ls->study;
    struct cp_ledger_at at = place(ls, s, stage);
    cp_arena_reset(&at.ledger->stage);
    cp_arena_reset(&at.ledger->scratch);
    if (stage.kind == CP_STAGE_STEM)
        at.side->residual_stream = (struct cp_value){.recorded = NULL};
    take_over(&at);
    take_recorded(&at);
    for (size_t i = 0; i < study->sites.count; i++)
        if (at.ledger->buffer.data[i] && study->sites.list[i].point < CP_POINT_COUNT && study->watched[i] &&
            !cp_ledger_recomputed(study, s, i) && !was_grafted(&at, i))
            CP_TRY(check_site(&at, i, ls->lanes[s].follows, err));
    return cp_ledger_carry(&at, err);
}

static enum cp_status pass(struct cp_lockstep *ls, size_t s, struct cp_stage stage, struct cp_error *err) {
    if (is_active(ls, stage))
        CP_TRY(check_stage(ls, s, stage, err));
    cp_tap_buffer_reset(&cp_ledger_of(ls)->buffer); /* for the next pass */
    return CP_OK;
}

const struct cp_analysis cp_ledger_analysis = {
    .wanted = wanted,
    .inputs = cp_ledger_first,
    .define = cp_ledger_make,
    .tap = tap,
    .before = before,
    .pass = pass,
    .finish = cp_ledger_write,
    .release = cp_ledger_free,
};
