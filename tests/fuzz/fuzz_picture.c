/* SPDX-License-Identifier: GPL-3.0-or-later
 * Pictures of every format, decoded and preprocessed; seeds: reference/golden/pictures. What is left of the
 * last byte says how; in half of the cases a PNG's checksums are made right first. */
#include "fuzz.h"

#include "preprocess/preprocess.h"

#include <stdbool.h>
#include <zlib.h>

enum { SIDE = 8, SMALL = 1 << 16, VARIANTS = 6 };

static void repair(uint8_t *bytes, size_t size) {
    for (size_t at = 8; at + 12 <= size;) {
        const size_t length = (size_t)bytes[at] << 24 | (size_t)bytes[at + 1] << 16 |
                              (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        if (length > size - at - 12)
            return;
        const uint32_t sum = (uint32_t)crc32(0, bytes + at + 4, (uInt)length + 4);
        for (size_t i = 0; i < 4; i++)
            bytes[at + 8 + length + i] = (uint8_t)(sum >> (24 - 8 * i));
        at += 12 + length;
    }
}

/* Large pictures are but decoded: the time is for many. */
static void decode(const uint8_t *bytes, size_t size, unsigned how) {
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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    const unsigned how = size ? bytes[size - 1] : 0;
    uint8_t *copy = malloc(size + 1);
    if (!copy)
        abort();
    memcpy(copy, bytes, size);
    if (size > 8 && copy[0] == 0x89 && how < 128)
        repair(copy, size);
    decode(copy, size, how);
    free(copy);
    return 0;
}
