/* SPDX-License-Identifier: GPL-3.0-or-later
 * Token ids against OpenAI's and open_clip's own tokenizers (reference/golden/tokenizer). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT = 77, LINE_MAX_BYTES = 1 << 16 };

static struct cp_tokenizer *tokenizer;

static int open_vocabulary(void **state) {
    struct cp_error err;
    (void)state;
    return cp_tokenizer_open("data/vocab/bpe_simple_vocab_16e6.txt.gz", &tokenizer, &err) != CP_OK;
}

static int close_vocabulary(void **state) {
    (void)state;
    cp_tokenizer_close(tokenizer);
    return 0;
}

/* Replaces \t \n \f \r \xNN and \\ by what they stand for, in place. */
static void unescape(char *text) {
    char *to = text;
    for (const char *at = text; *at; at++, to++) {
        static const char codes[] = "tnfr\\", bytes[] = "\t\n\f\r\\";
        char hex[3] = {0};
        *to = *at;
        if (*at != '\\')
            continue;
        at++;
        const char *code = strchr(codes, *at);
        if (code) {
            *to = bytes[code - codes];
            continue;
        }
        assert_int_equal(*at, 'x');
        memcpy(hex, at + 1, 2);
        *to = (char)strtol(hex, NULL, 16);
        at += 2;
    }
    *to = '\0';
}

static void assert_ids(const char *prompt, const int32_t *found, const char *expected) {
    char *rest = NULL;
    int32_t want[CONTEXT] = {0};
    for (size_t i = 0; *expected; i++, expected = rest) {
        assert_true(i < CONTEXT);
        want[i] = (int32_t)strtol(expected, &rest, 10);
        assert_ptr_not_equal(rest, expected);
    }
    for (size_t i = 0; i < CONTEXT; i++)
        if (found[i] != want[i])
            fail_msg("'%s': id %zu is %d, expected %d", prompt, i, found[i], want[i]);
}

/* Refused with one reason that is no matter of length. */
static void check_refused(const char *prompt) {
    struct cp_error err;
    int32_t ids[CONTEXT];
    if (cp_tokenizer_encode(tokenizer, cp_tokenizer_variant(0), prompt, CONTEXT, true, ids, &err) !=
        CP_BAD_INPUT)
        fail_msg("'%s' is not refused", prompt);
    assert_non_null(strstr(err.expected, "token ids from a .npy file"));
}

static void check_encoded(const char *prompt, int tokens, const char *expected) {
    struct cp_error err;
    int32_t ids[CONTEXT];
    const enum cp_status strict =
        cp_tokenizer_encode(tokenizer, cp_tokenizer_variant(0), prompt, CONTEXT, false, ids, &err);
    if (tokens <= CONTEXT) {
        if (strict != CP_OK)
            fail_msg("%s", err.what);
        assert_ids(prompt, ids, expected);
    } else {
        char count[32];
        (void)snprintf(count, sizeof count, "has %d tokens", tokens);
        assert_int_equal(strict, CP_BAD_INPUT);
        assert_non_null(strstr(err.what, count));
    }
    assert_int_equal(
        cp_tokenizer_encode(tokenizer, cp_tokenizer_variant(0), prompt, CONTEXT, true, ids, &err), CP_OK);
    assert_ids(prompt, ids, expected);
}

static void ids_equal_openai_and_open_clip(void **state) {
    static char line[LINE_MAX_BYTES];
    size_t encoded = 0, refused = 0, full = 0, cut = 0;
    (void)state;
    FILE *file = fopen("reference/golden/tokenizer/prompts.tsv", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        char *rest = line, *count = strsep(&rest, "\t"), *ids = strsep(&rest, "\t");
        assert_non_null(rest);
        assert_non_null(strchr(rest, '\n'));
        *strchr(rest, '\n') = '\0';
        unescape(rest);
        if (strcmp(count, "refuse") == 0) {
            check_refused(rest);
            refused++;
            continue;
        }
        const int tokens = (int)strtol(count, NULL, 10);
        check_encoded(rest, tokens, ids);
        encoded++;
        full += tokens == CONTEXT;
        cut += tokens > CONTEXT;
    }
    (void)fclose(file);
    assert_true(encoded >= 400 && refused >= 100 && full >= 2 && cut >= 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(ids_equal_openai_and_open_clip)};
    return cmocka_run_group_tests(tests, open_vocabulary, close_vocabulary);
}
