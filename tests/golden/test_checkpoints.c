/* SPDX-License-Identifier: GPL-3.0-or-later
 * One model in every form that PyTorch 1.13 and NumPy write (reference/golden/checkpoints): all load to the
 * same bits. */
#include "support/test.h"

#include "base/arena.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"
#include "model/layout/state_dict.h"
#include "model/model.h"

#include <stdio.h>
#include <string.h>

#define FOLDER "reference/golden/checkpoints/"

static const struct {
    const char *file;
    enum cp_checkpoint_format format;
    const char *notes[2];
} forms[] = {
    {"single.safetensors", CP_FORMAT_SAFETENSORS, {NULL}},
    {"model.safetensors.index.json", CP_FORMAT_SAFETENSORS_INDEX, {NULL}},
    {"state-fp32.pt", CP_FORMAT_TORCH_ZIP, {NULL}},
    {"state-fp16.pt", CP_FORMAT_TORCH_ZIP, {NULL}},
    {"state-bf16.pt", CP_FORMAT_TORCH_ZIP, {NULL}},
    {"state-fp64.pt", CP_FORMAT_TORCH_ZIP, {NULL}},
    {"training.pt",
     CP_FORMAT_TORCH_ZIP,

     {"15 entries that are no tensors are left alone",
      "the model is the 62 of 68 tensors under state_dict.; left alone: optimizer"}},
    {"dataparallel.pt", CP_FORMAT_TORCH_ZIP, {"prefix module. stripped from every name"}},
    {"parameters.pt", CP_FORMAT_TORCH_ZIP, {NULL}},
    {"views.pt", CP_FORMAT_TORCH_ZIP, {NULL}},
    {"strided.pt", CP_FORMAT_TORCH_ZIP, {NULL}},
    {"script.pt",
     CP_FORMAT_TORCHSCRIPT,

     {"left alone, as no weights: input_resolution, context_length, vocab_size"}},
    {"arrays.npz", CP_FORMAT_NPZ, {NULL}},
    {"packed.npz", CP_FORMAT_NPZ, {NULL}},
};
enum { FORMS = sizeof forms / sizeof forms[0] };

static struct cp_checkpoint *opened(const char *name) {
    struct cp_checkpoint *file = NULL;
    struct cp_error err = {0};
    char path[256];
    (void)snprintf(path, sizeof path, FOLDER "%s", name);
    if (cp_state_dict_open(path, &file, &err) != CP_OK)
        fail_msg("%s: %s (expected %s)", err.where, err.what, err.expected);
    return file;
}

/* The tensor's values as float32 are those bits. */
static void same_values(const struct cp_checkpoint *file, const char *form, const struct cp_safetensor *from,
                        const float *expected, struct cp_arena *arena) {
    const struct cp_checkpoint_tensor *tensor = cp_checkpoint_find(file, from->name);
    struct cp_error err = {0};
    if (!tensor)
        fail_msg("%s: no %s", form, from->name);
    if (tensor->rank != from->rank)
        fail_msg("%s: %s of rank %d", form, from->name, tensor->rank);
    assert_memory_equal(tensor->shape, from->shape, sizeof from->shape);
    const size_t count = cp_checkpoint_elements(tensor);
    float *values = cp_arena_alloc(arena, count, sizeof *values);
    assert_non_null(values);
    if (cp_checkpoint_widen(file, tensor, values, &err) != CP_OK)
        fail_msg("%s: %s", err.where, err.what);
    if (memcmp(values, expected, count * sizeof *values) != 0)
        fail_msg("%s: other bits in %s", form, from->name);
}

/* The reference is read by checkpoint/safetensors.c alone. */
static void every_form_has_the_same_bits(void **state) {
    struct cp_safetensors *reference = NULL;
    struct cp_error err = {0};
    (void)state;
    assert_int_equal(cp_safetensors_open(FOLDER "single.safetensors", &reference, &err), CP_OK);
    for (size_t f = 0; f < FORMS; f++) {
        struct cp_checkpoint *file = opened(forms[f].file);
        struct cp_arena arena = {0};
        assert_int_equal(cp_checkpoint_format(file), forms[f].format);
        assert_int_equal(cp_checkpoint_count(file), cp_safetensors_count(reference));
        for (size_t i = 0; i < cp_safetensors_count(reference); i++) {
            const struct cp_safetensor *from = cp_safetensors_at(reference, i);
            float *expected = cp_arena_alloc(&arena, from->end - from->begin, 1);
            assert_non_null(expected);
            assert_int_equal(from->dtype, CP_FP32);
            memcpy(expected, cp_safetensors_data(reference, from), from->end - from->begin);
            same_values(file, forms[f].file, from, expected, &arena);
        }
        cp_arena_free(&arena);
        cp_checkpoint_close(file);
    }
    cp_safetensors_close(reference);
}

/* Ends of the model's parts: the values between them were compared above. */
static void every_form_is_the_same_model(void **state) {
    struct cp_clip_config config;
    struct cp_error err = {0};
    struct cp_model first;
    (void)state;
    assert_int_equal(cp_clip_config_load("reference/golden/captures/model.json", &config, &err), CP_OK);
    assert_int_equal(cp_model_load(FOLDER "single.safetensors", &config, &first, &err), CP_OK);
    for (size_t f = 0; f < FORMS; f++) {
        struct cp_model model;
        char path[256];
        (void)snprintf(path, sizeof path, FOLDER "%s", forms[f].file);
        if (cp_model_load(path, &config, &model, &err) != CP_OK)
            fail_msg("%s: %s", err.where, err.what);
        assert_int_equal(model.bytes, first.bytes);
        assert_memory_equal(model.tower[CP_VISUAL].proj.weight, first.tower[CP_VISUAL].proj.weight,
                            (size_t)16 * 24 * sizeof(float));
        assert_memory_equal(model.tower[CP_TEXT].blocks[1].c_proj.weight,
                            first.tower[CP_TEXT].blocks[1].c_proj.weight, (size_t)12 * 48 * sizeof(float));
        assert_memory_equal(model.logit_scale, first.logit_scale, sizeof(float));
        cp_model_free(&model);
    }
    cp_model_free(&first);
}

static void notes_say_what_was_done(void **state) {
    (void)state;
    for (size_t f = 0; f < FORMS; f++) {
        struct cp_checkpoint *file = opened(forms[f].file);
        const char *const *const notes = cp_checkpoint_notes(file)->lines;
        const size_t count = cp_checkpoint_notes(file)->count;
        for (size_t i = 0; i < count; i++)
            print_message("%s: %s\n", forms[f].file, notes[i]);
        for (size_t i = 0; i < 2 && forms[f].notes[i]; i++) {
            assert_true(i < count);
            assert_string_equal(notes[i], forms[f].notes[i]);
        }
        assert_int_equal(count, (forms[f].notes[0] != NULL) + (forms[f].notes[1] != NULL));
        cp_checkpoint_close(file);
    }
}

/* float32 weights are where the file is mapped, one storage for all of them. */
static void views_share_a_storage(void **state) {
    (void)state;
    struct cp_checkpoint *file = opened("views.pt");
    const struct cp_checkpoint_tensor *first = cp_checkpoint_at(file, 0), *second = cp_checkpoint_at(file, 1);
    const size_t bytes = cp_checkpoint_elements(second) * sizeof(float);
    assert_ptr_equal((const char *)second->data + bytes, first->data);
    cp_checkpoint_close(file);
}

static void script_archives_carry_facts(void **state) {
    static const struct {
        const char *name;
        int64_t value;
    } facts[] = {{"input_resolution", 16}, {"context_length", 8}, {"vocab_size", 64}};
    (void)state;
    struct cp_checkpoint *file = NULL;
    struct cp_error err = {0};
    assert_int_equal(cp_checkpoint_open(FOLDER "script.pt", &file, &err), CP_OK);
    for (size_t i = 0; i < 3; i++) {
        const struct cp_checkpoint_tensor *tensor = cp_checkpoint_find(file, facts[i].name);
        int64_t value;
        float wide;
        assert_non_null(tensor);
        assert_int_equal(tensor->dtype, CP_INT64);
        assert_int_equal(tensor->rank, 0);
        memcpy(&value, tensor->data, sizeof value);
        assert_int_equal(value, facts[i].value);
        assert_int_equal(cp_checkpoint_widen(file, tensor, &wide, &err), CP_BAD_INPUT);
        assert_string_equal(err.what, "int64 is not a dtype of weights");
    }
    assert_int_equal(cp_checkpoint_find(file, "visual.proj")->dtype, CP_FP16);
    assert_int_equal(cp_checkpoint_find(file, "ln_final.weight")->dtype, CP_FP32);
    cp_checkpoint_close(file);
}

static void files_and_metadata(void **state) {
    const char *const *paths = NULL;
    (void)state;
    struct cp_checkpoint *file = opened("single.safetensors");
    assert_string_equal(cp_checkpoint_metadata(file, "clip_parity.note"), "caf\xc3\xa9 \"1\"");
    assert_null(cp_checkpoint_metadata(file, "clip_parity"));
    assert_int_equal(cp_checkpoint_files(file, &paths), 1);
    assert_string_equal(paths[0], FOLDER "single.safetensors");
    cp_checkpoint_close(file);
    file = opened("model.safetensors.index.json");
    assert_string_equal(cp_checkpoint_metadata(file, "format"), "pt");
    assert_int_equal(cp_checkpoint_files(file, &paths), 3);
    assert_string_equal(paths[2], FOLDER "model-00002-of-00002.safetensors");
    cp_checkpoint_close(file);
    file = opened("arrays.npz");
    assert_null(cp_checkpoint_metadata(file, "format"));
    cp_checkpoint_close(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_has_the_same_bits), cmocka_unit_test(every_form_is_the_same_model),
        cmocka_unit_test(notes_say_what_was_done),      cmocka_unit_test(views_share_a_storage),
        cmocka_unit_test(script_archives_carry_facts),  cmocka_unit_test(files_and_metadata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
