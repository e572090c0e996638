/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/fuzz_picture.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE = 8, SMALL = 1 << 16, VARIANTS = 6 };

void fuzz_picture(const uint8_t *bytes, size_t size, unsigned how) {
    static float pixels[3 * SIDE * SIDE];
    const struct cp_preprocess preprocess = {.resize = cp_resizes[how / 24 % VARIANTS],
                                             .mode = (enum cp_resize_mode)(how / 8 % 3),
                                             .filter = (enum cp_resize_filter)(how & 1),
                                             .exif = (enum cp_exif)(how >> 1 & 1),
                                             .decode = {how >> 2 & 1, how >> 3 & 1},
                                             .size = SIDE,
                                             .std = {1, 1, 1}};
    struct cp_picture picture;
    struct cp_error err = {0};
    if (!fuzz_answer(cp_picture_decode(bytes, size, "fuzz", &preprocess.decode, &picture, &err), &err))
        return;
    if (picture.width * picture.height <= SMALL)
        (void)fuzz_answer(cp_preprocess_apply(&preprocess, &picture, "fuzz", NULL, pixels, &err), &err);
    cp_picture_free(&picture);
}

uint8_t *fuzz_picture_copy(const uint8_t *bytes, size_t size, const char *magic, size_t length) {
    uint8_t *copy = malloc(size + 1);
    if (!copy)
        abort();
    memcpy(copy, bytes, size);
    memcpy(copy, magic, size < length ? size : length);
    return copy;
}
