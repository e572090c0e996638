/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "study/captured.h"

#include "model/pass.h"
#include "study/inputs_load.h"
#include "study/segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum cp_status no_memory(struct cp_error *err) {
    return cp_fail(err, CP_INTERNAL, "", "out of memory for a capture");
}

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
    return *file ? CP_OK : no_memory(err);
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
    return cp_capture_open(file, name, choice->map.text ? &map : NULL, &cp_capture_limits, capture, err);
}

enum cp_status cp_captured_open(struct cp_study *study, struct cp_error *err) {
    const struct cp_experiment *e = study->experiment;
    study->captured = cp_arena_calloc(&study->arena, 1 + e->candidate_count, sizeof *study->captured);
    if (!study->captured)
        return no_memory(err);
    study->captured_count = 1 + e->candidate_count;
    CP_TRY(cp_captured_choose(&e->baseline.capture, &study->arena, &study->captured[0].capture, err));
    for (size_t c = 0; c < e->candidate_count; c++)
        CP_TRY(cp_captured_choose(&e->candidates[c].capture, &study->arena, &study->captured[c + 1].capture,
                                  err));
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

bool cp_captured_computes(const struct cp_study *study) {
    bool any = study->oracle_count > 0;
    for (size_t s = 0; s < study->spec_count; s++)
        any = any || !cp_captured_of(study, s);
    return any;
}

/* ---- inputs ---- */

/* The first tap of a tower; capture->taps where there is none. */
static size_t first_of(const struct cp_capture *capture, enum cp_tower tower) {
    size_t t = 0;
    while (t < capture->taps && cp_tap_tower(capture->tap[t].name) != tower)
        t++;
    return t;
}

static size_t inputs_at(const struct cp_capture *capture, size_t tap) {
    return tap < capture->taps ? capture->tap[tap].shape[0] : 0;
}

/* The labels of a tap's inputs; numbers where it has none. */
static enum cp_status name_inputs(struct cp_study *study, size_t tap, const char *what, const char ***names,
                                  struct cp_error *err) {
    struct cp_capture *capture = study->inputs_from;
    const size_t count = inputs_at(capture, tap);
    const char *const *labels = NULL;
    if (count == 0)
        return CP_OK;
    CP_TRY(cp_capture_labels(capture, tap, &study->arena, &labels, err));
    *names = cp_arena_calloc(&study->arena, count, sizeof **names);
    for (size_t i = 0; *names && i < count; i++) {
        (*names)[i] = labels ? labels[i] : cp_arena_printf(&study->arena, "%s %zu", what, i);
        if (!(*names)[i])
            return no_memory(err);
    }
    return *names ? CP_OK : no_memory(err);
}

/* Positions after the one that pooling takes are not judged; without a model that is the largest id's. */
static enum cp_status judge(struct cp_study *study, size_t tokens, struct cp_error *err) {
    struct cp_run_inputs *in = &study->inputs;
    struct cp_clip_config argmax = {.text = {.context_length = (int)tokens, .pool_type = CP_POOL_ARGMAX}};
    const struct cp_clip_config *config = study->modelled ? &study->model.config : &argmax;
    in->judged = cp_arena_alloc(&study->arena, in->prompts + 1, sizeof *in->judged);
    if (!in->judged)
        return no_memory(err);
    for (size_t p = 0; p < in->prompts; p++)
        in->judged[p] = in->tokens ? 1 + cp_text_pool_position(config, in->tokens + p * tokens) : (int)tokens;
    return CP_OK;
}

static enum cp_status check_ids(const struct cp_study *study, const struct cp_capture *capture,
                                struct cp_error *err) {
    const int vocabulary = study->model.config.text.vocab_size;
    const size_t length = (size_t)study->model.config.text.context_length;
    if (capture->tokens != length)
        return cp_fail(err, CP_BAD_INPUT, capture->path, "/inputs/tokens: %zu tokens a prompt",
                       capture->tokens),
               cp_expected(err, "%zu, as the model's config says", length);
    for (size_t i = 0; i < capture->prompts * capture->tokens; i++)
        if (study->inputs.tokens[i] < 0 || study->inputs.tokens[i] >= vocabulary)
            return cp_fail(err, CP_BAD_INPUT, capture->path, "/inputs/tokens: id %d",
                           study->inputs.tokens[i]),
                   cp_expected(err, "0 to %d", vocabulary - 1);
    return CP_OK;
}

static enum cp_status read_tokens(struct cp_study *study, size_t text, struct cp_error *err) {
    struct cp_capture *capture = study->inputs_from;
    struct cp_run_inputs *in = &study->inputs;
    size_t tokens = capture->tokens;
    if (capture->prompts && capture->prompts != in->prompts && study->experiment->inputs.limit == CP_ALL)
        return cp_fail(err, CP_BAD_INPUT, capture->path, "has tokens of %zu prompts, and taps of %zu",
                       capture->prompts, in->prompts),
               cp_expected(err, "the same prompts");
    if (capture->prompts) {
        in->tokens = cp_arena_alloc(&study->arena, capture->prompts * tokens, sizeof *in->tokens);
        if (!in->tokens)
            return no_memory(err);
        CP_TRY(cp_capture_tokens(capture, in->tokens, err));
        if (study->modelled)
            CP_TRY(check_ids(study, capture, err));
    } else if (study->modelled) {
        return cp_fail(err, CP_BAD_INPUT, capture->path, "has no /inputs/tokens"),
               cp_expected(err, "token ids (prompt, token), which the text tower starts from");
    } else if (capture->tap[text].rank > 2) {
        tokens = capture->tap[text].shape[1];
    }
    return judge(study, tokens, err);
}

/* inputs.limit: the first images and prompts, so that captures of other lengths can be compared. */
static void limit_inputs(struct cp_study *study) {
    const size_t limit = (size_t)study->experiment->inputs.limit;
    struct cp_run_inputs *in = &study->inputs;
    if (limit >= in->images && limit >= in->prompts)
        return;
    in->images = in->images < limit ? in->images : limit;
    in->prompts = in->prompts < limit ? in->prompts : limit;
    in->classes = 0; /* which all prompts together make */
}

enum cp_status cp_captured_inputs(struct cp_study *study, struct cp_error *err) {
    struct cp_capture *capture = study->inputs_from;
    const size_t image = first_of(capture, CP_VISUAL), text = first_of(capture, CP_TEXT);
    const size_t class = cp_capture_find(capture, "class_features");
    struct cp_run_inputs *in = &study->inputs;
    struct cp_inputs_loader l = {study->experiment, &study->model.config, &study->arena, in, err};
    *in = (struct cp_run_inputs){.images = inputs_at(capture, image),
                                 .prompts = inputs_at(capture, text),
                                 .classes = inputs_at(capture, class)};
    CP_TRY(cp_inputs_model_files(&l));
    if (in->prompts == 0 && capture->prompts && study->modelled)
        in->prompts = capture->prompts;
    limit_inputs(study);
    if (in->classes && (in->prompts == 0 || in->prompts % in->classes != 0))
        in->classes = 0;
    CP_TRY(name_inputs(study, image, "image", &in->image_names, err));
    CP_TRY(name_inputs(study, text, "prompt", &in->prompt_texts, err));
    if (in->classes)
        CP_TRY(name_inputs(study, class, "class", &in->class_names, err));
    if (in->prompts)
        CP_TRY(read_tokens(study, text, err));
    if (in->images + in->prompts == 0)
        return cp_fail(err, CP_BAD_INPUT, capture->path, "has taps of no image and no prompt"),
               cp_expected(err, "names as `clip-parity list taps` shows them");
    return CP_OK;
}

enum cp_status cp_captured_pixels(const struct cp_study *study, size_t first, size_t count, float *pixels,
                                  struct cp_error *err) {
    struct cp_capture *capture = study->inputs_from;
    const size_t tap = cp_capture_find(capture, cp_points[CP_PIXELS_NORMALIZED].visual);
    const size_t side = (size_t)study->model.config.vision.image_size;
    if (tap < capture->taps)
        return cp_capture_read(capture, tap, first, count, pixels, err);
    memset(pixels, 0, count * 3 * side * side * sizeof *pixels);
    return CP_OK;
}

/* ---- sites ---- */

static size_t inputs_of(const struct cp_study *study, const struct cp_site *site) {
    if (site->tower == CP_TEXT)
        return study->inputs.prompts;
    return site->point == CP_CLASS_FEATURES ? study->inputs.classes : study->inputs.images;
}

static enum cp_status other_shape(const struct cp_capture *capture, const struct cp_capture_tap *tap,
                                  const struct cp_site *site, struct cp_error *err) {
    char found[96] = "", wanted[96] = "", where[512];
    size_t f = 0, w = 0;
    for (int d = 0; d < tap->rank && f < sizeof found; d++)
        f += (size_t)snprintf(found + f, sizeof found - f, "%s%zu", d ? ", " : "", tap->shape[d]);
    for (int d = 0; d < site->rank && w < sizeof wanted; d++)
        w += (size_t)snprintf(wanted + w, sizeof wanted - w, "%s%s %zu", d ? ", " : "",
                              cp_dim_name(site->dims[d]), site->shape[d]);
    (void)snprintf(where, sizeof where, "%.250s: %.250s", capture->path, tap->name);
    (void)cp_fail(err, CP_BAD_INPUT, where, "has the shape (%s)", found);
    return cp_expected(err, "(%s)", wanted);
}

/* Under a limit what joins images and prompts is left out: it is of all prompts. */
static bool is_left_out(const struct cp_study *study, enum cp_tower tower) {
    return study->inputs_from && study->experiment->inputs.limit < CP_ALL && tower == CP_JOINT;
}

/* Under a limit a capture may have more inputs than are compared. */
static enum cp_status check_shape(const struct cp_study *study, const struct cp_capture *capture,
                                  const struct cp_capture_tap *tap, const struct cp_site *site,
                                  struct cp_error *err) {
    const bool more = study->experiment->inputs.limit < CP_ALL && tap->shape[0] > site->shape[0];
    bool same = tap->rank == site->rank && (more || tap->shape[0] == site->shape[0]);
    for (int d = 1; d < site->rank && same; d++)
        same = tap->shape[d] == site->shape[d];
    return same ? CP_OK : other_shape(capture, tap, site, err);
}

/* A site for a tap that no model has told of. */
static enum cp_status site_of(const struct cp_study *study, const struct cp_capture *capture,
                              const struct cp_capture_tap *tap, struct cp_site *site, struct cp_error *err) {
    static const enum cp_dim_kind plain[CP_CAPTURE_RANK][CP_CAPTURE_RANK] = {
        {CP_DIM_INPUT},
        {CP_DIM_INPUT, CP_DIM_CHANNEL},
        {CP_DIM_INPUT, CP_DIM_TOKEN, CP_DIM_CHANNEL},
        {CP_DIM_INPUT, CP_DIM_HEAD, CP_DIM_QUERY, CP_DIM_KEY}};
    struct cp_tap_place place = cp_tap_place(tap->name);
    if (place.point == CP_POINT_COUNT) /* a name of another system */
        place.tower = tap->shape[0] >= study->inputs.images && tap->shape[0] != study->inputs.prompts
                          ? CP_VISUAL
                          : place.tower;
    *site = (struct cp_site){.tower = place.tower,
                             .point = place.point,
                             .layer = place.point == CP_POINT_COUNT ? -1 : place.layer,
                             .rank = tap->rank};
    if (strlen(tap->name) >= sizeof site->name)
        return cp_fail(err, CP_BAD_INPUT, capture->path, "the tap '%.100s' has a name that is too long",
                       tap->name),
               cp_expected(err, "fewer than %zu bytes", sizeof site->name);
    (void)snprintf(site->name, sizeof site->name, "%s", tap->name);
    const bool known = place.point < CP_POINT_COUNT && cp_points[place.point].rank == tap->rank;
    memcpy(site->dims, known ? cp_points[place.point].dims : plain[tap->rank - 1], sizeof site->dims);
    memcpy(site->shape, tap->shape, sizeof site->shape);
    for (int d = 0; d < tap->rank; d++)
        if (site->dims[d] == CP_DIM_INPUT)
            site->dims[d] = place.tower == CP_TEXT ? CP_DIM_PROMPT : CP_DIM_IMAGE;
    site->shape[0] = inputs_of(study, site);
    return check_shape(study, capture, tap, site, err);
}

static size_t find_site(const struct cp_sites *sites, const char *name) {
    size_t i = 0;
    while (i < sites->count && strcmp(sites->list[i].name, name) != 0)
        i++;
    return i;
}

/* Position in the order of execution: tower, stem, blocks, head; what is unknown comes last. */
static int position(const struct cp_site *site) {
    const int most = 1 << 20;
    if (site->point == CP_POINT_COUNT)
        return most;
    if (site->layer >= 0)
        return 1 + site->layer;
    return site->tower == CP_JOINT || site->point < CP_LN_1 ? 0 : most - 1;
}

static int by_execution(const void *a, const void *b) {
    const struct cp_site *x = a, *y = b;
    if (x->tower != y->tower)
        return (int)x->tower - (int)y->tower;
    if (position(x) != position(y))
        return position(x) - position(y);
    return (int)x->point - (int)y->point;
}

/* The model's sites and behind them, tower by tower, what captures have besides. */
static enum cp_status gather_sites(struct cp_study *study, struct cp_error *err) {
    size_t most = study->sites.count;
    for (size_t s = 0; s < study->captured_count; s++)
        most += study->captured[s].capture ? study->captured[s].capture->taps : 0;
    struct cp_site *list = cp_arena_calloc(&study->arena, most + 1, sizeof *list);
    if (!list)
        return no_memory(err);
    if (study->sites.count)
        memcpy(list, study->sites.list, study->sites.count * sizeof *list);
    study->sites.list = list;
    for (size_t s = 0; s < study->captured_count; s++) {
        const struct cp_capture *capture = study->captured[s].capture;
        for (size_t t = 0; capture && t < capture->taps; t++)
            if (!is_left_out(study, cp_tap_tower(capture->tap[t].name)) &&
                find_site(&study->sites, capture->tap[t].name) == study->sites.count) {
                CP_TRY(site_of(study, capture, &capture->tap[t], &list[study->sites.count], err));
                study->sites.count++;
            }
    }
    for (size_t i = 1; i < study->sites.count; i++) /* stable, and nearly sorted already */
        for (size_t j = i; j > 0 && by_execution(&list[j - 1], &list[j]) > 0; j--) {
            const struct cp_site swap = list[j];
            list[j] = list[j - 1];
            list[j - 1] = swap;
        }
    study->sites.text_start = 0;
    while (study->sites.text_start < study->sites.count && list[study->sites.text_start].tower == CP_VISUAL)
        study->sites.text_start++;
    return CP_OK;
}

/* Blocks are run through one by one, so their number must be known. */
static void count_layers(struct cp_study *study) {
    struct cp_clip_config *config = &study->model.config;
    for (size_t i = 0; i < study->sites.count; i++) {
        const struct cp_site *site = &study->sites.list[i];
        int *layers = site->tower == CP_VISUAL ? &config->vision.layers : &config->text.layers;
        if (*layers <= site->layer)
            *layers = site->layer + 1;
    }
}

/* Ids, where all passes take the same from a capture. */
static bool are_given(const struct cp_study *study, const struct cp_site *site) {
    return study->inputs_from && site->point == CP_TOKENS;
}

static enum cp_status match(const struct cp_study *study, struct cp_captured *captured,
                            struct cp_arena *arena, struct cp_error *err) {
    const struct cp_capture *capture = captured->capture;
    captured->tap = cp_arena_calloc(arena, study->sites.count + 1, sizeof *captured->tap);
    if (!captured->tap)
        return no_memory(err);
    for (size_t i = 0; i < study->sites.count; i++) {
        const struct cp_site *site = &study->sites.list[i];
        captured->tap[i] =
            site->ragged || are_given(study, site) ? capture->taps : cp_capture_find(capture, site->name);
        if (captured->tap[i] < capture->taps && !is_left_out(study, study->sites.list[i].tower))
            CP_TRY(check_shape(study, capture, &capture->tap[captured->tap[i]], &study->sites.list[i], err));
    }
    return CP_OK;
}

enum cp_status cp_captured_sites(struct cp_study *study, struct cp_error *err) {
    CP_TRY(gather_sites(study, err));
    if (!study->modelled)
        count_layers(study);
    for (size_t s = 0; s < study->captured_count; s++)
        if (study->captured[s].capture)
            CP_TRY(match(study, &study->captured[s], &study->arena, err));
    return CP_OK;
}

static bool has_pictures(const struct cp_study *study) {
    return !study->inputs_from && cp_inputs_has_pictures(&study->inputs);
}

bool cp_captured_has(const struct cp_study *study, size_t s, size_t site) {
    const struct cp_capture *capture = cp_captured_of(study, s);
    if (are_given(study, &study->sites.list[site]) || is_left_out(study, study->sites.list[site].tower))
        return false;
    if (capture)
        return study->captured[s].tap[site] < capture->taps;
    const enum cp_point point = study->sites.list[site].point;
    return point < CP_POINT_COUNT && (point >= CP_PIXELS_NORMALIZED || has_pictures(study));
}

/* ---- a captured lane ---- */

static bool is_in(const struct cp_site *site, struct cp_segment segment) {
    switch (segment.kind) {
    case CP_SEGMENT_STEM:
        return site->tower == segment.tower && site->layer < 0 && site->point < CP_LN_1;
    case CP_SEGMENT_BLOCK:
        return site->tower == segment.tower && site->layer == segment.layer;
    case CP_SEGMENT_HEAD:
        return site->tower == segment.tower && site->layer < 0 && site->point >= CP_LN_1;
    case CP_SEGMENT_CLASSES:
        return site->point == CP_CLASS_FEATURES;
    case CP_SEGMENT_LOGITS:
        break;
    }
    return site->tower == CP_JOINT && site->point != CP_CLASS_FEATURES;
}

static enum cp_status show(struct cp_lockstep *ls, struct cp_lane *lane, size_t s, size_t i,
                           struct cp_segment segment, struct cp_error *err) {
    const struct cp_captured *captured = &ls->study->captured[s];
    const struct cp_site *site = &ls->study->sites.list[i];
    const bool classes = segment.kind == CP_SEGMENT_CLASSES;
    struct cp_tap_event event = {.index = i,
                                 .first = classes ? 0 : lane->pass.first,
                                 .inputs = classes ? site->shape[0] : lane->pass.inputs,
                                 .judged = site->tower == CP_TEXT ? lane->pass.judged : NULL,
                                 .dtype = CP_FP32};
    float *values = malloc(event.inputs * cp_site_row(site) * sizeof *values);
    if (!values)
        return no_memory(err);
    event.data = values;
    enum cp_status status =
        cp_capture_read(captured->capture, captured->tap[i], event.first, event.inputs, values, err);
    if (status == CP_OK)
        status = cp_taps_visit(&lane->pass.taps, event, err);
    free(values);
    return status;
}

enum cp_status cp_captured_segment(struct cp_lockstep *ls, struct cp_lane *lane, struct cp_segment segment,
                                   struct cp_error *err) {
    const size_t s = (size_t)(lane - ls->lanes);
    for (size_t i = 0; i < ls->study->sites.count; i++)
        if (ls->study->watched[i] && is_in(&ls->study->sites.list[i], segment) &&
            cp_captured_has(ls->study, s, i))
            CP_TRY(show(ls, lane, s, i, segment, err));
    return CP_OK;
}
