/* SPDX-License-Identifier: GPL-3.0-or-later
 * Python pickles of tensors, as torch.save and torch.jit.save write them (CPython, Lib/pickletools.py;
 * PyTorch, torch/serialization.py and torch/csrc/jit/serialization/pickler.cpp). Nothing in a pickle is
 * executed: its opcodes drive a machine that can build numbers, texts, containers, storages and views of
 * them. A name in a pickle is looked up in one short table (checkpoint/pickle_build.c). What is not there
 * makes an object that holds the data given to it and does nothing (an argparse.Namespace, a scalar of NumPy,
 * a module); names that serve to run code are refused. */
#ifndef CP_CHECKPOINT_PICKLE_H
#define CP_CHECKPOINT_PICKLE_H

#include "base/arena.h"
#include "base/number.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Far above any checkpoint: one of 4,000 tensors with the state of its optimizer takes some 500,000 steps.
 * Together they bound memory by about 160 MiB. */
enum {
    CP_PICKLE_BYTES = 1 << 25,
    CP_PICKLE_STEPS = 1 << 21, /* opcodes */
    CP_PICKLE_VALUES = 1 << 20,
    CP_PICKLE_TENSORS = 1 << 16,
    CP_PICKLE_DEPTH = 128, /* containers in each other */
    CP_PICKLE_RANK = 8
};

enum cp_pickle_kind {
    CP_PICKLE_NONE,
    CP_PICKLE_BOOL,
    CP_PICKLE_WHOLE,
    CP_PICKLE_REAL,
    CP_PICKLE_TEXT,
    CP_PICKLE_TUPLE,
    CP_PICKLE_LIST, /* or a set */
    CP_PICKLE_DICT,
    CP_PICKLE_NAME,
    CP_PICKLE_STORAGE,
    CP_PICKLE_TENSOR,
    CP_PICKLE_OBJECT /* of a class that is known by its name alone */
};

/* Elements of one dtype in a row, which tensors are views of. */
struct cp_pickle_storage {
    enum cp_dtype dtype;
    size_t count;     /* elements */
    const void *data; /* as the source gave it */
    void *record;     /* likewise */
};

struct cp_pickle_tensor {
    const struct cp_pickle_storage *storage;
    size_t offset; /* in elements, as the strides; no element is outside the storage */
    int rank;
    size_t shape[CP_PICKLE_RANK], stride[CP_PICKLE_RANK];
};

struct cp_pickle_value {
    enum cp_pickle_kind kind;
    unsigned char mark; /* of a walk over all values */
    size_t at;          /* the opcode that made it */
    union {
        long long whole; /* and the bool */
        double real;
        struct {
            const char *text; /* in the pickle, without a NUL at the end */
            size_t length;
        };
        struct { /* of a dict: key, value, key, value, ... as they were set, repeated keys included */
            struct cp_pickle_value **items;
            size_t count, capacity;
            struct cp_pickle_value *few[3];
        };
        const struct cp_pickle_name *name; /* of the table in checkpoint/pickle_build.c, or its `foreign` */
        struct cp_pickle_storage storage;
        struct cp_pickle_tensor *tensor;
        struct cp_pickle_value *state; /* of an object: a dict of its attributes, or NULL */
    };
};

/* Where storages are. */
struct cp_pickle_source {
    /* Fills in storage->data and ->record of the storage that has this key, or refuses it. The error's place
     * is the caller's. */
    enum cp_status (*find)(void *self, const char *key, size_t length, struct cp_pickle_storage *storage,
                           struct cp_error *err);
    void *self;
    bool script; /* TorchScript: objects of its classes are allowed */
};

/* Reads a pickle, which must outlive what is made of it, as must the arena. Errors name `where` and the
 * opcode's byte. The values in *root are free of cycles and at most CP_PICKLE_DEPTH deep. */
enum cp_status cp_pickle_read(const struct cp_pickle_source *source, const char *where,
                              const unsigned char *bytes, size_t size, struct cp_arena *arena,
                              struct cp_pickle_value **root, struct cp_error *err);

bool cp_pickle_is_text(const struct cp_pickle_value *value, const char *text);

#endif
