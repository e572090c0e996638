/* SPDX-License-Identifier: GPL-3.0-or-later
 * Draws the kept patches of all images, and moves columns to the front and back to their places. */
#include "model/patch_dropout.h"

#include "torch/random.h"
#include "torch/topk.h"

struct work {
    struct cp_torch_normals numbers;
    float *values;                 /* [patches] */
    struct cp_torch_ranked *queue; /* [patches] */
    bool *chosen;                  /* [patches] */
    size_t patches;
};

static void choose(struct work *w, size_t image, size_t keep, uint32_t *tokens) {
    cp_torch_normals_read(&w->numbers, image * w->patches, w->patches, w->values);
    for (size_t p = 0; p < w->patches; p++) {
        w->queue[p] = (struct cp_torch_ranked){w->values[p], (uint32_t)p};
        w->chosen[p] = false;
    }
    cp_torch_topk(w->queue, w->patches, keep);
    for (size_t i = 0; i < keep; i++)
        w->chosen[w->queue[i].index] = true;
    *tokens++ = 0;
    for (size_t p = 0; p < w->patches; p++)
        if (w->chosen[p])
            *tokens++ = (uint32_t)p + 1;
}

static enum cp_status make(struct cp_patch_mask *patch_mask, size_t patches, struct cp_arena *arena,
                           struct cp_error *err) {
    const size_t share = (size_t)((double)patches * (1 - patch_mask->prob)), keep = share ? share : 1;
    struct work w = {.patches = patches};
    patch_mask->count = 1 + keep;
    patch_mask->tokens =
        cp_arena_alloc(arena, patch_mask->images * patch_mask->count, sizeof *patch_mask->tokens);
    w.values = cp_arena_alloc(arena, patches, sizeof *w.values);
    w.queue = cp_arena_alloc(arena, patches, sizeof *w.queue);
    w.chosen = cp_arena_alloc(arena, patches, sizeof *w.chosen);
    CP_TRY(CP_CHECK_ALLOC(patch_mask->tokens && w.values && w.queue && w.chosen, err, "",
                          "the patches of %zu images", patch_mask->images));
    cp_torch_normals_start(&w.numbers, (uint64_t)patch_mask->seed, CP_TORCH_AVX2,
                           patch_mask->images * patches);
    for (size_t image = 0; image < patch_mask->images; image++)
        choose(&w, image, keep, patch_mask->tokens + image * patch_mask->count);
    return CP_OK;
}

enum cp_status cp_patch_dropout(const struct cp_spec *spec, size_t images, struct cp_arena *arena,
                                const struct cp_patch_mask **list, const struct cp_patch_mask **out,
                                struct cp_error *err) {
    const double *number = cp_spec_at(spec, CP_VISUAL, -1)->number;
    const double prob = number[CP_PATCH_DROPOUT_PROB], seed = number[CP_PATCH_DROPOUT_SEED];
    const struct cp_patch_mask *found = *list;
    *out = NULL;
    if (prob == 0 || images == 0)
        return CP_OK;
    while (found && (found->images != images || found->prob != prob || found->seed != seed))
        found = found->next;
    if (!found) {
        struct cp_patch_mask *patch_mask = cp_arena_alloc(arena, 1, sizeof *patch_mask);
        CP_TRY(CP_CHECK_ALLOC(patch_mask, err, "", "the patches of %zu images", images));
        *patch_mask = (struct cp_patch_mask){.images = images, .prob = prob, .seed = seed, .next = *list};
        CP_TRY(make(patch_mask, cp_tower_shape(spec->config, CP_VISUAL).patches, arena, err));
        *list = found = patch_mask;
    }
    *out = found;
    return CP_OK;
}

/* A kept column never stands left of its place among the kept, so a row can be its own copy. */
void cp_patch_mask_gather(const uint32_t *visible, size_t count, float *x, size_t rows, size_t n) {
    for (size_t row = 0; row < rows; row++, x += n)
        for (size_t j = 0; j < count; j++)
            x[j] = x[visible[j]];
}

void cp_patch_mask_spread(const uint32_t *visible, size_t count, float *x, size_t rows, size_t n) {
    for (size_t row = 0; row < rows; row++, x += n) {
        size_t end = n;
        for (size_t j = count; j-- > 0; end = visible[j]) {
            const float value = x[j];
            for (size_t hidden = visible[j] + 1; hidden < end; hidden++)
                x[hidden] = 0;
            x[visible[j]] = value;
        }
    }
}
