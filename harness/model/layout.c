/* SPDX-License-Identifier: GPL-3.0-or-later
 * Finding a model's tensors in a file by the rules of its layout. */
#include "model/layout.h"

#include "base/sentence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The rows: objects of model/layouts/NAME.c. The first that fits is a file's: a vision tower alone is the same
 * in open_clip's two classes. */
#define LAYOUTS(ROW)                                                                                         \
    ROW(hugging_face)                                                                                        \
    ROW(custom_text)                                                                                         \
    ROW(openai)

#define DECLARE(name) extern const struct cp_layout cp_layout_##name;
LAYOUTS(DECLARE)
#define ENTRY(name) &cp_layout_##name,
static const struct cp_layout *const layouts[] = {LAYOUTS(ENTRY)};
enum { LAYOUT_COUNT = sizeof layouts / sizeof layouts[0] };

/* What else comes under the name of CLIP, told by how a name begins. */
static const struct {
    const char *begins, *what;
} others[] = {{"visual.trunk.", "its vision tower is one of timm's"},
              {"visual.attnpool.", "its vision tower is a ResNet"},
              {"visual.layer1.", "its vision tower is a ResNet"},
              {"text.transformer.embeddings.", "its text tower is one of Hugging Face's"},
              {"text_decoder.", "it is a CoCa, with a text decoder"},
              {"vision_model.encoder.layers.", "it lacks the patch embedding"},
              {"encoder.layers.", "it is one encoder without its prefix"}};

/* ---- patterns ---- */

struct capture {
    const char *number, *rest;
    int number_length;
};

static bool matches(const char *pattern, const char *name, struct capture *capture) {
    *capture = (struct capture){"", "", 0};
    for (; *pattern; pattern++) {
        if (*pattern == '*') {
            capture->rest = name;
            return *name != '\0';
        }
        if (*pattern == '#') {
            capture->number = name;
            capture->number_length = (int)strspn(name, "0123456789");
            if (capture->number_length == 0)
                return false;
            name += capture->number_length;
        } else if (*pattern != *name++) {
            return false;
        }
    }
    return *name == '\0';
}

static void expand(const char *pattern, const struct capture *capture, char part, char name[CP_LAYOUT_NAME]) {
    size_t used = 0;
    name[0] = '\0';
    for (; *pattern && used < CP_LAYOUT_NAME; pattern++) {
        char *to = name + used;
        const size_t space = CP_LAYOUT_NAME - used;
        if (*pattern == '*')
            used += (size_t)snprintf(to, space, "%s", capture->rest);
        else if (*pattern == '#')
            used += (size_t)snprintf(to, space, "%.*s", capture->number_length, capture->number);
        else
            used += (size_t)snprintf(to, space, "%c", *pattern == '%' ? part : *pattern);
    }
}

/* ---- finding ---- */

static bool has_signature(const struct cp_layout *layout, const struct cp_checkpoint *file) {
    for (size_t i = 0; i < 3 && layout->signature[i]; i++)
        if (cp_checkpoint_find(file, layout->signature[i]))
            return true;
    return false;
}

static const char *other_model(const struct cp_checkpoint *file) {
    for (size_t o = 0; o < sizeof others / sizeof others[0]; o++)
        for (size_t i = 0; i < cp_checkpoint_count(file); i++)
            if (strncmp(cp_checkpoint_at(file, i)->name, others[o].begins, strlen(others[o].begins)) == 0)
                return others[o].what;
    return NULL;
}

/* The plainest first. */
static enum cp_status expect_a_layout(struct cp_error *err) {
    char text[256] = "";
    struct cp_sentence s = {text, sizeof text, 0};
    for (size_t i = LAYOUT_COUNT; i-- > 0;)
        cp_append(&s, "%s%s", layouts[i]->name, i == 0 ? "" : i == 1 ? " or " : ", ");
    return cp_expected(err, "the layout of %s", text);
}

enum cp_status cp_layout_of(const struct cp_checkpoint *file, const char *path,
                            const struct cp_layout **layout, struct cp_error *err) {
    const size_t count = cp_checkpoint_count(file);
    *layout = NULL;
    for (size_t i = 0; i < LAYOUT_COUNT; i++)
        if (has_signature(layouts[i], file)) {
            *layout = layouts[i];
            return CP_OK;
        }
    const char *other = other_model(file);
    if (other)
        (void)cp_fail(err, CP_BAD_INPUT, path, "is no CLIP of plain ViTs: %s", other);
    else
        (void)cp_fail(err, CP_BAD_INPUT, path, "no tensor of a CLIP among its %zu%s%.100s", count,
                      count ? ", the first of which is " : "", count ? cp_checkpoint_at(file, 0)->name : "");
    return expect_a_layout(err);
}

/* By one rule; false where a part is missing, whose name is kept. */
static bool find_by(const struct cp_layout_rule *rule, const struct capture *capture,
                    const struct cp_checkpoint *file, struct cp_layout_source *source) {
    char name[CP_LAYOUT_NAME];
    *source = (struct cp_layout_source){.form = rule->form, .parts = rule->form == CP_LAYOUT_QKV ? 3 : 1};
    for (size_t p = 0; p < source->parts; p++) {
        expand(rule->file, capture, "qkv"[p], name);
        source->part[p] = cp_checkpoint_find(file, name);
        if (p == 0 || !source->part[p])
            memcpy(source->name, name, sizeof name);
        if (!source->part[p])
            return false;
    }
    return true;
}

bool cp_layout_find(const struct cp_layout *layout, const struct cp_checkpoint *file, const char *model,
                    struct cp_layout_source *source) {
    struct cp_layout_source missing = {.parts = 0};
    struct capture capture;
    for (const struct cp_layout_rule *rule = layout->rules; rule->file; rule++) {
        if (!rule->model || !matches(rule->model, model, &capture))
            continue;
        if (find_by(rule, &capture, file, source))
            return true;
        if (missing.parts == 0)
            missing = *source;
    }
    *source = missing;
    return false;
}

static bool has_one_of(const struct cp_layout *layout, const struct cp_checkpoint *file,
                       const char *const *names) {
    struct cp_layout_source source;
    for (; *names; names++)
        if (cp_layout_find(layout, file, *names, &source))
            return true;
    return false;
}

bool cp_layout_has_vision(const struct cp_layout *layout, const struct cp_checkpoint *file) {
    return has_one_of(layout, file,
                      (const char *const[]){"visual.conv1.weight", "visual.class_embedding",
                                            "visual.positional_embedding", "visual.ln_post.weight", NULL});
}

bool cp_layout_has_text(const struct cp_layout *layout, const struct cp_checkpoint *file) {
    return has_one_of(
        layout, file,
        (const char *const[]){"token_embedding.weight", "positional_embedding", "ln_final.weight", NULL});
}

bool cp_layout_ignores(const struct cp_layout *layout, const struct cp_checkpoint_tensor *tensor) {
    struct capture capture;
    for (const struct cp_layout_rule *rule = layout->rules; rule->file; rule++)
        if (!rule->model && matches(rule->file, tensor->name, &capture))
            return tensor->dtype == CP_INT64 || tensor->dtype == CP_INT32;
    return false;
}

/* ---- reading ---- */

void cp_layout_file_shape(const struct cp_layout_source *source, int rank, const size_t *shape,
                          size_t *in_file) {
    if (rank)
        memcpy(in_file, shape, (size_t)rank * sizeof *shape);
    if (source->form == CP_LAYOUT_QKV)
        in_file[0] /= 3;
    if (source->form == CP_LAYOUT_TRANSPOSED) {
        in_file[0] = shape[1];
        in_file[1] = shape[0];
    }
}

static void transpose(const float *from, size_t rows, size_t columns, float *to) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            to[c * rows + r] = from[r * columns + c];
}

enum cp_status cp_layout_widen(const struct cp_checkpoint *file, const struct cp_layout_source *source,
                               float *values, struct cp_error *err) {
    const struct cp_checkpoint_tensor *first = source->part[0];
    const size_t count = cp_checkpoint_elements(first);
    if (source->form != CP_LAYOUT_TRANSPOSED) {
        for (size_t p = 0; p < source->parts; p++)
            CP_TRY(cp_checkpoint_widen(file, source->part[p], values + p * count, err));
        return CP_OK;
    }
    float *as_stored = malloc(count ? count * sizeof *as_stored : 1);
    CP_TRY(CP_CHECK_ALLOC(as_stored, err, first->name, "%zu weights", count));
    const enum cp_status status = cp_checkpoint_widen(file, first, as_stored, err);
    if (status == CP_OK)
        transpose(as_stored, first->shape[0], first->shape[1], values);
    free(as_stored);
    return status;
}
