/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/utf8.h"

#include "support/test.h"
#include "support/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void assert_at(const struct cp_mark *mark, int line, int column) {
    assert_string_equal(mark->source, "t.yaml");
    assert_int_equal(mark->line, line);
    assert_int_equal(mark->column, column);
}

static void tree_and_marks(void **state) {
    (void)state;
    const struct cp_yaml *root = parse_yaml("a: 1\n"
                                            "b:\n"
                                            "  - \xc3\xa9 x\n"
                                            "  - {\xc3\xa9: \"d\", f: }\n"
                                            "c:\n"
                                            "d: |\n"
                                            "  two\n"
                                            "  lines\n");
    assert_int_equal(root->kind, CP_YAML_MAPPING);
    assert_int_equal(root->count, 4);
    assert_at(&root->mark, 1, 1);
    const struct cp_yaml *a = cp_yaml_get(root, "a"), *b = cp_yaml_get(root, "b");
    assert_string_equal(a->text, "1");
    assert_true(a->plain);
    assert_at(&a->mark, 1, 4);
    assert_int_equal(b->kind, CP_YAML_SEQUENCE);
    assert_int_equal(b->count, 2);
    assert_null(b->entries[0].key);
    assert_string_equal(b->entries[0].value->text, "\xc3\xa9 x");
    assert_at(&cp_yaml_entry(root, "b")->mark, 2, 1);
    const struct cp_yaml *inner = b->entries[1].value;
    assert_at(&inner->mark, 4, 5);
    assert_string_equal(inner->entries[0].key, "\xc3\xa9");
    assert_at(&inner->entries[0].value->mark, 4,
              9); /* columns are characters; the quote, not what follows it */
    assert_false(inner->entries[0].value->plain);
    assert_at(&inner->entries[1].mark, 4, 14);
    assert_true(cp_yaml_is_null(cp_yaml_get(inner, "f")));
    assert_true(cp_yaml_is_null(cp_yaml_get(root, "c")));
    assert_at(&cp_yaml_get(root, "c")->mark, 5, 1); /* an empty value stands at its key */
    assert_string_equal(cp_yaml_get(root, "d")->text, "two\nlines\n");
    assert_null(cp_yaml_get(root, "e"));
}

static void bad_text_is_one_line_with_its_place(void **state) {
    static const struct {
        const char *text, *line;
    } rows[] = {
        {"", "t.yaml: empty (expected a YAML document)"},
        {"# only a comment\n", "t.yaml: empty (expected a YAML document)"},
        {"a: 1\nb: 2\na: 3\n", "t.yaml:3:1: duplicate key 'a', first at line 1"},
        {"m:\n  x: 1\n  \"x\": 2\n", "t.yaml:3:3: duplicate key 'x', first at line 2"},
        {"{k: 1, k: 2}", "t.yaml:1:8: duplicate key 'k', first at line 1"},
        {"a: &x b\nc: d\n",
         "t.yaml:1:4: anchors and aliases are not allowed (expected the value written out; quotes "
         "around a text that begins with * or &)"},
        {"a: {*: stats}\n",
         "t.yaml:1:5: anchors and aliases are not allowed (expected the value written out; quotes "
         "around a text that begins with * or &)"},
        {"a: 1\nb: !!str 2\n", "t.yaml:2:4: tags (!...) are not allowed"},
        {"a: 1\n---\nb: 2\n", "t.yaml:2:1: a second document"},
        {"? [a]\n: b\n", "t.yaml:1:3: a key that is a list or a mapping (expected a name)"},
        {"a: \xff\n", "t.yaml:1:4: byte 0xff at offset 3 (expected UTF-8 text without control characters)"},
        {"a: 1\r\nb: \xed\xa0\x80\n",
         "t.yaml:2:4: byte 0xed at offset 9 (expected UTF-8 text without control characters)"},
        {"a: x\033[31m\n",
         "t.yaml:1:5: byte 0x1b at offset 4 (expected UTF-8 text without control characters)"},
        {"a: \"x\\0y\"\n", "t.yaml:1:4: a NUL character inside a string (expected text)"},
        {"a:\n\tb: 3\n", "t.yaml:2:1: tab character may not be used as indentation"},
        {"a: b: c\n", "t.yaml:1:5: invalid nested block mapping on the same line"},
        {"a: \"abc\n", "t.yaml:1:5: double-quoted scalar without closing quote"},
        {"x: 1\n\xc3\xa9: @b\n", "t.yaml:2:4: plain scalar cannot start with '@'"},
        {"a: [1, 2\n", "t.yaml:2:1: flow sequence without a closing bracket"},
        {"%YAML 3.1\n---\na: 1\n", "t.yaml: unsupport version number 3.1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cp_yaml *root = NULL;
        assert_int_equal(
            cp_yaml_parse(&yaml_arena, "t.yaml", rows[i].text, strlen(rows[i].text), &root, &yaml_error),
            CP_BAD_INPUT);
        assert_yaml_error(rows[i].line);
    }
}

/* Nine levels of nine aliases each: 10^9 scalars from 300 bytes if aliases were followed. */
static void alias_bomb_is_refused(void **state) {
    char text[2048] = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
    (void)state;
    for (int name = 'b'; name <= 'i'; name++) {
        const size_t used = strlen(text);
        const int before = name - 1;
        (void)snprintf(text + used, sizeof text - used, "%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n",
                       name, name, before, before, before, before, before, before, before, before, before);
    }
    struct cp_yaml *root = NULL;
    assert_int_equal(cp_yaml_parse(&yaml_arena, "t.yaml", text, strlen(text), &root, &yaml_error),
                     CP_BAD_INPUT);
    assert_string_equal(yaml_error.where, "t.yaml:1:4");
    assert_true(yaml_arena.total < 1 << 20);
}

static void limits(void **state) {
    static char text[CP_YAML_BYTES + 2];
    struct cp_yaml *root = NULL;
    (void)state;
    memset(text, '[', 100000);
    assert_int_equal(cp_yaml_parse(&yaml_arena, "t.yaml", text, 100000, &root, &yaml_error), CP_BAD_INPUT);
    assert_yaml_error("t.yaml:1:33: more than 32 levels of nesting");

    memset(text, '#', sizeof text);
    assert_int_equal(cp_yaml_parse(&yaml_arena, "t.yaml", text, CP_YAML_BYTES, &root, &yaml_error),
                     CP_BAD_INPUT);
    assert_yaml_error("t.yaml: empty (expected a YAML document)");
    assert_int_equal(cp_yaml_parse(&yaml_arena, "t.yaml", text, CP_YAML_BYTES + 1, &root, &yaml_error),
                     CP_BAD_INPUT);
    assert_yaml_error("t.yaml: larger than 1048576 bytes");

    size_t size = 0;
    for (int key = 0; key < CP_YAML_KEYS; key++)
        size += (size_t)sprintf(text + size, "k%d: 0\n", key);
    assert_int_equal(cp_yaml_parse(&yaml_arena, "t.yaml", text, size, &root, &yaml_error), CP_OK);
    assert_int_equal(root->count, CP_YAML_KEYS);
    const struct cp_yaml_entry known = {"k7", {"s", 0, 0}, root}, unknown = {"new", {"s", 0, 0}, root};
    assert_int_equal(cp_yaml_set(&yaml_arena, root, &known, true, &yaml_error), CP_OK);
    assert_int_equal(cp_yaml_set(&yaml_arena, root, &unknown, true, &yaml_error), CP_BAD_INPUT);
    assert_yaml_error("s: more than 1024 keys in one mapping");
    size += (size_t)sprintf(text + size, "one more: 0\n");
    assert_int_equal(cp_yaml_parse(&yaml_arena, "t.yaml", text, size, &root, &yaml_error), CP_BAD_INPUT);
    assert_yaml_error("t.yaml:1025:1: more than 1024 keys in one mapping");
}

static void files(void **state) {
    char path[] = "/tmp/clip-parity-yaml-XXXXXX";
    const int descriptor = mkstemp(path);
    struct cp_yaml *root = NULL;
    (void)state;
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, "a: 1\nb: @", 9), 9);
    assert_int_equal(cp_yaml_load(&yaml_arena, path, &root, &yaml_error), CP_BAD_INPUT);
    assert_int_equal(strncmp(yaml_error.where, path, strlen(path)), 0);
    assert_string_equal(yaml_error.where + strlen(path), ":2:4");
    assert_int_equal(ftruncate(descriptor, 5), 0);
    assert_int_equal(cp_yaml_load(&yaml_arena, path, &root, &yaml_error), CP_OK);
    assert_string_equal(cp_yaml_get(root, "a")->text, "1");
    (void)close(descriptor);
    (void)unlink(path);
    assert_int_equal(cp_yaml_load(&yaml_arena, "no/such/file.yaml", &root, &yaml_error), CP_BAD_INPUT);
    assert_yaml_error("no/such/file.yaml: cannot be opened: No such file or directory (expected a file that "
                      "can be read; paths are relative to the current directory)");
    assert_int_equal(cp_yaml_load(&yaml_arena, "/tmp", &root, &yaml_error), CP_BAD_INPUT);
    assert_yaml_error("/tmp: is a folder (expected a file with contents)");
    assert_int_equal(cp_yaml_load(&yaml_arena, "/dev/zero", &root, &yaml_error), CP_BAD_INPUT);
    assert_yaml_error("/dev/zero: is not a regular file (expected a file with contents)");
}

static void inline_values_have_no_line(void **state) {
    struct cp_yaml *root = NULL;
    (void)state;
    assert_int_equal(
        cp_yaml_parse_inline(&yaml_arena, "command line: a=[1, x]", "[1, x]", &root, &yaml_error), CP_OK);
    int64_t value = 0;
    assert_int_equal(cp_yaml_integer(root->entries[1].value, "a", 0, 9, &value, &yaml_error), CP_BAD_INPUT);
    assert_yaml_error("command line: a=[1, x]: a: 'x' is not an integer (expected an integer from 0 to 9)");
    assert_int_equal(cp_yaml_parse_inline(&yaml_arena, "command line: a=[1", "[1", &root, &yaml_error),
                     CP_BAD_INPUT);
    assert_yaml_error("command line: a=[1: flow sequence without a closing bracket");
}

static void setting_keeps_the_place_or_takes_the_last(void **state) {
    struct cp_yaml *root = parse_yaml("a: 1\nb: 2\nc: 3\n");
    struct cp_yaml_entry entry = {"a", {"s", 0, 0}, parse_yaml("9")};
    (void)state;
    assert_int_equal(cp_yaml_set(&yaml_arena, root, &entry, false, &yaml_error), CP_OK);
    assert_string_equal(root->entries[0].key, "a");
    assert_string_equal(root->entries[0].value->text, "9");
    entry.key = "b";
    assert_int_equal(cp_yaml_set(&yaml_arena, root, &entry, true, &yaml_error), CP_OK);
    entry.key = "d";
    assert_int_equal(cp_yaml_set(&yaml_arena, root, &entry, false, &yaml_error), CP_OK);
    assert_int_equal(root->count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(root->entries[i].key, ((const char *const[]){"a", "c", "b", "d"})[i]);
}

/* RFC 3629, section 4, and the boundaries of every row of its table. */
static void utf8(void **state) {
    static const char *const good[] = {"a",
                                       "\t",
                                       "\xc2\xa0",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbd",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x01",
                                      "\x7f",
                                      "\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2\x41",
                                      "\xc2\x9b",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xe2\x82",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xf8\x88\x80\x80\x80",
                                      "\xff"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const unsigned char *text = (const unsigned char *)good[i];
        const size_t length = strlen(good[i]);
        assert_int_equal(cp_utf8_length(text, length), length);
        if (length > 1)
            assert_int_equal(cp_utf8_length(text, length - 1), 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(cp_utf8_length((const unsigned char *)bad[i], strlen(bad[i])), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tree_and_marks),
        cmocka_unit_test(bad_text_is_one_line_with_its_place),
        cmocka_unit_test(alias_bomb_is_refused),
        cmocka_unit_test(limits),
        cmocka_unit_test(files),
        cmocka_unit_test(inline_values_have_no_line),
        cmocka_unit_test(setting_keeps_the_place_or_takes_the_last),
        cmocka_unit_test(utf8),
    };
    return cmocka_run_group_tests(tests, NULL, free_yaml);
}
