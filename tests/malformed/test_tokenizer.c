/* SPDX-License-Identifier: GPL-3.0-or-later
 * Vocabularies that are not OpenAI's, and prompts that no tokenizer should guess at. */
#include "format/file.h"
#include "support/malformed.h"
#include "support/program.h"
#include "support/test.h"

#include "text/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONTEXT = 77, LINES = 48895, MARGIN = 1 << 10 };

static struct cp_arena arena;
static char *vocabulary; /* the text of OpenAI's; its first LINES lines are used */
static size_t vocabulary_size;
static char *edited; /* as large, and MARGIN */

static int read_vocabulary(void **state) {
    struct cp_file file;
    struct cp_error err;
    if (cp_file_read("data/vocab/bpe_simple_vocab_16e6.txt.gz", 1 << 24, &arena, &file, &err) != CP_OK)
        return -1;
    vocabulary = file.text;
    vocabulary_size = file.size;
    edited = cp_arena_alloc(&arena, file.size + MARGIN, 1);
    return edited ? make_folder(state) : -1;
}

static int drop_vocabulary(void **state) {
    cp_arena_free(&arena);
    return remove_folder(state);
}

static enum cp_status open_tokenizer(const char *path, struct cp_error *err) {
    struct cp_tokenizer *tokenizer = NULL;
    const enum cp_status status = cp_tokenizer_open(path, &tokenizer, err);
    cp_tokenizer_close(tokenizer);
    return status;
}

/* Where line number (from 1) begins. */
static size_t line_start(int number) {
    size_t at = 0;
    while (--number > 0)
        at += strcspn(vocabulary + at, "\n") + 1;
    return at;
}

/* The vocabulary with `count` lines from `first` on replaced by text. */
static const char *replaced(int first, int count, const char *text) {
    const size_t from = line_start(first), to = line_start(first + count);
    const int size =
        snprintf(edited, vocabulary_size + MARGIN, "%.*s%s%s", (int)from, vocabulary, text, vocabulary + to);
    assert_in_range(size, 1, vocabulary_size + MARGIN - 1);
    return written("vocabulary.txt", edited, (size_t)size);
}

static void good_is_accepted(void **state) {
    (void)state;
    assert_accepted(open_tokenizer, written("vocabulary.txt", vocabulary, vocabulary_size));
    assert_accepted(open_tokenizer, written("vocabulary.txt", vocabulary, line_start(LINES + 1)));
    assert_accepted(open_tokenizer, written("vocabulary.txt", vocabulary, line_start(LINES + 1) - 1));
}

/* A token's id is the number of its line. */
static void case_78_ids_not_contiguous(void **state) {
    const char *second = vocabulary + line_start(LINES - 1), *end = vocabulary + line_start(LINES + 1);
    char swapped[256];
    (void)state;
    assert_refused(open_tokenizer, replaced(LINES, 1, ""), "holds other merges than OpenAI's");
    assert_refused(open_tokenizer, replaced(2, 1, ""), "not a merge of two known symbols");
    assert_refused(open_tokenizer, replaced(LINES - 1, 1, "\n"), "line 48894 is not a merge");
    const size_t first_length = strcspn(second, "\n") + 1;
    (void)snprintf(swapped, sizeof swapped, "%.*s%.*s", (int)(end - second - (long)first_length),
                   second + first_length, (int)first_length, second);
    assert_refused(open_tokenizer, replaced(LINES - 1, 2, swapped), "holds other merges than OpenAI's");
}

static void case_78_wrong_size(void **state) {
    (void)state;
    assert_refused(open_tokenizer, written("vocabulary.txt", "", 0), "line 1 is not a header");
    assert_refused(open_tokenizer, written("vocabulary.txt", vocabulary, line_start(2)),
                   "ends behind line 1 ");
    assert_refused(open_tokenizer, written("vocabulary.txt", vocabulary, line_start(LINES)),
                   "ends behind line 48894 (expected a header and 48894 merges");
    assert_refused(open_tokenizer, replaced(1, 1, ""), "line 1 is not a header");
}

static void case_79_bad_merges_line(void **state) {
    static const struct {
        const char *line, *says;
    } rows[] = {
        {"th\n", "line 5 is not a merge of two known symbols"},
        {"t \n", "line 5 is not a merge of two known symbols"},
        {" t\n", "line 5 is not a merge of two known symbols"},
        {"t h e\n", "line 5 is not a merge of two known symbols"},
        {"t  h\n", "line 5 is not a merge of two known symbols"},
        {"t\th\n", "line 5 is not a merge of two known symbols"},
        {"t h\r\n", "line 5 is not a merge of two known symbols"},
        {"zzz q\n", "line 5 is not a merge of two known symbols"},
        {"\xff h\n", "line 5 is not a merge of two known symbols"},
        {"i n\n", "line 5 makes a symbol that exists already"}, /* line 2 */
        {"q \xc4\xa2\nq\xc4\xa2 x\n", "holds other merges"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_refused(open_tokenizer,
                       replaced(5, i + 1 == sizeof rows / sizeof rows[0] ? 0 : 1, rows[i].line),
                       rows[i].says);
}

static void vocabulary_that_is_no_vocabulary(void **state) {
    static unsigned char packed[1 << 21];
    (void)state;
    FILE *file = fopen("data/vocab/bpe_simple_vocab_16e6.txt.gz", "rb");
    assert_non_null(file);
    const size_t size = fread(packed, 1, sizeof packed, file);
    (void)fclose(file);
    assert_refused(open_tokenizer, written("vocabulary.gz", packed, size / 2),
                   "truncated or damaged gzip data");
    assert_refused(open_tokenizer, written("vocabulary.gz", packed, size - 1),
                   "truncated or damaged gzip data");
    packed[size / 2] ^= 0x10;
    assert_refused(open_tokenizer, written("vocabulary.gz", packed, size), "");
    assert_refused(open_tokenizer, "data/fashion-clip/images/00000-ankle-boot.png", "line 1 is not a header");
    assert_refused(open_tokenizer, "/nowhere.gz", "cannot be opened");
    assert_only_regular_files(open_tokenizer);
}

/* ---- the forms of Hugging Face ---- */

static struct cp_tokenizer *own; /* OpenAI's, for the names */
static char *json;               /* as large as any of the files */

enum { JSON_MAX = 8 << 20, TOKENS = 49408 };

static size_t put_string(char *to, const char *text) {
    size_t used = 0;
    to[used++] = '"';
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            to[used++] = '\\';
        to[used++] = *text;
    }
    to[used++] = '"';
    return used;
}

/* What is done to the files: ids from `from` on move up by `shift`, and token `lost` is left out. */
struct damage {
    int from, shift, lost;
};
static const struct damage none = {TOKENS, 0, -1};

static size_t put_vocabulary(char *to, const struct damage *d) {
    size_t used = 0;
    to[used++] = '{';
    for (int id = 0; id < TOKENS; id++) {
        if (id == d->lost)
            continue;
        used += (size_t)sprintf(to + used, "%s", used > 1 ? "," : "");
        used += put_string(to + used, cp_tokenizer_name(own, id));
        used += (size_t)sprintf(to + used, ":%d", id + (id >= d->from ? d->shift : 0));
    }
    to[used++] = '}';
    to[used] = '\0';
    return used;
}

/* Each merge as "left right", or as ["left", "right"]. */
static size_t put_merges(char *to, bool pairs) {
    const char *line = vocabulary + line_start(2);
    size_t used = 0;
    to[used++] = '[';
    for (int rank = 0; rank < LINES - 1; rank++) {
        char merge[256], *right = merge;
        (void)snprintf(merge, sizeof merge, "%.*s", (int)strcspn(line, "\n"), line);
        line += strcspn(line, "\n") + 1;
        used += (size_t)sprintf(to + used, "%s", rank ? "," : "");
        if (!pairs) {
            used += put_string(to + used, merge);
            continue;
        }
        (void)strsep(&right, " ");
        to[used++] = '[';
        used += put_string(to + used, merge);
        to[used++] = ',';
        used += put_string(to + used, right);
        to[used++] = ']';
    }
    to[used++] = ']';
    to[used] = '\0';
    return used;
}

static const char *tokenizer_json(const struct damage *d, bool pairs, const char *suffix, const char *added) {
    size_t used =
        (size_t)sprintf(json, "{\"version\":\"1.0\",\"added_tokens\":%s,\"model\":{\"type\":\"BPE\",", added);
    used += (size_t)sprintf(json + used, "\"end_of_word_suffix\":\"%s\",\"vocab\":", suffix);
    used += put_vocabulary(json + used, d);
    used += (size_t)sprintf(json + used, ",\"merges\":");
    used += put_merges(json + used, pairs);
    used += (size_t)sprintf(json + used, "}}");
    return written("tokenizer.json", json, used);
}

static const char *vocab_json(const struct damage *d) {
    return written("vocab.json", json, put_vocabulary(json, d));
}

static void write_merges(int lines) {
    (void)snprintf(edited, vocabulary_size + MARGIN, "#version: 0.2\n%.*s",
                   (int)(line_start(lines + 1) - line_start(2)), vocabulary + line_start(2));
    (void)written("merges.txt", edited, strlen(edited));
}

static int make_own(void **state) {
    struct cp_error err;
    (void)state;
    json = malloc(JSON_MAX);
    return json && cp_tokenizer_open("data/vocab/bpe_simple_vocab_16e6.txt.gz", &own, &err) == CP_OK ? 0 : -1;
}

static int drop_own(void **state) {
    (void)state;
    cp_tokenizer_close(own);
    free(json);
    return 0;
}

/* As assert_refused, in this process: the files are large, and what a child may take is for small ones.
 * `names` is the file that the line begins with. */
static void refused_large(const char *path, const char *names, const char *says) {
    char line[2048], begins[256];
    struct cp_error err = {CP_OK, "", "", ""};
    assert_int_equal(open_tokenizer(path, &err), CP_BAD_INPUT);
    cp_error_line(&err, line, sizeof line);
    (void)snprintf(begins, sizeof begins, "%s/%s: ", folder, names);
    if (strncmp(line, begins, strlen(begins)) != 0 || !strstr(line, says) || !strstr(line, " (expected "))
        fail_msg("'%s' does not say '%s' of %s", line, says, names);
}

static void accepted_large(const char *path) {
    struct cp_error err = {CP_OK, "", "", ""};
    if (open_tokenizer(path, &err) != CP_OK)
        fail_msg("%s", err.what);
}

static void hugging_face_files_are_accepted(void **state) {
    static const char added[] = "[{\"id\":49406,\"content\":\"<|startoftext|>\"},"
                                "{\"id\":49407,\"content\":\"<|endoftext|>\"}]";
    (void)state;
    refused_large(vocab_json(&none), "merges.txt", "cannot be opened");
    write_merges(LINES);
    accepted_large(written("merges.txt", edited, strlen(edited)));
    accepted_large(vocab_json(&none));
    accepted_large(tokenizer_json(&none, false, "</w>", added));
    accepted_large(tokenizer_json(&none, true, "</w>", "[]"));
    accepted_large(tokenizer_json(&(struct damage){TOKENS, 0, 49407}, true, "</w>", added));
}

static void case_78_hugging_face_ids(void **state) {
    (void)state;
    write_merges(LINES);
    assert_refused(
        open_tokenizer, vocab_json(&(struct damage){49407, 1, -1}),
        "token '<|endoftext|>' has an id that is none of 49408 (expected ids without gaps, from 0 on)");
    refused_large(vocab_json(&(struct damage){300, 1, 400}), "vocab.json", "has an id that is none of 49407");
    refused_large(vocab_json(&(struct damage){49407, -1, -1}), "vocab.json",
                  "tokens '<|startoftext|>' and '<|endoftext|>' have one id, 49406");
    refused_large(vocab_json(&(struct damage){TOKENS, 0, 49407}), "vocab.json",
                  "has 49407 tokens (expected OpenAI's 49408)");
    refused_large(vocab_json(&(struct damage){TOKENS, 0, 300}), "vocab.json", "none of 49407");
    refused_large(tokenizer_json(&none, false, "</w>", "[{\"id\":49408,\"content\":\"<extra>\"}]"),
                  "tokenizer.json", "has 49409 tokens");
    refused_large(tokenizer_json(&none, false, "</w>", "[{\"id\":7}]"), "tokenizer.json",
                  "has an added token without content");
}

static void case_79_hugging_face_merges(void **state) {
    (void)state;
    write_merges(LINES - 1);
    refused_large(vocab_json(&none), "merges.txt", "ends behind line 48894");
    refused_large(tokenizer_json(&none, false, "", "[]"), "tokenizer.json",
                  "another model.end_of_word_suffix");
}

static void json_that_is_no_vocabulary(void **state) {
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"{", "line 1, column 1"},
        {"{}", "has no tokens"},
        {"{\"a\": \"b\"}", "token 'a' has an id that is none of 1"},
        {"{\"a\": 1}", "token 'a' has an id that is none of 1"},
        {"{\"a\": -1}", "token 'a' has an id that is none of 1"},
        {"{\"a\": 0.5}", "token 'a' has an id that is none of 1"},
        {"{\"a\": 0, \"a\": 0}", "duplicate object key"},
        {"{\"model\": {}}", "has no model.vocab and model.merges"},
        {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [], \"end_of_word_suffix\": \"</w>\"}}",
         "ends behind merge"},
        {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [[1, 2]], \"end_of_word_suffix\": \"</w>\"}}",
         "merge 0 is not a merge of two known symbols"},
        {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [\"x\"], \"end_of_word_suffix\": \"</w>\"}}",
         "merge 0 is not a merge of two known symbols"},
        {"[]", "line 1 is not a header"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_refused(open_tokenizer, written("tokenizer.json", rows[i].text, strlen(rows[i].text)),
                       rows[i].says);
}

/* What a run says of prompts: refused, and nothing written. */
static void refuse_prompts(const char *setting, const char *line) {
    char arguments[1024], text[4096];
    (void)snprintf(arguments, sizeof arguments,
                   "run experiments/quickgelu-vs-gelu.yaml inputs.labels=off output=%s/run.h5 '%s'", folder,
                   setting);
    const int code = run_program(arguments, text, sizeof text);
    if (code != CP_BAD_INPUT || !strstr(text, line))
        fail_msg("%s gives %d, '%s', which does not say '%s'", setting, code, text, line);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_non_null(strstr(text, " (expected "));
    (void)snprintf(arguments, sizeof arguments, "%s/run.h5.partial", folder);
    assert_int_equal(access(arguments, F_OK), -1);
}

static void case_80_no_text(void **state) {
    static const struct {
        const char *bytes;
        size_t size;
        const char *says;
    } files[] = {
        {"a dog\n\na caf\xe9\n", 14, ":3:1: prompt 'a caf...': byte 6 is 0xe9, not well-formed UTF-8"},
        {"a \xff", 3, ":1:1: prompt 'a ...': byte 3 is 0xff, not well-formed UTF-8"},
        {"a \xc0\xaf", 4, ":1:1: prompt 'a ...': byte 3 is 0xc0, not well-formed UTF-8"},
        {"a \xed\xa0\x80", 5, ":1:1: prompt 'a ...': byte 3 is 0xed, not well-formed UTF-8"},
        {"a \xf4\x90\x80\x80", 6, ":1:1: prompt 'a ...': byte 3 is 0xf4, not well-formed UTF-8"},
        {"a dog\r\na \xf0\x9f\x98\r\n", 14, ":2:1: prompt 'a ...': byte 3 is 0xf0, not well-formed UTF-8"},
        {"caf\xc3\x83\xc2\xa9\n", 8,
         ":1:1: prompt has 'f\xc3\x83\xc2\xa9', which ftfy takes for text read in a "
         "wrong encoding"},
        {"a \xf0\x9e\x84\x80\n\xf0\x9e\xa4\x80\xf0\x9e\xb7\xbf\xf0\x91\xbc\x82", 19,
         ":2:1: prompt has U+11F02, which is a letter, number or mark since Unicode 15 only"},
        {"a dog\na\0cat\n", 12, ": byte 8 is a NUL (expected a text file)"},
        {"\n\r\n", 3, ": has no lines"}};
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char setting[512], line[512];
        const char *path = written("prompts.txt", files[i].bytes, files[i].size);
        (void)snprintf(setting, sizeof setting, "inputs.prompts={file: %s}", path);
        (void)snprintf(line, sizeof line, "%s%s", path, files[i].says);
        refuse_prompts(setting, line);
        (void)snprintf(setting, sizeof setting, "inputs.prompts={classes: %s, templates: [\"{}\"]}", path);
        refuse_prompts(setting, line);
    }
    refuse_prompts("inputs.prompts=[\"a\\0b\"]", "NUL");
    refuse_prompts("inputs.prompts={classes: [cat], templates: [a photo]}", "template 'a photo' has no {}");
}

static void case_81_over_the_context_length(void **state) {
    char dogs[4 * (CONTEXT - 1) + 1], setting[512];
    (void)state;
    for (size_t i = 0; i < sizeof dogs; i++)
        dogs[i] = "dog "[i % 4];
    dogs[sizeof dogs - 1] = '\0';
    (void)snprintf(setting, sizeof setting, "inputs.prompts=[a dog, %s]", dogs);
    refuse_prompts(
        setting,
        "' has 78 tokens with start and end (expected at most 77, the context length, unless it is cut: "
        "inputs.truncate: on, --truncate)");
    char arguments[1536], text[65536];
    (void)snprintf(
        arguments, sizeof arguments,
        "run experiments/quickgelu-vs-gelu.yaml --dry-run -v inputs.labels=off inputs.truncate=on '%s'",
        setting);
    assert_int_equal(run_program(arguments, text, sizeof text), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_is_accepted),
        cmocka_unit_test(case_78_ids_not_contiguous),
        cmocka_unit_test(case_78_wrong_size),
        cmocka_unit_test(case_79_bad_merges_line),
        cmocka_unit_test(vocabulary_that_is_no_vocabulary),
        cmocka_unit_test_setup_teardown(hugging_face_files_are_accepted, make_own, drop_own),
        cmocka_unit_test_setup_teardown(case_78_hugging_face_ids, make_own, drop_own),
        cmocka_unit_test_setup_teardown(case_79_hugging_face_merges, make_own, drop_own),
        cmocka_unit_test(json_that_is_no_vocabulary),
        cmocka_unit_test(case_80_no_text),
        cmocka_unit_test(case_81_over_the_context_length),
    };
    return cmocka_run_group_tests(tests, read_vocabulary, drop_vocabulary);
}
