/* SPDX-License-Identifier: GPL-3.0-or-later
 * Fields and defaults: open_clip src/open_clip/model.py CLIPVisionCfg, CLIPTextCfg. */
#include "io/clip_config.h"

#include "base/nearest.h"
#include "io/file.h"

#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { FILE_MAX = 1 << 20, FIELDS_MAX = 48 };

enum kind { INTEGER, NUMBER, BOOLEAN, POOL, ACT, NORM, TRIPLE, SECTION, IGNORED, DEFAULT_ONLY };

/* A known field: where its value goes, or why it need not (IGNORED: no part of the forward pass;
 * DEFAULT_ONLY: refused unless it is false, null or absent). */
struct field {
    const char *name;
    enum kind kind;
    void *to;
};

struct reader {
    const char *path;
    struct cp_error *err;
};

static enum cp_status bad(const struct reader *r, const char *section, const char *name, const char *what,
                          const char *expected) {
    (void)cp_fail(r->err, CP_BAD_INPUT, r->path, "%s%s%s %s", section, section[0] ? "." : "", name, what);
    return cp_expected(r->err, "%s", expected);
}

static enum cp_status read_pool(const struct reader *r, const char *section, const json_t *value,
                                enum cp_pool_type *to) {
    static const struct {
        const char *section, *name;
        enum cp_pool_type type;
    } table[] = {{"vision_cfg", "tok", CP_POOL_TOKEN},
                 {"vision_cfg", "avg", CP_POOL_AVG},
                 {"text_cfg", "argmax", CP_POOL_ARGMAX},
                 {"text_cfg", "first", CP_POOL_FIRST},
                 {"text_cfg", "last", CP_POOL_LAST}};
    for (size_t i = 0; json_is_string(value) && i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].section, section) == 0 && strcmp(table[i].name, json_string_value(value)) == 0) {
            *to = table[i].type;
            return CP_OK;
        }
    return bad(r, section, "pool_type", "is not supported",
               strcmp(section, "text_cfg") ? "tok or avg" : "argmax, first or last");
}

static enum cp_status read_triple(const struct reader *r, const char *section, const char *name,
                                  const json_t *value, double *to) {
    for (size_t i = 0; i < 3; i++) {
        const json_t *item = json_array_get(value, i);
        if (json_array_size(value) != 3 || !json_is_number(item))
            return bad(r, section, name, "is no list of three numbers", "[r, g, b]");
        to[i] = json_number_value(item);
    }
    return CP_OK;
}

/* act_kwargs {"approximate": "tanh"} and norm_kwargs {"eps": x} are the only arguments the harness computes.
 */
static enum cp_status read_kwargs(const struct reader *r, const char *section, const struct field *f,
                                  const json_t *value) {
    if (!json_is_object(value) || json_object_size(value) > 1)
        return bad(r, section, f->name, "is not supported",
                   f->kind == ACT ? "{\"approximate\": \"tanh\"}" : "{\"eps\": x}");
    if (json_object_size(value) == 0)
        return CP_OK;
    if (f->kind == ACT) {
        const char *form = json_string_value(json_object_get(value, "approximate"));
        if (!form || (strcmp(form, "tanh") != 0 && strcmp(form, "none") != 0))
            return bad(r, section, f->name, "is not supported", "{\"approximate\": \"tanh\"}");
        *(bool *)f->to = strcmp(form, "tanh") == 0;
        return CP_OK;
    }
    const json_t *eps = json_object_get(value, "eps");
    if (!json_is_number(eps) || !(json_number_value(eps) > 0))
        return bad(r, section, f->name, "eps is no positive number", "{\"eps\": x} with x > 0");
    *(double *)f->to = json_number_value(eps);
    return CP_OK;
}

static enum cp_status read_field(const struct reader *r, const char *section, const struct field *f,
                                 const json_t *value) {
    switch (f->kind) {
    case INTEGER:
        if (!json_is_integer(value) || json_integer_value(value) < 1 || json_integer_value(value) > 1 << 20)
            return bad(r, section, f->name, "is no whole number from 1",
                       "1 to 1048576; other towers are not supported yet");
        *(int *)f->to = (int)json_integer_value(value);
        return CP_OK;
    case NUMBER:
        if (!json_is_number(value) || !isfinite(json_number_value(value)))
            return bad(r, section, f->name, "is no number", "a finite number");
        *(double *)f->to = json_number_value(value);
        return CP_OK;
    case BOOLEAN:
        if (!json_is_boolean(value))
            return bad(r, section, f->name, "is neither true nor false", "true or false");
        *(bool *)f->to = json_is_true(value);
        return CP_OK;
    case POOL:
        return read_pool(r, section, value, f->to);
    case ACT:
    case NORM:
        return read_kwargs(r, section, f, value);
    case TRIPLE:
        return read_triple(r, section, f->name, value, f->to);
    case DEFAULT_ONLY:
        if (json_is_false(value) || json_is_null(value) ||
            (json_is_number(value) && json_number_value(value) == 0))
            return CP_OK;
        return bad(r, section, f->name, "is not supported yet",
                   "a plain ViT with open_clip's own text tower");
    case SECTION:
    case IGNORED:
        break;
    }
    return CP_OK;
}

static enum cp_status read_section(const struct reader *r, const char *section, const json_t *object,
                                   const struct field *fields) {
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return bad(r, "", section[0] ? section : "the config", "is missing or no object", "a JSON object");
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        const char *names[FIELDS_MAX] = {NULL};
        size_t i = 0;
        for (; fields[i].name && strcmp(fields[i].name, key) != 0; i++)
            names[i] = fields[i].name;
        if (fields[i].name) {
            CP_TRY(read_field(r, section, &fields[i], value));
            continue;
        }
        const char *nearest = cp_nearest(key, names, i);
        (void)cp_fail(r->err, CP_BAD_INPUT, r->path, "unknown or unsupported field '%.100s'%s%s", key,
                      section[0] ? " in " : "", section);
        return nearest ? cp_expected(r->err, "a field of a plain ViT; did you mean '%s'?", nearest)
                       : cp_expected(r->err, "a field of a plain ViT with open_clip's own text tower");
    }
    return CP_OK;
}

static enum cp_status read_vision(const struct reader *r, const json_t *object, struct cp_clip_config *c) {
    struct cp_vision_config *v = &c->vision;
    int head_width = 64;
    double ratio = 4;
    *v = (struct cp_vision_config){
        .image_size = 224, .patch_size = 16, .layers = 12, .width = 768, .eps = 1e-5};
    const struct field fields[] = {{"image_size", INTEGER, &v->image_size},
                                   {"patch_size", INTEGER, &v->patch_size},
                                   {"layers", INTEGER, &v->layers},
                                   {"width", INTEGER, &v->width},
                                   {"head_width", INTEGER, &head_width},
                                   {"mlp_ratio", NUMBER, &ratio},
                                   {"no_ln_pre", BOOLEAN, &v->no_ln_pre},
                                   {"pool_type", POOL, &v->pool_type},
                                   {"final_ln_after_pool", BOOLEAN, &v->final_ln_after_pool},
                                   {"act_kwargs", ACT, &v->gelu_tanh},
                                   {"norm_kwargs", NORM, &v->eps},
                                   {"patch_dropout", IGNORED, NULL},
                                   {"ls_init_value", DEFAULT_ONLY, NULL},
                                   {"attentional_pool", DEFAULT_ONLY, NULL},
                                   {"output_tokens", DEFAULT_ONLY, NULL},
                                   {"timm_model_name", DEFAULT_ONLY, NULL},
                                   {"qk_norm", DEFAULT_ONLY, NULL},
                                   {NULL, IGNORED, NULL}};
    CP_TRY(read_section(r, "vision_cfg", object, fields));
    if (v->width % head_width)
        return bad(r, "vision_cfg", "width", "is not divisible by head_width", "whole heads");
    if (v->image_size % v->patch_size)
        return bad(r, "vision_cfg", "image_size", "is not divisible by patch_size", "whole patches");
    v->heads = v->width / head_width;
    v->mlp_width = (int)(v->width * ratio);
    return ratio > 0 && ratio < 1000 ? CP_OK
                                     : bad(r, "vision_cfg", "mlp_ratio", "is out of range", "0 to 1000");
}

static enum cp_status read_text(const struct reader *r, const json_t *object, struct cp_clip_config *c) {
    struct cp_text_config *t = &c->text;
    double ratio = 4;
    *t = (struct cp_text_config){.context_length = 77,
                                 .vocab_size = 49408,
                                 .layers = 12,
                                 .width = 512,
                                 .heads = 8,
                                 .eps = 1e-5,
                                 .pool_type = CP_POOL_ARGMAX};
    const struct field fields[] = {{"context_length", INTEGER, &t->context_length},
                                   {"vocab_size", INTEGER, &t->vocab_size},
                                   {"layers", INTEGER, &t->layers},
                                   {"width", INTEGER, &t->width},
                                   {"heads", INTEGER, &t->heads},
                                   {"mlp_ratio", NUMBER, &ratio},
                                   {"no_causal_mask", BOOLEAN, &t->no_causal_mask},
                                   {"pool_type", POOL, &t->pool_type},
                                   {"final_ln_after_pool", BOOLEAN, &t->final_ln_after_pool},
                                   {"act_kwargs", ACT, &t->gelu_tanh},
                                   {"norm_kwargs", NORM, &t->eps},
                                   {"tokenizer_kwargs", IGNORED, NULL},
                                   {"hf_tokenizer_name", IGNORED, NULL},
                                   {"tokenizer_mode", IGNORED, NULL},
                                   {"pad_id", IGNORED, NULL},
                                   {"hf_model_name", DEFAULT_ONLY, NULL},
                                   {"ls_init_value", DEFAULT_ONLY, NULL},
                                   {"embed_cls", DEFAULT_ONLY, NULL},
                                   {"proj_bias", DEFAULT_ONLY, NULL},
                                   {"output_tokens", DEFAULT_ONLY, NULL},
                                   {NULL, IGNORED, NULL}};
    CP_TRY(read_section(r, "text_cfg", object, fields));
    if (t->width % t->heads)
        return bad(r, "text_cfg", "width", "is not divisible by heads", "whole heads");
    t->mlp_width = (int)(t->width * ratio);
    return ratio > 0 && ratio < 1000 ? CP_OK
                                     : bad(r, "text_cfg", "mlp_ratio", "is out of range", "0 to 1000");
}

static enum cp_status read_root(const struct reader *r, const json_t *root, struct cp_clip_config *c) {
    const json_t *wrapped = json_object_get(root, "model_cfg"), *model = wrapped ? wrapped : root;
    const struct field wrapper[] = {
        {"model_cfg", SECTION, NULL}, {"preprocess_cfg", SECTION, NULL}, {NULL, IGNORED, NULL}};
    const struct field fields[] = {{"embed_dim", INTEGER, &c->embed_dim},
                                   {"quick_gelu", BOOLEAN, &c->quick_gelu},
                                   {"vision_cfg", SECTION, NULL},
                                   {"text_cfg", SECTION, NULL},
                                   {"init_logit_scale", NUMBER, &c->init_logit_scale},
                                   {"init_logit_bias", NUMBER, &c->init_logit_bias},
                                   {"custom_text", DEFAULT_ONLY, NULL},
                                   {"multimodal_cfg", DEFAULT_ONLY, NULL},
                                   {NULL, IGNORED, NULL}};
    const struct field preprocess[] = {{"mean", TRIPLE, c->mean},        {"std", TRIPLE, c->std},
                                       {"interpolation", IGNORED, NULL}, {"resize_mode", IGNORED, NULL},
                                       {"size", IGNORED, NULL},          {"mode", IGNORED, NULL},
                                       {"fill_color", IGNORED, NULL},    {NULL, IGNORED, NULL}};
    if (wrapped)
        CP_TRY(read_section(r, "", root, wrapper));
    CP_TRY(read_section(r, "", model, fields));
    if (json_object_get(root, "preprocess_cfg"))
        CP_TRY(read_section(r, "preprocess_cfg", json_object_get(root, "preprocess_cfg"), preprocess));
    c->has_logit_bias = json_is_number(json_object_get(model, "init_logit_bias"));
    if (c->embed_dim == 0)
        return bad(r, "", "embed_dim", "is missing", "a whole number");
    CP_TRY(read_vision(r, json_object_get(model, "vision_cfg"), c));
    return read_text(r, json_object_get(model, "text_cfg"), c);
}

enum cp_status cp_clip_config_load(const char *path, struct cp_clip_config *config, struct cp_error *err) {
    struct cp_arena arena = {0};
    struct cp_file file;
    struct reader reader = {path, err};
    json_error_t where;
    *config = (struct cp_clip_config){.mean = {0.48145466, 0.4578275, 0.40821073},
                                      .std = {0.26862954, 0.26130258, 0.27577711},
                                      .init_logit_scale = log(1 / 0.07)};
    enum cp_status status = cp_file_read(path, FILE_MAX, &arena, &file, err);
    json_t *root = NULL;
    if (status == CP_OK) {
        root = json_loadb((const char *)file.bytes, file.size, JSON_REJECT_DUPLICATES, &where);
        if (root) {
            status = read_root(&reader, root, config);
        } else {
            (void)cp_fail(err, CP_BAD_INPUT, path, "line %d, column %d: %s", where.line, where.column,
                          where.text);
            status = cp_expected(err, "an open_clip model config in JSON");
        }
    }
    json_decref(root);
    cp_arena_free(&arena);
    return status;
}
