/* SPDX-License-Identifier: GPL-3.0-or-later
 * Finding a model's tensors in a file by the rules of its layout. */
#include "model/layout/layout.h"

#include "base/sentence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The rows: objects of model/layout/NAME.c. The first that fits is a file's: a vision tower alone is the same
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

/* What else comes under the name of CLIP, told by a part of a name that begins at its start or behind a dot; the first
 * that fits. next: what to do; NULL: the layouts are named. */
#define CAPTURE "a capture of it (docs/capture.md), which `clip-parity diff` compares"
#define MERGE "the model with its adapters merged: in PEFT merge_and_unload(), then save_pretrained()"
#define UNQUANTISED "the weights before they were quantised"
#define GMP                                                                                                  \
    "plain weights: weight = r * theta / ||theta|| for each output, as GmP-CLIP's own conversion makes"
#define FULL "a full state dict, as FSDP's FULL_STATE_DICT gives it"
#define ELSE "is not a CLIP of plain ViTs: "
static const struct other {
    const char *part, *what, *next;
} others[] = {
    {"lora_A.", "holds LoRA adapters", MERGE},
    {"lora_B.", "holds LoRA adapters", MERGE},
    {"lora_te", "holds LoRA adapters", MERGE},
    {"lora_unet", "holds LoRA adapters", MERGE},
    {"mlp.c_fc.theta", "its MLPs are in geometric parametrisation (GmP)", GMP},
    {"mlp.fc1.theta", "its MLPs are in geometric parametrisation (GmP)", GMP},
    {"positional_embedding_res", "is a Long-CLIP: positions from 20 on are in positional_embedding_res",
     "one table: positional_embedding[20:] = positional_embedding_res[20:], the second left out"},
    {"position_embedding_res.", "is a Long-CLIP: positions from 20 on are in position_embedding_res",
     "one table: position_embedding[20:] = position_embedding_res[20:], the second left out"},
    {"absmax", "its weights are quantised (bitsandbytes)", UNQUANTISED},
    {"SCB", "its weights are quantised (bitsandbytes)", UNQUANTISED},
    {"quant_state.", "its weights are quantised (bitsandbytes)", UNQUANTISED},
    {"qweight", "its weights are quantised (GPTQ or AWQ)", UNQUANTISED},
    {"_packed_params.", "its linear layers are quantised (torch.ao)", UNQUANTISED},
    {"_flat_param", "holds flat parameters of FSDP", FULL},
    {"flat_param", "holds flat parameters of FSDP", FULL},
    {"attn.q_bias", ELSE "its vision tower is an EVA", CAPTURE},
    {"attn.inner_attn_ln.", ELSE "its vision tower is an EVA", CAPTURE},
    {"visual.rope.", ELSE "its vision tower is an EVA", CAPTURE},
    {"visual.trunk.attn_pool.", ELSE "its vision tower pools by attention, as SigLIP's and PE's in timm",
     CAPTURE},
    {"vision_model.head.", ELSE "it is a SigLIP", CAPTURE},
    {"embeddings.patch_embedding.bias", ELSE "it is a SigLIP", CAPTURE},
    {"visual.trunk.", ELSE "its vision tower is one of timm's", CAPTURE},
    {"visual.attnpool.", ELSE "its vision tower is a ResNet", CAPTURE},
    {"visual.layer1.", ELSE "its vision tower is a ResNet", CAPTURE},
    {"text_decoder.", ELSE "it is a CoCa, with a text decoder", CAPTURE},
    {"visual.attn_pool.", ELSE "it is a CoCa, whose vision tower pools by attention", CAPTURE},
    {"embeddings.word_embeddings.", ELSE "its text tower is a BERT", CAPTURE},
    {"text.transformer.embeddings.", ELSE "its text tower is one of Hugging Face's", CAPTURE},
};

/* Likewise, where no layout fits. */
static const struct other parts[] = {
    {"layer1.0.conv1.", ELSE "it is a ResNet", CAPTURE},
    {"patch_embed.proj.", ELSE "it is a ViT of timm's", CAPTURE},
    {"vision_model.encoder.layers.", ELSE "it lacks the patch embedding", NULL},
    {"encoder.layers.", ELSE "it is an encoder without its embeddings", NULL},
    {"resblocks.", ELSE "it is a transformer without its embeddings", NULL},
};

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

/* Whether a name ends with another, behind its start or a dot; *length: of what stands before it. */
static bool ends_with(const char *name, const char *ending, size_t *length) {
    const size_t whole = strlen(name), tail = strlen(ending);
    *length = whole - tail;
    return whole >= tail && strcmp(name + *length, ending) == 0 && (*length == 0 || name[*length - 1] == '.');
}

/* The longest signature that a name ends with decides: text.token_embedding.weight is one, and its end another. */
bool cp_layout_signature(const char *name, size_t *length, const char **word) {
    size_t before;
    *word = NULL;
    *length = strlen(name);
    for (size_t l = 0; l < LAYOUT_COUNT; l++) {
        const struct cp_layout *layout = layouts[l];
        for (size_t i = 0; i < 3 && layout->signature[i]; i++)
            if (ends_with(name, layout->signature[i], &before) && before < *length) {
                *length = before;
                *word = "";
            }
        for (size_t i = 0; i < 3 && layout->tower[i].signature; i++)
            if (ends_with(name, layout->tower[i].signature, &before) && before < *length) {
                *length = before;
                *word = layout->tower[i].word;
            }
    }
    return *word != NULL;
}

static bool has_part(const char *name, const char *part) {
    const char *at = strstr(name, part);
    while (at && at != name && at[-1] != '.')
        at = strstr(at + 1, part);
    return at != NULL;
}

static const struct other *find_other(const struct cp_checkpoint *file, const struct other *rows,
                                      size_t count) {
    for (size_t o = 0; o < count; o++)
        for (size_t i = 0; i < cp_checkpoint_count(file); i++)
            if (has_part(cp_checkpoint_at(file, i)->name, rows[o].part))
                return &rows[o];
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

static enum cp_status refuse(const struct other *other, const char *path, struct cp_error *err) {
    (void)cp_fail(err, CP_BAD_INPUT, path, "%s", other->what);
    return other->next ? cp_expected(err, "%s", other->next) : expect_a_layout(err);
}

enum cp_status cp_layout_of(const struct cp_checkpoint *file, const char *path,
                            const struct cp_layout **layout, struct cp_error *err) {
    const size_t count = cp_checkpoint_count(file);
    const struct other *other = find_other(file, others, sizeof others / sizeof others[0]);
    *layout = NULL;
    if (other)
        return refuse(other, path, err);
    for (size_t i = 0; i < LAYOUT_COUNT; i++)
        if (has_signature(layouts[i], file)) {
            *layout = layouts[i];
            return CP_OK;
        }
    other = find_other(file, parts, sizeof parts / sizeof parts[0]);
    if (other)
        return refuse(other, path, err);
    (void)cp_fail(err, CP_BAD_INPUT, path, "no tensor of a CLIP among its %zu%s%.100s", count,
                  count ? ", the first of which is " : "", count ? cp_checkpoint_at(file, 0)->name : "");
    return expect_a_layout(err);
}

/* By one rule; false where a part is missing: the first such name is kept, and the parts that are there. */
static bool find_by(const struct cp_layout_rule *rule, const struct capture *capture,
                    const struct cp_checkpoint *file, struct cp_layout_source *source) {
    char name[CP_LAYOUT_NAME];
    bool whole = true;
    *source = (struct cp_layout_source){.form = rule->form, .parts = rule->form == CP_LAYOUT_QKV ? 3 : 1};
    for (size_t p = 0; p < source->parts; p++) {
        expand(rule->file, capture, "qkv"[p], name);
        source->part[p] = cp_checkpoint_find(file, name);
        if (p == 0 || (whole && !source->part[p]))
            memcpy(source->name, name, sizeof name);
        whole = whole && source->part[p];
    }
    return whole;
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

bool cp_layout_lacks_projection(const struct cp_layout *layout, const struct cp_checkpoint *file) {
    const bool vision = cp_layout_has_vision(layout, file), text = cp_layout_has_text(layout, file);
    return vision != text &&
           !has_one_of(layout, file, (const char *const[]){vision ? "visual.proj" : "text_projection", NULL});
}

bool cp_layout_ignores(const struct cp_layout *layout, const struct cp_checkpoint_tensor *tensor) {
    struct capture capture;
    if (tensor->rank == 0 && !strchr(tensor->name, '.') &&
        strncmp(tensor->name, "logit_", strlen("logit_")) != 0)
        return true; /* a loss, a number of steps */
    for (const struct cp_layout_rule *rule = layout->rules; rule->file; rule++)
        if (!rule->model && matches(rule->file, tensor->name, &capture))
            return true;
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
