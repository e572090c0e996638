/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/fuzz_picture.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    uint8_t *copy = fuzz_picture_copy(bytes, size, "RIFF", 4);
    if (size >= 12)
        memcpy(copy + 8, "WEBP", 4);
    fuzz_picture(copy, size, size ? bytes[size - 1] : 0);
    free(copy);
    return 0;
}
