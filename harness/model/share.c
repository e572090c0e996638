/* SPDX-License-Identifier: GPL-3.0-or-later
 * Replaces tensors by those of another model with the same bits, then compares parts by their pointers. */
#include "model/share.h"

#include "model/tensors.h"

#include <string.h>

/* ---- keeping them once ---- */

struct sharing {
    struct cp_model *model; /* with an arena of its own, and the tensors still where they were */
    const struct cp_model *const *with;
    size_t count;
    const float **
        *theirs; /* [count][tensors + 1] in the walk's order; the last: one of position embeddings */
    size_t at, tensors;
    bool *whole; /* [count] every tensor so far has its bits */
};

static enum cp_status take_values(void *self, const struct cp_model_tensor *tensor, struct cp_error *err) {
    const float ***next = self;
    (void)err;
    *(*next)++ = *tensor->values;
    return CP_OK;
}

/* The first that has the same bits; NULL: none. */
static const float *find_same(struct sharing *s, const float *values, size_t elements) {
    const float *found = NULL;
    for (size_t w = 0; w < s->count; w++) {
        const float *theirs = s->theirs[w][s->at];
        const bool same =
            theirs && (theirs == found || memcmp(theirs, values, elements * sizeof *values) == 0);
        s->whole[w] = s->whole[w] && same;
        if (same && !found)
            found = theirs;
    }
    return found;
}

/* A tensor that is shared, or a copy in the new arena. */
static const float *keep(struct sharing *s, const float *values, size_t elements) {
    const float *same = find_same(s, values, elements);
    if (same)
        return same;
    float *copy = cp_arena_alloc(&s->model->arena, elements, sizeof *copy);
    if (copy)
        memcpy(copy, values, elements * sizeof *copy);
    s->model->bytes += elements * sizeof *copy;
    return copy;
}

static enum cp_status share_tensor(void *self, const struct cp_model_tensor *tensor, struct cp_error *err) {
    struct sharing *s = self;
    *tensor->values = keep(s, *tensor->values, cp_model_tensor_elements(tensor));
    s->at++;
    return CP_CHECK_ALLOC(*tensor->values, err, "", "a model");
}

/* Where position embeddings were resized there is one tensor for each way; the walk has the first. */
static enum cp_status share_positions(struct sharing *s, struct cp_error *err) {
    const struct cp_tower_shape shape = cp_tower_shape(&s->model->config, CP_VISUAL);
    struct cp_tower_weights *to = &s->model->tower[CP_VISUAL];
    const size_t elements = shape.tokens * shape.width;
    if (!to->positions[0])
        return CP_OK;
    to->positions[0] = to->positional_embedding;
    for (size_t p = 1; p < CP_POSITIONS; p++) {
        for (size_t w = 0; w < s->count; w++)
            s->theirs[w][s->at] = s->with[w]->tower[CP_VISUAL].positions[p];
        CP_TRY(CP_CHECK_ALLOC(to->positions[p] = keep(s, to->positions[p], elements), err, "", "a model"));
    }
    return CP_OK;
}

/* The blocks' arrays, which move too. */
static enum cp_status copy_blocks(struct cp_block_weights **blocks, size_t layers, struct cp_arena *arena,
                                  struct cp_error *err) {
    struct cp_block_weights *copy = cp_arena_calloc(arena, layers, sizeof *copy);
    CP_TRY(CP_CHECK_ALLOC(copy, err, "", "a model"));
    if (layers)
        memcpy(copy, *blocks, layers * sizeof *copy);
    *blocks = copy;
    return CP_OK;
}

static enum cp_status list_theirs(struct sharing *s, struct cp_arena *scratch, struct cp_error *err) {
    s->tensors = cp_model_tensor_count(s->model);
    s->theirs = cp_arena_calloc(scratch, s->count + 1, sizeof *s->theirs);
    s->whole = cp_arena_calloc(scratch, s->count + 1, sizeof *s->whole);
    CP_TRY(CP_CHECK_ALLOC(s->theirs && s->whole, err, "", "a model"));
    for (size_t w = 0; w < s->count; w++) {
        struct cp_model copy = *s->with[w]; /* the walk gives pointers that may be written through */
        const float **next = s->theirs[w] = cp_arena_calloc(scratch, s->tensors + 1, sizeof *next);
        CP_TRY(CP_CHECK_ALLOC(next, err, "", "a model"));
        CP_TRY(cp_each_tensor(&copy, take_values, &next, err));
        s->whole[w] = true;
    }
    return CP_OK;
}

static enum cp_status share_all(struct sharing *s, struct cp_arena *scratch, struct cp_error *err) {
    struct cp_model *m = s->model;
    CP_TRY(list_theirs(s, scratch, err));
    for (enum cp_tower tower = CP_VISUAL; tower < CP_TOWERS; tower++)
        CP_TRY(
            copy_blocks(&m->tower[tower].blocks, cp_tower_shape(&m->config, tower).layers, &m->arena, err));
    CP_TRY(cp_each_tensor(m, share_tensor, s, err));
    return share_positions(s, err);
}

enum cp_status cp_model_share(struct cp_model *model, const struct cp_model *const *with, size_t count,
                              size_t *same, struct cp_error *err) {
    struct cp_arena scratch = {0};
    struct cp_model moved = *model;
    struct sharing s = {.model = &moved, .with = with, .count = count};
    moved.arena = (struct cp_arena){0};
    moved.bytes = 0;
    const enum cp_status status = share_all(&s, &scratch, err);
    *same = 0;
    while (status == CP_OK && *same < count && !s.whole[*same])
        ++*same;
    cp_arena_free(&scratch);
    cp_arena_free(status == CP_OK ? &model->arena : &moved.arena);
    if (status == CP_OK)
        *model = moved;
    return status;
}

/* ---- telling ---- */

static bool same_norm(struct cp_norm_weights a, struct cp_norm_weights b) {
    return a.weight == b.weight && a.bias == b.bias;
}

static bool same_end(const struct cp_tower_weights *a, const struct cp_tower_weights *b, bool stem) {
    if (!stem)
        return same_norm(a->ln_post, b->ln_post) && a->proj.weight == b->proj.weight &&
               a->proj.bias == b->proj.bias;
    return a->class_embedding == b->class_embedding && a->token_embedding == b->token_embedding &&
           a->positional_embedding == b->positional_embedding && a->conv1 == b->conv1 &&
           same_norm(a->ln_pre, b->ln_pre);
}

bool cp_model_same_part(const struct cp_model *a, const struct cp_model *b, enum cp_tower tower, int layer) {
    const struct cp_tower_weights *x = &a->tower[tower], *y = &b->tower[tower];
    if (a == b)
        return true;
    if (layer < 0)
        return same_end(x, y, layer == CP_SHARE_STEM);
    return memcmp(&x->blocks[layer], &y->blocks[layer], sizeof *x->blocks) == 0;
}

bool cp_model_same_tower(const struct cp_model *a, const struct cp_model *b, enum cp_tower tower) {
    const int layers = (int)cp_tower_shape(&a->config, tower).layers;
    for (int layer = CP_SHARE_HEAD; layer < layers; layer++)
        if (!cp_model_same_part(a, b, tower, layer))
            return false;
    return true;
}
