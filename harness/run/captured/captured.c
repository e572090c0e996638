/* SPDX-License-Identifier: GPL-3.0-or-later
 * Opens a study's captures, and plays the tensors of one to its lane's taps. */
#include "run/captured/captured.h"

#include "inputs/load.h"
#include "result/check.h"
#include "run/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- opening ---- */

/* "FILE:NAME" unless a file is called so. */
static enum cp_status split(const struct cp_capture_choice *choice, struct cp_arena *arena, const char **file,
                            const char **name, struct cp_error *err) {
    const char *text = choice->file.text, *colon = strrchr(text, ':');
    *file = text;
    *name = NULL;
    if (!colon || colon == text || access(text, F_OK) == 0)
        return CP_OK;
    *file = cp_arena_printf(arena, "%.*s", (int)(colon - text), text);
    *name = colon + 1;
    return CP_CHECK_ALLOC(*file, err, "", "a capture");
}

enum cp_status cp_captured_choose(const struct cp_capture_choice *choice, struct cp_arena *arena,
                                  struct cp_capture **capture, struct cp_error *err) {
    struct cp_capture_map map;
    const char *file, *name;
    *capture = NULL;
    if (!choice->file.text)
        return CP_OK;
    CP_TRY(split(choice, arena, &file, &name, err));
    if (choice->map.text)
        CP_TRY(cp_capture_map_load(choice->map.text, arena, &map, err));
    else
        CP_TRY(cp_result_check_digest(file, err));
    return cp_capture_open(file, name, choice->map.text ? &map : NULL, &cp_capture_limits, capture, err);
}

/* Specs have settings for each block, and blocks are run through one by one, so without a model their number
 * is as the captures have it. */
static void count_layers(struct cp_study *study) {
    struct cp_clip_config *config = &study->model.config;
    for (size_t s = 0; s < study->captured_count; s++) {
        const struct cp_capture *capture = study->captured[s].capture;
        for (size_t t = 0; capture && t < capture->taps; t++) {
            const struct cp_tap_place place = cp_tap_place(capture->tap[t].name);
            int *layers = place.tower == CP_VISUAL ? &config->vision.layers : &config->text.layers;
            if (place.point < CP_POINT_COUNT && *layers <= place.layer)
                *layers = place.layer + 1;
        }
    }
}

enum cp_status cp_captured_open(struct cp_study *study, struct cp_error *err) {
    const struct cp_experiment *e = study->experiment;
    CP_TRY(CP_ARENA_CALLOC(&study->arena, study->captured, 1 + e->candidate_count, err, "", "a capture"));
    study->captured_count = 1 + e->candidate_count;
    CP_TRY(cp_captured_choose(&e->baseline.capture, &study->arena, &study->captured[0].capture, err));
    for (size_t c = 0; c < e->candidate_count; c++)
        CP_TRY(cp_captured_choose(&e->candidates[c].capture, &study->arena, &study->captured[c + 1].capture,
                                  err));
    if (!study->modelled)
        count_layers(study);
    CP_TRY(cp_captured_choose(&e->inputs.capture, &study->arena, &study->inputs_from, err));
    return cp_captured_choose(&e->graft, &study->arena, &study->graft.from, err);
}

void cp_captured_close(struct cp_study *study) {
    for (size_t s = 0; s < study->captured_count; s++)
        cp_capture_close(study->captured[s].capture);
    cp_capture_close(study->inputs_from);
    cp_capture_close(study->graft.from);
}

static enum cp_status note(struct cp_inputs_loader *l, const char *path) {
    for (size_t f = 0; f < l->in->file_count; f++)
        if (strcmp(l->in->files[f], path) == 0)
            return CP_OK;
    return cp_inputs_add_file(l, path);
}

enum cp_status cp_captured_files(struct cp_study *study, struct cp_error *err) {
    struct cp_inputs_loader l = {study->experiment, &study->model.config, &study->arena, &study->inputs, err};
    for (size_t s = 0; s < study->captured_count; s++)
        if (study->captured[s].capture)
            CP_TRY(note(&l, study->captured[s].capture->path));
    if (study->inputs_from)
        CP_TRY(note(&l, study->inputs_from->path));
    return study->graft.from ? note(&l, study->graft.from->path) : CP_OK;
}

/* ---- a captured lane ---- */

static bool is_in(const struct cp_site *site, struct cp_stage stage) {
    switch (stage.kind) {
    case CP_STAGE_STEM:
        return site->tower == stage.tower && site->layer < 0 && site->point < CP_LN_1;
    case CP_STAGE_BLOCK:
        return site->tower == stage.tower && site->layer == stage.layer;
    case CP_STAGE_HEAD:
        return site->tower == stage.tower && site->layer < 0 && site->point >= CP_LN_1;
    case CP_STAGE_CLASSES:
        return site->point == CP_CLASS_FEATURES;
    case CP_STAGE_LOGITS:
        break;
    }
    return site->tower == CP_JOINT && site->point != CP_CLASS_FEATURES;
}

/* Ids are below 2^24, so exact in float32. */
static void as_values(const int32_t *ids, size_t count, float *values) {
    for (size_t i = 0; i < count; i++)
        values[i] = (float)ids[i];
}

static enum cp_status show(struct cp_lockstep *ls, struct cp_lane *lane, size_t s, size_t i,
                           struct cp_stage stage, struct cp_error *err) {
    const struct cp_captured *captured = &ls->study->captured[s];
    const struct cp_site *site = &ls->study->sites.list[i];
    const bool classes = stage.kind == CP_STAGE_CLASSES;
    struct cp_tap_event event = {.index = i,
                                 .first = classes ? 0 : lane->pass.first,
                                 .inputs = classes ? site->shape[0] : lane->pass.inputs,
                                 .valid_tokens = site->tower == CP_TEXT ? lane->pass.valid_tokens : NULL,
                                 .dtype = CP_FP32};
    float *values = malloc(event.inputs * cp_site_row(site) * sizeof *values);
    CP_TRY(CP_CHECK_ALLOC(values, err, "", "a capture"));
    event.data = values;
    enum cp_status status = CP_OK;
    if (site->point == CP_TOKENS && captured->ids)
        as_values(captured->ids + event.first * cp_site_row(site), event.inputs * cp_site_row(site), values);
    else
        status = cp_capture_read(captured->capture, captured->tap[i], event.first, event.inputs, values, err);
    if (status == CP_OK)
        status = cp_taps_visit(&lane->pass.taps, event, err);
    free(values);
    return status;
}

enum cp_status cp_captured_stage(struct cp_lockstep *ls, struct cp_lane *lane, struct cp_stage stage,
                                 struct cp_error *err) {
    const size_t s = (size_t)(lane - ls->lanes);
    for (size_t i = 0; i < ls->study->sites.count; i++)
        if (ls->study->watched[i] && is_in(&ls->study->sites.list[i], stage) &&
            cp_captured_has(ls->study, s, i))
            CP_TRY(show(ls, lane, s, i, stage, err));
    return CP_OK;
}
