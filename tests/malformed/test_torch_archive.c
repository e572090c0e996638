/* SPDX-License-Identifier: GPL-3.0-or-later
 * Archives whose records are not PyTorch's, or not what their pickle says, and files that are no archives: refused in one line
 * that says what they are. */
#include "support/checkpoint.h"
#include "support/test.h"

#include <string.h>

static const char state[] = STATE(TENSOR);

static void refuse(const char *says) {
    assert_refused(read_checkpoint, written_zip(), says);
}

static void case_42_no_or_two_pickles(void **context) {
    (void)context;
    zip_begin();
    zip_add("m/version", "3\n", 2);
    zip_end();
    refuse(
        "a zip archive without a data.pkl (expected torch.save's or torch.jit.save's, or nothing but .npy");
    begin_archive(state, sizeof state - 1);
    zip_add("n/data.pkl", state, sizeof state - 1);
    zip_end();
    refuse("two records named data.pkl (expected one)");
}

static void case_43_byte_order(void **context) {
    static const char *const orders[] = {"big", "little\n", "", "LITTLE"};
    (void)context;
    begin_archive(state, sizeof state - 1);
    zip_add_packed("m/byteorder", "\xff", 1, 6, 0, 8);
    zip_end();
    refuse("record m/byteorder: its deflated contents are damaged");
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        begin_archive(state, sizeof state - 1);
        zip_add("m/byteorder", orders[i], strlen(orders[i]));
        zip_end();
        refuse(": its record byteorder does not say little (expected little)");
    }
}

static void case_44_formats_from_before(void **context) {
    static unsigned char tar[512] = "sys_info";
    (void)context;
    assert_refused(
        read_checkpoint,
        written("a.pt",
                "\x80\2\x8a\nl\xfc\x9c"
                "F\xf9 j\xa8P\x19.",
                15),
        "is a pickle without an archive, PyTorch's format before 1.6 (expected torch.save(torch.load(FILE), "
        "NEW) in PyTorch 1.6 or later, which writes a zip archive)");
    assert_refused(read_checkpoint, written("a.pt", "\x80\4\x95\1\0\0\0\0\0\0\0N.", 13),
                   "is a pickle without an archive, not by torch.save");
    memcpy(tar + 257, "ustar", 5);
    assert_refused(read_checkpoint, written("a.pt", tar, sizeof tar),
                   "is a tar archive, PyTorch's format before 0.1.10");
    assert_refused(read_checkpoint, written("a.pt", "\x1f\x8b\x08\0\0\0\0\0\0\3", 10), "is gzip data");
    assert_refused(read_checkpoint, written("a.pt", "\x89HDF\r\n\x1a\n", 8), "cannot be opened as HDF5");
    assert_refused(read_checkpoint, written("a.pt", "\x93NUMPY\1\0v\0{}", 12), "is a single NumPy array");
    assert_refused(read_checkpoint, written("a.pt", "hello, world", 12),
                   "is a text that begins with 'hello, world' (expected safetensors, its index");
    assert_refused(read_checkpoint, written("a.pt", "hello\x7f, world", 13),
                   "is in none of the known formats");
    assert_refused(read_checkpoint, written("a.pt", "version https://git-lfs.github.com/spec/v1\n", 43),
                   "is a Git LFS pointer, not the file itself (expected the file itself: `git lfs pull`");
    assert_refused(read_checkpoint, written("a.pt", "<!DOCTYPE HTML><p>", 18), "is an HTML page");
    assert_refused(read_checkpoint, written("a.pt", "GGUF\3\0\0\0", 8), "is a GGUF file");
    assert_refused(read_checkpoint, written("a.pt", "", 0), "is empty");
    assert_refused(read_checkpoint, written("a.pt", "PK", 2), "is a text that begins with 'PK'");
    assert_only_regular_files(read_checkpoint);
}

static void case_45_storage_of_another_size(void **context) {
    (void)context;
    refused("\x80\2" STORAGE_OF("FloatStorage", "0", "K\3") ".",
            "the storage data/0 has 16 bytes (expected 3 elements of fp32)");
    refused("\x80\2" STORAGE_OF("DoubleStorage", "0", "K\4") ".",
            "the storage data/0 has 16 bytes (expected 4 elements of fp64)");
    refused("\x80\2" STORAGE_OF("FloatStorage", "0", "\x8a\x08\4\0\0\0\0\0\0\x40") ".",
            "the storage data/0 has 16 bytes (expected 4611686018427387908 elements of fp32)");
    zip_begin();
    zip_add("m/data.pkl", state, sizeof state - 1);
    zip_add_deflated("m/data/0", "0123456789abcdef", 16);
    zip_end();
    refuse("the storage data/0 is compressed (expected stored as it is, as PyTorch writes it)");
}

#define CASE(name) cmocka_unit_test(case_##name)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(42_no_or_two_pickles),
        CASE(43_byte_order),
        CASE(44_formats_from_before),
        CASE(45_storage_of_another_size),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
