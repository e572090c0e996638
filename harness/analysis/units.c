/* SPDX-License-Identifier: GPL-3.0-or-later
 * Hashes pixels batch by batch during the run; once it is over, groups equal hashes and equal token ids. */
#include "analysis/units.h"

#include "base/hash.h"
#include "result/schema.h"
#include "run/captured/captured.h"

#include <stdlib.h>

static bool has_pixels(const struct cp_study *study) {
    return study->modelled && study->inputs.images && (!study->inputs_from || cp_captured_has_pixels(study));
}

struct hashes {
    int handle; /* of (image) */
};

static int handle_of(const struct cp_lockstep *ls) {
    return ((const struct hashes *)cp_lockstep_state(ls, &cp_units_analysis))->handle;
}

static enum cp_status define(struct cp_lockstep *ls, void **state, struct cp_error *err) {
    const struct cp_run_inputs *in = &ls->study->inputs;
    const struct cp_dim dims[] = {{.length = in->images, .labels = in->image_names}};
    struct hashes *hashes;
    CP_LOCKSTEP_TAKE(ls, hashes, 1);
    *state = hashes;
    return cp_schema_define(ls->result, CP_SCHEMA_PIXELS_HASH, NULL, dims, &hashes->handle, err);
}

static enum cp_status commit(struct cp_lockstep *ls, enum cp_tower tower, struct cp_error *err) {
    const size_t side = (size_t)ls->study->model.config.vision.image_size, each = 3 * side * side;
    const struct cp_pass *pass = &ls->lanes[0].pass;
    for (size_t i = 0; i < pass->inputs && tower == CP_VISUAL; i++) {
        const int64_t hash = (int64_t)(cp_words_hash(ls->pixels[0].values + i * each, each) & INT64_MAX);
        CP_TRY(cp_result_write(ls->result, handle_of(ls), pass->first + i, 1, &hash, err));
    }
    return CP_OK;
}

const struct cp_analysis cp_units_analysis = {
    .wanted = has_pixels,
    .define = define,
    .commit = commit,
};

/* ---- which are alike ---- */

static int by_hash(const void *a, const void *b) {
    const uint64_t *x = *(const uint64_t *const *)a, *y = *(const uint64_t *const *)b;
    return *x != *y ? (*x < *y ? -1 : 1) : (x > y) - (x < y);
}

bool cp_units_alike(const uint64_t *hash, size_t count, size_t *first) {
    const uint64_t **order = malloc((count + 1) * sizeof *order);
    if (!order)
        return false;
    for (size_t i = 0; i < count; i++)
        order[i] = hash + i;
    qsort(order, count, sizeof *order, by_hash);
    for (size_t i = 0, start = 0; i < count; i++) {
        if (*order[i] == 0 || *order[i] != *order[start])
            start = i;
        first[order[i] - hash] = (size_t)(order[start] - hash);
    }
    free(order);
    return true;
}

static enum cp_status images_alike(struct cp_lockstep *ls, uint64_t *hash, size_t *first,
                                   struct cp_error *err) {
    const size_t images = ls->study->inputs.images;
    CP_TRY(cp_result_read(ls->result, handle_of(ls), 0, images, hash, err));
    return CP_CHECK_ALLOC(cp_units_alike(hash, images, first), err, "", "verdicts");
}

static enum cp_status prompts_alike(const struct cp_run_inputs *in, size_t length, uint64_t *hash,
                                    size_t *first, struct cp_error *err) {
    for (size_t p = 0; p < in->prompts; p++)
        hash[p] = cp_words_hash(in->tokens + p * length, length) | 1; /* 0 would be like no other */
    return CP_CHECK_ALLOC(cp_units_alike(hash, in->prompts, first), err, "", "verdicts");
}

/* Class-major, as inputs are made. */
static void tell_groups(const struct cp_run_inputs *in, size_t *template, size_t *class,
                        struct cp_verdict_units *units) {
    const size_t templates = in->prompts / in->classes;
    for (size_t p = 0; p < in->prompts; p++) {
        template[p] = p % templates;
        class[p] = p / templates;
    }
    units->template = template;
    units->class = class;
    units->templates = templates;
    units->classes = in->classes;
}

enum cp_status cp_units_find(struct cp_lockstep *ls, struct cp_arena *arena, struct cp_units *units,
                             struct cp_error *err) {
    const struct cp_run_inputs *in = &ls->study->inputs;
    const size_t most = 1 + (in->images > in->prompts ? in->images : in->prompts);
    uint64_t *hash = cp_arena_calloc(arena, most, sizeof *hash);
    size_t *images = cp_arena_calloc(arena, most, sizeof *images);
    size_t *prompts = cp_arena_calloc(arena, 3 * most, sizeof *prompts);
    *units = (struct cp_units){{{.first = NULL}}};
    CP_TRY(CP_CHECK_ALLOC(hash && images && prompts, err, "", "verdicts"));
    if (cp_lockstep_state(ls, &cp_units_analysis)) {
        CP_TRY(images_alike(ls, hash, images, err));
        units->of[CP_DIM_IMAGE].first = images;
    }
    if (in->tokens && ls->study->modelled) {
        CP_TRY(prompts_alike(in, (size_t)ls->study->model.config.text.context_length, hash, prompts, err));
        units->of[CP_DIM_PROMPT].first = prompts;
    }
    if (in->classes && in->prompts)
        tell_groups(in, prompts + most, prompts + 2 * most, &units->of[CP_DIM_PROMPT]);
    return CP_OK;
}
