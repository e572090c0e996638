/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a pickle that runs has to say: states without tensors, shared containers, names of tensors, and values of classes that
 * nobody knows here, which are read as data. */
#include "support/checkpoint.h"
#include "support/test.h"

#include <string.h>

static void states_that_are_none(void **state) {
    (void)state;
    refused("\x80\2}.", "its data.pkl has no named tensors (expected a state dict");
    refused("\x80\2K\1.", "has no named tensors");
    refused("\x80\2" TENSOR ".", "has no named tensors");
    refused("\x80\2}(K\1Nu.", "has no named tensors");
    refused("\x80\2}(" KEY("a") TENSOR KEY("a") TENSOR "u.", "tensor a: two tensors have this name");
    refused("\x80\2}(\x8c\2..  " TENSOR "u.", "byte ");
    refused("\x80\2]}b.", "BUILD of something else");
    refused("\x80\2}Nb.", "the state of a BUILD is not a dict");
    refused_script("\x80\2" GLOBAL("__torch__", "M") ")\x81}b}b.", "BUILD of something else");
    refused_script("\x80\2" GLOBAL("__torch__", "M") ")\x81.", "has no named tensors");
    accepted_script("\x80\2" GLOBAL("__torch__.a", "M") ")\x81}(" KEY("a") TENSOR KEY("b")
                        GLOBAL("torch.jit._pickle", "build_intlist") "](K\1K\2e\x85Rub.");
}

/* 30 dicts, each holding the one before twice: the innermost would be met 2^29 times. */
static void refuse_nested(const char *innermost, size_t size, const char *says) {
    static const char before[] = "\x80\2}(" KEY("z") "(", level[] = "}q\1(" KEY("a") "h\0" KEY("b") "h\0u";
    static const char after[] = "t" KEY("y") "h\x1du.";
    char pickle[1024];
    char *at = mempcpy(mempcpy(pickle, before, sizeof before - 1), innermost, size);
    for (int i = 1; i < 30; i++) {
        (void)memcpy(at, level, sizeof level - 1);
        at[2] = (char)i;
        at[8] = at[13] = (char)(i - 1);
        at += sizeof level - 1;
    }
    at = mempcpy(at, after, sizeof after - 1);
    refused_pickle(pickle, (size_t)(at - pickle), false, says);
}

static void shared_containers_are_walked_for_a_while(void **state) {
    static const char tensor[] = "}q\0(" KEY("a") TENSOR "u";
    (void)state;
    refuse_nested("}q\0", 3, "too many values in containers that are shared (expected at most 1,048,576)");
    refuse_nested(tensor, sizeof tensor - 1, "too many tensors (expected at most 65536)");
}

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void long_names(void **state) {
    (void)state;
    accepted("\x80\2}(X\0\4\0\0" HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED
                 HUNDRED TEN TEN "0123" TENSOR "u.");
    refused("\x80\2}(X\1\4\0\0" HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED
                HUNDRED TEN TEN "01234" TENSOR "u.",
            "the name of a tensor is too long (expected at most 1024 bytes)");
    refused("\x80\2cos." HUNDRED HUNDRED "\n" HUNDRED HUNDRED "\n.", "is not allowed (expected tensors");
    refused(
        "\x80\2(\x8c\7storage" GLOBAL("torch", "FloatStorage") "\x8c\x28" TEN TEN TEN TEN KEY("c") "K\4tQ.",
        "no record data/01234567890123456789012345678901 of a storage");
}

/* Data of classes that nobody knows here, which is neither looked up nor called. */
#define BESIDE(value) "\x80\2}(" KEY("a") TENSOR KEY("b") value "u."
static void names_that_are_data(void **state) {
    (void)state;
    accepted(BESIDE(GLOBAL("argparse", "Namespace") ")\x81}(" KEY("r") "K\1ub"));
    accepted(BESIDE(GLOBAL("numpy.core.multiarray", "scalar") "(" GLOBAL("numpy", "dtype") "(" KEY(
        "f") "K\0K\1tR(K\3" KEY("<") "NNtb"
                                     "C\x08"
                                     "abcdefghtR"));
    accepted(BESIDE(GLOBAL("__builtin__", "set") "](K\1K\2e\x85R"));
    accepted(BESIDE("\x8f(K\1K\2\x90"));
    accepted(BESIDE("(K\1K\2\x91"));
    accepted(
        BESIDE(GLOBAL("collections", "defaultdict") GLOBAL("__builtin__", "list") "\x85R(" KEY("x") "K\1u"));
    accepted(BESIDE(GLOBAL("__builtin__", "getattr") "(" GLOBAL("a.b", "C") KEY("d") "tR)R"));
    accepted(BESIDE(GLOBAL("mine", "List") ")\x81(K\1K\2e"));
    accepted(BESIDE("B\2\0\0\0"
                    "ab"));
    accepted(BESIDE("\x96\2\0\0\0\0\0\0\0"
                    "ab"));
    accepted(BESIDE("(K\1K\2"
                    "1N"));
    accepted(BESIDE(GLOBAL("mine", "Loop") ")\x81q\7}(" KEY("m") "h\7ub"));
    accepted(BESIDE(GLOBAL("mine", "Loop") ")\x81q\7}(" KEY("m") "]h\7aub"));
}

/* The values of the one archive, by name. */
static struct cp_checkpoint *opened(const void *pickle, size_t size) {
    struct cp_checkpoint *file = NULL;
    struct cp_error err = {0};
    begin_archive(pickle, size);
    zip_end();
    if (cp_checkpoint_open(written_zip(), &file, &err) != CP_OK)
        fail_msg("%s: %s", err.where, err.what);
    return file;
}

/* A module is its parameters, its buffers but those that are not persistent, and its children. */
static void modules_are_read_as_data(void **state) {
#define MODULE(parameters, buffers, without, modules)                                                        \
    GLOBAL("mine", "Module")                                                                                 \
    ")\x81}(\x8c\4mask" TENSOR "\x8c\x0b_parameters}(" parameters "u\x8c\x08_buffers}(" buffers              \
    "u\x8c\x1b_non_persistent_buffers_set" GLOBAL("builtins", "set") "](" without                            \
                                                                     "e\x85R\x8c\x08_modules}(" modules      \
                                                                     "uub"
    static const char pickle[] =
        "\x80\2" MODULE(KEY("w") TENSOR KEY("n") "N", KEY("b") TENSOR KEY("m") TENSOR, KEY("m"),
                        KEY("c") MODULE(KEY("v") TENSOR, "", "", "")) ".";
    (void)state;
    struct cp_checkpoint *file = opened(pickle, sizeof pickle - 1);
    assert_int_equal(cp_checkpoint_count(file), 3);
    assert_non_null(cp_checkpoint_find(file, "w"));
    assert_non_null(cp_checkpoint_find(file, "b"));
    assert_non_null(cp_checkpoint_find(file, "c.v"));
    cp_checkpoint_close(file);
}

/* The keys of all containers, joined, without the words of PyTorch's wrappers. */
static void names_are_paths_of_keys(void **state) {
    static const struct {
        const char *keys;
        size_t size;
        const char *name, *note;
    } rows[] = {
#define ROW(text, name, note) {text, sizeof(text) - 1, name, note}
        ROW("\x8c\x0astate_dict}(" KEY("a") TENSOR "u", "state_dict.a", NULL),
        ROW("K\1" TENSOR "NK\2", "1", "1 entry that is no tensor is left alone"),
        ROW("K\1K\2\x8c\5modelN\x8c\x10model_state_dict}(" KEY("a") "}(" KEY("b") TENSOR "uu",
            "model_state_dict.a.b", "2 entries that are no tensors are left alone"),
        ROW(KEY("v") "](N(" TENSOR "te", "v.1.0", "1 entry that is no tensor is left alone"),
        ROW("\x8c\7val/top" TENSOR, "val%2Ftop", NULL),
        ROW("\x8c\5a..%b" TENSOR, "a.%2E%25b", NULL),
        ROW("\x8c\3\n\0#" TENSOR, "%0A%00#", NULL),
        ROW(KEY("\xff") TENSOR, "%FF", NULL),
        ROW("\x8c\2a."
            "}("
            "\x8c\3..b" TENSOR "u",
            "a%2E.%2E.b", NULL),
        ROW("\x88" TENSOR, "True", NULL),
        ROW("N" TENSOR, "None", NULL),
        ROW("K\1N" KEY("a") "N(K\1K\2t" TENSOR, "key-2", "2 entries that are no tensors are left alone"),
        ROW("\x8c\x0c_orig_mod.ab" TENSOR, "ab", "_orig_mod. stripped from 1 of 1 names"),
        ROW("\x8c\x24x._fsdp_wrapped_module._orig_mod.w.b" TENSOR, "x.w.b",
            "_orig_mod. stripped from 1 of 1 names"),
        ROW("\x8c\x0dx_orig_mod.ab" TENSOR, "x_orig_mod.ab", NULL),
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char pickle[2048];
        char *at = mempcpy(mempcpy(pickle, "\x80\2}(", 4), rows[i].keys, rows[i].size);
        at = mempcpy(at, "u.", 2);
        struct cp_checkpoint *file = opened(pickle, (size_t)(at - pickle));
        const struct cp_notes *notes = cp_checkpoint_notes(file);
        assert_int_equal(cp_checkpoint_count(file), 1);
        assert_string_equal(cp_checkpoint_at(file, 0)->name, rows[i].name);
        assert_true(rows[i].note ? notes->count > 0 : notes->count == 0);
        if (rows[i].note)
            assert_string_equal(notes->lines[0], rows[i].note);
        cp_checkpoint_close(file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_that_are_none),
        cmocka_unit_test(shared_containers_are_walked_for_a_while),
        cmocka_unit_test(long_names),
        cmocka_unit_test(names_that_are_data),
        cmocka_unit_test(modules_are_read_as_data),
        cmocka_unit_test(names_are_paths_of_keys),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
