/* SPDX-License-Identifier: GPL-3.0-or-later
 * PyTorch archives that a test puts together, and what opening and reading them says. */
#ifndef CP_TESTS_CHECKPOINT_FIXTURE_H
#define CP_TESTS_CHECKPOINT_FIXTURE_H

#include "malformed_fixture.h"
#include "zip_fixture.h"

#include "checkpoint/checkpoint.h"

#include <stdbool.h>

/* Opens a checkpoint and reads every value: a file_reader. */
static inline enum cp_status read_checkpoint(const char *path, struct cp_error *err) {
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

static inline const char *written_zip(void) {
    return written("a.pt", zip.bytes, zip.size);
}

/* Opcodes of pickles. */
#define GLOBAL(module, name) "c" module "\n" name "\n"
#define KEY(letter) "\x8c\1" letter
#define STORAGE_OF(class, key, count)                                                                        \
    "(\x8c\7storage" GLOBAL("torch", class) KEY(key) "\x8c\3"                                                \
                                                     "cpu" count "tQ"
#define STORAGE STORAGE_OF("FloatStorage", "0", "K\4")
/* Offset, sizes and strides as opcodes. */
#define TENSOR_OF(storage, offset, sizes, strides)                                                           \
    GLOBAL("torch._utils", "_rebuild_tensor_v2")                                                             \
    "(" storage offset sizes strides "\x89" GLOBAL("collections", "OrderedDict") ")RtR"
#define TENSOR TENSOR_OF(STORAGE, "K\0", "K\4\x85", "K\1\x85")
/* A state dict with one entry a. */
#define STATE(value) "\x80\2}(" KEY("a") value "u."

/* An archive of a pickle and storage 0, four floats. */
static inline void begin_archive(const void *pickle, size_t size) {
    static const float storage[4] = {1, 2, 3, 4};
    zip_begin();
    zip_add("m/data.pkl", pickle, size);
    zip_add("m/data/0", storage, sizeof storage);
}

static inline void refused_bytes(const void *pickle, size_t size, bool script, const char *says) {
    begin_archive(pickle, size);
    if (script)
        zip_add("m/constants.pkl", "\x80\2).", 4);
    zip_end();
    assert_refused(read_checkpoint, written_zip(), says);
}

/* A literal with its NULs. */
#define refused(pickle, says) refused_bytes(pickle, sizeof(pickle) - 1, false, says)
#define refused_script(pickle, says) refused_bytes(pickle, sizeof(pickle) - 1, true, says)

static inline void accepted_bytes(const void *pickle, size_t size, bool script) {
    begin_archive(pickle, size);
    if (script)
        zip_add("m/constants.pkl", "\x80\2).", 4);
    zip_end();
    assert_accepted(read_checkpoint, written_zip());
}

#define accepted(pickle) accepted_bytes(pickle, sizeof(pickle) - 1, false)
#define accepted_script(pickle) accepted_bytes(pickle, sizeof(pickle) - 1, true)

#endif
