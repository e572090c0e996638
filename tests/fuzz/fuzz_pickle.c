/* SPDX-License-Identifier: GPL-3.0-or-later
 * The pickle of an archive that is right in all else and has two storages: 0 of 64 bytes, 1 of 6. The first
 * byte says whether it is TorchScript's. */
#include "support/fuzz.h"
#include "support/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const unsigned char storage[64] = {1, 2, 3};
    if (size == 0 || size > ZIP_BYTES / 2)
        return 0;
    zip_begin();
    zip_add_packed("a/data.pkl", bytes + 1, size - 1, size - 1, 0, 0);
    zip_add_packed("a/data/0", storage, 64, 64, 0, 0);
    zip_add_packed("a/data/1", storage, 6, 6, 0, 0);
    if (bytes[0] & 1)
        zip_add_packed("a/constants.pkl", storage, 4, 4, 0, 0);
    zip_end();
    fuzz_checkpoint(fuzz_file(zip.bytes, zip.size));
    return 0;
}
