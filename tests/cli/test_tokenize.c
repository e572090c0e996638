/* SPDX-License-Identifier: GPL-3.0-or-later
 * `clip-parity tokenize`, and candidates that read other tokens. */
#include "support/program.h"
#include "support/test.h"

#include "num/metrics.h"
#include "tap/compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void expect(const char *arguments, int code, const char *says) {
    char text[8192];
    const int found = run_program(arguments, text, sizeof text);
    if (found != code || !strstr(text, says))
        fail_msg("%s gives %d, '%s'; expected %d and '%s'", arguments, found, text, code, says);
}

static void ids_and_tokens(void **state) {
    (void)state;
    expect("tokenize 'a dog' '' 'caf\xc3\xa9'", 0,
           "49406 320 1929 49407\n  <|startoftext|> a</w> dog</w> <|endoftext|>\n49406 49407\n");
    expect("tokenize --tokenizer huggingface --context 6 --pad 'a dog'", 0,
           "49406 320 1929 49407 49407 49407\n");
    expect("tokenize --tokenizer open_clip --context 6 --pad 'a dog'", 0, "49406 320 1929 49407 0 0\n");
    expect("tokenize --context 3 --truncate 'a dog'", 0, "49406 320 49407\n");
    expect("tokenize --tokenizer drop_eot --context 3 --truncate 'a dog'", 0, "49406 320 1929\n");
    expect("tokenize -- -x", 0, "49406 268 343 49407\n");
}

static void json_is_one_value(void **state) {
    (void)state;
    expect(
        "tokenize --json 'a \"dog\\' \"$(printf 'x\\ty')\"", 0,
        "[{\"text\": \"a \\\"dog\\\\\", \"tokenizer\": \"open_clip\", \"ids\": [49406, 320, 257, 1929, 315, "
        "49407], \"tokens\": [\"<|startoftext|>\", \"a</w>\", \"\\\"</w>\", \"dog</w>\", \"\\\\</w>\", "
        "\"<|endoftext|>\"]},\n {\"text\": \"x\\u0009y\", ");
    expect("tokenize --json 'a dog' \"caf\xc3\xa9\" '\"' | python3 -c "
           "'import json, sys; print([len(x[\"ids\"]) == len(x[\"tokens\"]) for x in json.load(sys.stdin)])'",
           0, "[True, True, True]");
}

static void wrong_use_is_one_line(void **state) {
    static const struct {
        const char *arguments;
        int code;
        const char *says;
    } rows[] = {
        {"tokenize", 4, "tokenize: no text (expected one or more)"},
        {"tokenize --tokenizer", 4, "tokenize: --tokenizer without a value"},
        {"tokenize --nope x", 4, "tokenize: unknown option '--nope'"},
        {"tokenize --context 1 x", 4, "tokenize: a context of '1'"},
        {"tokenize --tokenizer opnai x", 3, "unknown tokenizer 'opnai'; did you mean 'openai'?"},
        {"tokenize --vocabulary /nowhere x", 3, "/nowhere: cannot be opened"},
        {"tokenize --context 3 'a dog'", 3,
         "has 4 tokens with start and end (expected at most 3, the context, or "
         "--truncate)"},
        {"tokenize \"$(printf '\\377')\"", 3, "byte 1 is 0xff, not well-formed UTF-8"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[4096];
        expect(rows[i].arguments, rows[i].code, rows[i].says);
        (void)run_program(rows[i].arguments, text, sizeof text);
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    }
}

#define RUN "run -v experiments/quickgelu-vs-gelu.yaml output=$OUT inputs.limit=2 local=off floor=0 oracle=2 "

/* The curly apostrophe is one token more without ftfy; the plain one is the same for all. */
static void candidates_read_their_own_tokens(void **state) {
    char text[1 << 16];
    (void)state;
    assert_int_equal(
        run_program(RUN "'candidates={x: {tokenizer: no_ftfy}}' "
                        "'inputs={images: data/fashion-clip/images/*.png, prompts: [dog\xe2\x80\x99s, "
                        "cat], limit: 2}'",
                    text, sizeof text),
        0);
    assert_non_null(strstr(text, "different functions from tokens on"));
    assert_int_equal(
        run_program(RUN "'candidates={x: {tokenizer: no_ftfy}}' "
                        "'inputs={images: data/fashion-clip/images/*.png, prompts: [a dog, cat], limit: "
                        "2}'",
                    text, sizeof text),
        0);
    assert_non_null(strstr(text, "no different function is declared"));
    (void)remove(scratch_output());
}

/* Ids are names: relative L2 is the root of the share, up to the candidate's end, that differs. */
static void ids_are_equal_or_not(void **state) {
    enum { PROMPTS = 2, LENGTH = 77, END = 49407 };
    static double baseline[PROMPTS * LENGTH], own[PROMPTS * LENGTH],
        metrics[PROMPTS][CP_PART_COUNT][CP_METRIC_COUNT];
    static char text[1 << 16];
    (void)state;
    assert_int_equal(
        run_program(RUN "'candidates={x: {tokenizer: no_ftfy}}' 'record={\"*\": \"off\", tokens: full}' "
                        "'inputs={images: data/fashion-clip/images/*.png, prompts: [the dog\xe2\x80\x99s "
                        "bone, cat], limit: 2}'",
                    text, sizeof text),
        0);
    const struct {
        const char *path;
        double *to;
        size_t count;
    } sets[] = {{"/captures/baseline/tokens/value", baseline, PROMPTS * LENGTH},
                {"/captures/x/tokens/value", own, PROMPTS * LENGTH},
                {"/metrics/x/tokens/metrics", metrics[0][0], sizeof metrics / sizeof(double)}};
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        assert_int_equal(
            read_dataset(scratch_output(), sets[i].path, H5T_NATIVE_DOUBLE, sets[i].to, sets[i].count),
            sets[i].count);
    for (size_t p = 0; p < PROMPTS; p++) {
        size_t length = 0, differ = 0;
        do
            differ += own[p * LENGTH + length] != baseline[p * LENGTH + length];
        while (own[p * LENGTH + length++] != END);
        assert_int_equal(differ > 0, p == 0);
        for (int part = CP_TOTAL; part <= CP_SEMANTIC; part++) {
            assert_true(fabs(metrics[p][part][CP_REL_L2] - sqrt((double)differ / (double)length)) < 1e-12);
            assert_int_equal((size_t)metrics[p][part][CP_DIFFERENT], differ);
        }
        assert_true(metrics[p][CP_ROUNDING][CP_REL_L2] == 0 &&
                    metrics[p][CP_ROUNDING_BASELINE][CP_REL_L2] == 0);
    }
    (void)remove(scratch_output());
}

static void tokens_given_are_everybodys(void **state) {
    char text[4096];
    (void)state;
    const int code = run_program(
        "run --dry-run -v experiments/quickgelu-vs-gelu.yaml 'candidates={x: {tokenizer: no_ftfy}}' "
        "'inputs={synthetic: {images: 1, prompts: 2}}'",
        text, sizeof text);
    assert_int_equal(code, 3);
    assert_non_null(
        strstr(text, "tokenizer: open_clip and no_ftfy, but the prompts are tokens (expected prompts as "
                     "texts)"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_and_tokens),        cmocka_unit_test(json_is_one_value),
        cmocka_unit_test(wrong_use_is_one_line), cmocka_unit_test(candidates_read_their_own_tokens),
        cmocka_unit_test(ids_are_equal_or_not),  cmocka_unit_test(tokens_given_are_everybodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
