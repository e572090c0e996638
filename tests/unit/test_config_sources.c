/* SPDX-License-Identifier: GPL-3.0-or-later
 * The architecture from names, from Hugging Face's config.json, from shapes, and back from what is printed.
 */
#include "support/layout.h"
#include "support/test.h"

#include "model/layout/infer.h"
#include "run/known_config.h"
#include "run/model_source.h"

#include <string.h>

static void assert_same_config(const struct cp_clip_config *a, const struct cp_clip_config *b,
                               const char *of) {
    const struct cp_vision_config *v = &a->vision, *w = &b->vision;
    const struct cp_text_config *t = &a->text, *u = &b->text;
    const bool same = cp_clip_config_same_shapes(a, b) && v->heads == w->heads && t->heads == u->heads &&
                      v->eps == w->eps && t->eps == u->eps && v->image_size == w->image_size &&
                      v->pool_type == w->pool_type && t->pool_type == u->pool_type &&
                      t->eos_id == u->eos_id && v->activation == w->activation &&
                      t->activation == u->activation && t->family == u->family && v->family == w->family &&
                      t->no_causal_mask == u->no_causal_mask &&
                      t->foreign_tokenizer == u->foreign_tokenizer &&
                      cp_clip_config_same_preprocessing(a, b) && a->init_logit_scale == b->init_logit_scale;
    if (!same)
        fail_msg("%s", of);
}

/* Every named config, printed and read again. */
static void printed_configs_read_back(void **state) {
    struct cp_arena arena = {0};
    struct cp_error err = {0};
    const char **names;
    size_t count;
    (void)state;
    assert_int_equal(cp_clip_config_names(&arena, &names, &count, &err), CP_OK);
    assert_true(count >= 45);
    for (size_t i = 0; i < count; i++) {
        struct cp_clip_config named, again;
        assert_int_equal(cp_clip_config_named(names[i], &named, &err), CP_OK);
        const char *text = cp_clip_config_print(&named, &arena);
        if (cp_clip_config_parse("text", text, strlen(text), &again, &err) != CP_OK)
            fail_msg("%s: %s %s", names[i], err.what, text);
        assert_same_config(&named, &again, names[i]);
    }
    cp_arena_free(&arena);
}

/* openai/clip-vit-base-patch32's own, in short, beside open_clip's. */
static void hugging_face_config(void **state) {
    static const char text[] =
        "{\"architectures\": [\"CLIPModel\"], \"model_type\": \"clip\", \"projection_dim\": 512, "
        "\"logit_scale_init_value\": 2.6592, \"initializer_factor\": 1.0, \"transformers_version\": null, "
        "\"text_config\": {\"hidden_act\": \"quick_gelu\", \"hidden_size\": 512, \"intermediate_size\": "
        "2048, "
        "\"layer_norm_eps\": 1e-05, \"max_position_embeddings\": 77, \"num_attention_heads\": 8, "
        "\"num_hidden_layers\": 12, \"eos_token_id\": 2, \"num_beams\": 1, \"vocab_size\": 49408}, "
        "\"vision_config\": {\"hidden_act\": \"quick_gelu\", \"num_labels\": 2, \"num_return_sequences\": "
        "1}}";
    struct cp_clip_config config, named;
    struct cp_error err = {0};
    (void)state;
    if (cp_clip_config_parse("text", text, strlen(text), &config, &err) != CP_OK)
        fail_msg("%s %s", err.what, err.expected);
    assert_int_equal(cp_clip_config_named("ViT-B-32-quickgelu", &named, &err), CP_OK);
    named.init_logit_scale = 2.6592;
    assert_same_config(&config, &named, "clip-vit-base-patch32");
}

static void hugging_face_towers_and_activations(void **state) {
    static const char vision[] = "{\"model_type\": \"clip_vision_model\", \"hidden_act\": \"gelu\", "
                                 "\"projection_dim\": 640, \"num_hidden_layers\": 3}";
    static const char text[] = "{\"model_type\": \"clip_text_model\", \"hidden_act\": \"gelu_new\", "
                               "\"eos_token_id\": 5, \"layer_norm_eps\": 1e-6}";
    struct cp_clip_config config;
    struct cp_error err = {0};
    (void)state;
    assert_int_equal(cp_clip_config_parse("v", vision, strlen(vision), &config, &err), CP_OK);
    assert_true(config.embed_dim == 640 && config.vision.layers == 3 && !cp_has_text(&config));
    assert_int_equal(cp_clip_config_activation(&config), CP_CONFIG_ERF);
    assert_int_equal(cp_clip_config_parse("t", text, strlen(text), &config, &err), CP_OK);
    assert_true(!cp_has_vision(&config) && config.text.pool_type == CP_POOL_EOS && config.text.eos_id == 5);
    assert_true(config.text.eps == 1e-6 && cp_clip_config_activation(&config) == CP_CONFIG_TANH);
}

static void parse(const char *text, struct cp_clip_config *config) {
    struct cp_error err = {0};
    if (cp_clip_config_parse("text", text, strlen(text), config, &err) != CP_OK)
        fail_msg("%s (expected %s)", err.what, err.expected);
}

#define BOTH(more) "{\"model_type\": \"clip\", \"vision_config\": {}, \"text_config\": {}, " more "}"

/* transformers' CLIPConfig.__init__: text_config_dict is filled with defaults and then updates text_config. */
static void older_sections_win(void **state) {
    struct cp_clip_config config;
    (void)state;
    parse(
        "{\"model_type\": \"clip\", \"vision_config\": {\"hidden_act\": \"gelu\", \"num_hidden_layers\": 3}, "
        "\"text_config\": {\"hidden_act\": \"gelu\", \"num_hidden_layers\": 4}, "
        "\"text_config_dict\": {\"num_hidden_layers\": 5}, \"vision_config_dict\": {}}",
        &config);
    assert_true(config.text.activation == CP_CONFIG_QUICK && config.vision.layers == 12 &&
                config.text.layers == 5);
    parse(BOTH("\"text_config_dict\": null"), &config);
    assert_true(config.text.activation == CP_CONFIG_QUICK && config.text.layers == 12);
}

/* CLIPTextConfig has eos_token_id=49407 whatever the vocabulary is: with tokens added, that is not the last. */
static void missing_eos_is_the_class_default(void **state) {
    struct cp_clip_config config;
    (void)state;
    parse("{\"model_type\": \"clip\", \"vision_config\": {}, \"text_config\": {\"vocab_size\": 49410}}",
          &config);
    assert_true(config.text.pool_type == CP_POOL_EOS && config.text.eos_id == 49407);
    parse("{\"model_type\": \"clip\", \"vision_config\": {}, \"text_config\": {\"vocab_size\": 49408}}",
          &config);
    assert_int_equal(config.text.pool_type, CP_POOL_ARGMAX);
    parse("{\"model_type\": \"clip\", \"vision_config\": {}, \"text_config\": {\"vocab_size\": 49410, "
          "\"eos_token_id\": 2}}",
          &config);
    assert_int_equal(config.text.pool_type, CP_POOL_ARGMAX);
}

/* Each tower's own, as far as open_clip's configs can say it. */
static void activations_of_both_towers(void **state) {
    struct cp_clip_config config, again;
    struct cp_arena arena = {0};
    (void)state;
    parse("{\"model_type\": \"clip\", \"vision_config\": {\"hidden_act\": \"gelu\"}, "
          "\"text_config\": {\"hidden_act\": \"gelu_pytorch_tanh\"}}",
          &config);
    assert_true(config.vision.activation == CP_CONFIG_ERF && config.text.activation == CP_CONFIG_TANH);
    parse(cp_clip_config_print(&config, &arena), &again);
    assert_same_config(&config, &again, "printed");
    parse("{\"model_type\": \"clip\", \"vision_config\": {\"hidden_act\": \"gelu\"}, \"text_config\": {}}",
          &config);
    assert_true(config.vision.activation == CP_CONFIG_ERF && config.text.activation == CP_CONFIG_QUICK);
    parse(cp_clip_config_print(&config, &arena), &again);
    assert_same_config(&config, &again, "QuickGELU in one tower");
    cp_arena_free(&arena);
}

/* Names bring the preprocessing that all their published weights share (reference/golden/open_clip_tags). */
static void names_bring_their_preprocessing(void **state) {
    static const struct {
        const char *name, *says;
        enum cp_resize_filter filter;
        enum cp_resize_mode mode;
        double mean;
    } rows[] = {
        {"ViT-B-32", NULL, CP_BICUBIC, CP_SHORTEST, 0.48145466},
        {"ViT-L-14-CLIPA", "pictures as for all its published weights", CP_BILINEAR, CP_SQUASH, 0.485},
        {"ViT-H-14-378-quickgelu", "pictures as for all its published weights", CP_BICUBIC, CP_SQUASH,
         0.48145466},
        {"ViT-L-14", "preprocessed in several ways", CP_BICUBIC, CP_SHORTEST, 0.48145466},
        {"ViT-L-14-quickgelu", NULL, CP_BICUBIC, CP_SHORTEST, 0.48145466},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cp_arena arena = {0};
        struct cp_clip_config config;
        struct cp_notes notes = {0};
        struct cp_error err = {0};
        assert_int_equal(cp_named_config(rows[i].name, &arena, &config, &notes, &err), CP_OK);
        assert_int_equal(notes.count, rows[i].says != NULL);
        if (rows[i].says)
            assert_non_null(strstr(notes.lines[0], rows[i].says));
        assert_true(config.filter == rows[i].filter && config.resize_mode == rows[i].mode &&
                    config.mean[0] == rows[i].mean);
        cp_arena_free(&arena);
    }
}

/* A file of the tiny model, without any config. */
static void shapes_tell_the_architecture(void **state) {
    static struct listing list;
    struct cp_arena arena = {0};
    struct cp_model model;
    struct cp_error err = {0};
    (void)state;
    assert_int_equal(cp_model_counter(&tiny, 3, &model, &err), CP_OK);
    for (int form = 0; form < 3; form++) {
        struct cp_checkpoint *file = NULL;
        struct cp_clip_config config;
        const char *as = "";
        list_model(&list, &model);
        if (form == 1)
            as_custom_text(&list, true);
        if (form == 2)
            as_hugging_face(&list);
        write_stored(scratch_fd, list.tensors, list.count, NULL);
        assert_int_equal(cp_checkpoint_open(scratch_path, &file, &err), CP_OK);
        assert_int_equal(cp_shapes_config(file, scratch_path, &arena, &config, &as, &err), CP_OK);
        assert_true(config.activation_unknown && !as);
        config.init_logit_scale = tiny.init_logit_scale;
        assert_same_config(&config, &tiny, "tiny");
        cp_checkpoint_close(file);
    }
    cp_model_free(&model);
    cp_arena_free(&arena);
}

#define CONFIG(text) "{\"clip_parity.activation\":\"" text "\"}"

/* What a checkpoint says of itself is what it is computed with; a config that contradicts is told. */
static void own_words(void **state) {
    static struct listing list;
    struct cp_arena arena = {0};
    struct cp_model model;
    struct cp_error err = {0};
    struct cp_clip_config config;
    struct cp_notes notes = {NULL, 0};
    struct cp_model_source source = {.checkpoint.text = scratch_path};
    (void)state;
    assert_int_equal(cp_model_counter(&tiny, 3, &model, &err), CP_OK);
    list_model(&list, &model);
    write_stored(scratch_fd, list.tensors, list.count, CONFIG("quick"));
    assert_int_equal(cp_model_source_config(&source, &arena, &config, &notes, &err), CP_OK);
    assert_true(config.vision.activation == CP_CONFIG_QUICK && !config.activation_unknown &&
                notes.count == 1);

    notes.count = 0;
    source.name.text = "fashion-clip";
    assert_int_equal(cp_model_source_config(&source, &arena, &config, &notes, &err), CP_OK);
    assert_true(config.vision.activation != CP_CONFIG_QUICK && notes.count == 1);
    assert_non_null(strstr(notes.lines[0], "says that it was trained with activation quick, and the config "
                                           "has erf"));

    source.name.text = NULL;
    write_stored(scratch_fd, list.tensors, list.count, CONFIG("relu"));
    assert_string_equal(
        line_of(cp_model_source_config(&source, &arena, &config, &notes, &err), &err),
        ": metadata clip_parity.activation: 'relu' is not an activation (expected quick, erf or tanh)");
    cp_model_free(&model);
    cp_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printed_configs_read_back),
        cmocka_unit_test(hugging_face_config),
        cmocka_unit_test(hugging_face_towers_and_activations),
        cmocka_unit_test(older_sections_win),
        cmocka_unit_test(missing_eos_is_the_class_default),
        cmocka_unit_test(activations_of_both_towers),
        cmocka_unit_test(names_bring_their_preprocessing),
        cmocka_unit_test(shapes_tell_the_architecture),
        cmocka_unit_test(own_words),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
