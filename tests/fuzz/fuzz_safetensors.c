/* SPDX-License-Identifier: GPL-3.0-or-later
 * Safetensors files, and the index of sharded ones, whose shards are then not there. */
#include "support/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fuzz_checkpoint(fuzz_file(bytes, size));
    return 0;
}
