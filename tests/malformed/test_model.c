/* SPDX-License-Identifier: GPL-3.0-or-later
 * Checkpoints that are not what their config says: one line that names the tensor. */
#include "support/safetensors.h"
#include "support/test.h"

#include "model/model.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tensor {
    const char *name, *shape; /* as JSON */
    const char *dtype;        /* NULL: F32 */
};

#define BLOCK(name, width, qkv, mlp)                                                                         \
    {name "ln_1.weight", "[" width "]", NULL}, {name "ln_1.bias", "[" width "]", NULL},                      \
        {name "attn.in_proj_weight", "[" qkv "," width "]", NULL},                                           \
        {name "attn.in_proj_bias", "[" qkv "]", NULL},                                                       \
        {name "attn.out_proj.weight", "[" width "," width "]", NULL},                                        \
        {name "attn.out_proj.bias", "[" width "]", NULL}, {name "ln_2.weight", "[" width "]", NULL},         \
        {name "ln_2.bias", "[" width "]", NULL}, {name "mlp.c_fc.weight", "[" mlp "," width "]", NULL},      \
        {name "mlp.c_fc.bias", "[" mlp "]", NULL}, {name "mlp.c_proj.weight", "[" width "," mlp "]", NULL},  \
    {                                                                                                        \
        name "mlp.c_proj.bias", "[" width "]", NULL                                                          \
    }

static const struct cp_clip_config small = {
    .embed_dim = 4,
    .vision =
        {.image_size = 4, .patch_size = 2, .layers = 2, .width = 8, .heads = 2, .mlp_width = 32, .eps = 1e-5},
    .text = {.context_length = 3,
             .vocab_size = 5,
             .layers = 1,
             .width = 6,
             .heads = 2,
             .mlp_width = 24,
             .pool_type = CP_POOL_ARGMAX,
             .eps = 1e-5}};

static const struct tensor small_tensors[] = {
    {"logit_scale", "[]", NULL},
    {"positional_embedding", "[3,6]", NULL},
    {"text_projection", "[6,4]", NULL},
    {"token_embedding.weight", "[5,6]", NULL},
    {"ln_final.weight", "[6]", NULL},
    {"ln_final.bias", "[6]", NULL},
    {"visual.class_embedding", "[8]", NULL},
    {"visual.positional_embedding", "[5,8]", NULL},
    {"visual.conv1.weight", "[8,3,2,2]", NULL},
    {"visual.ln_pre.weight", "[8]", NULL},
    {"visual.ln_pre.bias", "[8]", NULL},
    {"visual.ln_post.weight", "[8]", NULL},
    {"visual.ln_post.bias", "[8]", NULL},
    {"visual.proj", "[8,4]", NULL},
    BLOCK("transformer.resblocks.0.", "6", "18", "24"),
    BLOCK("visual.transformer.resblocks.0.", "8", "24", "32"),
    BLOCK("visual.transformer.resblocks.1.", "8", "24", "32"),
};
enum { TENSORS = sizeof small_tensors / sizeof small_tensors[0] };

static size_t bytes_of(const struct tensor *t) {
    size_t bytes = t->dtype ? strcmp(t->dtype + 1, "64") == 0 ? 8 : 2 : 4;
    for (const char *at = strpbrk(t->shape, "0123456789"); at; at = strpbrk(at, "0123456789")) {
        char *end;
        bytes *= strtoull(at, &end, 10);
        at = end;
    }
    return bytes;
}

/* The small model's file with the tensor of this name replaced (or left out, where there is no shape); with
 * one more where no tensor has the name. */
static void write_model(const struct tensor *other) {
    static char header[1 << 14];
    size_t used = 1, data = 0;
    header[0] = '{';
    for (size_t i = 0; i <= TENSORS; i++) {
        const struct tensor *t = i < TENSORS ? &small_tensors[i] : other;
        if (t && other && strcmp(t->name, other->name) == 0) {
            t = other;
            other = NULL;
        } else if (i == TENSORS) {
            break;
        }
        if (!t->shape)
            continue;
        const size_t end = data + bytes_of(t);
        used +=
            (size_t)snprintf(header + used, sizeof header - used,
                             "%s\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%zu,%zu]}",
                             used > 1 ? "," : "", t->name, t->dtype ? t->dtype : "F32", t->shape, data, end);
        data = end;
    }
    header[used++] = '}';
    write_header(used, header, used, data);
}

/* The line of loading the small model with another tensor under a config; "" if it loads. */
static const char *load(const struct tensor *other, const struct cp_clip_config *config) {
    struct cp_model model;
    struct cp_error err = {0};
    write_model(other);
    const enum cp_status status = cp_model_load(scratch_path, config, &model, &err);
    cp_model_free(&model);
    return status == CP_OK ? "" : line_of(status, &err);
}

#define CONFIG_WITH(field, value)                                                                            \
    struct cp_clip_config config = small;                                                                    \
    config.field = value

static void the_small_model_loads(void **state) {
    const struct tensor scale = {"logit_scale", "[1]", NULL}, bias = {"logit_bias", "[]", NULL};
    CONFIG_WITH(has_logit_bias, true);
    (void)state;
    assert_string_equal(load(NULL, &small), "");
    assert_string_equal(load(&scale, &small), "");
    assert_string_equal(load(&bias, &config), "");
}

static void case_68_layers_are_not_the_tensors(void **state) {
    static const struct {
        int vision, text;
        const char *line;
    } rows[] = {
        {3, 1,
         ": tensor visual.transformer.resblocks.2.ln_1.weight: missing, the first of 12 tensors that do not "
         "fit (expected "
         "shape (8), which the config calls for)"},
        {2, 2,
         ": tensor transformer.resblocks.1.ln_1.weight: missing, the first of 12 tensors that do not fit "
         "(expected shape (6), which the config calls for)"},
        {1, 1,
         ": tensor visual.transformer.resblocks.1.ln_1.weight: unexpected tensor, the first of 12 tensors "
         "that do "
         "not fit (expected only the tensors that the config calls for: 1 vision and 1 text layers)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cp_clip_config config = small;
        config.vision.layers = rows[i].vision;
        config.text.layers = rows[i].text;
        assert_string_equal(load(NULL, &config), rows[i].line);
    }
}

/* Every tensor in turn. */
static void case_69_missing_tensor(void **state) {
    (void)state;
    for (size_t i = 0; i < TENSORS; i++) {
        const struct tensor missing = {small_tensors[i].name, NULL, NULL};
        char start[128];
        (void)snprintf(start, sizeof start, ": tensor %s: missing (expected shape (", missing.name);
        const char *line = load(&missing, &small);
        if (strncmp(line, start, strlen(start)) != 0)
            fail_msg("without %s: '%s'", missing.name, line);
    }
}

static void case_69_unexpected_tensor(void **state) {
    const struct tensor mask = {"attn_mask", "[3,3]", NULL}, empty = {"zz", "[0]", NULL};
    CONFIG_WITH(vision.no_ln_pre, true);
    (void)state;
    assert_string_equal(load(&mask, &small),
                        ": tensor attn_mask: unexpected tensor (expected only the tensors that "
                        "the config calls for: 2 vision and 1 text layers)");
    assert_non_null(strstr(load(&empty, &small), ": tensor zz: unexpected tensor"));
    assert_non_null(strstr(load(NULL, &config), ": tensor visual.ln_pre.weight: unexpected tensor"));
}

static void case_70_shape_is_not_the_config(void **state) {
    static const struct {
        struct tensor tensor;
        const char *line;
    } rows[] = {
        {{"positional_embedding", "[4,6]", NULL}, "shape (4, 6) does not match the config (expected (3, 6))"},
        {{"positional_embedding", "[6,3]", NULL}, "shape (6, 3) does not match the config (expected (3, 6))"},
        {{"positional_embedding", "[18]", NULL}, "shape (18) does not match the config (expected (3, 6))"},
        {{"visual.positional_embedding", "[9,8]", NULL},
         "shape (9, 8) does not match the config (expected (5, 8))"},
        {{"visual.conv1.weight", "[8,3,4,4]", NULL},
         "shape (8, 3, 4, 4) does not match the config (expected (8, 3, 2, 2))"},
        {{"token_embedding.weight", "[6,6]", NULL},
         "shape (6, 6) does not match the config (expected (5, 6))"},
        {{"visual.class_embedding", "[1,8]", NULL}, "shape (1, 8) does not match the config (expected (8))"},
        {{"visual.class_embedding", "[]", NULL}, "shape () does not match the config (expected (8))"},
        {{"logit_scale", "[2]", NULL}, "shape (2) does not match the config (expected ())"},
        {{"logit_scale", "[1,1]", NULL}, "shape (1, 1) does not match the config (expected ())"},
        {{"ln_final.bias",
          "[0,18446744073709551615,18446744073709551615,18446744073709551615,123456789,"
          "18446744073709551615,18446744073709551615,18446744073709551615]",
          NULL},
         "shape (0, 18446744073709551615, 18446744073709551615, 18446744073709551615, 123456789, "
         "18446744073709551615, 18446744073709551615, 18446744073709551615) does not match the config "
         "(expected "
         "(6))"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char line[512];
        (void)snprintf(line, sizeof line, ": tensor %s: %s", rows[i].tensor.name, rows[i].line);
        assert_string_equal(load(&rows[i].tensor, &small), line);
    }
}

static void case_71_projections_do_not_meet(void **state) {
    const struct tensor vision = {"visual.proj", "[8,5]", NULL}, text = {"text_projection", "[6,5]", NULL};
    CONFIG_WITH(embed_dim, 5);
    (void)state;
    assert_string_equal(load(&vision, &small),
                        ": tensor visual.proj: shape (8, 5) does not match the config (expected (8, 4))");
    assert_string_equal(load(&text, &small),
                        ": tensor text_projection: shape (6, 5) does not match the config (expected (6, 4))");
    assert_string_equal(load(&text, &config),
                        ": tensor visual.proj: shape (8, 4) does not match the config (expected (8, 5))");
}

static void weights_of_another_dtype(void **state) {
    const struct tensor half = {"visual.proj", "[8,4]", "BF16"}, wide = {"visual.proj", "[8,4]", "F64"},
                        whole = {"visual.proj", "[8,4]", "I64"};
    (void)state;
    assert_string_equal(load(&half, &small), "");
    assert_string_equal(load(&wide, &small), "");
    assert_string_equal(
        load(&whole, &small),
        ": tensor visual.proj: int64 is not a dtype of weights (expected fp64, fp32, fp16 or bf16)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_small_model_loads),
        cmocka_unit_test(case_68_layers_are_not_the_tensors),
        cmocka_unit_test(case_69_missing_tensor),
        cmocka_unit_test(case_69_unexpected_tensor),
        cmocka_unit_test(case_70_shape_is_not_the_config),
        cmocka_unit_test(case_71_projections_do_not_meet),
        cmocka_unit_test(weights_of_another_dtype),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
