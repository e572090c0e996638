/* SPDX-License-Identifier: GPL-3.0-or-later
 * Model configs: JSON. */
#include "support/fuzz.h"

#include "config/clip_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct cp_clip_config config;
    struct cp_error err = {0};
    if (size && bytes[0] == 0x1f) /* gzip is zlib's business */
        return 0;
    (void)fuzz_answer(cp_clip_config_load(fuzz_file(bytes, size), &config, &err), &err);
    return 0;
}
