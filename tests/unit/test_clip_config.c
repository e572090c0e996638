/* SPDX-License-Identifier: GPL-3.0-or-later
 * What configs mean: open_clip's own, against a table made from them by Python
 * (reference/golden/open_clip_configs), defaults, and where text is pooled. */
#include "support/scratch.h"
#include "support/test.h"

#include "config/clip_config.h"
#include "model/pass.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FOLDER "reference/golden/open_clip_configs/"

static struct cp_clip_config load(const char *path) {
    struct cp_clip_config config;
    struct cp_error err = {0};
    if (cp_clip_config_load(path, &config, &err) != CP_OK)
        fail_msg("%s: %s (expected %s)", err.where, err.what, err.expected);
    return config;
}

static struct cp_clip_config parsed(const char *text) {
    write_scratch(text, strlen(text));
    return load(scratch_path);
}

/* A row of configs.csv: LayerScale is empty where there is none. */
static const char *scale_text(bool layer_scale, double value, char text[32]) {
    if (!layer_scale)
        return "";
    (void)snprintf(text, 32, "%g", value);
    return text;
}

static void write_row(const char *name, const struct cp_clip_config *c, char *row, size_t size) {
    static const char *const pools[] = {
        [CP_POOL_TOKEN] = "tok",   [CP_POOL_AVG] = "avg",   [CP_POOL_ARGMAX] = "argmax",
        [CP_POOL_FIRST] = "first", [CP_POOL_LAST] = "last", [CP_POOL_EOS] = "eos"};
    const struct cp_vision_config *v = &c->vision;
    const struct cp_text_config *t = &c->text;
    char vision_scale[32], text_scale[32];
    (void)snprintf(row, size,
                   "%s,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%s,%d,%d,%d,%d,%d,%d,%d,%d,%s,%d,%s,%s,%s,%d\n", name,
                   c->embed_dim, v->activation == CP_CONFIG_QUICK, v->image_size, v->patch_size, v->layers,
                   v->width, v->heads, v->mlp_width, v->no_ln_pre, (int)v->family, pools[v->pool_type],
                   t->context_length, t->vocab_size, t->layers, t->width, t->heads, t->mlp_width,
                   t->no_causal_mask, (int)t->family, pools[t->pool_type], t->eos_id, t->hf_tokenizer_name,
                   scale_text(v->layer_scale, v->ls_init_value, vision_scale),
                   scale_text(t->layer_scale, t->ls_init_value, text_scale), t->proj_bias);
}

static void open_clip_configs_mean_what_they_say(void **state) {
    FILE *table = fopen(FOLDER "configs.csv", "r");
    char expected[512], row[512], path[256];
    size_t rows = 0;
    glob_t files;
    (void)state;
    assert_non_null(table);
    assert_non_null(fgets(expected, sizeof expected, table)); /* the names of the columns */
    for (; fgets(expected, sizeof expected, table); rows++) {
        const int name = (int)strcspn(expected, ",");
        (void)snprintf(path, sizeof path, FOLDER "%.*s.json", name, expected);
        const struct cp_clip_config config = load(path);
        (void)snprintf(path, sizeof path, "%.*s", name, expected);
        write_row(path, &config, row, sizeof row);
        assert_string_equal(row, expected);
        assert_int_equal(config.text.foreign_tokenizer, config.text.hf_tokenizer_name[0] != '\0');
        assert_false(config.vision.activation == CP_CONFIG_TANH || config.text.activation == CP_CONFIG_TANH ||
                     config.has_logit_bias);
        assert_true(config.vision.eps == 1e-5 && config.text.eps == 1e-5);
    }
    (void)fclose(table);
    assert_int_equal(glob(FOLDER "*.json", 0, NULL, &files), 0);
    assert_int_equal(rows, files.gl_pathc);
    globfree(&files);
}

static void absent_fields_have_defaults(void **state) {
    const struct cp_clip_config c = parsed("{\"embed_dim\": 3, \"vision_cfg\": {}, \"text_cfg\": {}}");
    char row[512];
    (void)state;
    write_row("", &c, row, sizeof row);
    assert_string_equal(row, ",3,0,224,16,12,768,12,3072,0,0,tok,77,49408,12,512,8,2048,0,0,argmax,0,,,,0\n");
    assert_true(c.mean[0] == 0.48145466 && c.mean[1] == 0.4578275 && c.mean[2] == 0.40821073);
    assert_true(c.std[0] == 0.26862954 && c.std[1] == 0.26130258 && c.std[2] == 0.27577711);
    assert_true(fabs(c.init_logit_scale - 2.659260036932778) < 1e-15);
}

/* All of CLIPVisionCfg and CLIPTextCfg but for the image, as open_clip writes a config in full. */
static void defaults_may_be_written_out(void **state) {
    const struct cp_clip_config c = parsed(
        "{\"model_cfg\": {\"embed_dim\": 3, \"quick_gelu\": false, \"custom_text\": false, "
        "\"init_logit_bias\": null,"
        "\"vision_cfg\": {\"layers\": 12, \"width\": 768, \"head_width\": 64, \"mlp_ratio\": 4.0, "
        "\"patch_size\": 16,"
        "\"image_size\": 224, \"image_seq_len\": null, \"ls_init_value\": null, \"patch_dropout\": 0.0,"
        "\"attentional_pool\": false, \"attn_pooler_queries\": 256, \"attn_pooler_heads\": 8, \"no_ln_pre\": "
        "false,"
        "\"pos_embed_type\": \"learnable\", \"final_ln_after_pool\": false, \"pool_type\": \"tok\","
        "\"output_tokens\": false, \"act_kwargs\": null, \"norm_kwargs\": null, \"block_type\": null,"
        "\"qk_norm\": false, \"scaled_cosine_attn\": false, \"scale_heads\": false, \"scale_attn_inner\": "
        "false,"
        "\"scale_attn\": false, \"scale_fc\": false, \"timm_model_name\": null, \"timm_model_pretrained\": "
        "false,"
        "\"timm_pool\": \"avg\", \"timm_proj\": \"linear\", \"timm_proj_bias\": false, \"timm_drop\": 0.0,"
        "\"timm_drop_path\": null, \"timm_model_kwargs\": null},"
        "\"text_cfg\": {\"text_arch\": \"clip\", \"context_length\": 77, \"variable_text\": false,"
        "\"vocab_size\": 49408, \"hf_tokenizer_name\": null, \"tokenizer_mode\": null, \"tokenizer_kwargs\": "
        "null,"
        "\"width\": 512, \"heads\": 8, \"layers\": 12, \"mlp_ratio\": 4.0, \"ls_init_value\": null,"
        "\"embed_cls\": false, \"pad_id\": 0, \"bos_id\": null, \"eos_id\": null, \"tokenizer_type\": \"\","
        "\"tiktoken_name\": \"cl100k_base\", \"no_causal_mask\": false, \"final_ln_after_pool\": false,"
        "\"pool_type\": \"argmax\", \"proj_bias\": false, \"proj_type\": \"linear\", \"output_tokens\": "
        "false,"
        "\"act_kwargs\": null, \"norm_kwargs\": null, \"block_type\": \"default\", \"qk_norm\": false,"
        "\"scaled_cosine_attn\": false, \"scale_heads\": false, \"scale_attn_inner\": false, \"scale_attn\": "
        "false,"
        "\"scale_fc\": false, \"hf_model_name\": null, \"hf_model_pretrained\": true, \"hf_proj_type\": "
        "\"mlp\","
        "\"hf_pooler_type\": \"mean_pooler\", \"hf_model_config\": null}}}");
    char row[512];
    (void)state;
    write_row("", &c, row, sizeof row);
    assert_string_equal(row, ",3,0,224,16,12,768,12,3072,0,0,tok,77,49408,12,512,8,2048,0,0,argmax,0,,,,0\n");
    assert_false(c.has_logit_bias || c.text.foreign_tokenizer);
}

static void values_reach_their_fields(void **state) {
    const struct cp_clip_config c = parsed(
        "{\"model_cfg\": {\"embed_dim\": 3, \"init_logit_scale\": 2.5, \"init_logit_bias\": -10,"
        "\"vision_cfg\": {\"norm_kwargs\": {\"eps\": 1e-6}, \"act_kwargs\": {\"approximate\": \"tanh\"}},"
        "\"text_cfg\": {\"norm_kwargs\": {\"eps\": 1e-12}, \"act_kwargs\": {\"approximate\": \"none\"},"
        "\"pool_type\": \"first\", \"tokenizer_kwargs\": {\"clean\": \"canonicalize\"}}},"
        "\"preprocess_cfg\": {\"mean\": [0, 0.25, 0.5], \"std\": [1, 0.5, 2],"
        "\"interpolation\": \"bilinear\", \"resize_mode\": \"squash\", \"fill_color\": 7, \"size\": [9, 9], "
        "\"mode\": \"RGB\"}}");
    (void)state;
    assert_true(c.filter == CP_BILINEAR && c.resize_mode == CP_SQUASH && c.fill == 7);
    assert_int_equal(c.vision.image_size, 224); /* not preprocess_cfg's */
    assert_true(c.init_logit_scale == 2.5 && c.has_logit_bias && c.init_logit_bias == -10);
    assert_true(c.vision.eps == 1e-6 && c.text.eps == 1e-12);
    assert_true(c.vision.activation == CP_CONFIG_TANH && c.text.activation == CP_CONFIG_ERF);
    assert_true(c.text.pool_type == CP_POOL_FIRST && c.text.foreign_tokenizer);
    assert_true(c.mean[0] == 0 && c.mean[1] == 0.25 && c.mean[2] == 0.5);
    assert_true(c.std[0] == 1 && c.std[1] == 0.5 && c.std[2] == 2);
}

static void text_is_pooled_where_pool_type_says(void **state) {
    static const int32_t ids[6] = {4, 9, 2, 9, 2, 0};
    static const struct {
        enum cp_pool_type type;
        int32_t eos_id;
        int position;
    } rows[] = {{CP_POOL_ARGMAX, 2, 1}, {CP_POOL_FIRST, 2, 0}, {CP_POOL_LAST, 2, 5},
                {CP_POOL_EOS, 2, 2},    {CP_POOL_EOS, 0, 5},   {CP_POOL_EOS, 7, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct cp_clip_config config = {
            .text = {.context_length = 6, .pool_type = rows[i].type, .eos_id = rows[i].eos_id}};
        assert_int_equal(cp_text_pool_position(&config, ids), rows[i].position);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_clip_configs_mean_what_they_say), cmocka_unit_test(absent_fields_have_defaults),
        cmocka_unit_test(defaults_may_be_written_out),          cmocka_unit_test(values_reach_their_fields),
        cmocka_unit_test(text_is_pooled_where_pool_type_says),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
