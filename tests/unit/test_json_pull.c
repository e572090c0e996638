/* SPDX-License-Identifier: GPL-3.0-or-later
 * Strings of JSON (RFC 8259, section 7): each byte at each place of a long one, and each escape. */
#include "support/test.h"

#include "format/json_pull.h"

#include <stdio.h>
#include <string.h>

enum { LONG = 24 };

/* Reads text, which begins with '"'; what it holds, or NULL where it is refused. */
static const char *read_string(const char *text, size_t size) {
    static char value[64];
    struct cp_json_reader json = {.text = (const unsigned char *)text, .size = size};
    size_t length = 0;
    memset(value, 0, sizeof value);
    if (!cp_json_string(&json, value, sizeof value - 1, &length))
        return NULL;
    assert_int_equal(length, strlen(value));
    return value;
}

/* Of single bytes a string takes ASCII from the blank on; '"' ends it, and '\\' escapes what follows. */
static void every_byte_at_every_place(void **state) {
    (void)state;
    for (size_t place = 1; place <= LONG; place++)
        for (int byte = 0; byte < 256; byte++) {
            char text[LONG + 3];
            memset(text, 'n', sizeof text);
            text[0] = text[LONG + 1] = text[LONG + 2] = '"';
            text[place] = (char)byte;
            const char *value = read_string(text, sizeof text);
            const bool taken = byte >= ' ' && byte < 0x80;
            if (taken != (value != NULL))
                fail_msg("byte 0x%02x at %zu is %s", byte, place, value ? "taken" : "refused");
            if (!taken)
                continue;
            char wanted[LONG + 1] = "";
            (void)snprintf(wanted, sizeof wanted, "%.*s", LONG, text + 1);
            if (byte == '"')
                wanted[place - 1] = '\0';
            if (byte == '\\') { /* then "n", a line's end, or at the last place the first '"' */
                wanted[place - 1] = place == LONG ? '"' : '\n';
                if (place < LONG)
                    memmove(wanted + place, wanted + place + 1, LONG - place);
            }
            assert_string_equal(value, wanted);
        }
}

static void every_escape(void **state) {
    (void)state;
    for (int letter = 0; letter < 256; letter++) {
        static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
        const char text[] = {'"', '\\', (char)letter, '"'};
        const char *known = letter ? strchr(letters, letter) : NULL, *value = read_string(text, sizeof text);
        assert_true((known != NULL) == (value != NULL));
        if (known)
            assert_true(value[0] == meanings[known - letters] && value[1] == '\0');
    }
    assert_string_equal(read_string("\"\\u00e9\\ud83d\\ude00\"", 20), "\xc3\xa9\xf0\x9f\x98\x80");
    assert_null(read_string("\"\\ud83d\"", 8));
    assert_null(read_string("\"\\u00g9\"", 8));
    assert_null(read_string("\"abc", 4));
    assert_null(read_string("\"abc\\", 5));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_at_every_place),
        cmocka_unit_test(every_escape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
