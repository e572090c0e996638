/* SPDX-License-Identifier: GPL-3.0-or-later
 * patch_dropout and pixel_noise against PyTorch (reference/golden/seeds): the patches and the noise to the
 * bit; the oracle's features against those of PyTorch float64, which takes the dropped patches out of the
 * sequence, and our float32 error against PyTorch float32's. */
#include "support/golden.h"
#include "support/program.h"
#include "support/test.h"

#include "base/digest.h"
#include "inputs/pixel_changes.h"
#include "model/patch_dropout.h"
#include "torch/random.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

enum { IMAGES = 12, EMBED = 64, PIXELS = 3 * 33 * 33 * IMAGES };

static const struct dropout {
    const char *name, *prob, *seed, *config;
} dropouts[] = {
    {"half", "0.5", "1", "data/fashion-clip/open_clip_config.json"},
    {"most", "0.9", "2", "data/fashion-clip/open_clip_config.json"},
    {"all-but-one", "0.99", "7", "data/fashion-clip/open_clip_config.json"},
    {"few", "0.25", "4294967295", "data/fashion-clip/open_clip_config.json"},
    {"average", "0.5", "3", "reference/golden/seeds/average.json"},
};
enum { DROPOUTS = sizeof dropouts / sizeof dropouts[0] };

static struct cp_arena arena;

static void set(struct cp_spec *spec, const char *address, const char *value) {
    struct cp_error err;
    if (cp_spec_set(spec, address, value, &err) != CP_OK)
        fail_msg("%s: %s: %s", address, value, err.what);
}

static struct cp_spec *spec_of(const struct cp_clip_config *config) {
    struct cp_spec *spec;
    struct cp_error err;
    assert_int_equal(cp_spec_create("s", config, cp_ops_find(NULL), &arena, &spec, &err), CP_OK);
    return spec;
}

/* ---- patches ---- */

/* The golden's are in topk's order. */
static void assert_mask(const char *name, const struct cp_patch_mask *patch_mask) {
    struct cp_array array;
    struct cp_error err;
    char path[128];
    (void)snprintf(path, sizeof path, "reference/golden/seeds/%s.kept.npy", name);
    assert_int_equal(cp_npy_read(path, &arena, &array, &err), CP_OK);
    assert_int_equal(array.dtype, CP_INT32);
    assert_int_equal(array.shape[0], IMAGES);
    assert_int_equal(patch_mask->count, array.shape[1] + 1);
    for (size_t image = 0; image < IMAGES; image++) {
        const int32_t *expected = (const int32_t *)array.data + image * array.shape[1];
        const uint32_t *tokens = cp_patch_mask_of(patch_mask, image);
        assert_int_equal(tokens[0], 0);
        for (size_t i = 1; i < patch_mask->count; i++) {
            bool among = false;
            for (size_t j = 0; j < array.shape[1]; j++)
                among = among || (uint32_t)expected[j] + 1 == tokens[i];
            assert_true(among);
            assert_true(tokens[i] > tokens[i - 1]);
        }
    }
}

static void the_same_patches(void **state) {
    struct cp_clip_config config;
    struct cp_error err;
    const struct cp_patch_mask *list = NULL, *patch_mask, *again;
    (void)state;
    assert_int_equal(cp_clip_config_load(dropouts[0].config, &config, &err), CP_OK);
    struct cp_spec *spec = spec_of(&config);
    assert_int_equal(cp_patch_dropout(spec, IMAGES, &arena, &list, &patch_mask, &err), CP_OK);
    assert_null(patch_mask);
    for (size_t d = 0; d < DROPOUTS; d++) {
        set(spec, "patch_dropout.prob", dropouts[d].prob);
        set(spec, "patch_dropout.seed", dropouts[d].seed);
        assert_int_equal(cp_patch_dropout(spec, IMAGES, &arena, &list, &patch_mask, &err), CP_OK);
        assert_mask(dropouts[d].name, patch_mask);
        assert_int_equal(cp_patch_dropout(spec, IMAGES, &arena, &list, &again, &err), CP_OK);
        assert_ptr_equal(patch_mask, again);
    }
}

/* ---- features ---- */

static double exact[IMAGES * EMBED], ours[IMAGES * EMBED];

static void run_dropout(const struct dropout *d) {
    char command[1024], text[8192];
    (void)snprintf(command, sizeof command,
                   "run experiments/quickgelu-vs-gelu.yaml local=off floor=0 candidates={} model.config=%s "
                   "baseline='{patch_dropout.prob: %s, patch_dropout.seed: %s}' inputs='{images: "
                   "data/fashion-clip/images/*.png, limit: %d}' batch=5 "
                   "'record={\"*\": off, \"image_features\": full}' output=$OUT",
                   d->config, d->prob, d->seed, IMAGES);
    const int code = run_program(command, text, sizeof text);
    if (code != 0)
        print_error("%s\n", text);
    assert_int_equal(code, 0);
    assert_int_equal(read_dataset(scratch_output(), "/captures/oracle.baseline/image_features/value",
                                  H5T_NATIVE_DOUBLE, exact, IMAGES * EMBED),
                     IMAGES * EMBED);
    assert_int_equal(read_dataset(scratch_output(), "/captures/baseline/image_features/value",
                                  H5T_NATIVE_DOUBLE, ours, IMAGES * EMBED),
                     IMAGES * EMBED);
}

static double rms(const double *x, const double *y) {
    double square = 0;
    for (size_t i = 0; i < EMBED; i++)
        square += (x[i] - y[i]) * (x[i] - y[i]);
    return sqrt(square / EMBED);
}

/* Features have norm 1, so their RMS is 1/8. */
static void the_same_features(void **state) {
    double far = 0, ratio = 0;
    (void)state;
    for (size_t d = 0; d < DROPOUTS; d++) {
        char name[48];
        (void)snprintf(name, sizeof name, "seeds/%s.features", dropouts[d].name);
        const double *features = golden(name, NULL, EMBED);
        (void)snprintf(name, sizeof name, "seeds/%s.errors", dropouts[d].name);
        const double *errors = golden(name, NULL, 1);
        double mine = 0, theirs = 0;
        run_dropout(&dropouts[d]);
        for (size_t image = 0; image < IMAGES; image++) {
            far = fmax(far, 8 * rms(exact + image * EMBED, features + image * EMBED));
            mine += rms(ours + image * EMBED, features + image * EMBED);
            theirs += errors[image];
        }
        assert_true(mine <= 1.5 * theirs);
        ratio += log(mine / theirs) / DROPOUTS;
    }
    print_message("oracle within %.2g of PyTorch float64; our error %.2f times PyTorch float32's\n", far,
                  exp(ratio));
    assert_true(far <= 1e-14);
    assert_true(exp(ratio) <= 1.2);
    (void)unlink(scratch_output());
}

/* ---- noise ---- */

static float pixels[PIXELS];

static void digest_of(size_t count, char hex[17]) {
    char all[CP_DIGEST_HEX];
    struct cp_digest *digest = NULL;
    struct cp_error err;
    assert_int_equal(cp_digest_start(&digest, &err), CP_OK);
    cp_digest_add(digest, pixels, count * sizeof *pixels);
    cp_digest_finish_hex(digest, all);
    (void)snprintf(hex, 17, "%.16s", all);
}

/* In batches of two images. */
static void add_noise(size_t size, size_t images, const char *sigma, const char *seed) {
    const struct cp_clip_config config = {.vision = {.image_size = (int)size, .patch_size = 1}};
    struct cp_spec *spec = spec_of(&config);
    struct cp_torch_random random;
    struct cp_pixel_changes changes;
    struct cp_error err;
    assert_true(images * 3 * size * size <= PIXELS);
    cp_torch_seed(&random, 1, CP_TORCH_AVX2);
    cp_torch_uniform(&random, pixels, images * 3 * size * size, 0, 1);
    set(spec, "pixel_noise.sigma", sigma);
    set(spec, "pixel_noise.seed", seed);
    assert_int_equal(cp_pixel_changes_start(spec, images, &arena, &changes, &err), CP_OK);
    for (size_t first = 0; first < images; first += 2)
        cp_pixel_changes_apply(&changes, first, images - first < 2 ? 1 : 2, pixels + first * 3 * size * size,
                               NULL);
}

/* The pictures' pixels, through a whole run. */
static void run_noise(size_t images, const char *sigma, const char *seed) {
    char command[1024], text[8192];
    (void)snprintf(command, sizeof command,
                   "run experiments/quickgelu-vs-gelu.yaml local=off floor=0 oracle=off "
                   "candidates='{n: {pixel_noise.sigma: %s, pixel_noise.seed: %s}}' inputs='{images: "
                   "data/fashion-clip/images/*.png, limit: %zu}' batch=5 "
                   "'record={\"*\": off, \"pixels.normalized\": full}' output=$OUT",
                   sigma, seed, images);
    assert_int_equal(run_program(command, text, sizeof text), 0);
    assert_int_equal(read_dataset(scratch_output(), "/captures/n/pixels.normalized/value", H5T_NATIVE_FLOAT,
                                  pixels, PIXELS),
                     (long)images * 3 * 28 * 28);
    (void)unlink(scratch_output());
}

static void the_same_noise(void **state) {
    char sigma[16], seed[16], expected[17], found[17];
    size_t size, images, lines = 0;
    FILE *file = fopen("reference/golden/seeds/noise.txt", "r");
    (void)state;
    assert_non_null(file);
    for (; fscanf(file, "%zu %zu %15s %15s %16s", &size, &images, sigma, seed, expected) == 5; lines++) {
        if (size)
            add_noise(size, images, sigma, seed);
        else
            run_noise(images, sigma, seed);
        digest_of(images * 3 * (size ? size * size : 28 * 28), found);
        assert_string_equal(found, expected);
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(lines, 6);
}

static int release(void **state) {
    cp_arena_free(&arena);
    return free_goldens(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_patches),
        cmocka_unit_test(the_same_features),
        cmocka_unit_test(the_same_noise),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
