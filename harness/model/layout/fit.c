/* SPDX-License-Identifier: GPL-3.0-or-later
 * Visits the tensors of a config, looks each up in the file, and then looks for those that none asked for. */
#include "model/layout/fit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of "(", sizes of up to 20 digits with ", " between them, and ")". */
enum { SHAPE_TEXT = 2 + CP_CHECKPOINT_RANK * 22 + 1 };

static void shape_text(int rank, const size_t *shape, char text[SHAPE_TEXT]) {
    size_t used = (size_t)snprintf(text, SHAPE_TEXT, "(");
    for (int d = 0; d < rank; d++)
        used += (size_t)snprintf(text + used, SHAPE_TEXT - used, "%s%zu", d ? ", " : "", shape[d]);
    (void)snprintf(text + used, SHAPE_TEXT - used, ")");
}

struct fitting {
    const struct cp_fit *in;
    const struct cp_layout *layout;
    const struct cp_model *model; /* of that config, without tensors */
    bool *wanted;                 /* of every tensor of the file: the config calls for it */
    size_t misfits;
    struct cp_error first;
};

/* ---- the config, narrowed ---- */

/* A file of one tower makes a model of one tower, whatever else the config describes; likewise its projection. */
static void leave_out_towers(const struct fitting *f, struct cp_clip_config *config) {
    const bool vision = cp_layout_has_vision(f->layout, f->in->file);
    const bool text = cp_layout_has_text(f->layout, f->in->file);
    if (!vision && text)
        config->vision.layers = 0;
    if (!text && vision)
        config->text.layers = 0;
    if (cp_layout_lacks_projection(f->layout, f->in->file)) {
        config->embed_dim = vision ? config->vision.width : config->text.width;
        *(vision ? &config->vision.no_proj : &config->text.no_proj) = true;
    }
}

/* Rows of a table of the text tower where they are fewer than the config's; else the config's. */
static int fewer_rows(const struct fitting *f, const char *name, int width, int rows) {
    struct cp_layout_source source;
    if (!cp_layout_find(f->layout, f->in->file, name, &source) || source.part[0]->rank != 2 ||
        source.part[0]->shape[1] != (size_t)width || source.part[0]->shape[0] >= (size_t)rows ||
        source.part[0]->shape[0] == 0)
        return rows;
    return (int)source.part[0]->shape[0];
}

/* A shorter context is a beginning of the longer where no token sees a later one, and a smaller vocabulary has the ids
 * that it has. */
static void take_fewer_rows(const struct fitting *f, struct cp_clip_config *config) {
    struct cp_text_config *t = &config->text;
    const int vocabulary = fewer_rows(f, "token_embedding.weight", t->width, t->vocab_size);
    if (t->no_causal_mask || !cp_has_text(config))
        return;
    t->context_length = fewer_rows(f, "positional_embedding", t->width, t->context_length);
    if (t->pool_type != CP_POOL_EOS || t->eos_id < vocabulary)
        t->vocab_size = vocabulary;
}

/* ---- the tensors ---- */

static const char *place(const struct fitting *f, const char *name, char where[512]) {
    (void)snprintf(where, 512, "%.300s: tensor %.200s", f->in->path, name);
    return where;
}

static enum cp_status check_part(const struct fitting *f, const struct cp_checkpoint_tensor *tensor, int rank,
                                 const size_t *shape, struct cp_error *err) {
    char want[SHAPE_TEXT], have[SHAPE_TEXT], where[512];
    /* open_clip reshapes a logit_scale or logit_bias of shape [1] to a scalar. */
    const bool scalar = rank == 0 && tensor->rank == 1 && tensor->shape[0] == 1;
    if (scalar || (tensor->rank == rank && memcmp(tensor->shape, shape, (size_t)rank * sizeof *shape) == 0))
        return cp_checkpoint_is_weight(f->in->file, tensor, err);
    shape_text(rank, shape, want);
    shape_text(tensor->rank, tensor->shape, have);
    return cp_fail(err, CP_BAD_INPUT, place(f, tensor->name, where), "shape %s does not match %s", have,
                   f->in->called_by),
           cp_expected(err, "%s", want);
}

size_t cp_fit_other_grid(const struct cp_model *model, const struct cp_model_tensor *w,
                         const struct cp_layout_source *source) {
    const struct cp_checkpoint_tensor *t = source->part[0];
    if (w->values != &model->tower[CP_VISUAL].positional_embedding || source->parts != 1 || t->rank != 2 ||
        t->shape[1] != w->shape[1] || t->shape[0] == w->shape[0] || t->shape[0] < 2 ||
        w->shape[0] > 1 + CP_GRID_MOST * CP_GRID_MOST)
        return 0;
    const size_t grid = (size_t)(sqrt((double)(t->shape[0] - 1)) + 0.5);
    return grid * grid + 1 == t->shape[0] ? grid : 0;
}

static enum cp_status check_one(struct fitting *f, const struct cp_model_tensor *w, struct cp_error *err) {
    struct cp_layout_source source;
    char text[SHAPE_TEXT], where[512];
    size_t shape[4] = {0};
    const bool found = cp_layout_find(f->layout, f->in->file, w->name, &source);
    cp_layout_file_shape(&source, w->rank, w->shape, shape);
    if (!found) {
        for (size_t p = 0; p < source.parts; p++)
            if (source.part[p]) /* q, k or v, where another is missing */
                f->wanted[source.part[p]->index] = true;
        shape_text(w->rank, shape, text);
        return cp_fail(err, CP_BAD_INPUT, place(f, source.name, where), "missing"),
               cp_expected(err, "shape %s, which %s calls for", text, f->in->called_by);
    }
    for (size_t p = 0; p < source.parts; p++)
        f->wanted[source.part[p]->index] = true;
    if (cp_fit_other_grid(f->model, w, &source))
        return cp_checkpoint_is_weight(f->in->file, source.part[0], err);
    for (size_t p = 0; p < source.parts; p++)
        CP_TRY(check_part(f, source.part[p], w->rank, shape, err));
    return CP_OK;
}

/* Counts a misfit, and goes on. */
static enum cp_status visit(void *self, const struct cp_model_tensor *w, struct cp_error *err) {
    struct fitting *f = self;
    struct cp_error why = {0};
    (void)err;
    if (check_one(f, w, &why) != CP_OK && f->misfits++ == 0)
        f->first = why;
    return CP_OK;
}

/* What one tower alone has kept of the whole model. */
static bool belongs_to_both(const struct cp_clip_config *config, const char *name) {
    const bool both = cp_has_vision(config) && cp_has_text(config);
    return !both && (strcmp(name, "logit_scale") == 0 || strcmp(name, "logit_bias") == 0);
}

/* Tensors of the file that the config does not call for. */
static void look_for_others(struct fitting *f, const struct cp_clip_config *config) {
    for (size_t i = 0; i < cp_checkpoint_count(f->in->file); i++) {
        const char *name = cp_checkpoint_at(f->in->file, i)->name;
        char where[512];
        if (f->wanted[i] || belongs_to_both(config, name) || f->misfits++ > 0)
            continue;
        (void)cp_fail(&f->first, CP_BAD_INPUT, place(f, name, where), "unexpected tensor");
        (void)cp_expected(&f->first, "only the tensors that %s calls for: %d vision and %d text layers",
                          f->in->called_by, config->vision.layers, config->text.layers);
    }
}

static enum cp_status tell(const struct fitting *f, struct cp_error *err) {
    if (f->misfits == 0)
        return CP_OK;
    *err = f->first;
    if (f->misfits > 1)
        (void)snprintf(err->what, sizeof err->what, "%.400s, the first of %zu tensors that do not fit",
                       f->first.what, f->misfits);
    return CP_BAD_INPUT;
}

static enum cp_status check_all(struct fitting *f, struct cp_model *model, struct cp_error *err) {
    f->model = model;
    f->wanted = calloc(cp_checkpoint_count(f->in->file) + 1, sizeof *f->wanted);
    CP_TRY(CP_CHECK_ALLOC(f->wanted, err, f->in->path, "a model"));
    CP_TRY(cp_each_tensor(model, visit, f, err));
    look_for_others(f, &model->config);
    return tell(f, err);
}

enum cp_status cp_model_fit(const struct cp_fit *fit, struct cp_clip_config *config, struct cp_error *err) {
    struct fitting f = {.in = fit};
    struct cp_model model;
    CP_TRY(cp_layout_of(fit->file, fit->path, &f.layout, err));
    if (!fit->whole) {
        leave_out_towers(&f, config);
        take_fewer_rows(&f, config);
    }
    enum cp_status status = cp_model_begin(config, &model, err);
    if (status == CP_OK)
        status = check_all(&f, &model, err);
    free(f.wanted);
    cp_model_free(&model);
    return status;
}
