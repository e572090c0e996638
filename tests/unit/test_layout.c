/* SPDX-License-Identifier: GPL-3.0-or-later
 * One model in every layout: the same bits come back. */
#include "support/layout.h"
#include "support/test.h"

#include "model/layout/infer.h"
#include "model/layout/layout.h"
#include "model/layout/state_dict.h"

#include <stdio.h>
#include <string.h>

static struct cp_model seeded;

static int make_model(void **state) {
    struct cp_error err = {0};
    return make_scratch(state) || cp_model_counter(&tiny, 7, &seeded, &err) != CP_OK;
}

static int free_model(void **state) {
    cp_model_free(&seeded);
    return remove_scratch(state);
}

static void assert_same_weights(const struct cp_model *a, const struct cp_model *b) {
    static struct listing of_a, of_b;
    list_model(&of_a, a);
    list_model(&of_b, b);
    assert_int_equal(of_a.count, of_b.count);
    for (size_t i = 0; i < of_a.count; i++)
        if (memcmp(of_a.tensors[i].values, of_b.tensors[i].values, stored_bytes(&of_a.tensors[i])) != 0)
            fail_msg("%s", of_a.tensors[i].name);
}

static void assert_layout(const char *name) {
    struct cp_checkpoint *file = NULL;
    const struct cp_layout *layout = NULL;
    struct cp_error err = {0};
    assert_int_equal(cp_checkpoint_open(scratch_path, &file, &err), CP_OK);
    assert_int_equal(cp_layout_of(file, scratch_path, &layout, &err), CP_OK);
    assert_string_equal(layout->name, name);
    cp_checkpoint_close(file);
}

/* Writes the listing, loads it under a config of both towers. */
static struct cp_model reload(const struct listing *list, const struct cp_clip_config *config,
                              const char *layout) {
    struct cp_model model;
    struct cp_error err = {0};
    write_stored(scratch_fd, list->tensors, list->count, NULL);
    assert_layout(layout);
    if (cp_model_load(scratch_path, config, &model, &err) != CP_OK)
        fail_msg("%s: %s", err.where, err.what);
    return model;
}

static struct listing *listed(void) {
    static struct listing list;
    list_model(&list, &seeded);
    return &list;
}

static void check(struct listing *list, const char *layout) {
    struct cp_model model = reload(list, &tiny, layout);
    assert_same_weights(&seeded, &model);
    cp_model_free(&model);
}

static void openai(void **state) {
    (void)state;
    check(listed(), "OpenAI CLIP");
}

static void custom_text(void **state) {
    struct listing *list = listed();
    (void)state;
    as_custom_text(list, false);
    check(list, "open_clip CustomTextCLIP");
}

static void linear_text_projection(void **state) {
    struct listing *list = listed();
    (void)state;
    as_custom_text(list, true);
    check(list, "open_clip CustomTextCLIP");
}

/* What open_clip has beyond OpenAI's models; the shapes tell it too. */
static void layer_scale_and_biased_projection(void **state) {
    static struct listing list;
    struct cp_clip_config config = tiny, told;
    struct cp_model model;
    struct cp_checkpoint *file = NULL;
    const struct cp_layout *layout = NULL;
    struct cp_error err = {0};
    (void)state;
    config.vision.layer_scale = config.text.layer_scale = config.text.proj_bias = true;
    config.vision.ls_init_value = config.text.ls_init_value = 0.5;
    assert_int_equal(cp_model_counter(&config, 7, &model, &err), CP_OK);
    list_model(&list, &model);
    assert_int_equal(list.count, 4 * 14 + 8 + 6 + 1);
    as_custom_text(&list, true);
    struct cp_model again = reload(&list, &config, "open_clip CustomTextCLIP");
    assert_same_weights(&model, &again);
    assert_int_equal(cp_checkpoint_open(scratch_path, &file, &err), CP_OK);
    assert_int_equal(cp_layout_of(file, scratch_path, &layout, &err), CP_OK);
    assert_int_equal(cp_infer_config(layout, file, scratch_path, &told, &err), CP_OK);
    assert_true(cp_clip_config_same_shapes(&config, &told));
    assert_false(cp_clip_config_same_shapes(&tiny, &told));
    cp_checkpoint_close(file);
    cp_model_free(&again);
    cp_model_free(&model);
}

static void hugging_face(void **state) {
    struct listing *list = listed();
    (void)state;
    as_hugging_face(list);
    check(list, "Hugging Face CLIPModel");
}

/* CLIPVisionModelWithProjection and CLIPTextModelWithProjection, and open_clip's towers by themselves. */
static void towers_alone(void **state) {
    (void)state;
    for (int hugging = 0; hugging < 2; hugging++)
        for (int vision = 0; vision < 2; vision++) {
            struct cp_model half = seeded;
            static struct listing list;
            if (vision)
                half.config.text.layers = 0;
            else
                half.config.vision.layers = 0;
            half.logit_scale = NULL;
            list_model(&list, &half);
            if (hugging)
                as_hugging_face(&list);
            struct cp_model model = reload(&list, &tiny, hugging ? "Hugging Face CLIPModel" : "OpenAI CLIP");
            assert_int_equal(cp_has_vision(&model.config), vision);
            assert_int_equal(cp_has_text(&model.config), !vision);
            assert_same_weights(&half, &model);
            cp_model_free(&model);
        }
}

/* CLIPVisionModel and CLIPTextModel: features as wide as the tower. */
static void towers_without_projection(void **state) {
    (void)state;
    for (int vision = 0; vision < 2; vision++) {
        struct cp_model half = seeded;
        static struct listing list;
        (vision ? &half.config.text.layers : &half.config.vision.layers)[0] = 0;
        *(vision ? &half.config.vision.no_proj : &half.config.text.no_proj) = true;
        half.logit_scale = NULL;
        list_model(&list, &half);
        as_hugging_face(&list);
        struct cp_model model = reload(&list, &tiny, "Hugging Face CLIPModel");
        const struct cp_tower_shape shape = cp_tower_shape(&model.config, vision ? CP_VISUAL : CP_TEXT);
        assert_true(shape.unprojected);
        assert_int_equal(shape.embed, shape.width);
        assert_null(model.tower[vision ? CP_VISUAL : CP_TEXT].proj.weight);
        assert_same_weights(&half, &model);
        cp_model_free(&model);
    }
}

/* What is missing is named as the file would name it. */
static void missing_parts_have_the_names_of_the_file(void **state) {
    static const struct {
        const char *missing, *line;
    } rows[] = {
        {"text_model.encoder.layers.1.self_attn.v_proj.bias",
         ": tensor text_model.encoder.layers.1.self_attn.v_proj.bias: missing (expected shape (128), which "
         "the "
         "config calls for)"},
        {"vision_model.pre_layrnorm.weight", ": tensor vision_model.pre_layrnorm.weight: missing (expected "
                                             "shape (64), which the config calls for)"},
        {"visual_projection.weight",
         ": tensor visual_projection.weight: missing (expected shape (16, 64), which the config calls for)"},
    };
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct listing *list = listed();
        struct cp_model model;
        struct cp_error err = {0};
        as_hugging_face(list);
        for (size_t i = 0; i < list->count; i++)
            if (strcmp(list->tensors[i].name, rows[r].missing) == 0)
                list->tensors[i] = list->tensors[--list->count];
        write_stored(scratch_fd, list->tensors, list->count, NULL);
        assert_string_equal(line_of(cp_model_load(scratch_path, &tiny, &model, &err), &err), rows[r].line);
        cp_model_free(&model);
    }
}

static void other_models_are_named(void **state) {
    static const struct {
        const char *header, *line;
    } rows[] = {
#define EXPECTED " (expected the layout of OpenAI CLIP, open_clip CustomTextCLIP or Hugging Face CLIPModel)"
#define CAPTURE " (expected a capture of it (docs/capture.md), which `clip-parity diff` compares)"
        {"{" FOUR_BYTES("visual.trunk.norm.weight") "}",
         ": is not a CLIP of plain ViTs: its vision tower is one of timm's" CAPTURE},
        {"{" FOUR_BYTES("visual.layer1.0.bn1.weight") "}",
         ": is not a CLIP of plain ViTs: its vision tower is a ResNet" CAPTURE},
        {"{" FOUR_BYTES("fc.weight") "}",
         ": no tensor of a CLIP among its 1, the first of which is fc.weight" EXPECTED},
    };
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct cp_model model;
        struct cp_error err = {0};
        write_header(strlen(rows[r].header), rows[r].header, strlen(rows[r].header), 4);
        assert_string_equal(line_of(cp_model_load(scratch_path, &tiny, &model, &err), &err), rows[r].line);
        cp_model_free(&model);
    }
}

/* The model is behind one prefix of names; of two, a key chooses. */
static void models_are_found_behind_prefixes(void **state) {
    static const char header[] = "{" ENTRY("a.m.visual.class_embedding", "F32", "[1]", "[0,4]") "," ENTRY(
        "b.class_embedding", "F32", "[1]", "[4,8]") "," ENTRY("optimizer.visual.conv1.weight", "F32", "[1]",
                                                              "[8,12]") "}";
    static const struct {
        const char *key, *name, *note;
    } rows[] = {{"#a", "visual.class_embedding",
                 "the model is the 1 of 3 tensors under a.m.; left alone: b, optimizer"},
                {"#a.m", "visual.class_embedding",
                 "the model is the 1 of 3 tensors under a.m.; left alone: b, optimizer"},
                {"#b", "visual.class_embedding",
                 "the model is the 1 of 3 tensors under b.; left alone: a, optimizer"}};
    struct cp_checkpoint *file = NULL;
    struct cp_error err = {0};
    char path[256];
    (void)state;
    write_header(strlen(header), header, strlen(header), 12);
    assert_int_equal(cp_state_dict_open(scratch_path, &file, &err), CP_BAD_INPUT);
    assert_null(file);
    assert_string_equal(err.what, "holds 2 models: a.m (1 tensor) and b (1 tensor)");
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        (void)snprintf(path, sizeof path, "%s%s", scratch_path, rows[r].key);
        assert_int_equal(cp_state_dict_open(path, &file, &err), CP_OK);
        assert_int_equal(cp_checkpoint_count(file), 1);
        assert_string_equal(cp_checkpoint_at(file, 0)->name, rows[r].name);
        assert_true(cp_checkpoint_notes(file)->count >= 1);
        assert_string_equal(cp_checkpoint_notes(file)->lines[0], rows[r].note);
        cp_checkpoint_close(file);
    }
    (void)snprintf(path, sizeof path, "%s#c", scratch_path);
    assert_int_equal(cp_state_dict_open(path, &file, &err), CP_BAD_INPUT);
    assert_string_equal(err.what, "has no model of that key, but 2: a.m (1 tensor) and b (1 tensor)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openai),
        cmocka_unit_test(custom_text),
        cmocka_unit_test(linear_text_projection),
        cmocka_unit_test(layer_scale_and_biased_projection),
        cmocka_unit_test(hugging_face),
        cmocka_unit_test(towers_alone),
        cmocka_unit_test(towers_without_projection),
        cmocka_unit_test(missing_parts_have_the_names_of_the_file),
        cmocka_unit_test(other_models_are_named),
        cmocka_unit_test(models_are_found_behind_prefixes),
    };
    return cmocka_run_group_tests(tests, make_model, free_model);
}
