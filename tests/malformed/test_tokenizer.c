/* SPDX-License-Identifier: GPL-3.0-or-later
 * Vocabularies that are not OpenAI's, and prompts that no tokenizer should guess at. */
#include "io/file.h"
#include "malformed_fixture.h"
#include "model/tokenizer.h"
#include "program_fixture.h"

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
    vocabulary = (char *)file.bytes;
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
    assert_refused(open_tokenizer, replaced(2, 1, ""), "no merge of two known symbols");
    assert_refused(open_tokenizer, replaced(LINES - 1, 1, "\n"), "line 48894 is no merge");
    const size_t first_length = strcspn(second, "\n") + 1;
    (void)snprintf(swapped, sizeof swapped, "%.*s%.*s", (int)(end - second - (long)first_length),
                   second + first_length, (int)first_length, second);
    assert_refused(open_tokenizer, replaced(LINES - 1, 2, swapped), "holds other merges than OpenAI's");
}

static void case_78_wrong_size(void **state) {
    (void)state;
    assert_refused(open_tokenizer, written("vocabulary.txt", "", 0), "line 1 is no header");
    assert_refused(open_tokenizer, written("vocabulary.txt", vocabulary, line_start(2)),
                   "ends behind line 1 ");
    assert_refused(open_tokenizer, written("vocabulary.txt", vocabulary, line_start(LINES)),
                   "ends behind line 48894 (expected a header and 48894 merges");
    assert_refused(open_tokenizer, replaced(1, 1, ""), "line 1 is no header");
}

static void case_79_bad_merges_line(void **state) {
    static const struct {
        const char *line, *says;
    } rows[] = {
        {"th\n", "line 5 is no merge of two known symbols"},
        {"t \n", "line 5 is no merge of two known symbols"},
        {" t\n", "line 5 is no merge of two known symbols"},
        {"t h e\n", "line 5 is no merge of two known symbols"},
        {"t  h\n", "line 5 is no merge of two known symbols"},
        {"t\th\n", "line 5 is no merge of two known symbols"},
        {"t h\r\n", "line 5 is no merge of two known symbols"},
        {"zzz q\n", "line 5 is no merge of two known symbols"},
        {"\xff h\n", "line 5 is no merge of two known symbols"},
        {"i n\n", "line 5 makes a symbol that is there already"}, /* line 2 */
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
    assert_refused(open_tokenizer, "data/fashion-clip/images/00000-ankle-boot.png", "line 1 is no header");
    assert_refused(open_tokenizer, "/nowhere.gz", "cannot be opened");
    assert_only_regular_files(open_tokenizer);
}

/* What a run says of prompts: refused, and nothing written. */
static void refuse_prompts(const char *setting, const char *line) {
    char arguments[1024], text[4096];
    (void)snprintf(arguments, sizeof arguments,
                   "run experiments/quickgelu-vs-gelu.yaml output=%s/run.h5 '%s'", folder, setting);
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
    } files[] = {{"a dog\n\na caf\xe9\n", 14, ":3:1: prompt 'a caf...': byte 6 is 0xe9, not ASCII"},
                 {"a dog\r\na caf\xc3\xa9\r\n", 16, ":2:1: prompt 'a caf...': byte 6 is 0xc3, not ASCII"},
                 {"a \xff", 3, ":1:1: prompt 'a ...': byte 3 is 0xff, not ASCII"},
                 {"a dog\na\x1b[1m cat\n", 16, ":2:1: prompt 'a...': byte 2 is 0x1b, a control character"},
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
    refuse_prompts(setting, "' has 78 tokens with start and end (expected at most 77, the context length, or "
                            "inputs.truncate: on)");
    char arguments[1536], text[65536];
    (void)snprintf(arguments, sizeof arguments,
                   "run experiments/quickgelu-vs-gelu.yaml --dry-run inputs.truncate=on '%s'", setting);
    assert_int_equal(run_program(arguments, text, sizeof text), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_is_accepted),
        cmocka_unit_test(case_78_ids_not_contiguous),
        cmocka_unit_test(case_78_wrong_size),
        cmocka_unit_test(case_79_bad_merges_line),
        cmocka_unit_test(vocabulary_that_is_no_vocabulary),
        cmocka_unit_test(case_80_no_text),
        cmocka_unit_test(case_81_over_the_context_length),
    };
    return cmocka_run_group_tests(tests, read_vocabulary, drop_vocabulary);
}
