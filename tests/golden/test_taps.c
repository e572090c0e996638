/* SPDX-License-Identifier: GPL-3.0-or-later
 * Every tap of both demo models, of three seeded ones of ViT-B/32's shape and of a small one with LayerScale
 * and a biased text projection, against PyTorch
 * (reference/golden/taps): the oracle against PyTorch float64, and our float32 error against PyTorch
 * float32's, both measured against the oracle. */
#include "support/program.h"
#include "support/test.h"

#include "base/hash.h"
#include "picture/image.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SAMPLES = 4096, MOST = 100 * 50 * 512 };

static double oracle[MOST], ours[MOST];

#define RUN "run experiments/quickgelu-vs-gelu.yaml local=off floor=0 baseline.activation=auto candidates={} "
#define DEMO(model)                                                                                          \
    RUN "model.checkpoint=data/" model "/open_clip_model.safetensors "                                       \
        "model.config=data/" model "/open_clip_config.json "                                                 \
        "inputs.prompts.templates=data/fashion-clip/templates.txt "

static void run_model(const char *arguments) {
    char command[1024], text[8192];
    (void)snprintf(command, sizeof command,
                   "%s 'record={\"*\": full, \"*.scores\": off, \"*.probs\": off}' output=$OUT", arguments);
    const int code = run_program(command, text, sizeof text);
    if (code != 0)
        print_error("%s\n", text);
    assert_int_equal(code, 0);
}

static size_t read_tap(const char *capture, const char *tap, double *values) {
    char path[256];
    (void)snprintf(path, sizeof path, "/captures/%s/%s/value", capture, tap);
    const long count = read_dataset(scratch_output(), path, H5T_NATIVE_DOUBLE, values, MOST);
    if (count <= 0)
        print_error("%s is not in the result\n", path);
    assert_true(count > 0);
    return (size_t)count;
}

/* Relative L2 distance of the oracle to PyTorch float64 over the samples. */
static double distance(const char *tap, const double *golden, size_t count) {
    double square = 0, reference = 0;
    if (count == 0)
        return INFINITY;
    for (size_t i = 0; i < SAMPLES; i++) {
        const double mine = oracle[cp_counter_hash(0, cp_name_hash(tap), i) % count];
        square += (mine - golden[i]) * (mine - golden[i]);
        reference += golden[i] * golden[i];
    }
    return sqrt(square / reference);
}

/* Geometric mean over inputs of our RMS error to PyTorch float32's, with the floor 2^-24 RMS(oracle). */
static double error_ratio(const double *torch_errors, size_t inputs, size_t count) {
    const size_t row = inputs ? count / inputs : 0;
    if (row == 0)
        return INFINITY;
    double sum = 0;
    for (size_t n = 0; n < inputs; n++) {
        double square = 0, reference = 0;
        for (size_t i = n * row; i < (n + 1) * row; i++) {
            square += (ours[i] - oracle[i]) * (ours[i] - oracle[i]);
            reference += oracle[i] * oracle[i];
        }
        const double floor = 0x1p-24 * sqrt(reference / (double)row);
        sum += log((sqrt(square / (double)row) + floor) / (torch_errors[n] + floor));
    }
    return exp(sum / (double)inputs);
}

enum { OUTPUTS = 6 };
static const char *const outputs[OUTPUTS] = {"visual",        "image_features",   "text_projection",
                                             "text_features", "logits_per_image", "probs"};

/* OUTPUTS for what is no output. */
static size_t output_of(const char *tap) {
    size_t i = 0;
    while (i < OUTPUTS && strcmp(tap, outputs[i]) != 0)
        i++;
    return i;
}

struct worst {
    double far, ratio;
    double log_output[OUTPUTS]; /* of the error ratios at the outputs, summed over the models */
};

static void check_tap(const char *tap, const double *golden, const double *torch_errors, size_t most,
                      struct worst *worst) {
    const size_t count = read_tap("oracle.baseline", tap, oracle), output = output_of(tap);
    size_t inputs = 0;
    while (inputs < most && !isnan(torch_errors[inputs]))
        inputs++;
    assert_true(inputs > 0);
    assert_int_equal(read_tap("baseline", tap, ours), count);
    const double far = distance(tap, golden, count), ratio = error_ratio(torch_errors, inputs, count);
    if (!(far <= 1e-12) || !(ratio <= 2))
        print_error("%s: oracle %.3g from PyTorch float64, error ratio %.3f\n", tap, far, ratio);
    assert_true(far <= 1e-12);
    assert_true(ratio <= 2);
    worst->far = fmax(worst->far, far);
    worst->ratio = fmax(worst->ratio, ratio);
    if (output < OUTPUTS)
        worst->log_output[output] += log(ratio);
}

static void check_model(const char *model, const char *arguments, struct worst *worst) {
    struct cp_arena arena = {0};
    struct cp_array values, errors;
    struct cp_error err;
    char path[256], tap[128];
    size_t taps = 0;
    run_model(arguments);
    (void)snprintf(path, sizeof path, "reference/golden/taps/%s.values.npy", model);
    assert_int_equal(cp_npy_read(path, &arena, &values, &err), CP_OK);
    (void)snprintf(path, sizeof path, "reference/golden/taps/%s.errors.npy", model);
    assert_int_equal(cp_npy_read(path, &arena, &errors, &err), CP_OK);
    (void)snprintf(path, sizeof path, "reference/golden/taps/%s.taps.txt", model);
    FILE *names = fopen(path, "r");
    assert_non_null(names);
    for (; fscanf(names, "%127s", tap) == 1; taps++) {
        const size_t most = errors.shape[1];
        check_tap(tap, (const double *)values.data + taps * SAMPLES,
                  (const double *)errors.data + taps * most, most, worst);
    }
    (void)fclose(names);
    assert_int_equal(taps, values.shape[0]);
    print_message("%s: %zu taps\n", model, taps);
    cp_arena_free(&arena);
    (void)unlink(scratch_output());
}

/* At what users read: at most 1.1 times PyTorch's error, in the geometric mean over the models' inputs. */
static void check_outputs(const struct worst *worst, size_t models) {
    double most = 0;
    for (size_t i = 0; i < OUTPUTS; i++) {
        const double ratio = exp(worst->log_output[i] / (double)models);
        if (!(ratio <= 1.1))
            print_error("%s: error ratio %.3f\n", outputs[i], ratio);
        assert_true(ratio <= 1.1);
        most = fmax(most, ratio);
    }
    print_message(
        "oracle within %.2g of PyTorch float64; our error at most %.3f times PyTorch float32's, %.3f times "
        "at the outputs\n",
        worst->far, worst->ratio, most);
}

static void fashion_clip(void **state) {
    struct worst worst = {0};
    (void)state;
    check_model("fashion-clip", DEMO("fashion-clip"), &worst);
    check_outputs(&worst, 1);
}

static void fashion_clip_gelu(void **state) {
    struct worst worst = {0};
    (void)state;
    check_model("fashion-clip-gelu", DEMO("fashion-clip-gelu"), &worst);
    check_outputs(&worst, 1);
}

/* To a seeded model all noise images look alike, so the error of its logits is one draw, however many the
 * inputs: three models are three. */
static void seeded_vit_b_32(void **state) {
    struct worst worst = {0};
    (void)state;
    for (int seed = 1; seed <= 3; seed++) {
        char model[32], arguments[512];
        (void)snprintf(model, sizeof model, "vit-b-32-2-layers.%d", seed);
        (void)snprintf(arguments, sizeof arguments,
                       RUN "'model={config: data/configs/vit-b-32-2-layers.json, init: counter, seed: %d}' "
                           "'inputs={synthetic: {images: 16, prompts: 16, seed: %d}}' ",
                       seed, seed);
        check_model(model, arguments, &worst);
    }
    check_outputs(&worst, 3);
}

/* No output of a single small model says much of the errors on average. */
static void layer_scale(void **state) {
    struct worst worst = {0};
    (void)state;
    check_model("layer-scale.1",
                RUN "'model={config: reference/golden/taps/layer-scale.json, init: counter, seed: 1}' "
                    "'inputs={synthetic: {images: 16, prompts: 16, seed: 1}}' ",
                &worst);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fashion_clip),
        cmocka_unit_test(fashion_clip_gelu),
        cmocka_unit_test(seeded_vit_b_32),
        cmocka_unit_test(layer_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
