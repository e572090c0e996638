/* SPDX-License-Identifier: GPL-3.0-or-later
 * Golden ids of openai/CLIP's simple_tokenizer, made by that program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/tokenizer.h"

#include <string.h>

enum { CONTEXT = 77, START = 49406, END = 49407 };

static struct cp_tokenizer *tokenizer;

static int open_vocabulary(void **state) {
    struct cp_error err;
    (void)state;
    return cp_tokenizer_open(CP_SOURCE_DIR "/data/vocab/bpe_simple_vocab_16e6.txt.gz", &tokenizer, &err) !=
           CP_OK;
}

static int close_vocabulary(void **state) {
    (void)state;
    cp_tokenizer_close(tokenizer);
    return 0;
}

static void golden_ids(void **state) {
    static const struct {
        const char *text;
        int32_t ids[20]; /* ends with 0 */
    } golden[] = {
        {"a diagram", {320, 22697}},
        {"a dog", {320, 1929}},
        {"a cat", {320, 2368}},
        {"hello world", {3306, 1002}},
        {"  a photo\n of a   FOX ", {320, 1125, 539, 320, 3240}},
        {"You should've done this", {592, 1535, 1200, 1700, 589}},
        {"", {0}},
    };
    (void)state;
    for (size_t g = 0; g < sizeof golden / sizeof golden[0]; g++) {
        struct cp_error err;
        int32_t ids[CONTEXT];
        size_t n = 0;
        assert_int_equal(cp_tokenizer_encode(tokenizer, golden[g].text, CONTEXT, false, ids, &err), CP_OK);
        while (golden[g].ids[n])
            n++;
        assert_int_equal(ids[0], START);
        assert_memory_equal(ids + 1, golden[g].ids, n * sizeof *ids);
        assert_int_equal(ids[n + 1], END);
        for (size_t i = n + 2; i < CONTEXT; i++)
            assert_int_equal(ids[i], 0);
    }
}

static void long_text_ends_with_end(void **state) {
    struct cp_error err;
    int32_t ids[8];
    (void)state;
    assert_int_equal(cp_tokenizer_encode(tokenizer, "a a a a a a a a a a a a", 8, true, ids, &err), CP_OK);
    assert_int_equal(ids[6], 320);
    assert_int_equal(ids[7], END);
}

static void beyond_ascii_is_refused(void **state) {
    struct cp_error err;
    int32_t ids[CONTEXT];
    (void)state;
    assert_int_equal(cp_tokenizer_encode(tokenizer, "caf\xc3\xa9", CONTEXT, false, ids, &err), CP_BAD_INPUT);
    assert_non_null(strstr(err.what, "byte 4"));
    assert_int_equal(cp_tokenizer_encode(tokenizer, "a &eacute; b", CONTEXT, false, ids, &err), CP_BAD_INPUT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_ids),
        cmocka_unit_test(long_text_ends_with_end),
        cmocka_unit_test(beyond_ascii_is_refused),
    };
    return cmocka_run_group_tests(tests, open_vocabulary, close_vocabulary);
}
