/* SPDX-License-Identifier: GPL-3.0-or-later
 * config.json of Hugging Face's CLIPModel, CLIPVisionModelWithProjection and CLIPTextModelWithProjection
 * (huggingface/transformers, models/clip/configuration_clip.py). It also carries dozens of settings of the
 * classes below it, about generation and output, which are left alone. */
#include "config/clip_config_field.h"
#include "config/hf_folder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct tower {
    int width, mlp_width, layers, heads, projection;
    double eps;
    enum cp_config_activation activation;
};

static const char *model_type(const json_t *root) {
    const char *type = json_string_value(json_object_get(root, "model_type"));
    return type ? type : "";
}

bool cp_is_hf_config(const json_t *root) {
    return json_object_get(root, "model_type") || json_object_get(root, "text_config") ||
           json_object_get(root, "vision_config");
}

#define TOWER_FIELDS(t)                                                                                      \
    {"hidden_size", CP_FIELD_INTEGER, &(t).width, CP_CONFIG_SIZE},                                           \
        {"intermediate_size", CP_FIELD_INTEGER, &(t).mlp_width, CP_CONFIG_SIZE},                             \
        {"num_hidden_layers", CP_FIELD_INTEGER, &(t).layers, CP_CONFIG_LAYERS},                              \
        {"num_attention_heads", CP_FIELD_INTEGER, &(t).heads, CP_CONFIG_SIZE},                               \
        {"projection_dim", CP_FIELD_INTEGER, &(t).projection, CP_CONFIG_SIZE},                               \
        {"layer_norm_eps", CP_FIELD_NUMBER, &(t).eps, 0}, {                                                  \
        "hidden_act", CP_FIELD_ACTIVATION, &(t).activation, 0                                                \
    }

static enum cp_status check_tower(const struct cp_field_reader *r, const char *section,
                                  const struct tower *tower) {
    if (tower->width % tower->heads)
        return cp_field_bad(r, section, "hidden_size", "is not divisible by num_attention_heads",
                            "whole heads");
    if (!(tower->eps > 0))
        return cp_field_bad(r, section, "layer_norm_eps", "is not a positive number", "a number above 0");
    return CP_OK;
}

static enum cp_status read_vision(const struct cp_field_reader *r, const char *section, json_t *object,
                                  struct cp_clip_config *c, struct tower *t) {
    struct cp_vision_config *v = &c->vision;
    int channels = 3;
    *t = (struct tower){768, 3072, 12, 12, 512, 1e-5, CP_CONFIG_QUICK};
    *v = (struct cp_vision_config){.image_size = 224, .patch_size = 32};
    const struct cp_field fields[] = {TOWER_FIELDS(*t),
                                      {"image_size", CP_FIELD_SIDE, &v->image_size, CP_CONFIG_SIZE},
                                      {"patch_size", CP_FIELD_SIDE, &v->patch_size, CP_CONFIG_SIZE},
                                      {"num_channels", CP_FIELD_INTEGER, &channels, CP_CONFIG_SIZE},
                                      {NULL, CP_FIELD_IGNORED, NULL, 0}};
    CP_TRY(cp_field_some(r, section, object, fields));
    CP_TRY(check_tower(r, section, t));
    if (channels != 3)
        return cp_field_bad(r, section, "num_channels", "is not supported", "3");
    if (v->image_size < v->patch_size)
        return cp_field_bad(r, section, "image_size", "is smaller than patch_size", "one patch at least");
    v->layers = t->layers;
    v->width = t->width;
    v->heads = t->heads;
    v->mlp_width = t->mlp_width;
    v->eps = t->eps;
    return CP_OK;
}

enum { EOS_TOKEN = 49407 }; /* CLIPTextConfig's default, whatever vocab_size is */

/* The last hidden state is taken at the largest id where eos_token_id is 2, as in OpenAI's checkpoints, whose
 * true end of text is the largest id, else at the first such id (modeling_clip.py CLIPTextTransformer). */
static enum cp_status set_pool(const struct cp_field_reader *r, const char *section, json_t *value,
                               struct cp_text_config *t) {
    const json_int_t id = value ? json_integer_value(value) : EOS_TOKEN;
    t->pool_type = CP_POOL_ARGMAX;
    if (!value && id >= t->vocab_size)
        return cp_field_bad(r, section, "eos_token_id",
                            "is missing, and 49407, which transformers then looks for, is not a token",
                            "an id of the vocabulary");
    if ((value && !json_is_integer(value)) || id < 0 || id >= t->vocab_size)
        return cp_field_bad(r, section, "eos_token_id", "is not a token", "an id of the vocabulary");
    if (id != 2 && id != t->vocab_size - 1) {
        t->pool_type = CP_POOL_EOS;
        t->eos_id = (int32_t)id;
    }
    return CP_OK;
}

static enum cp_status read_text(const struct cp_field_reader *r, const char *section, json_t *object,
                                struct cp_clip_config *c, struct tower *t) {
    struct cp_text_config *text = &c->text;
    *t = (struct tower){512, 2048, 12, 8, 512, 1e-5, CP_CONFIG_QUICK};
    *text = (struct cp_text_config){.context_length = 77, .vocab_size = 49408};
    const struct cp_field fields[] = {
        TOWER_FIELDS(*t),
        {"vocab_size", CP_FIELD_INTEGER, &text->vocab_size, CP_CONFIG_VOCABULARY},
        {"max_position_embeddings", CP_FIELD_INTEGER, &text->context_length, CP_CONFIG_SIZE},
        {"eos_token_id", CP_FIELD_ELSEWHERE, NULL, 0},
        {"bos_token_id", CP_FIELD_IGNORED, NULL, 0},
        {"sep_token_id", CP_FIELD_IGNORED, NULL, 0},
        {"pad_token_id", CP_FIELD_IGNORED, NULL, 0},
        {NULL, CP_FIELD_IGNORED, NULL, 0}};
    CP_TRY(cp_field_some(r, section, object, fields));
    CP_TRY(check_tower(r, section, t));
    text->layers = t->layers;
    text->width = t->width;
    text->heads = t->heads;
    text->mlp_width = t->mlp_width;
    text->eps = t->eps;
    return set_pool(r, section, json_object_get(object, "eos_token_id"), text);
}

/* One tower by itself: the root is its config. */
static enum cp_status read_one(const struct cp_field_reader *r, json_t *root, bool vision,
                               struct cp_clip_config *c) {
    struct tower tower;
    CP_TRY(vision ? read_vision(r, "", root, c, &tower) : read_text(r, "", root, c, &tower));
    c->embed_dim = tower.projection;
    cp_clip_config_activate(c, tower.activation);
    return CP_OK;
}

/* Of a tower's two sections the older one, text_config_dict, wins in transformers, with defaults for what it does not
 * say: CLIPConfig.__init__ fills it and updates text_config with it. */
static const char *section_of(const json_t *root, const char *older, const char *newer) {
    return json_is_object(json_object_get(root, older)) ? older : newer;
}

static enum cp_status read_both(const struct cp_field_reader *r, json_t *root, struct cp_clip_config *c) {
    struct tower vision, text;
    const struct cp_field fields[] = {{"projection_dim", CP_FIELD_INTEGER, &c->embed_dim, CP_CONFIG_SIZE},
                                      {"logit_scale_init_value", CP_FIELD_NUMBER, &c->init_logit_scale, 0},
                                      {"vision_config", CP_FIELD_ELSEWHERE, NULL, 0},
                                      {"text_config", CP_FIELD_ELSEWHERE, NULL, 0},
                                      {"vision_config_dict", CP_FIELD_ELSEWHERE, NULL, 0},
                                      {"text_config_dict", CP_FIELD_ELSEWHERE, NULL, 0},
                                      {NULL, CP_FIELD_IGNORED, NULL, 0}};
    c->embed_dim = 512;
    CP_TRY(cp_field_some(r, "", root, fields));
    const char *of_vision = section_of(root, "vision_config_dict", "vision_config"),
               *of_text = section_of(root, "text_config_dict", "text_config");
    CP_TRY(read_vision(r, of_vision, json_object_get(root, of_vision), c, &vision));
    CP_TRY(read_text(r, of_text, json_object_get(root, of_text), c, &text));
    c->vision.activation = vision.activation;
    c->text.activation = text.activation;
    return CP_OK;
}

enum cp_status cp_hf_config_read(const struct cp_field_reader *r, json_t *root,
                                 struct cp_clip_config *config) {
    const char *type = model_type(root);
    if (strcmp(type, "clip_vision_model") == 0 || strcmp(type, "clip_text_model") == 0)
        return read_one(r, root, strcmp(type, "clip_vision_model") == 0, config);
    if (strcmp(type, "clip") == 0 || !type[0])
        return read_both(r, root, config);
    char what[160];
    (void)snprintf(what, sizeof what, "'%.100s' is not supported", type);
    return cp_field_bad(r, "", "model_type", what, "clip, clip_vision_model or clip_text_model");
}

enum cp_status cp_hf_sections_parse(const char *source, const char *text, size_t size,
                                    struct cp_clip_config *newer, struct cp_clip_config *older, bool *both,
                                    struct cp_error *err) {
    const struct cp_field_reader reader = {source, err};
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    enum cp_status status = CP_OK;
    *newer = *older = cp_clip_config_default();
    *both = json_is_object(json_object_get(root, "vision_config")) &&
            json_is_object(json_object_get(root, "text_config")) &&
            (json_is_object(json_object_get(root, "text_config_dict")) ||
             json_is_object(json_object_get(root, "vision_config_dict")));
    if (*both)
        status = cp_hf_config_read(&reader, root, older);
    if (*both && status == CP_OK) {
        (void)json_object_del(root, "text_config_dict");
        (void)json_object_del(root, "vision_config_dict");
        status = cp_hf_config_read(&reader, root, newer);
    }
    json_decref(root);
    return status;
}
