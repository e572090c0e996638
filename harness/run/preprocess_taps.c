/* SPDX-License-Identifier: GPL-3.0-or-later
 * Preprocesses once for each distinct setting, and shows the steps to all lanes that share it. */
#include "run/preprocess_taps.h"

#include "run/analysis.h"

#include <stdlib.h>
#include <string.h>

enum step { DECODED, RESIZED, CROPPED, STEPS };

/* One picture as one way to preprocess has it. */
struct way {
    struct cp_preprocess how;
    size_t decoder; /* the first way that decodes alike: what is decoded is there */
    struct cp_picture picture;
    const char *path;
    struct cp_pixels step[STEPS]; /* the way's own */
    struct cp_pixels
        replaced[STEPS]; /* from the baseline's input; DECODED is unused, its input being the same */
};

struct cp_preprocess_taps {
    size_t site[STEPS];
    bool replaced;   /* lanes are fed the baseline's steps of this batch */
    struct way *way; /* [pixels_count] */
};

static bool is_watched(const struct cp_lockstep *ls, const struct cp_preprocess_taps *steps, enum step step) {
    return ls->study->watched[steps->site[step]];
}

/* Where specs preprocess differently, the baseline's crop is what their normalisations are fed. */
static bool are_needed(const struct cp_lockstep *ls, const struct cp_preprocess_taps *steps) {
    bool needed = ls->pixels_count > 1 && ls->needs & CP_NEEDS_REPLACED_PIXELS;
    for (int step = DECODED; step < STEPS; step++)
        needed = needed || is_watched(ls, steps, (enum step)step);
    return needed;
}

static enum cp_status make_ways(struct cp_lockstep *ls, struct cp_preprocess_taps *steps,
                                struct cp_error *err) {
    CP_LOCKSTEP_TAKE(ls, steps->way, ls->pixels_count);
    for (size_t p = 0; p < ls->pixels_count; p++) {
        struct way *way = &steps->way[p];
        way->how = cp_spec_preprocess(ls->pixels[p].spec);
        while (way->decoder < p && !cp_preprocess_same_decoding(&way->how, &steps->way[way->decoder].how))
            way->decoder++;
        const struct cp_pixels square = {.height = way->how.size, .width = way->how.size};
        const size_t elements = 3 * square.height * square.width;
        way->step[CROPPED] = way->replaced[CROPPED] = square;
        CP_LOCKSTEP_TAKE(ls, way->step[CROPPED].values, elements);
        CP_LOCKSTEP_TAKE(ls, way->replaced[CROPPED].values, elements);
    }
    return CP_OK;
}

enum cp_status cp_preprocess_taps_create(struct cp_lockstep *ls, struct cp_error *err) {
    static const enum cp_point points[STEPS] = {CP_PIXELS_DECODED, CP_PIXELS_RESIZED, CP_PIXELS_CROPPED};
    const struct cp_study *study = ls->study;
    struct cp_preprocess_taps *steps;
    if (study->inputs_from || !cp_inputs_has_pictures(&study->inputs))
        return CP_OK;
    CP_LOCKSTEP_TAKE(ls, steps, 1);
    for (int step = DECODED; step < STEPS; step++)
        steps->site[step] = cp_sites_find(&study->sites, CP_VISUAL, points[step], -1);
    if (!are_needed(ls, steps))
        return CP_OK;
    CP_TRY(make_ways(ls, steps, err));
    ls->preprocess_taps = steps;
    return CP_OK;
}

static void release_picture(const struct cp_lockstep *ls) {
    for (size_t p = 0; p < ls->pixels_count; p++) {
        struct way *way = &ls->preprocess_taps->way[p];
        cp_picture_free(&way->picture);
        cp_pixels_free(&way->step[DECODED]);
        cp_pixels_free(&way->step[RESIZED]);
        cp_pixels_free(&way->replaced[RESIZED]);
    }
}

void cp_preprocess_taps_free(struct cp_lockstep *ls) {
    if (ls->preprocess_taps)
        release_picture(ls);
}

/* ---- making them ---- */

static enum cp_status decode(struct cp_lockstep *ls, size_t p, size_t image, struct cp_error *err) {
    struct way *way = &ls->preprocess_taps->way[p];
    if (way->decoder < p)
        return CP_OK;
    CP_TRY(cp_inputs_picture(&ls->study->inputs, &way->how, image, &way->picture, &way->path, err));
    CP_TRY(cp_preprocess_turn(&way->how, &way->picture, way->path, err));
    if (!is_watched(ls, ls->preprocess_taps, DECODED))
        return CP_OK;
    return cp_preprocess_decoded(&way->picture, way->path, &way->step[DECODED], err);
}

/* A way's own steps, and its pixels. */
static enum cp_status make_own(struct cp_lockstep *ls, size_t p, size_t image, float *pixels,
                               struct cp_error *err) {
    struct way *way = &ls->preprocess_taps->way[p];
    const struct way *from = &ls->preprocess_taps->way[way->decoder];
    CP_TRY(decode(ls, p, image, err));
    if (ls->preprocess_taps->replaced || is_watched(ls, ls->preprocess_taps, RESIZED))
        CP_TRY(cp_preprocess_resized(&way->how, &from->picture, from->path, &way->step[RESIZED], err));
    CP_TRY(cp_preprocess_cropped(&way->how, &from->picture, from->path, way->step[CROPPED].values, err));
    cp_preprocess_normalized(&way->how, way->step[CROPPED].values, pixels);
    return CP_OK;
}

/* A way's steps and pixels from the baseline's. Where that has no resized picture, which is too large, the
 * crop is the way's own. */
static enum cp_status make_replaced(struct cp_lockstep *ls, size_t p, float *pixels, struct cp_error *err) {
    struct way *way = &ls->preprocess_taps->way[p];
    const struct way *baseline = &ls->preprocess_taps->way[0];
    const struct cp_pixels *resized = &baseline->step[RESIZED];
    float *cropped = way->replaced[CROPPED].values;
    if (is_watched(ls, ls->preprocess_taps, RESIZED))
        CP_TRY(cp_preprocess_resized(&way->how, &baseline->picture, baseline->path, &way->replaced[RESIZED],
                                     err));
    if (resized->values)
        cp_preprocess_cut(&way->how, &baseline->picture, resized, cropped);
    else
        memcpy(cropped, way->step[CROPPED].values, 3 * way->how.size * way->how.size * sizeof *cropped);
    cp_preprocess_normalized(&way->how, baseline->step[CROPPED].values, pixels);
    return CP_OK;
}

/* ---- showing them ---- */

static const struct cp_pixels *step_of(const struct cp_lockstep *ls, const struct cp_spec *spec,
                                       enum step step, bool replaced) {
    const struct way *way = &ls->preprocess_taps->way[cp_lockstep_pixels(ls, spec) - ls->pixels];
    if (step == DECODED)
        return &ls->preprocess_taps->way[way->decoder].step[DECODED];
    return replaced ? &way->replaced[step] : &way->step[step];
}

static enum cp_status show(const struct cp_lockstep *ls, const struct cp_taps *taps, enum step step,
                           const struct cp_pixels *pixels, struct cp_tap_event event, struct cp_error *err) {
    struct cp_site site = ls->study->sites.list[ls->preprocess_taps->site[step]];
    site.shape[2] = pixels->height;
    site.shape[3] = pixels->width;
    event.site = &site;
    event.index = ls->preprocess_taps->site[step];
    event.inputs = 1;
    event.fixed = true;
    return cp_taps_visit(taps, event, err);
}

static enum cp_status show_oracle(const struct cp_lockstep *ls, const struct cp_oracle_lane *lane,
                                  enum step step, size_t image, bool replaced, struct cp_error *err) {
    const struct cp_pixels *pixels = step_of(ls, lane->oracle.spec, step, replaced);
    const size_t elements = 3 * pixels->height * pixels->width;
    if (!pixels->values)
        return CP_OK;
    double *wide = malloc(elements * sizeof *wide);
    CP_TRY(CP_CHECK_ALLOC(wide, err, "", "a picture"));
    for (size_t i = 0; i < elements; i++)
        wide[i] = (double)pixels->values[i];
    const struct cp_tap_event event = {.first = image, .dtype = CP_FP64, .data = wide};
    const enum cp_status status = show(ls, &lane->oracle.taps, step, pixels, event, err);
    free(wide);
    return status;
}

static enum cp_status show_lane(const struct cp_lockstep *ls, const struct cp_lane *lane, enum step step,
                                size_t image, bool replaced, struct cp_error *err) {
    if (!lane->plan) /* a capture's */
        return CP_OK;
    const struct cp_pixels *pixels = step_of(ls, lane->plan->spec, step, replaced);
    const struct cp_tap_event event = {.first = image, .dtype = CP_FP32, .data = pixels->values};
    return pixels->values ? show(ls, &lane->pass.taps, step, pixels, event, err) : CP_OK;
}

static void forget(struct cp_lockstep *ls) {
    cp_tap_buffer_reset(&ls->buffer);
    for (size_t o = 0; o < ls->study->oracle_count; o++) {
        cp_tap_buffer_reset(&ls->oracles[o].buffer);
        if (ls->replaced.oracles)
            cp_tap_buffer_reset(&ls->replaced.oracles[o].buffer);
    }
}

/* As of a stage: to the oracles, to the baseline, to the candidates; then what is fed the baseline's. */
static enum cp_status show_step(struct cp_lockstep *ls, enum step step, size_t image, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    forget(ls);
    for (size_t o = 0; o < study->oracle_count && ls->with_oracle; o++)
        CP_TRY(show_oracle(ls, &ls->oracles[o], step, image, false, err));
    for (size_t s = 0; s < study->spec_count; s++)
        CP_TRY(show_lane(ls, &ls->lanes[s], step, image, false, err));
    for (size_t o = 0; o < study->oracle_count && ls->preprocess_taps->replaced; o++)
        CP_TRY(show_oracle(ls, &ls->replaced.oracles[o], step, image, true, err));
    for (size_t s = 1; s < study->spec_count && ls->preprocess_taps->replaced; s++)
        CP_TRY(show_lane(ls, &ls->replaced.lanes[s], step, image, true, err));
    return CP_OK;
}

/* ---- a picture, a batch ---- */

static size_t row_of(const struct cp_lockstep *ls) {
    const size_t size = ls->preprocess_taps->way[0].how.size;
    return 3 * size * size;
}

static enum cp_status run_picture(struct cp_lockstep *ls, size_t image, size_t offset, struct cp_error *err) {
    for (size_t p = 0; p < ls->pixels_count; p++)
        CP_TRY(make_own(ls, p, image, ls->pixels[p].values + offset * row_of(ls), err));
    for (size_t p = 0; p < ls->pixels_count && ls->preprocess_taps->replaced; p++)
        CP_TRY(make_replaced(ls, p, ls->pixels[p].replaced + offset * row_of(ls), err));
    for (int step = DECODED; step < STEPS; step++)
        if (is_watched(ls, ls->preprocess_taps, (enum step)step))
            CP_TRY(show_step(ls, (enum step)step, image, err));
    return CP_OK;
}

/* A tensor of pixels has no steps. */
static enum cp_status take_tensor(struct cp_lockstep *ls, size_t image, size_t offset, struct cp_error *err) {
    const size_t at = offset * row_of(ls);
    for (size_t p = 0; p < ls->pixels_count; p++) {
        const struct cp_lockstep_pixels *pixels = &ls->pixels[p];
        CP_TRY(cp_inputs_pixels(&ls->study->inputs, &ls->preprocess_taps->way[p].how, image, 1,
                                pixels->values + at, err));
        if (pixels->replaced != pixels->values)
            memcpy(pixels->replaced + at, pixels->values + at, row_of(ls) * sizeof *pixels->values);
    }
    return CP_OK;
}

enum cp_status cp_preprocess_taps_batch(struct cp_lockstep *ls, size_t first, size_t count,
                                        struct cp_error *err) {
    ls->preprocess_taps->replaced = ls->replaced.lanes && first < ls->replaced.images;
    for (size_t i = 0; i < count; i++) {
        if (!cp_inputs_is_picture(&ls->study->inputs, first + i)) {
            CP_TRY(take_tensor(ls, first + i, i, err));
            continue;
        }
        const enum cp_status status = run_picture(ls, first + i, i, err);
        release_picture(ls);
        CP_TRY(status);
    }
    return CP_OK;
}
