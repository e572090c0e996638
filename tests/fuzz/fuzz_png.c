/* SPDX-License-Identifier: GPL-3.0-or-later
 * PNG; in half of the cases the checksums are made right first, or hardly anything would get past them. */
#include "support/fuzz_picture.h"

#include <stdlib.h>
#include <zlib.h>

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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    const unsigned how = size ? bytes[size - 1] : 0;
    uint8_t *copy = fuzz_picture_copy(bytes, size, "\x89PNG\r\n\x1a\n", 8);
    if (how < 128)
        repair(copy, size);
    fuzz_picture(copy, size, how);
    free(copy);
    return 0;
}
