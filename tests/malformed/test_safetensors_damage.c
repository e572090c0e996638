/* SPDX-License-Identifier: GPL-3.0-or-later
 * Random damage to a safetensors file: accepted or refused in one line, and never a crash. */
#include "support/safetensors.h"
#include "support/test.h"

#include <stdbool.h>
#include <string.h>

#define HEADER                                                                                               \
    "{\"__metadata__\":{\"format\":\"pt\",\"\\u00e9\":\"a\\\\b\"}," ENTRY(                                   \
        "scalar", "F32", "[]",                                                                               \
        "[0,4]") "," ENTRY("half", "F16", "[2,3]",                                                           \
                           "[4,16]") "," ENTRY("none", "I64", "[0,5]",                                       \
                                               "[16,16]") "," ENTRY("brain", "BF16", "[4]",                  \
                                                                    "[16,24]") "," ENTRY("double", "F64",    \
                                                                                         "[1,1]",            \
                                                                                         "[24,32]") "}  "

enum { PREFIX = 8, DATA = 32, BYTES = PREFIX + sizeof HEADER - 1 + DATA };

static uint64_t seed;

static size_t draw(size_t below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(seed >> 33) % below;
}

static void set_length(unsigned char *bytes, uint64_t length) {
    memcpy(bytes, &length, sizeof length);
}

/* Replaces `length` bytes at `at` by text. */
static size_t splice(unsigned char *bytes, size_t size, size_t at, size_t length, const char *text) {
    const size_t more = strlen(text);
    memmove(bytes + at + more, bytes + at + length, size - at - length);
    (void)mempcpy(bytes + at, text, more);
    return size - length + more;
}

/* Puts another number in the place of one of the header's, with the header's length adjusted. */
static size_t change_number(unsigned char *bytes, size_t size) {
    static const char *const numbers[] = {"0",
                                          "1",
                                          "3",
                                          "4",
                                          "16",
                                          "24",
                                          "32",
                                          "-1",
                                          "1.0",
                                          "1e1",
                                          "4294967296",
                                          "null",
                                          "\"4\"",
                                          "9223372036854775808",
                                          "18446744073709551615",
                                          "18446744073709551616"};
    const size_t header = size < PREFIX + DATA ? 0 : size - PREFIX - DATA;
    size_t at = PREFIX + draw(header + 1), length = 0;
    while (at < size && (bytes[at] < '0' || bytes[at] > '9'))
        at++;
    while (at + length < size && bytes[at + length] >= '0' && bytes[at + length] <= '9')
        length++;
    size = splice(bytes, size, at, length, numbers[draw(sizeof numbers / sizeof numbers[0])]);
    set_length(bytes, size - PREFIX - DATA);
    return size;
}

/* Damages bytes (capacity: four times the file) in one place. */
static size_t damage(unsigned char *bytes, size_t size) {
    static const char *const tokens[] = {"{",  "}",       "[",    "]",  ",", ":", "\"",
                                         "\\", "\\u0000", "\xff", "..", "/", "-"};
    const size_t at = draw(size), length = 1 + draw(size - at < 40 ? size - at : 40);
    switch (draw(8)) {
    case 0:
        bytes[at] ^= (unsigned char)(1u << draw(8));
        break;
    case 1: /* truncation, or bytes behind the end */
        return draw(4) ? at + 1 : size + draw(9);
    case 2: /* a piece cut out */
        return splice(bytes, size, at, length, "");
    case 3: /* a piece copied elsewhere */
        memmove(bytes + draw(size - length + 1), bytes + at, length);
        break;
    case 4:
        return splice(bytes, size, at, 0, tokens[draw(sizeof tokens / sizeof tokens[0])]);
    case 5:
        set_length(bytes, draw(2) ? draw(2 * BYTES) : UINT64_MAX >> draw(64));
        break;
    default:
        return change_number(bytes, size);
    }
    return size;
}

/* Reads all that an accepted file holds. */
static void read_values(const struct cp_safetensors *file) {
    size_t at = 0;
    for (size_t i = 0; i < cp_safetensors_count(file); i++) {
        const struct cp_safetensor *t = cp_safetensors_at(file, i);
        unsigned char values[BYTES];
        assert_ptr_equal(cp_safetensors_find(file, t->name), t);
        assert_int_equal(t->begin, at);
        at = t->end;
        memcpy(values, cp_safetensors_data(file, t), t->end - t->begin);
    }
}

static void random_damage_gives_one_line(void **state) {
    static unsigned char bytes[4 * BYTES];
    size_t accepted_files = 0, refused_files = 0;
    (void)state;
    seed = 3;
    for (int trial = 0; trial < 20000; trial++) {
        size_t size = BYTES;
        const char *line;
        memset(bytes, 0, sizeof bytes);
        set_length(bytes, sizeof HEADER - 1);
        memcpy(bytes + PREFIX, HEADER, sizeof HEADER - 1);
        for (size_t times = 1 + draw(3); times > 0 && size > PREFIX + DATA; times--)
            size = damage(bytes, size);
        write_scratch(bytes, size);
        struct cp_safetensors *file = open_scratch(&line);
        if (file)
            read_values(file);
        cp_safetensors_close(file);
        *(file ? &accepted_files : &refused_files) += 1;
    }
    assert_true(accepted_files > 300 && refused_files > 10000); /* the damage reaches both outcomes */
    assert_small_memory();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_damage_gives_one_line),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
