/* SPDX-License-Identifier: GPL-3.0-or-later
 * Every tap of both demo models against PyTorch (reference/golden/taps): the oracle against PyTorch float64,
 * and our float32 error against PyTorch float32's, both measured against the oracle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "io/image.h"
#include "program_fixture.h"

#include <math.h>

enum { SAMPLES = 4096, INPUTS = 8, MOST = INPUTS * 77 * 512 };

static double oracle[MOST], ours[MOST];
static const char *const output = "/tmp/clip-parity-taps.h5";

static void run_model(const char *model) {
    char arguments[1024], text[8192];
    (void)snprintf(
        arguments, sizeof arguments,
        "run experiments/quickgelu-vs-gelu.yaml baseline.activation=auto candidates={} inputs.limit=8 "
        "model.checkpoint=data/%s/open_clip_model.safetensors model.config=data/%s/open_clip_config.json "
        "'inputs.prompts=[a photo of a bag, a dress, \"a picture of a coat, a fashion item\", sandal, "
        "a photo of a t-shirt, a photo of a shirt, ankle boot, a pullover]' "
        "'record={\"*\": full}' output=%s",
        model, model, output);
    const int code = run_program(arguments, text, sizeof text);
    if (code != 0)
        print_error("%s\n", text);
    assert_int_equal(code, 0);
}

static size_t read_tap(const char *capture, const char *tap, double *values) {
    char path[256];
    (void)snprintf(path, sizeof path, "/captures/%s/%s/value", capture, tap);
    const long count = read_dataset(output, path, H5T_NATIVE_DOUBLE, values, MOST);
    if (count <= 0)
        print_error("%s is not in the result\n", path);
    assert_true(count > 0);
    return (size_t)count;
}

/* Relative L2 distance of the oracle to PyTorch float64 over the samples. */
static double distance(const char *tap, const double *golden, size_t count) {
    double square = 0, reference = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        const double mine = oracle[cp_counter_hash(0, cp_name_hash(tap), i) % count];
        square += (mine - golden[i]) * (mine - golden[i]);
        reference += golden[i] * golden[i];
    }
    return sqrt(square / reference);
}

/* Geometric mean over inputs of our RMS error to PyTorch float32's, with the floor 2^-24 RMS(oracle). */
static double error_ratio(const double *torch_errors, size_t count) {
    const size_t row = count / INPUTS;
    double sum = 0;
    for (size_t n = 0; n < INPUTS; n++) {
        double square = 0, reference = 0;
        for (size_t i = n * row; i < (n + 1) * row; i++) {
            square += (ours[i] - oracle[i]) * (ours[i] - oracle[i]);
            reference += oracle[i] * oracle[i];
        }
        const double floor = 0x1p-24 * sqrt(reference / (double)row);
        sum += log((sqrt(square / (double)row) + floor) / (torch_errors[n] + floor));
    }
    return exp(sum / INPUTS);
}

static void check_model(const char *model) {
    static const char *const features[] = {"image_features", "text_features"};
    struct cp_arena arena = {0};
    struct cp_array values, errors;
    struct cp_error err;
    char path[256], tap[128];
    size_t taps = 0;
    double worst = 0, worst_ratio = 0;
    run_model(model);
    (void)snprintf(path, sizeof path, "reference/golden/taps/%s.values.npy", model);
    assert_int_equal(cp_npy_read(path, &arena, &values, &err), CP_OK);
    (void)snprintf(path, sizeof path, "reference/golden/taps/%s.errors.npy", model);
    assert_int_equal(cp_npy_read(path, &arena, &errors, &err), CP_OK);
    FILE *names = fopen("reference/golden/taps/taps.txt", "r");
    assert_non_null(names);
    for (; fscanf(names, "%127s", tap) == 1; taps++) { /* NOLINT(cert-err34-c): a word, no number */
        const size_t count = read_tap("oracle.baseline", tap, oracle);
        assert_int_equal(read_tap("baseline", tap, ours), count);
        const double far = distance(tap, (const double *)values.data + taps * SAMPLES, count);
        const double ratio = error_ratio((const double *)errors.data + taps * INPUTS, count);
        double limit = 2;
        for (size_t i = 0; i < 2; i++)
            limit = strcmp(tap, features[i]) == 0 ? 1.1 : limit;
        if (!(far <= 1e-12) || !(ratio <= limit))
            print_error("%s %s: oracle %.3g from PyTorch float64, error ratio %.3f\n", model, tap, far,
                        ratio);
        worst = far <= worst ? worst : far;
        worst_ratio = ratio <= worst_ratio ? worst_ratio : ratio;
        assert_true(far <= 1e-12);
        assert_true(ratio <= limit);
    }
    (void)fclose(names);
    assert_int_equal(taps, values.shape[0]);
    print_message("%s: %zu taps, oracle within %.2g of PyTorch float64, error ratio at most %.3f\n", model,
                  taps, worst, worst_ratio);
    cp_arena_free(&arena);
    (void)unlink(output);
}

static void fashion_clip(void **state) {
    (void)state;
    check_model("fashion-clip");
}

static void fashion_clip_gelu(void **state) {
    (void)state;
    check_model("fashion-clip-gelu");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(fashion_clip), cmocka_unit_test(fashion_clip_gelu)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
