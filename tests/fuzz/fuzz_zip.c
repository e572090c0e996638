/* SPDX-License-Identifier: GPL-3.0-or-later
 * Zip archives: of PyTorch, TorchScript and NumPy. A checksum of 0 is taken as right, so the seeds that have
 * it let changed contents through. */
#include "support/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fuzz_checkpoint(fuzz_file(bytes, size));
    return 0;
}
