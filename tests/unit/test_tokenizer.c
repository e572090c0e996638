/* SPDX-License-Identifier: GPL-3.0-or-later
 * Golden ids of openai/CLIP's simple_tokenizer, made by that program. */
#include "support/test.h"

#include "text/tokenizer.h"

#include <stdio.h>
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

/* By the tokenizer of that name; ids (CONTEXT). */
static enum cp_status encode(const char *name, const char *text, int context, bool truncate, int32_t *ids,
                             struct cp_error *err) {
    const struct cp_tokenizer_variant *v = NULL;
    assert_int_equal(cp_tokenizer_find(name, &v, err), CP_OK);
    return cp_tokenizer_encode(tokenizer, v, text, context, truncate, ids, err);
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
        {"\xf0\x9f\xa4\x97 caf\xc3\xa9 na\xc3\xafve 123", {10465, 15304, 1097, 35689, 563, 272, 273, 274}},
        {"A\n'll 11p223RF\xe2\x98\x86ho!!to?'d'd of a cat",
         {320, 1342, 272, 272, 335, 273, 273, 274, 16368, 13439, 2971, 748, 531, 13610, 323, 1896, 539, 320,
          2368}},
        {"don't", {847, 713}},
        {"don\xe2\x80\x99t", {847, 713}},
        {"<|endoftext|> x", {END, 343}},
    };
    (void)state;
    for (size_t g = 0; g < sizeof golden / sizeof golden[0]; g++) {
        struct cp_error err;
        int32_t ids[CONTEXT];
        size_t n = 0;
        assert_int_equal(encode("openai", golden[g].text, CONTEXT, false, ids, &err), CP_OK);
        while (golden[g].ids[n])
            n++;
        assert_int_equal(ids[0], START);
        assert_memory_equal(ids + 1, golden[g].ids, n * sizeof *ids);
        assert_int_equal(ids[n + 1], END);
        for (size_t i = n + 2; i < CONTEXT; i++)
            assert_int_equal(ids[i], 0);
    }
}

/* What one text gives another tokenizer: that of `like` by openai. */
static void cleaning_of_each_library(void **state) {
    static const struct {
        const char *name, *text, *like;
    } rows[] = {
        {"openai", "a &amp;eacute; b", "a \xc3\xa9 b"}, /* html.unescape twice */
        {"open_clip", "caf&#233;", "caf\xc3\xa9"},
        {"openai", "e\xcc\x81", "\xc3\xa9"}, /* NFC */
        {"huggingface", "e\xcc\x81", "\xc3\xa9"},
        {"openai", "\xef\xbc\xa1\xef\xbc\xa2\xef\xbc\xa3", "abc"}, /* wide letters */
        {"openai", "\xef\xac\x81sh", "fish"},                      /* a ligature */
        {"openai", "a\x1b[1m\x07 cat\xef\xbb\xbf", "a cat"},       /* controls, a byte-order mark */
        {"openai",
         "a\xe2\x80\xa8"
         "b\xe3\x80\x80"
         "c",
         "a b c"},                                               /* line separator, wide space */
        {"openai", "\xce\x91\xce\xa3", "\xce\xb1\xcf\x82"},      /* a final sigma */
        {"huggingface", "\xce\x91\xce\xa3", "\xce\xb1\xcf\x83"}, /* character by character */
        {"openai", "\xc4\xb0", "i\xcc\x87"},                     /* dotted I */
        {"no_ftfy", "don't", "don't"},
    };
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct cp_error err;
        int32_t ids[16], like[16];
        assert_int_equal(encode(rows[r].name, rows[r].text, 16, false, ids, &err), CP_OK);
        assert_int_equal(encode("openai", rows[r].like, 16, false, like, &err), CP_OK);
        for (int i = 0; i < 16 && ids[i] != END; i++)
            if (ids[i] != like[i])
                fail_msg("%s of row %zu: id %d is %d, expected %d", rows[r].name, r, i, ids[i], like[i]);
    }
}

/* Where the libraries differ, so do the ids. */
static void libraries_that_differ(void **state) {
    static const struct {
        const char *name, *text;
    } rows[] = {{"no_ftfy", "don\xe2\x80\x99t"},   {"no_ftfy", "e\xcc\x81"},
                {"huggingface", "a &amp; b"},      {"huggingface", "don\xe2\x80\x99t"},
                {"open_clip", "a <|endoftext|>"},  {"open_clip", "a <start_of_text>"},
                {"huggingface", "!<|endoftext|>"}, {"gpt2_pattern", "a dog"},
                {"gpt2_pattern", "dog 123"},       {"huggingface", "\xce\x91\xce\xa3"}};
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct cp_error err;
        int32_t ids[CONTEXT], openai[CONTEXT];
        assert_int_equal(encode(rows[r].name, rows[r].text, CONTEXT, false, ids, &err), CP_OK);
        assert_int_equal(encode("openai", rows[r].text, CONTEXT, false, openai, &err), CP_OK);
        int i = 0;
        while (ids[i] == openai[i] && ids[i] != END)
            i++;
        if (ids[i] == openai[i])
            fail_msg("%s of row %zu gives openai's ids", rows[r].name, r);
    }
}

static void long_text_ends_with_end(void **state) {
    struct cp_error err;
    int32_t ids[8];
    (void)state;
    assert_int_equal(encode("openai", "a a a a a a a a a a a a", 8, true, ids, &err), CP_OK);
    assert_int_equal(ids[6], 320);
    assert_int_equal(ids[7], END);
}

static void refusals_say_why(void **state) {
    static const struct {
        const char *name, *text, *says;
    } rows[] = {
        {"openai", "caf\xc3", "byte 4 is 0xc3, not well-formed UTF-8"},
        {"openai", "caf\xc3\x83\xc2\xa9", "takes for text read in a wrong encoding"},
        {"open_clip",
         "a \xc2\x93"
         "b",
         "takes for text read in a wrong encoding"},
        {"huggingface", "a <|EndOfText|>", "a special string that tokenizers of some releases take for text"},
        {"openai", "\xf0\x91\xbc\x82", "U+11F02, which is a letter, number or mark since Unicode 15 only"},
    };
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct cp_error err;
        int32_t ids[CONTEXT];
        assert_int_equal(encode(rows[r].name, rows[r].text, CONTEXT, false, ids, &err), CP_BAD_INPUT);
        if (!strstr(err.what, rows[r].says))
            fail_msg("'%s' does not say '%s'", err.what, rows[r].says);
    }
}

/* Texts that a careless loop would take minutes for, and the longest one. */
static void the_longest_text_is_quick(void **state) {
    static const char *const units[] = {"&amp;", "amp;", "\xcc\x80\xcc\x96", "1", "\x1b[1",
                                        "\n",    "q",    "\xc7\x84"};
    char text[CP_PROMPT_MAX + 2] = {0};
    int32_t ids[CONTEXT];
    struct cp_error err;
    (void)state;
    for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
        size_t used = (size_t)snprintf(text, sizeof text, "&");
        while (used + strlen(units[u]) <= CP_PROMPT_MAX)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s", units[u]);
        assert_int_equal(encode("openai", text, CONTEXT, true, ids, &err), CP_OK);
    }
    memset(text, 'a', CP_PROMPT_MAX + 1);
    assert_int_equal(encode("openai", text, CONTEXT, true, ids, &err), CP_BAD_INPUT);
    assert_non_null(strstr(err.what, "has 8192 bytes"));
}

static void tokens_have_names(void **state) {
    (void)state;
    assert_string_equal(cp_tokenizer_name(tokenizer, 0), "!");
    assert_string_equal(cp_tokenizer_name(tokenizer, 256), "!</w>");
    assert_string_equal(cp_tokenizer_name(tokenizer, 1929), "dog</w>");
    assert_string_equal(cp_tokenizer_name(tokenizer, START), "<|startoftext|>");
    assert_string_equal(cp_tokenizer_name(tokenizer, END), "<|endoftext|>");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_ids),
        cmocka_unit_test(long_text_ends_with_end),
        cmocka_unit_test(cleaning_of_each_library),
        cmocka_unit_test(libraries_that_differ),
        cmocka_unit_test(refusals_say_why),
        cmocka_unit_test(the_longest_text_is_quick),
        cmocka_unit_test(tokens_have_names),
    };
    return cmocka_run_group_tests(tests, open_vocabulary, close_vocabulary);
}
