/* SPDX-License-Identifier: GPL-3.0-or-later
 * Malformed and hostile zip archives: refused in one line that names the record or the byte. */
#include "support/checkpoint.h"
#include "support/test.h"

#include <string.h>

static const char state[] = STATE(TENSOR);

/* An archive that is right: its pickle and the storage of it. */
static void begin_right(void) {
    begin_archive(state, sizeof state - 1);
}

static void make_right(void) {
    begin_right();
    zip_end();
}

static void refuse(const char *says) {
    assert_refused(read_checkpoint, written_zip(), says);
}

/* Offsets in a local header and in an entry of the directory. */
enum { L_FLAGS = 6, L_METHOD = 8, L_PACKED = 18, L_SIZE = 22, L_EXTRA = 28, L_NAME = 30 };
enum {
    C_FLAGS = 8,
    C_METHOD = 10,
    C_CRC = 16,
    C_PACKED = 20,
    C_SIZE = 24,
    C_NAME_LENGTH = 28,
    C_EXTRA = 30,
    C_DISK = 34,
    C_OFFSET = 42,
    C_NAME = 46
};
enum { E_DISK = 4, E_HERE = 8, E_COUNT = 10, E_SIZE = 12, E_OFFSET = 16, E_COMMENT = 20 };

/* A number in both headers of record i. */
static void put_both(size_t i, size_t local, size_t central, size_t count, uint64_t value) {
    zip_put(zip.local[i] + local, count, value);
    zip_put(zip.central[i] + central, count, value);
}

static void right_archives_are_accepted(void **context) {
    (void)context;
    make_right();
    assert_accepted(read_checkpoint, written_zip());
    begin_archive(state, sizeof state - 1);
    zip_add("m/byteorder", "little", 6);
    zip_add("m/", "", 0);
    zip_add("m/version", "3\n", 2);
    zip_end();
    assert_accepted(read_checkpoint, written_zip());
    zip_begin(); /* whose records are deflated, as a packing program leaves them: all but storages */
    zip_add_deflated("data.pkl", state, sizeof state - 1);
    zip_add("data/0", "0123456789abcdef", 16);
    zip_end();
    assert_accepted(read_checkpoint, written_zip());
}

/* As PyTorch writes: sizes and checksum behind the contents, 0 in the header. */
static void descriptors_are_accepted(void **context) {
    static const unsigned char descriptor[24] = "PK\7\x08";
    (void)context;
    begin_right();
    zip_append(descriptor, sizeof descriptor);
    zip_end();
    refuse(": 24 bytes of no record before the directory");
    put_both(1, L_FLAGS, C_FLAGS, 2, 1 << 3);
    memset(zip.bytes + zip.local[1] + L_PACKED - 4, 0, 12);
    assert_accepted(read_checkpoint, written_zip());
    zip_put(zip.local[1] + L_SIZE, 4, 1);
    refuse("record m/data/0: other sizes in its local header");
    begin_right();
    zip_append(descriptor, sizeof descriptor);
    zip_append("", 1);
    zip_end();
    put_both(1, L_FLAGS, C_FLAGS, 2, 1 << 3);
    refuse(": 25 bytes of no record before the directory (expected none)");
}

static void case_30_no_end_record(void **context) {
    (void)context;
    make_right();
    for (size_t cut = 1; cut <= 22; cut++)
        assert_refused(read_checkpoint, written("a.pt", zip.bytes, zip.size - cut), " end record");
    assert_refused(read_checkpoint, written("a.pt", zip.bytes, 200),
                   "a zip archive without an end record: truncated (expected one in the last 22 bytes)");
    assert_refused(read_checkpoint, written("a.pt", "PK\3\4", 4), "without an end record");
    zip.bytes[zip.size++] = 0;
    refuse("the archive is cut off, or has a comment or other bytes behind its end record");
}

/* The comment of the true end record holds another directory and its end record. */
static void case_31_fake_end_record_in_the_comment(void **context) {
    unsigned char fake[512];
    (void)context;
    make_right();
    const size_t size = zip.size - zip.central[0], true_end = zip.end;
    memcpy(fake, zip.bytes + zip.central[0], size);
    zip_append(fake, size);
    zip_put(true_end + E_COMMENT, 2, size);
    zip_put(zip.size - 22 + E_OFFSET, 4, true_end + 22);
    refuse("bytes of no record before the directory (expected none)");
    make_right();
    zip_append("PK\5\6"
               "a comment that only looks like one",
               38);
    zip_put(zip.end + E_COMMENT, 2, 38);
    refuse("the archive is cut off, or has a comment or other bytes behind its end record (expected an "
           "archive without a comment)");
    make_right();
    zip_put(zip.end + E_COMMENT, 2, 1);
    refuse("a comment or other bytes behind its end record");
}

static void case_32_directory_past_the_file(void **context) {
    (void)context;
    make_right();
    zip_put(zip.end + E_OFFSET, 4, zip.size + 1);
    refuse(": a directory of ");
    zip_put(zip.end + E_OFFSET, 4, 0xfffffffe);
    refuse("bytes from byte 4294967294 on (expected one that ends at byte ");
    make_right();
    zip_put(zip.end + E_OFFSET, 4, zip.central[0] - 1);
    refuse("(expected one that ends at byte ");
    make_right();
    zip_put(zip.end + E_SIZE, 4, zip.end - zip.central[0] + 1);
    zip_put(zip.end + E_OFFSET, 4, zip.central[0] - 1);
    refuse(": no entry of the directory (expected 2 entries, as the end record says)");
}

static void case_33_entry_count(void **context) {
    (void)context;
    make_right();
    zip_put(zip.end + E_HERE, 4, 0x00030003);
    refuse("3 entries in a directory of 110 bytes (expected at least 46 bytes for each)");
    zip_put(zip.end + E_HERE, 4, 0x00010001);
    refuse(": bytes behind the directory's last entry (expected 1 entries");
    zip_put(zip.end + E_HERE, 4, 0x00020001);
    refuse("1 records of 2 in this part of an archive (expected an archive in one part");
    zip_put(zip.end + E_HERE, 4, 0xffffffff);
    refuse("65535 entries in a directory of ");
    make_right();
    zip_put(zip.end + E_DISK, 2, 1);
    refuse("in this part of an archive");
    make_right();
    zip_put(zip.central[1] + C_DISK, 2, 1);
    refuse("record m/data/0: ");
    zip_begin();
    zip_end();
    refuse("a zip archive without a data.pkl");
}

static void case_34_local_name_is_another(void **context) {
    (void)context;
    make_right();
    zip.bytes[zip.local[1] + L_NAME] = 'x';
    refuse("record m/data/0: another name in its local header (expected the directory's)");
    make_right();
    zip_put(zip.local[0] + 26, 2, 9);
    refuse("record m/data.pkl: another name in its local header");
    make_right();
    zip_put(zip.local[1], 4, 0);
    refuse("record m/data/0: no local header where the directory says");
    make_right();
    zip_put(zip.local[0] + L_SIZE, 4, 3);
    refuse("record m/data.pkl: other sizes in its local header");
    make_right();
    zip_put(zip.local[0] + L_METHOD, 2, 8);
    refuse("record m/data.pkl: other flags in its local header");
}

static void case_35_encryption(void **context) {
    static const unsigned flags[] = {1, 1 << 6, 1 << 13};
    (void)context;
    for (size_t i = 0; i < 3; i++) {
        make_right();
        put_both(0, L_FLAGS, C_FLAGS, 2, flags[i]);
        refuse("record m/data.pkl: is encrypted (expected a record that can be read)");
    }
    make_right();
    zip_put(zip.local[0] + L_FLAGS, 2, 1);
    refuse("record m/data.pkl: other flags in its local header");
    make_right();
    put_both(0, L_FLAGS, C_FLAGS, 2, 1 << 5);
    refuse("record m/data.pkl: is packed in an unknown way");
    make_right();
    put_both(0, L_METHOD, C_METHOD, 2, 12);
    refuse("record m/data.pkl: is packed in an unknown way (expected stored or deflated)");
}

static void case_36_bad_checksum(void **context) {
    struct cp_checkpoint *file;
    struct cp_error err = {0};
    (void)context;
    make_right();
    zip.bytes[zip.data[1]] ^= 1; /* of a storage: opening does not read it */
    refuse("record m/data/0: damaged: CRC-32 ");
    assert_int_equal(cp_checkpoint_open(written_zip(), &file, &err), CP_OK);
    cp_checkpoint_close(file);
    zip_put(zip.central[1] + C_CRC, 4, 0);
    assert_accepted(read_checkpoint, written_zip());
    assert_int_equal(cp_checkpoint_open(written_zip(), &file, &err), CP_OK);
    assert_int_equal(cp_checkpoint_notes(file)->count, 1);
    assert_string_equal(cp_checkpoint_notes(file)->lines[0],
                        "1 of 2 records without a checksum: damage to them cannot be noticed");
    cp_checkpoint_close(file);
    make_right();
    zip_put(zip.central[0] + C_CRC, 4, 0x12345678);
    refuse("record m/data.pkl: damaged: CRC-32 ");
}

static void case_37_deflate_bomb(void **context) {
    (void)context;
    zip_begin(); /* as the directory says, at deflate's best: 1,030 to one */
    zip_add_deflated("a.npy", NULL, (size_t)1 << 30);
    zip_end();
    refuse("record a.npy: expands too much: a deflate bomb (expected at most 32 times, beyond 64 MiB");
    zip_begin(); /* says less than it holds */
    zip_add_deflated("m/data.pkl", NULL, (size_t)1 << 28);
    zip.record[0].size = 100;
    zip_end();
    zip_put(zip.local[0] + L_SIZE, 4, 100);
    refuse("record m/data.pkl: its deflated contents are damaged, or of another length");
    zip_begin(); /* says more */
    zip_add_deflated("m/data.pkl", state, sizeof state - 1);
    zip.record[0].size = sizeof state;
    zip_end();
    zip_put(zip.local[0] + L_SIZE, 4, sizeof state);
    refuse("record m/data.pkl: its deflated contents are damaged");
    zip_begin();
    zip_add_packed("m/data.pkl", "\xff\xff\xff", 3, 100, 0, 8);
    zip_end();
    refuse("record m/data.pkl: its deflated contents are damaged");
    zip_begin(); /* sizes whose sum overflows */
    for (int i = 0; i < 2; i++)
        zip_add_packed(i ? "b.npy" : "a.npy", "", 0, 0xfffffffe, 0, 8);
    zip_end();
    refuse("expands too much");
}

static void case_38_overlap(void **context) {
    (void)context;
    make_right();
    zip_put(zip.local[0] + L_PACKED, 4, zip.record[0].size + 1);
    zip_put(zip.local[0] + L_SIZE, 4, zip.record[0].size + 1);
    zip_put(zip.central[0] + C_PACKED, 4, zip.record[0].size + 1);
    zip_put(zip.central[0] + C_SIZE, 4, zip.record[0].size + 1);
    refuse("record m/data/0: overlaps the record before it (expected records behind each other)");
    make_right();
    put_both(1, L_PACKED, C_PACKED, 4, 15);
    put_both(1, L_SIZE, C_SIZE, 4, 15);
    refuse(": 1 bytes of no record before the directory (expected none)");
    put_both(1, L_PACKED, C_PACKED, 4, 17);
    put_both(1, L_SIZE, C_SIZE, 4, 17);
    refuse("record m/data/0: its contents reach into the directory");
    make_right();
    zip_put(zip.local[1] + L_EXTRA, 2, 0xffff);
    refuse("record m/data/0: its contents reach into the directory");
    make_right();
    put_both(0, L_PACKED, C_PACKED, 4, 3);
    put_both(0, L_SIZE, C_SIZE, 4, 3);
    refuse("record m/data/0: bytes of no record before it (expected none)");
    make_right();
    zip_put(zip.central[0] + C_OFFSET, 4, zip.central[0] - 29);
    refuse("record m/data.pkl: no local header where the directory says (expected one before the directory)");
    make_right();
    put_both(0, L_PACKED, C_PACKED, 4, 3);
    refuse("record m/data.pkl: two sizes of a stored record (expected the same)");
}

/* The end record with a ZIP64 record and its locator before it. */
static void make_zip64(void) {
    make_right();
    const size_t directory = zip.central[0], size = zip.end - directory, at = zip.end;
    zip.size = at;
    zip_append("PK\6\6", 4);
    zip_number(8, 44);
    zip_number(4, 0);
    zip_number(8, 0); /* disks */
    zip_number(8, 2);
    zip_number(8, 2);
    zip_number(8, size);
    zip_number(8, directory);
    zip_append("PK\6\7", 4);
    zip_number(4, 0);
    zip_number(8, at);
    zip_number(4, 1);
    zip.end = zip.size;
    zip_append("PK\5\6\0\0\0\0\2\0\2\0", 12);
    zip_number(4, size);
    zip_number(4, directory);
    zip_number(2, 0);
}

static void case_39_inconsistent_zip64(void **context) {
    static const struct {
        size_t before_end, count;
        uint64_t value;
        const char *says;
    } rows[] = {
        {20 - 8, 8, 0, "a ZIP64 locator that points at no ZIP64 end record (expected one of 56 bytes"},
        {20 - 8, 8, UINT64_MAX, "a ZIP64 locator that points at no"},
        {20 - 4, 4, 1, "a ZIP64 locator that points at no"},
        {20 - 16, 4, 2, "a ZIP64 locator that points at no"},
        {76, 4, 0, "a ZIP64 locator that points at no"},
        {76 - 4, 8, 45, "a ZIP64 locator that points at no"},
        {76 - 16, 4, 1,
         "the ZIP64 end record and the end record differ (expected the same directory in both)"},
        {76 - 24, 8, 3, "the ZIP64 end record and the end record differ"},
        {76 - 32, 8, 3, "the ZIP64 end record and the end record differ"},
        {76 - 40, 8, 3, "the ZIP64 end record and the end record differ"},
        {76 - 48, 8, UINT64_MAX, "the ZIP64 end record and the end record differ"},
    };
    (void)context;
    make_zip64();
    assert_accepted(read_checkpoint, written_zip());
    memset(zip.bytes + zip.end + E_HERE, 0xff, 12); /* all ones: see the ZIP64 record */
    assert_accepted(read_checkpoint, written_zip());
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make_zip64();
        zip_put(zip.end - rows[i].before_end, rows[i].count, rows[i].value);
        refuse(rows[i].says);
    }
    make_zip64(); /* a directory that only the ZIP64 record has, past the file */
    memset(zip.bytes + zip.end + E_HERE, 0xff, 12);
    zip_put(zip.end - 28, 8, UINT64_MAX);
    refuse(": a directory of ");
    make_zip64(); /* more records than there may be */
    memset(zip.bytes + zip.end + E_HERE, 0xff, 12);
    zip_put(zip.end - 20 - 32, 8, (1 << 17) + 1);
    zip_put(zip.end - 20 - 24, 8, (1 << 17) + 1);
    refuse("131073 records of 131073 in this part of an archive");
    make_right(); /* all ones without a ZIP64 field */
    zip_put(zip.central[0] + C_OFFSET, 4, UINT32_MAX);
    refuse("record m/data.pkl: its ZIP64 field does not fit its sizes");
}

/* Moves the storage's sizes and offset to a ZIP64 field of its entry, of this many bytes. */
static void make_wide_entry(size_t bytes, uint64_t size) {
    make_right();
    const size_t end = zip.size - zip.end, at = zip.end;
    unsigned char end_record[22];
    memcpy(end_record, zip.bytes + at, end);
    zip.size = at;
    zip_number(2, 0x5555); /* another field first */
    zip_number(2, 1);
    zip_number(1, 0);
    zip_number(2, 1);
    zip_number(2, bytes);
    zip_number(8, size);
    zip_number(8, size);
    zip_number(8, zip.local[1]);
    zip.end = zip.size;
    zip_append(end_record, end);
    memset(zip.bytes + zip.central[1] + C_PACKED, 0xff, 8);
    memset(zip.bytes + zip.central[1] + C_OFFSET, 0xff, 4);
    zip_put(zip.central[1] + C_EXTRA, 2, zip.end - at);
    zip_put(zip.end + E_SIZE, 4, zip.end - zip.central[0]);
}

static void case_39_zip64_fields(void **context) {
    (void)context;
    make_wide_entry(24, 16);
    assert_accepted(read_checkpoint, written_zip());
    make_wide_entry(16, 16);
    refuse("record m/data/0: its ZIP64 field does not fit its sizes");
    make_wide_entry(25, 16);
    refuse("record m/data/0: its ZIP64 field does not fit its sizes");
    make_wide_entry(24, UINT64_MAX);
    refuse("record m/data/0: other sizes in its local header");
    make_wide_entry(24, (uint64_t)1 << 63);
    zip_put(zip.local[1] + L_PACKED, 8, UINT64_MAX);
    refuse("record m/data/0: its contents reach into the directory");
}

static void case_40_names_that_leave(void **context) {
    static const struct {
        const char *name, *says;
    } rows[] = {
        {"../a", "malformed name of a record: ../a (expected a path without \"..\")"},
        {"a/../../b", "expected a path without \"..\""},
        {"a/..", "expected a path without \"..\""},
        {"..", "expected a path without \"..\""},
        {"/etc/passwd", "malformed name of a record: /etc/passwd (expected a relative path)"},
        {"C:/a", "expected a relative path"},
        {"a\\b", "expected a relative path"},
        {"a\nb", "expected UTF-8 without control characters"},
        {"\xff", "expected UTF-8 without control characters"},
        {"", "expected 1 to 1024 bytes without NUL"},
    };
    static char longest[CP_CHECKPOINT_NAME + 2];
    (void)context;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin_right();
        zip_add(rows[i].name, "", 0);
        zip_end();
        refuse(rows[i].says);
    }
    memset(longest, 'n', sizeof longest - 1);
    begin_right();
    zip_add(longest, "", 0);
    zip_end();
    refuse("expected 1 to 1024 bytes without NUL");
    begin_right();
    zip_add("a..b/c...d", "", 0);
    zip_add("a/..b", "", 0);
    zip_end();
    assert_accepted(read_checkpoint, written_zip());
    make_right();
    zip.bytes[zip.central[0] + C_NAME + 2] = '\0';
    refuse("expected 1 to 1024 bytes without NUL");
    make_right();
    zip_put(zip.central[1] + C_NAME_LENGTH, 2, 9);
    refuse("an entry that leaves the directory");
}

static void case_41_duplicate_record(void **context) {
    (void)context;
    begin_right();
    zip_add("m/data/0", "0123456789abcdef", 16);
    zip_end();
    refuse("record m/data/0: two records have this name (expected one)");
}

#define CASE(name) cmocka_unit_test(case_##name)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_archives_are_accepted),
        cmocka_unit_test(descriptors_are_accepted),
        CASE(30_no_end_record),
        CASE(31_fake_end_record_in_the_comment),
        CASE(32_directory_past_the_file),
        CASE(33_entry_count),
        CASE(34_local_name_is_another),
        CASE(35_encryption),
        CASE(36_bad_checksum),
        CASE(37_deflate_bomb),
        CASE(38_overlap),
        CASE(39_inconsistent_zip64),
        CASE(39_zip64_fields),
        CASE(40_names_that_leave),
        CASE(41_duplicate_record),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
