/* SPDX-License-Identifier: GPL-3.0-or-later
 * The ledger from segment to segment: what each pass recorded is kept, its operations are checked, and what
 * the next segment starts from is carried on. */
#include "analysis/ledger/ledger.h"

#include "run/captured.h"

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
            (struct cp_value){.recorded = side->cropped, .type = CP_FP32, .each = at->ledger->pixels};
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
