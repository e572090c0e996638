/* SPDX-License-Identifier: GPL-3.0-or-later
 * Sharded safetensors: an index that is malformed, or says other than its shards. */
#include "support/checkpoint.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

/* A shard of one float tensor, or two. */
static void write_shard(const char *file, const char *first, const char *second) {
    char header[4096];
    unsigned char bytes[4096 + 16] = {0};
    size_t size = (size_t)snprintf(header, sizeof header,
                                   "{\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}", first);
    if (second)
        size += (size_t)snprintf(header + size, sizeof header - size,
                                 ",\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}", second);
    header[size++] = '}';
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(size >> (8 * i));
    memcpy(bytes + 8, header, size);
    (void)written(file, bytes, 8 + size + (second ? 8 : 4));
}

static const char *index_of(const char *text) {
    return written("model.safetensors.index.json", text, strlen(text));
}

static void refuse_index(const char *text, const char *says) {
    assert_refused(read_checkpoint, index_of(text), says);
}

/* Refused with the shard's path in front instead of the index's. */
static void refuse_shard(const char *text, const char *shard, const char *says) {
    char line[4096], path[256];
    (void)snprintf(path, sizeof path, "%s/%s: ", folder, shard);
    assert_int_equal(read_in_child(read_checkpoint, index_of(text), line), CP_BAD_INPUT);
    if (strncmp(line, path, strlen(path)) != 0 || !strstr(line, says))
        fail_msg("%s: %s", text, line);
    assert_one_line(line);
    assert_non_null(strstr(line, " (expected "));
}

static void right_indices_are_accepted(void **state) {
    (void)state;
    write_shard("1", "a", "b");
    write_shard("2", "c", NULL);
    assert_accepted(read_checkpoint, index_of("{\"weight_map\":{\"b\":\"1\",\"c\":\"2\",\"a\":\"1\"}}"));
    assert_accepted(
        read_checkpoint,
        index_of("{ \"metadata\" : {\"total_size\": -1.5e+3, \"a\": [[], {}, {\"b\": [true, false, null, "
                 "\"\\n\", 0, 1E2, 2.5, 1e+2, -0.5E-10]}]},\n\"weight_map\" : "
                 "{\"b\":\"1\",\"c\":\"2\",\"a\":\"1\"} }\n"));
}

static void case_28_shard_outside_the_folder(void **state) {
    static const char *const names[] = {"../1", "/etc/passwd", "a/../1", "..", ".", "", "a/b"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "{\"weight_map\":{\"a\":\"%s\"}}", names[i]);
        refuse_index(text,
                     ": the shard before this is outside the index's folder (expected the name of a file "
                     "beside the index)");
    }
    refuse_index("{\"weight_map\":{\"a\":\"1\\u0000\"}}", "byte 28: the text before this holds a NUL");
}

static void case_29_shards_that_do_not_fit(void **state) {
    (void)state;
    write_shard("1", "a", "b");
    write_shard("2", "b", NULL);
    write_shard("3", "c", NULL);
    refuse_shard("{\"weight_map\":{\"a\":\"none\"}}", "none", "cannot be opened: No such file or directory");
    refuse_shard("{\"weight_map\":{\"a\":\"1\",\"b\":\"2\"}}", "1",
                 "tensor b: the index has it in 2 (expected each tensor in the shard that the index says)");
    refuse_shard("{\"weight_map\":{\"a\":\"1\"}}", "1", "tensor b: the index has it in no shard");
    refuse_index("{\"weight_map\":{\"a\":\"1\",\"b\":\"1\",\"b\":\"2\"}}",
                 "tensor b: is in the index twice (expected one shard for each tensor)");
    refuse_index("{\"weight_map\":{\"b\":\"2\",\"d\":\"2\"}}", "tensor d: is not in its shard 2");
    (void)written("4", "PK\5\6", 4);
    refuse_shard("{\"weight_map\":{\"a\":\"4\"}}", "4", "the archive is cut off, or has a comment");
    (void)written("5", "{\"weight_map\":{\"a\":\"5\"}}", 24);
    refuse_shard("{\"weight_map\":{\"a\":\"5\"}}", "5",
                 "is JSON instead of a shard (expected safetensors or a PyTorch zip archive)");
}

static void malformed_indices(void **state) {
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"{       ", "byte 8: the JSON ends here (expected a string)"},
        {"{}      ", "byte 8: an index of no tensors (expected a weight_map of them)"},
        {"{\"weight_map\":{}}", "an index of no tensors"},
        {"{\"metadata\":{}}", "an index of no tensors"},
        {"{\"weight_map\":[]}", "byte 14: malformed JSON (expected '{')"},
        {"{\"weight_map\" 1", "malformed JSON (expected ':')"},
        {"{\"weight_map\":{\"a\" \"b\"}}", "malformed JSON (expected ':')"},
        {"{\"weight_map\":{\"a\":1}}", "malformed JSON (expected a string)"},
        {"{\"weight_map\":{1:1}}", "malformed JSON (expected a string)"},
        {"{\"weight_map\":{\"a\":\"1\"} \"x\"", "malformed JSON (expected ',' or '}')"},
        {"{\"weight_map\":{\"a\":\"1\"}} x", "malformed JSON (expected nothing but blanks)"},
        {"{\"weight_map\":{\"a\":\"1\"},\"weight_map\":{\"a\":\"1\"}}", "byte 37: a second weight_map"},
        {"{\"weights\":{}}", "is JSON with the key 'weights', and no index of shards (expected weights, or "
                             "an index with weight_map"},
        {"{\"metadata\":x}", "malformed JSON (expected a value)"},
        {"{\"metadata\":-}", "malformed JSON (expected a value)"},
        {"{\"metadata\":1.}", "malformed JSON (expected a value)"},
        {"{\"metadata\":1e}", "malformed JSON (expected a value)"},
        {"{\"metadata\":[1 2]}", "malformed JSON (expected ',' or ']')"},
        {"{\"metadata\":{\"a\" 2}}", "malformed JSON (expected ':')"},
        {"{\"metadata\":{2}}", "malformed JSON (expected a string)"},
        {"{\"metadata\":[\"a\n\"]}", "malformed JSON (expected no control character in a string)"},
        {"{\"metadata\":tru", "malformed JSON (expected a value)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        refuse_index(rows[i].text, rows[i].says);
}

static void limits(void **state) {
    enum { DEPTH = 100000, ENTRIES = CP_CHECKPOINT_TENSORS + 1 };
    static char text[32 * ENTRIES + 64];
    size_t size = (size_t)snprintf(text, sizeof text, "{\"metadata\":");
    (void)state;
    memset(text + size, '[', DEPTH);
    text[size + DEPTH] = '\0';
    refuse_index(text, "byte 76: malformed JSON (expected at most 64 lists and objects in each other)");
    size = (size_t)snprintf(text, sizeof text, "{\"weight_map\":{");
    for (size_t i = 0; i < ENTRIES; i++)
        size +=
            (size_t)snprintf(text + size, sizeof text - size, "%s\"%zu\":\"%zu\"", i ? "," : "", i, i % 2000);
    (void)snprintf(text + size, sizeof text - size, "}}");
    refuse_index(text, "too many tensors (expected at most 65536)");
    size = (size_t)snprintf(text, sizeof text, "{\"weight_map\":{");
    for (size_t i = 0; i < 1025; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%s\"%zu\":\"%zu\"", i ? "," : "", i, i);
    (void)snprintf(text + size, sizeof text - size, "}}");
    refuse_index(text, ": 1025 shards (expected at most 1024)");
    size = (size_t)snprintf(text, sizeof text, "{\"weight_map\":{\"a\":\"");
    memset(text + size, 's', 256);
    (void)snprintf(text + size + 256, 8, "\"}}");
    refuse_index(text, "the text before this is too long (expected at most 255 bytes)");
    size = (size_t)snprintf(text, sizeof text, "{\"weight_map\":{\"");
    memset(text + size, 's', 1025);
    (void)snprintf(text + size + 1025, 8, "\":");
    refuse_index(text, "the text before this is too long (expected at most 1024 bytes)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_indices_are_accepted),
        cmocka_unit_test(case_28_shard_outside_the_folder),
        cmocka_unit_test(case_29_shards_that_do_not_fit),
        cmocka_unit_test(malformed_indices),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
