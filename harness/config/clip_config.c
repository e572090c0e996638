/* SPDX-License-Identifier: GPL-3.0-or-later
 * Fields and defaults: open_clip src/open_clip/model.py CLIPVisionCfg, CLIPTextCfg. */
#include "config/clip_config.h"

#include "config/clip_config_field.h"
#include "config/hf_folder.h"
#include "format/file.h"
#include "format/json_file.h"

#include <math.h>
#include <string.h>

enum { FILE_MAX = 1 << 20 };

/* The switches of open_clip's other block, CustomResidualAttentionBlock. */
#define CUSTOM_BLOCK                                                                                         \
    {"block_type", CP_FIELD_DEFAULT_ONLY, "default", 0}, {"qk_norm", CP_FIELD_DEFAULT_ONLY, NULL, 0},        \
        {"scaled_cosine_attn", CP_FIELD_DEFAULT_ONLY, NULL, 0},                                              \
        {"scale_heads", CP_FIELD_DEFAULT_ONLY, NULL, 0},                                                     \
        {"scale_attn_inner", CP_FIELD_DEFAULT_ONLY, NULL, 0},                                                \
        {"scale_attn", CP_FIELD_DEFAULT_ONLY, NULL, 0}, {                                                    \
        "scale_fc", CP_FIELD_DEFAULT_ONLY, NULL, 0                                                           \
    }

/* The token that pool_type eos looks for; the other types look for none. */
static enum cp_status read_eos(const struct cp_field_reader *r, json_t *value, struct cp_text_config *text) {
    if (text->pool_type != CP_POOL_EOS)
        return CP_OK;
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) >= text->vocab_size)
        return cp_field_bad(r, "text_cfg", "eos_id", "is not a token, and pool_type is eos",
                            "an id of the vocabulary");
    text->eos_id = (int32_t)json_integer_value(value);
    return CP_OK;
}

/* Python's int(width * ratio). */
static enum cp_status set_mlp_width(const struct cp_field_reader *r, const char *section, int width,
                                    double ratio, int *mlp_width) {
    if (!(ratio > 0 && ratio < 1000) || width * ratio < 1)
        return cp_field_bad(r, section, "mlp_ratio", "is out of range",
                            "below 1000, and for one hidden unit at least");
    *mlp_width = (int)(width * ratio);
    return CP_OK;
}

static enum cp_status read_vision(const struct cp_field_reader *r, json_t *object, struct cp_clip_config *c) {
    struct cp_vision_config *v = &c->vision;
    int head_width = 64;
    double ratio = 4;
    *v = (struct cp_vision_config){.image_size = 224,
                                   .patch_size = 16,
                                   .layers = 12,
                                   .width = 768,
                                   .eps = 1e-5,
                                   .activation = CP_CONFIG_ERF};
    const struct cp_field fields[] = {{"image_size", CP_FIELD_SIDE, &v->image_size, CP_CONFIG_SIZE},
                                      {"patch_size", CP_FIELD_SIDE, &v->patch_size, CP_CONFIG_SIZE},
                                      {"layers", CP_FIELD_INTEGER, &v->layers, CP_CONFIG_LAYERS},
                                      {"width", CP_FIELD_INTEGER, &v->width, CP_CONFIG_SIZE},
                                      {"head_width", CP_FIELD_INTEGER, &head_width, CP_CONFIG_SIZE},
                                      {"mlp_ratio", CP_FIELD_NUMBER, &ratio, 0},
                                      {"no_ln_pre", CP_FIELD_BOOLEAN, &v->no_ln_pre, 0},
                                      {"pool_type", CP_FIELD_POOL, &v->pool_type, 0},
#define FAMILY(NAME, object, key) {key, CP_FIELD_FAMILY, &v->family, CP_FAMILY_##NAME},
#include "config/families.def"
#undef FAMILY
                                      {"act_kwargs", CP_FIELD_ACT_KWARGS, &v->activation, 0},
                                      {"clip_parity_activation", CP_FIELD_OWN_ACTIVATION, &v->activation, 0},
                                      {"norm_kwargs", CP_FIELD_NORM_KWARGS, &v->eps, 0},
                                      {"image_seq_len", CP_FIELD_DEFAULT_ONLY, NULL, 0},
                                      {"patch_dropout", CP_FIELD_IGNORED, NULL, 0},
                                      {"ls_init_value", CP_FIELD_OPTIONAL, &v->ls_init_value, 0},
                                      {"attentional_pool", CP_FIELD_DEFAULT_ONLY, NULL, 0},
                                      {"attn_pooler_queries", CP_FIELD_IGNORED, NULL, 0},
                                      {"attn_pooler_heads", CP_FIELD_IGNORED, NULL, 0},
                                      {"pos_embed_type", CP_FIELD_DEFAULT_ONLY, "learnable", 0},
                                      {"output_tokens", CP_FIELD_DEFAULT_ONLY, NULL, 0},
                                      {"timm_model_name", CP_FIELD_DEFAULT_ONLY, NULL, 0},
                                      {"timm_model_pretrained", CP_FIELD_IGNORED, NULL, 0},
                                      {"timm_pool", CP_FIELD_IGNORED, NULL, 0},
                                      {"timm_proj", CP_FIELD_IGNORED, NULL, 0},
                                      {"timm_proj_bias", CP_FIELD_IGNORED, NULL, 0},
                                      {"timm_drop", CP_FIELD_IGNORED, NULL, 0},
                                      {"timm_drop_path", CP_FIELD_IGNORED, NULL, 0},
                                      {"timm_model_kwargs", CP_FIELD_IGNORED, NULL, 0},
                                      CUSTOM_BLOCK,
                                      {NULL, CP_FIELD_IGNORED, NULL, 0}};
    CP_TRY(cp_field_section(r, "vision_cfg", object, fields));
    if (v->width % head_width)
        return cp_field_bad(r, "vision_cfg", "width", "is not divisible by head_width", "whole heads");
    if (v->image_size < v->patch_size)
        return cp_field_bad(r, "vision_cfg", "image_size", "is smaller than patch_size",
                            "one patch at least");
    v->heads = v->width / head_width;
    v->layer_scale = json_is_number(json_object_get(object, "ls_init_value"));
    return set_mlp_width(r, "vision_cfg", v->width, ratio, &v->mlp_width);
}

static enum cp_status read_text(const struct cp_field_reader *r, json_t *object, struct cp_clip_config *c) {
    struct cp_text_config *t = &c->text;
    double ratio = 4;
    *t = (struct cp_text_config){.context_length = 77,
                                 .vocab_size = 49408,
                                 .layers = 12,
                                 .width = 512,
                                 .heads = 8,
                                 .eps = 1e-5,
                                 .activation = CP_CONFIG_ERF,
                                 .pool_type = CP_POOL_ARGMAX};
    const struct cp_field fields[] = {
        {"context_length", CP_FIELD_INTEGER, &t->context_length, CP_CONFIG_SIZE},
        {"vocab_size", CP_FIELD_INTEGER, &t->vocab_size, CP_CONFIG_VOCABULARY},
        {"layers", CP_FIELD_INTEGER, &t->layers, CP_CONFIG_LAYERS},
        {"width", CP_FIELD_INTEGER, &t->width, CP_CONFIG_SIZE},
        {"heads", CP_FIELD_INTEGER, &t->heads, CP_CONFIG_SIZE},
        {"mlp_ratio", CP_FIELD_NUMBER, &ratio, 0},
        {"no_causal_mask", CP_FIELD_BOOLEAN, &t->no_causal_mask, 0},
        {"pool_type", CP_FIELD_POOL, &t->pool_type, 0},
#define FAMILY(NAME, object, key) {key, CP_FIELD_FAMILY, &t->family, CP_FAMILY_##NAME},
#include "config/families.def"
#undef FAMILY
        {"act_kwargs", CP_FIELD_ACT_KWARGS, &t->activation, 0},
        {"clip_parity_activation", CP_FIELD_OWN_ACTIVATION, &t->activation, 0},
        {"norm_kwargs", CP_FIELD_NORM_KWARGS, &t->eps, 0},
        {"hf_tokenizer_name", CP_FIELD_TOKENIZER, t, 0},
        {"tokenizer_kwargs", CP_FIELD_TOKENIZER, t, 0},
        {"tokenizer_mode", CP_FIELD_TOKENIZER, t, 0},
        {"tokenizer_type", CP_FIELD_TOKENIZER, t, 0},
        {"tiktoken_name", CP_FIELD_IGNORED, NULL, 0},
        {"text_arch", CP_FIELD_DEFAULT_ONLY, "clip", 0},
        {"variable_text", CP_FIELD_DEFAULT_ONLY, NULL, 0},
        {"bos_id", CP_FIELD_IGNORED, NULL, 0},
        {"eos_id", CP_FIELD_ELSEWHERE, NULL, 0},
        {"pad_id", CP_FIELD_IGNORED, NULL, 0},
        {"hf_model_name", CP_FIELD_DEFAULT_ONLY, NULL, 0},
        {"hf_model_pretrained", CP_FIELD_IGNORED, NULL, 0},
        {"hf_proj_type", CP_FIELD_IGNORED, NULL, 0},
        {"hf_pooler_type", CP_FIELD_IGNORED, NULL, 0},
        {"hf_model_config", CP_FIELD_IGNORED, NULL, 0},
        {"ls_init_value", CP_FIELD_OPTIONAL, &t->ls_init_value, 0},
        {"embed_cls", CP_FIELD_DEFAULT_ONLY, NULL, 0},
        {"proj_type", CP_FIELD_DEFAULT_ONLY, "linear", 0},
        {"proj_bias", CP_FIELD_BOOLEAN, &t->proj_bias, 0},
        {"output_tokens", CP_FIELD_DEFAULT_ONLY, NULL, 0},
        CUSTOM_BLOCK,
        {NULL, CP_FIELD_IGNORED, NULL, 0}};
    CP_TRY(cp_field_section(r, "text_cfg", object, fields));
    CP_TRY(read_eos(r, json_object_get(object, "eos_id"), t));
    t->layer_scale = json_is_number(json_object_get(object, "ls_init_value"));
    if (t->width % t->heads)
        return cp_field_bad(r, "text_cfg", "width", "is not divisible by heads", "whole heads");
    return set_mlp_width(r, "text_cfg", t->width, ratio, &t->mlp_width);
}

/* open_clip's QuickGELU takes no arguments: it raises TypeError. */
static enum cp_status refuse_kwargs_of_quick_gelu(const struct cp_field_reader *r, json_t *model,
                                                  const char *section) {
    if (json_object_size(json_object_get(json_object_get(model, section), "act_kwargs")) > 0)
        return cp_field_bad(r, section, "act_kwargs", "stands beside quick_gelu, which takes none",
                            "one of the two");
    return CP_OK;
}

enum cp_status cp_field_preprocess(const struct cp_field_reader *r, json_t *object,
                                   struct cp_clip_config *c) {
    const struct cp_field preprocess[] = {{"mean", CP_FIELD_MEAN, c->mean, 0},
                                          {"std", CP_FIELD_STD, c->std, 0},
                                          {"interpolation", CP_FIELD_FILTER, &c->filter, 0},
                                          {"resize_mode", CP_FIELD_RESIZE_MODE, &c->resize_mode, 0},
                                          {"fill_color", CP_FIELD_BYTE, &c->fill, 0},
                                          {"size", CP_FIELD_IGNORED, NULL, 0},
                                          {"mode", CP_FIELD_DEFAULT_ONLY, "RGB", 0},
                                          {NULL, CP_FIELD_IGNORED, NULL, 0}};
    return cp_field_section(r, "preprocess_cfg", object, preprocess);
}

static enum cp_status read_root(const struct cp_field_reader *r, json_t *root, struct cp_clip_config *c) {
    json_t *wrapped = json_object_get(root, "model_cfg"), *model = wrapped ? wrapped : root;
    bool quick_gelu = false;
    const struct cp_field wrapper[] = {{"model_cfg", CP_FIELD_ELSEWHERE, NULL, 0},
                                       {"preprocess_cfg", CP_FIELD_ELSEWHERE, NULL, 0},
                                       {NULL, CP_FIELD_IGNORED, NULL, 0}};
    const struct cp_field fields[] = {{"embed_dim", CP_FIELD_INTEGER, &c->embed_dim, CP_CONFIG_SIZE},
                                      {"quick_gelu", CP_FIELD_BOOLEAN, &quick_gelu, 0},
                                      {"vision_cfg", CP_FIELD_ELSEWHERE, NULL, 0},
                                      {"text_cfg", CP_FIELD_ELSEWHERE, NULL, 0},
                                      {"init_logit_scale", CP_FIELD_NUMBER, &c->init_logit_scale, 0},
                                      {"init_logit_bias", CP_FIELD_OPTIONAL, &c->init_logit_bias, 0},
                                      {"nonscalar_logit_scale", CP_FIELD_IGNORED, NULL, 0},
                                      {"custom_text", CP_FIELD_IGNORED, NULL, 0},
                                      {"multimodal_cfg", CP_FIELD_DEFAULT_ONLY, NULL, 0},
                                      {NULL, CP_FIELD_IGNORED, NULL, 0}};
    if (wrapped)
        CP_TRY(cp_field_section(r, "", root, wrapper));
    CP_TRY(cp_field_section(r, "", model, fields));
    if (json_object_get(root, "preprocess_cfg"))
        CP_TRY(cp_field_preprocess(r, json_object_get(root, "preprocess_cfg"), c));
    c->has_logit_bias = json_is_number(json_object_get(model, "init_logit_bias"));
    if (c->embed_dim == 0)
        return cp_field_bad(r, "", "embed_dim", "is missing", "a whole number");
    CP_TRY(read_vision(r, json_object_get(model, "vision_cfg"), c));
    CP_TRY(read_text(r, json_object_get(model, "text_cfg"), c));
    if (!quick_gelu)
        return CP_OK;
    cp_clip_config_activate(c, CP_CONFIG_QUICK);
    CP_TRY(refuse_kwargs_of_quick_gelu(r, model, "vision_cfg"));
    return refuse_kwargs_of_quick_gelu(r, model, "text_cfg");
}

struct cp_clip_config cp_clip_config_default(void) {
    return (struct cp_clip_config){.mean = {0.48145466, 0.4578275, 0.40821073},
                                   .std = {0.26862954, 0.26130258, 0.27577711},
                                   .init_logit_scale = log(1 / 0.07),
                                   .vision.activation = CP_CONFIG_ERF,
                                   .text.activation = CP_CONFIG_ERF};
}

static enum cp_status parse(const char *source, const char *text, size_t size, struct cp_clip_config *config,
                            bool *hf, struct cp_error *err) {
    const struct cp_field_reader reader = {source, err};
    json_t *root;
    *config = cp_clip_config_default();
    CP_TRY(cp_json_parse(source, text, size, JSON_REJECT_DUPLICATES,
                         "a model's config in JSON, as open_clip or Hugging Face has it", &root, err));
    *hf = cp_is_hf_config(root);
    const enum cp_status status =
        *hf ? cp_hf_config_read(&reader, root, config) : read_root(&reader, root, config);
    json_decref(root);
    return status;
}

enum cp_status cp_clip_config_parse(const char *source, const char *text, size_t size,
                                    struct cp_clip_config *config, struct cp_error *err) {
    bool hf;
    return parse(source, text, size, config, &hf, err);
}

enum cp_status cp_clip_config_load(const char *path, struct cp_clip_config *config, struct cp_error *err) {
    struct cp_arena arena = {0};
    struct cp_file file;
    bool hf = false;
    *config = cp_clip_config_default();
    enum cp_status status = cp_file_read(path, FILE_MAX, &arena, &file, err);
    if (status == CP_OK)
        status = parse(path, file.text, file.size, config, &hf, err);
    if (status == CP_OK && hf)
        status = cp_hf_folder_read(path, config, err);
    cp_arena_free(&arena);
    return status;
}

enum cp_status cp_clip_config_picture_size(const char *path, long *size, struct cp_error *err) {
    json_t *root;
    CP_TRY(cp_json_file(path, FILE_MAX, 0, "an open_clip_config.json", &root, err));
    const json_t *sides = json_object_get(json_object_get(root, "preprocess_cfg"), "size");
    *size = (long)json_integer_value(json_is_array(sides) ? json_array_get(sides, 0) : sides);
    json_decref(root);
    return CP_OK;
}
