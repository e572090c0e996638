/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/checkpoint.h"
#include "support/test.h"

enum cp_status read_checkpoint(const char *path, struct cp_error *err) {
    static float values[1 << 12];
    struct cp_checkpoint *file;
    CP_TRY(cp_checkpoint_open(path, &file, err));
    enum cp_status status = CP_OK;
    for (size_t i = 0; i < cp_checkpoint_count(file) && status == CP_OK; i++) {
        const struct cp_checkpoint_tensor *tensor = cp_checkpoint_at(file, i);
        if (cp_checkpoint_elements(tensor) <= sizeof values / sizeof values[0])
            status = cp_checkpoint_widen(file, tensor, values, err);
    }
    cp_checkpoint_close(file);
    return status;
}

const char *written_zip(void) {
    return written("a.pt", zip.bytes, zip.size);
}

void begin_archive(const void *pickle, size_t size) {
    static const float storage[4] = {1, 2, 3, 4};
    zip_begin();
    zip_add("m/data.pkl", pickle, size);
    zip_add("m/data/0", storage, sizeof storage);
}

void refused_pickle(const void *pickle, size_t size, bool script, const char *says) {
    begin_archive(pickle, size);
    if (script)
        zip_add("m/constants.pkl", "\x80\2).", 4);
    zip_end();
    assert_refused(read_checkpoint, written_zip(), says);
}

void accepted_pickle(const void *pickle, size_t size, bool script) {
    begin_archive(pickle, size);
    if (script)
        zip_add("m/constants.pkl", "\x80\2).", 4);
    zip_end();
    assert_accepted(read_checkpoint, written_zip());
}
