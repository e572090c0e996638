/* SPDX-License-Identifier: GPL-3.0-or-later
 * Compares two models tensor by tensor, picks those that feed a tap, and prints the first difference. */
#include "model/weights_difference.h"

#include "base/escape.h"
#include "base/number.h"
#include "base/sentence.h"

#include <string.h>

/* The elements whose bits differ; *first: the first of them. */
static size_t count_differing(const float *a, const float *b, size_t elements, size_t *first) {
    size_t differing = 0;
    for (size_t i = 0; i < elements; i++)
        if (cp_bits(a[i]) != cp_bits(b[i]) && differing++ == 0)
            *first = i;
    return differing;
}

struct comparison {
    struct cp_weights_differences *out;
    const float **of_a; /* in the walk's order */
    size_t tensors, at;
};

/* ---- two models ---- */

static enum cp_status take_values(void *self, const struct cp_model_tensor *tensor, struct cp_error *err) {
    struct comparison *c = self;
    (void)err;
    c->of_a[c->tensors++] = *tensor->values;
    return CP_OK;
}

static enum cp_status compare_tensor(void *self, const struct cp_model_tensor *tensor, struct cp_error *err) {
    struct comparison *c = self;
    const float *a = c->of_a[c->at++], *b = *tensor->values;
    struct cp_weights_difference *d = &c->out->list[c->out->count];
    (void)err;
    *d = (struct cp_weights_difference){.rank = tensor->rank, .elements = cp_model_tensor_elements(tensor)};
    if (a != b)
        d->differing = count_differing(a, b, d->elements, &d->first);
    if (d->differing == 0)
        return CP_OK;
    memcpy(d->name, tensor->name, sizeof d->name);
    memcpy(d->shape, tensor->shape, sizeof d->shape);
    d->a = a[d->first];
    d->b = b[d->first];
    c->out->count++;
    return CP_OK;
}

enum cp_status cp_weights_differences(const struct cp_model *a, const struct cp_model *b,
                                      struct cp_arena *arena, struct cp_weights_differences *out,
                                      struct cp_error *err) {
    struct cp_model of_a = *a, of_b = *b; /* the walk gives pointers that may be written through */
    struct comparison c = {.out = out};
    *out = (struct cp_weights_differences){0};
    if (a == b)
        return CP_OK;
    const size_t tensors = cp_model_tensor_count(&of_a);
    c.of_a = cp_arena_alloc(arena, tensors, sizeof *c.of_a);
    out->list = cp_arena_alloc(arena, tensors + 1, sizeof *out->list); /* the last one is never kept */
    CP_TRY(CP_CHECK_ALLOC(c.of_a && out->list, err, "", "comparing weights"));
    CP_TRY(cp_each_tensor(&of_a, take_values, &c, err));
    return cp_each_tensor(&of_b, compare_tensor, &c, err);
}

/* ---- at a site ---- */

static const struct cp_weights_difference *find(const struct cp_weights_differences *all, const char *name) {
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->list[i].name, name) == 0)
            return &all->list[i];
    return NULL;
}

size_t cp_weights_differences_at(const struct cp_weights_differences *all, const struct cp_model *a,
                                 const struct cp_model *b, const struct cp_site *site,
                                 struct cp_weights_difference *at) {
    const struct cp_tap_weights x = cp_tap_weights(a, site), y = cp_tap_weights(b, site);
    size_t count = 0;
    for (size_t t = 0; t < x.count; t++) {
        const struct cp_tap_tensor *of_a = &x.tensor[t], *of_b = &y.tensor[t];
        const struct cp_weights_difference *whole = find(all, of_a->name);
        size_t first = 0;
        const size_t differing =
            whole ? count_differing(of_a->values, of_b->values, of_a->elements, &first) : 0;
        if (differing == 0)
            continue;
        at[count] = *whole;
        at[count].elements = of_a->elements;
        at[count].differing = differing;
        at[count].first = of_a->first + first;
        at[count].a = of_a->values[first];
        at[count++].b = of_b->values[first];
    }
    return count;
}

/* ---- as text ---- */

static void print_index(const struct cp_weights_difference *d, FILE *out) {
    size_t step = 1, left = d->first;
    for (int axis = 1; axis < d->rank; axis++)
        step *= d->shape[axis];
    for (int axis = 0; axis < d->rank; axis++) {
        cp_print(out, "%s%zu", axis ? ", " : " from element [", left / step);
        left %= step;
        step /= axis + 1 < d->rank ? d->shape[axis + 1] : 1;
    }
    if (d->rank)
        (void)fputs("] on", out);
}

void cp_weights_differences_print(const struct cp_weights_differences *all, size_t most, FILE *out) {
    for (size_t i = 0; i < all->count && i < most; i++) {
        const struct cp_weights_difference *d = &all->list[i];
        cp_print(out, "weights differ: %s", d->name);
        print_index(d, out);
        (void)fprintf(out, ": %.9g, %.9g (%zu of %zu)\n", (double)d->a, (double)d->b, d->differing,
                      d->elements);
    }
    if (all->count > most)
        cp_print(out, "weights differ: %zu more tensor%s\n", all->count - most, cp_plural(all->count - most));
}
