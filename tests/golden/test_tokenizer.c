/* SPDX-License-Identifier: GPL-3.0-or-later
 * Token ids against OpenAI's and open_clip's own tokenizers and Python's regex (reference/golden/tokenizer).
 */
#include "support/test.h"

#include "base/digest.h"
#include "base/hash.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT = 77, LINE_MAX_BYTES = 1 << 17, LIST_MAX = 4096, DRAWS_MAX = 1024 };
/* strings.py */
enum { SEED = 20, MIXED = 20000, FRAGMENTS = 20000, NUMBERS = 2048, LONG = 300 };
enum { LENGTH_MAX = 24, PARTS_MAX = 12, LONG_BYTES = 6000 };

static struct cp_tokenizer *tokenizer;
static struct cp_arena arena;

static int open_vocabulary(void **state) {
    struct cp_error err;
    (void)state;
    return cp_tokenizer_open("data/vocab/bpe_simple_vocab_16e6.txt.gz", &tokenizer, &err) != CP_OK;
}

static int close_vocabulary(void **state) {
    (void)state;
    cp_tokenizer_close(tokenizer);
    cp_arena_free(&arena);
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

static FILE *open_golden(const char *name) {
    char path[256];
    (void)snprintf(path, sizeof path, "reference/golden/tokenizer/%s", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    return file;
}

/* The ids between start and end, or "refused", as the goldens have them. */
static const char *ids_line(const struct cp_tokenizer_variant *v, const char *text) {
    static char line[LINE_MAX_BYTES];
    struct cp_error err;
    struct cp_tokens tokens;
    size_t used = 0;
    cp_arena_reset(&arena);
    const enum cp_status status =
        cp_tokenizer_tokens(tokenizer, v, text, strlen(text), &arena, &tokens, &err);
    if (status != CP_OK) {
        assert_int_equal(status, CP_BAD_INPUT);
        return "refused";
    }
    line[0] = '\0';
    assert_true(tokens.count >= 2 && tokens.ids[0] == 49406 && tokens.ids[tokens.count - 1] == 49407);
    for (size_t i = 1; i + 1 < tokens.count; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, i > 1 ? " %d" : "%d", tokens.ids[i]);
    return line;
}

static const struct cp_tokenizer_variant *variant(const char *name) {
    const struct cp_tokenizer_variant *v = NULL;
    struct cp_error err;
    assert_int_equal(cp_tokenizer_find(name, &v, &err), CP_OK);
    return v;
}

static void prompts_have_the_libraries_ids(void **state) {
    static char line[LINE_MAX_BYTES];
    size_t encoded = 0, refused = 0;
    (void)state;
    FILE *file = open_golden("prompts.tsv");
    while (fgets(line, sizeof line, file)) {
        char *rest = line, *name = strsep(&rest, "\t"), *ids = strsep(&rest, "\t");
        assert_non_null(rest);
        assert_non_null(strchr(rest, '\n'));
        *strchr(rest, '\n') = '\0';
        unescape(rest);
        const char *found = ids_line(variant(name), rest);
        if (strcmp(found, ids) != 0)
            fail_msg("%s of '%s' is '%s', expected '%s'", name, rest, found, ids);
        refused += strcmp(ids, "refused") == 0;
        encoded += strcmp(ids, "refused") != 0;
    }
    (void)fclose(file);
    assert_true(encoded >= 1000 && refused >= 20);
}

/* ---- the strings of strings.py ---- */

static char *fragments[LIST_MAX], *entities[LIST_MAX];
static size_t fragment_count, entity_count;
static struct { unsigned first, last; } alphabet[LIST_MAX];
static size_t range_count;

static size_t read_list(const char *name, char *list[LIST_MAX]) {
    char line[256];
    size_t count = 0;
    FILE *file = open_golden(name);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        unescape(line);
        list[count++] = strdup(line);
    }
    (void)fclose(file);
    return count;
}

static void read_lists(void) {
    char line[256];
    FILE *file = open_golden("alphabet.txt");
    while (fgets(line, sizeof line, file)) {
        char *rest;
        alphabet[range_count].first = (unsigned)strtoul(line, &rest, 16);
        alphabet[range_count++].last = (unsigned)strtoul(rest, NULL, 16);
    }
    (void)fclose(file);
    fragment_count = read_list("fragments.txt", fragments);
    entity_count = read_list("entities.txt", entities);
}

static void free_list(char *list[LIST_MAX], size_t count) {
    for (size_t i = 0; i < count; i++)
        free(list[i]);
}

static uint64_t draw(const char *group, size_t index, size_t k) {
    return cp_counter_hash(SEED, cp_name_hash(group), index * DRAWS_MAX + k);
}

static size_t put(char *text, unsigned code) {
    return cp_codes_encode(code, (unsigned char *)text);
}

/* What is done with each string of a group. */
typedef void visitor(const char *text);

static void points(unsigned first, unsigned last, unsigned step, visitor *visit) {
    for (unsigned code = first; code <= last; code += step) {
        char c[CP_UTF8_MAX + 1] = {0}, text[64];
        (void)put(c, code);
        (void)snprintf(text, sizeof text, "A%s %s%s1", c, c, c);
        if (code < 0xd800 || code >= 0xe000)
            visit(text);
    }
}

static void mixed(visitor *visit) {
    for (size_t i = 0; i < MIXED; i++) {
        char text[CP_UTF8_MAX * LENGTH_MAX + 1] = {0};
        const size_t length = 1 + draw("mixed", i, 0) % LENGTH_MAX;
        size_t used = 0;
        for (size_t k = 1; k <= length; k++) {
            const uint64_t h = draw("mixed", i, k);
            const unsigned first = alphabet[h % range_count].first, last = alphabet[h % range_count].last;
            used += put(text + used, first + (unsigned)((h >> 8) % (last - first + 1)));
        }
        visit(text);
    }
}

static void joined(visitor *visit) {
    for (size_t i = 0; i < FRAGMENTS; i++) {
        char text[PARTS_MAX * 256] = {0};
        size_t used = 0;
        const size_t length = 1 + draw("fragments", i, 0) % PARTS_MAX;
        for (size_t k = 1; k <= length; k++)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s",
                                     fragments[draw("fragments", i, k) % fragment_count]);
        visit(text);
    }
}

/* Of fragments that beside others are no mojibake. */
static void long_texts(visitor *visit) {
    const char *plain[LIST_MAX];
    size_t count = 0;
    for (size_t i = 0; i < fragment_count; i++)
        if (!strpbrk(fragments[i], "\xc2\xc3\xc5\xcc\xce\xcf\xd0\xd1\xe2\xef<&"))
            plain[count++] = fragments[i];

    for (size_t i = 0; i < LONG; i++) {
        char text[LONG_BYTES + 1] = {0};
        size_t used = 0;
        for (size_t k = 0; count > 0 && k < DRAWS_MAX; k++) {
            const char *part = plain[draw("long", i, k) % count];
            if (used + strlen(part) > LONG_BYTES)
                break;
            used += (size_t)snprintf(text + used, sizeof text - used, "%s", part);
        }
        visit(text);
    }
}

static void entity_texts(visitor *visit) {
    static const char *const around[][2] = {{"&", ";"},      {"&", ""},   {"a&", "b"},
                                            {"&amp;", ";x"}, {"<&", ";"}, {"\xc3\xa9&", ";"}};
    for (size_t i = 0; i < entity_count; i++) {
        char text[128];
        for (size_t k = 0; k < sizeof around / sizeof around[0]; k++) {
            (void)snprintf(text, sizeof text, "%s%s%s", around[k][0], entities[i], around[k][1]);
            visit(text);
        }
        (void)snprintf(text, sizeof text, "&%s;", entities[i]);
        for (char *at = text; *at; at++)
            *at = (char)toupper((unsigned char)*at);
        visit(text);
    }
}

static void numbers(visitor *visit) {
    for (unsigned i = 0; i < NUMBERS; i++) {
        const unsigned number = i < NUMBERS / 2 ? i : (unsigned)(draw("numbers", i, 0) % 0x120000);
        char text[5][64];
        (void)snprintf(text[0], sizeof text[0], "&#%u;", number);
        (void)snprintf(text[1], sizeof text[1], "&#x%x;", number);
        (void)snprintf(text[2], sizeof text[2], "a&#%ub", number);
        (void)snprintf(text[3], sizeof text[3], "&#X%X", number);
        (void)snprintf(text[4], sizeof text[4], "&amp;#%u;", number);
        for (size_t k = 0; k < 5; k++)
            visit(text[k]);
    }
}

static void visit_group(const char *group, visitor *visit) {
    static const struct {
        const char *name;
        void (*strings)(visitor *visit);
    } rows[] = {{"mixed", mixed},
                {"fragments", joined},
                {"long", long_texts},
                {"entities", entity_texts},
                {"numbers", numbers}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, group) == 0) {
            rows[i].strings(visit);
            return;
        }
    if (strcmp(group, "points-beyond") == 0) {
        points(0x20000, 0x10ffff, 61, visit);
        return;
    }
    const unsigned page = (unsigned)strtoul(group + strlen("points-"), NULL, 16);
    points(page ? page << 12 : 1, (page << 12) + 0xfff, 1, visit);
}

static struct {
    const struct cp_tokenizer_variant *variant;
    struct cp_digest *digest;
    size_t strings, refused;
} golden;

static void hash_string(const char *text) {
    const char *line = ids_line(golden.variant, text);
    golden.strings++;
    golden.refused += strcmp(line, "refused") == 0;
    cp_digest_add(golden.digest, line, strlen(line));
    cp_digest_add(golden.digest, "\n", 1);
}

static void check_group(const char *group, const char *name, size_t strings, size_t refused,
                        const char *expected) {
    struct cp_error err;
    char hex[CP_DIGEST_HEX];
    golden.variant = variant(name);
    golden.strings = golden.refused = 0;
    assert_int_equal(cp_digest_start(&golden.digest, &err), CP_OK);
    visit_group(group, hash_string);
    cp_digest_finish_hex(golden.digest, hex);
    if (golden.strings != strings || golden.refused != refused || strcmp(hex, expected) != 0)
        fail_msg("%s by %s: %zu strings, %zu refused, %s; expected %zu, %zu, %s", group, name, golden.strings,
                 golden.refused, hex, strings, refused, expected);
}

static void groups_have_the_libraries_ids(void **state) {
    char line[256];
    size_t strings = 0, groups = 0;
    (void)state;
    read_lists();
    FILE *file = open_golden("digests.tsv");
    while (fgets(line, sizeof line, file)) {
        char *rest = line, *group = strsep(&rest, "\t"), *name = strsep(&rest, "\t");
        const size_t count = strtoul(strsep(&rest, "\t"), NULL, 10);
        const size_t refused = strtoul(strsep(&rest, "\t"), NULL, 10);
        rest[strcspn(rest, "\n")] = '\0';
        check_group(group, name, count, refused, rest);
        strings += count - refused;
        groups++;
    }
    (void)fclose(file);
    free_list(fragments, fragment_count);
    free_list(entities, entity_count);
    assert_true(groups >= 150 && strings >= 500000);
}

/* ---- cut and filled ---- */

static void encode(const char *name, const char *text, bool truncate, int32_t ids[8]) {
    struct cp_error err = {CP_OK, "", "", ""};
    if (cp_tokenizer_encode(tokenizer, variant(name), text, 8, truncate, ids, &err) != CP_OK)
        fail_msg("%s", err.what);
}

static void tokens_are_cut_and_filled_as_each_library_does(void **state) {
    static const struct {
        const char *name, *text;
        int32_t ids[8];
    } rows[] = {
        {"openai", "a dog", {49406, 320, 1929, 49407}},
        {"open_clip", "a dog", {49406, 320, 1929, 49407}},
        {"huggingface", "a dog", {49406, 320, 1929, 49407, 49407, 49407, 49407, 49407}},
        {"pad_eot", "a dog", {49406, 320, 1929, 49407, 49407, 49407, 49407, 49407}},
        {"drop_eot", "a dog", {49406, 320, 1929, 49407}},
        {"openai", "", {49406, 49407}},
        {"openai", "1 2 3 4 5 6", {49406, 272, 273, 274, 275, 276, 277, 49407}},
        {"openai", "1 2 3 4 5 6 7", {49406, 272, 273, 274, 275, 276, 277, 49407}},
        {"huggingface", "1 2 3 4 5 6 7", {49406, 272, 273, 274, 275, 276, 277, 49407}},
        {"drop_eot", "1 2 3 4 5 6 7", {49406, 272, 273, 274, 275, 276, 277, 278}},
        {"drop_eot", "1 2 3 4 5 6", {49406, 272, 273, 274, 275, 276, 277, 49407}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int32_t ids[8];
        encode(rows[i].name, rows[i].text, true, ids);
        if (memcmp(ids, rows[i].ids, sizeof ids) != 0)
            fail_msg("%s of '%s'", rows[i].name, rows[i].text);
    }
}

static void too_long_is_an_error_without_truncation(void **state) {
    struct cp_error err;
    int32_t ids[8];
    (void)state;
    encode("openai", "1 2 3 4 5 6", false, ids);
    for (int i = 0; cp_tokenizer_variant(i); i++) {
        assert_int_equal(
            cp_tokenizer_encode(tokenizer, cp_tokenizer_variant(i), "1 2 3 4 5 6 7", 8, false, ids, &err),
            CP_BAD_INPUT);
        assert_non_null(strstr(err.what, " tokens with start and end"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompts_have_the_libraries_ids),
        cmocka_unit_test(groups_have_the_libraries_ids),
        cmocka_unit_test(tokens_are_cut_and_filled_as_each_library_does),
        cmocka_unit_test(too_long_is_an_error_without_truncation),
    };
    return cmocka_run_group_tests(tests, open_vocabulary, close_vocabulary);
}
