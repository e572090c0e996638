/* SPDX-License-Identifier: GPL-3.0-or-later
 * The sites of a study with captures: the model's, and what else is in the files. */
#include "run/captured/captured.h"

#include "base/nearest.h"

#include <stdio.h>
#include <string.h>

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

/* Ids, where all passes take the same from a capture. */
static bool are_given(const struct cp_study *study, const struct cp_site *site) {
    return study->inputs_from && site->point == CP_TOKENS;
}

/* As many as there are along an axis of inputs; of another axis what the site has. */
static size_t length_of(const struct cp_study *study, const struct cp_site *site, int axis) {
    const enum cp_dim_kind kind = site->dims[axis];
    const size_t count = kind == CP_DIM_IMAGE                             ? study->inputs.images
                         : kind == CP_DIM_PROMPT                          ? study->inputs.prompts
                         : kind == CP_DIM_CLASS                           ? study->inputs.classes
                         : are_given(study, site) && study->inputs.tokens ? study->inputs.token_count
                                                                          : 0;
    return count ? count : site->shape[axis];
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
    const size_t inputs = inputs_of(study, site);
    if (inputs ||
        site->point != CP_CLASS_FEATURES) /* classes that prompts do not make are as many as there are */
        site->shape[0] = inputs;
    for (int d = 1; d < site->rank; d++)
        site->shape[d] = length_of(study, site, d);
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
    CP_TRY(CP_CHECK_ALLOC(list, err, "", "a capture"));
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

static enum cp_status match(const struct cp_study *study, struct cp_captured *captured,
                            struct cp_arena *arena, struct cp_error *err) {
    const struct cp_capture *capture = captured->capture;
    CP_TRY(CP_ARENA_CALLOC(arena, captured->tap, study->sites.count + 1, err, "", "a capture"));
    for (size_t i = 0; i < study->sites.count; i++) {
        const struct cp_site *site = &study->sites.list[i];
        captured->tap[i] =
            site->ragged || are_given(study, site) ? capture->taps : cp_capture_find(capture, site->name);
        if (captured->tap[i] < capture->taps && !is_left_out(study, study->sites.list[i].tower))
            CP_TRY(check_shape(study, capture, &capture->tap[captured->tap[i]], &study->sites.list[i], err));
    }
    return CP_OK;
}

static const struct cp_capture_choice *choice_of(const struct cp_study *study, size_t s) {
    const struct cp_experiment *e = study->experiment;
    return s == 0 ? &e->baseline.capture : &e->candidates[s - 1].capture;
}

static bool others_have(const struct cp_study *study, size_t s, const char *tap) {
    for (size_t o = 0; o < study->captured_count; o++) {
        const struct cp_capture *capture = study->captured[o].capture;
        if (o != s && capture && cp_capture_find(capture, tap) < capture->taps)
            return true;
    }
    return false;
}

/* What may have been meant: the model's taps, and those of the other captures. */
static enum cp_status known_taps(const struct cp_study *study, size_t s, struct cp_arena *arena,
                                 const char ***names, size_t *count, struct cp_error *err) {
    size_t most = study->sites.count;
    for (size_t o = 0; o < study->captured_count; o++)
        most += o != s && study->captured[o].capture ? study->captured[o].capture->taps : 0;
    CP_TRY(CP_ARENA_CALLOC(arena, *names, most + 1, err, "", "a capture"));
    *count = 0;
    for (size_t i = 0; i < study->sites.count; i++)
        (*names)[(*count)++] = study->sites.list[i].name;
    for (size_t o = 0; o < study->captured_count; o++)
        for (size_t t = 0; o != s && study->captured[o].capture && t < study->captured[o].capture->taps; t++)
            (*names)[(*count)++] = study->captured[o].capture->tap[t].name;
    return CP_OK;
}

/* A map names its taps on purpose: one that no model has, and no other pass, is a slip. */
static enum cp_status check_map(struct cp_study *study, size_t s, struct cp_error *err) {
    const struct cp_capture *capture = study->captured[s].capture;
    const char *map = choice_of(study, s)->map.text, **names;
    size_t count;
    if (!capture || !map)
        return CP_OK;
    CP_TRY(known_taps(study, s, &study->arena, &names, &count, err));
    for (size_t t = 0; t < capture->taps; t++) {
        const char *tap = capture->tap[t].name;
        if (cp_tap_place(tap).point < CP_POINT_COUNT || others_have(study, s, tap))
            continue;
        const char *near = cp_nearest(tap, names, count);
        (void)cp_fail(err, CP_BAD_INPUT, map, "taps: neither the model nor another pass has a tap '%s'", tap);
        if (near)
            cp_did_you_mean(err, near, "");
        return cp_expected(err, "one that `clip-parity list taps` shows, or that the other side has");
    }
    return CP_OK;
}

/* The pixels that passes start from, which need not be a pass's own. */
static enum cp_status check_pixels(const struct cp_study *study, struct cp_error *err) {
    const struct cp_capture *capture = study->inputs_from;
    const char *const name = cp_points[CP_PIXELS_NORMALIZED].visual;
    const size_t site = find_site(&study->sites, name), tap = capture ? cp_capture_find(capture, name) : 0;
    if (!capture || tap == capture->taps || site == study->sites.count)
        return CP_OK;
    return check_shape(study, capture, &capture->tap[tap], &study->sites.list[site], err);
}

enum cp_status cp_captured_sites(struct cp_study *study, struct cp_error *err) {
    for (size_t s = 0; s < study->captured_count; s++)
        CP_TRY(check_map(study, s, err));
    CP_TRY(gather_sites(study, err));
    CP_TRY(check_pixels(study, err));
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
    if (is_left_out(study, study->sites.list[site].tower))
        return false;
    if (are_given(study, &study->sites.list[site]))
        return !capture || study->captured[s].ids;
    if (capture)
        return study->captured[s].tap[site] < capture->taps;
    const enum cp_point point = study->sites.list[site].point;
    return point < CP_POINT_COUNT && (point >= CP_PIXELS_NORMALIZED || has_pictures(study));
}
