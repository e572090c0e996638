/* SPDX-License-Identifier: GPL-3.0-or-later
 * The test vectors of RFC 4648, section 10. */
#include "support/test.h"

#include "base/base64.h"

#include <string.h>

static void vectors(void **state) {
    static const struct {
        const char *bytes, *text;
    } cases[] = {{"", ""},
                 {"f", "Zg=="},
                 {"fo", "Zm8="},
                 {"foo", "Zm9v"},
                 {"foob", "Zm9vYg=="},
                 {"fooba", "Zm9vYmE="},
                 {"foobar", "Zm9vYmFy"},
                 {"\xfb\xff\xbf", "+/+/"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[16];
        const size_t size = strlen(cases[i].bytes);
        cp_base64((const uint8_t *)cases[i].bytes, size, text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(strlen(text), cp_base64_length(size));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
