/* SPDX-License-Identifier: GPL-3.0-or-later
 * Resize, crop, conversion and normalisation against Pillow and torchvision (reference/golden/preprocess):
 * every byte and every bit. CP_PREPROCESS_CASES names another file of cases. */
#include "support/test.h"

#include "base/digest.h"
#include "picture/image.h"
#include "preprocess/preprocess.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 32, SIZE_MAX_HERE = 336 };

struct row {
    char mode[8], content[16], filter[16], resize_mode[16], cropped[DIGITS + 8], normalized[DIGITS + 8];
    size_t width, height, size;
    unsigned long seed;
};

static size_t index_of(const char *word, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    fail_msg("unknown word '%s'", word);
    return 0;
}

/* ---- the pictures of make.py ---- */

static uint64_t hash(unsigned long seed, size_t i) {
    uint64_t x = (i + ((uint64_t)seed << 32)) * 0x9E3779B97F4A7C15u;
    x ^= x >> 29;
    x *= 0xBF58476D1CE4E5B9u;
    return x ^ (x >> 32);
}

static uint8_t value(const struct row *row, size_t x, size_t y, size_t c, size_t channels, uint8_t noise) {
    const int has_alpha = strcmp(row->mode, "LA") == 0 || strcmp(row->mode, "RGBA") == 0;
    if (has_alpha && c == channels - 1)
        return noise < 64 ? 0 : noise >= 192 ? 255 : noise;
    if (strcmp(row->content, "slope") == 0)
        return (uint8_t)(3 * x + 5 * y + 71 * c + (noise >> 4));
    if (strcmp(row->content, "blocks") == 0)
        return ((x >> 3 ^ y >> 2 ^ c) & 1) ? 255 : 0;
    return noise;
}

static void draw(const struct row *row, struct cp_picture *picture) {
    struct cp_error err;
    *picture = (struct cp_picture){.width = row->width, .height = row->height};
    picture->mode = (enum cp_picture_mode)index_of(row->mode, cp_picture_mode_names, CP_PICTURE_MODES);
    assert_int_equal(cp_picture_alloc(picture, "", &err), CP_OK);
    const bool wide = picture->mode == CP_PICTURE_I;
    const size_t channels = wide ? 1 : cp_picture_pixel(picture->mode);
    for (size_t i = 0; i < row->width * row->height * channels; i++) {
        const uint64_t hashed = hash(row->seed, i);
        const size_t pixel = i / channels;
        const uint8_t byte = value(row, pixel % row->width, pixel / row->width, i % channels, channels,
                                   (uint8_t)(hashed >> 56));
        if (wide)
            ((int32_t *)(void *)picture->bytes)[i] = (int32_t)(hashed >> 48);
        else
            picture->bytes[i] = picture->mode == CP_PICTURE_1 ? (byte >= 128 ? 255 : 0) : byte;
    }
    for (size_t i = 0; i < 768; i++)
        picture->palette[i] = (uint8_t)(hash(row->seed + 1, i) >> 56);
}

/* ---- comparing ---- */

static void digest(const void *bytes, size_t size, char hex[CP_DIGEST_HEX]) {
    struct cp_digest *d;
    struct cp_error err;
    assert_int_equal(cp_digest_start(&d, &err), CP_OK);
    cp_digest_add(d, bytes, size);
    cp_digest_finish_hex(d, hex);
    hex[DIGITS] = '\0';
}

/* The cropped planes as interleaved bytes, as a picture holds them. */
static void digest_bytes(const float *planes, size_t size, char hex[CP_DIGEST_HEX]) {
    static uint8_t bytes[SIZE_MAX_HERE * SIZE_MAX_HERE * 3];
    for (size_t i = 0; i < size * size; i++)
        for (size_t c = 0; c < 3; c++)
            bytes[3 * i + c] = (uint8_t)planes[c * size * size + i];
    digest(bytes, size * size * 3, hex);
}

static void check(const struct row *row) {
    static const char *const filters[] = {"bicubic", "bilinear"};
    static const char *const modes[] = {"shortest", "longest", "squash"};
    static float cropped[3 * SIZE_MAX_HERE * SIZE_MAX_HERE], normalized[3 * SIZE_MAX_HERE * SIZE_MAX_HERE];
    const struct cp_preprocess how = {.resize = cp_resizes[0],
                                      .filter = (enum cp_resize_filter)index_of(row->filter, filters, 2),
                                      .mode = (enum cp_resize_mode)index_of(row->resize_mode, modes, 3),
                                      .size = row->size,
                                      .mean = {0.48145466, 0.4578275, 0.40821073},
                                      .std = {0.26862954, 0.26130258, 0.27577711}};
    struct cp_picture picture;
    struct cp_error err;
    char hex[CP_DIGEST_HEX];
    draw(row, &picture);
    const enum cp_status status = cp_preprocess_apply(&how, &picture, "", cropped, normalized, &err);
    cp_picture_free(&picture);
    assert_int_equal(status, strcmp(row->cropped, "refused") == 0 ? CP_BAD_INPUT : CP_OK);
    if (status != CP_OK)
        return;
    digest_bytes(cropped, row->size, hex);
    if (strcmp(hex, row->cropped) != 0)
        fail_msg("%s %zu x %zu, seed %lu, to %zu %s %s: other bytes than Pillow's", row->mode, row->width,
                 row->height, row->seed, row->size, row->filter, row->resize_mode);
    digest(normalized, 3 * row->size * row->size * sizeof *normalized, hex);
    assert_string_equal(hex, row->normalized);
}

static void equal_to_pillow_and_torchvision(void **state) {
    const char *path = getenv("CP_PREPROCESS_CASES");
    FILE *file = fopen(path ? path : "reference/golden/preprocess/cases.csv", "r");
    char line[512];
    size_t checked = 0;
    (void)state;
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file)) {
        struct row row;
        const int fields = sscanf(line, "%7[^,],%zu,%zu,%15[^,],%lu,%zu,%15[^,],%15[^,],%39[^,],%39s",
                                  row.mode, &row.width, &row.height, row.content, &row.seed, &row.size,
                                  row.filter, row.resize_mode, row.cropped, row.normalized);
        assert_int_equal(fields, 10);
        assert_true(row.size <= SIZE_MAX_HERE);
        check(&row);
        checked++;
    }
    (void)fclose(file);
    assert_true(checked >= 400);
    print_message("%zu cases equal\n", checked);
}

/* ---- other systems' resizes ---- */

enum { VARIANT_SIZE = 17, VARIANT_VALUES = VARIANT_SIZE * VARIANT_SIZE * 3 };

static const struct cp_resize *resize_of(const char *name) {
    size_t i = 0;
    while (cp_resizes[i] && strcmp(cp_resizes[i]->info.name, name) != 0)
        i++;
    assert_non_null(cp_resizes[i]);
    return cp_resizes[i];
}

/* (size, size, 3) of a squashed picture. */
static void squash(const struct row *row, const char *variant, float values[VARIANT_VALUES]) {
    struct cp_picture picture;
    struct cp_error err;
    draw(row, &picture);
    const struct cp_resize_job job = {.from = &picture,
                                      .x = {VARIANT_SIZE, 0, VARIANT_SIZE, 0},
                                      .y = {VARIANT_SIZE, 0, VARIANT_SIZE, 0},
                                      .filter =
                                          strcmp(row->filter, "bicubic") == 0 ? CP_BICUBIC : CP_BILINEAR,
                                      .path = "",
                                      .rgb = values};
    assert_int_equal(resize_of(variant)->apply(&job, &err), CP_OK);
    cp_picture_free(&picture);
}

static void compare(const struct row *row, const char *variant, const float *ours, const uint8_t *theirs) {
    for (size_t i = 0; i < VARIANT_VALUES; i++)
        if (ours[i] != (float)theirs[i])
            fail_msg("%s %s of %zu x %zu: value %zu is %g, not %d", variant, row->filter, row->width,
                     row->height, i, (double)ours[i], theirs[i]);
}

static void equal_to_other_systems(void **state) {
    FILE *file = fopen("reference/golden/preprocess/variants.csv", "r");
    char line[512], variant[32], hex[CP_DIGEST_HEX];
    struct cp_arena arena = {0};
    struct cp_array bytes;
    struct cp_error err;
    size_t stored = 0;
    float values[VARIANT_VALUES];
    (void)state;
    assert_int_equal(cp_npy_read("reference/golden/preprocess/variants.npy", &arena, &bytes, &err), CP_OK);
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file)) {
        struct row row = {.mode = "RGB"};
        assert_int_equal(sscanf(line, "%31[^,],%zu,%zu,%15[^,],%lu,%15[^,],%39s", variant, &row.width,
                                &row.height, row.content, &row.seed, row.filter, row.cropped),
                         7);
        squash(&row, variant, values);
        digest(values, sizeof values, hex);
        if (strcmp(row.cropped, "bytes") == 0)
            compare(&row, variant, values, (const uint8_t *)bytes.data + stored++ * VARIANT_VALUES);
        else if (strcmp(row.cropped, hex) != 0)
            fail_msg("%s %s of %zu x %zu: other bits", variant, row.filter, row.width, row.height);
    }
    (void)fclose(file);
    assert_int_equal(stored, bytes.shape[0]);
    cp_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(equal_to_pillow_and_torchvision),
                                       cmocka_unit_test(equal_to_other_systems)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
