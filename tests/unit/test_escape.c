/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/escape.h"

#include "format/json_write.h"
#include "format/yaml.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

static char *text;
static size_t size;

/* What a function writes, until the next call. */
#define WRITTEN(call)                                                                                        \
    (free(text), out = open_memstream(&text, &size), assert_non_null(out), call,                             \
     assert_int_equal(fclose(out), 0), text)

static FILE *out;

/* Of every character below U+0800, with and without neighbours, and of every byte. */
static void nothing_hidden_reaches_a_terminal(void **state) {
    (void)state;
    for (unsigned code = 1; code < 0x800; code++) {
        char name[8];
        if (code < 0x80)
            (void)snprintf(name, sizeof name, "a%cb", (int)code);
        else
            (void)snprintf(name, sizeof name, "a%c%cb", (int)(0xc0 | code >> 6), (int)(0x80 | (code & 0x3f)));
        (void)WRITTEN(cp_put_terminal(out, name));
        if (cp_is_hidden(code))
            assert_true(text[1] == '\\' && strlen(text) >= 6);
        else
            assert_string_equal(text, name);
    }
    for (unsigned byte = 0x80; byte < 0x100; byte++) {
        char name[] = {(char)byte, 'x', '\0'}, shown[8];
        (void)snprintf(shown, sizeof shown, "\\x%02xx", byte);
        assert_string_equal(WRITTEN(cp_put_terminal(out, name)), shown);
    }
    assert_string_equal(WRITTEN(cp_put_terminal(out, "\xe2\x80\xae\xe2\x80\xa8\xef\xbb\xbf\xc2")),
                        "\\u202e\\u2028\\ufeff\\xc2");
}

/* A job of GitHub takes lines that begin with "::" for commands, and any that hold "##[". */
static void no_line_is_a_command(void **state) {
    (void)state;
    assert_string_equal(WRITTEN(cp_put_terminal(out, "::error::x")), "\\x3a:error::x");
    assert_string_equal(WRITTEN(cp_put_terminal(out, "a ::error \xc2\xa0::b c::d")),
                        "a \\x3a:error \xc2\xa0\\x3a:b c::d");
    assert_string_equal(WRITTEN(cp_put_terminal(out, "a##[error]")), "a\\x23#[error]");
}

static void print_is_printf(void **state) {
    (void)state;
    assert_string_equal(
        WRITTEN(cp_print(out, "%s|%-6.3s|%6s|%*s|%-*s|\n", "a\nb", "a\xc3\xa9zz", "\x1b", 4, "x", 3, "y")),
        "a\\x0ab|a\xc3\xa9    |  \\x1b|   x|y  |\n");
    assert_string_equal(WRITTEN(cp_print(out, "%5d %zu %+ld %08.3f %.2e %g %c %% %u", -3, (size_t)7, 8L, 1.5,
                                         2.5e9, 0.1, 'c', 9u)),
                        "   -3 7 +8 0001.500 2.50e+09 0.1 c % 9");
    assert_string_equal(WRITTEN(cp_print_html(out, "<b>%s", "<i>&\"\n")), "<b>&lt;i&gt;&amp;&quot;\n");
}

static void csv(void **state) {
    static const char *const rows[][2] = {{"a", "a"},
                                          {"a,b", "\"a,b\""},
                                          {"a\"b", "\"a\"\"b\""},
                                          {"=cmd", "'=cmd"},
                                          {"+1", "'+1"},
                                          {"-1", "'-1"},
                                          {"@x", "'@x"},
                                          {"'x", "''x"},
                                          {"a=b", "a=b"},
                                          {"a\nb", "\"a\\x0ab\""},
                                          {"\tx", "'\\x09x"},
                                          {"::error", "'::error"},
                                          {"\xff", "\\xff"},
                                          {"=a,\"b\"", "\"'=a,\"\"b\"\"\""},
                                          {"", ""}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(WRITTEN(cp_put_csv(out, rows[i][0])), rows[i][1]);
}

static void markdown_and_xml(void **state) {
    (void)state;
    assert_string_equal(WRITTEN(cp_put_markdown(out, "1. a_b _c|`$<~\r\n\x1b&[")),
                        "1\\. a_b \\_c\\|\\`\\$\\<\\~  \\\\x1b\\&\\[");
    assert_string_equal(WRITTEN(cp_put_markdown(out, "# x")), "\\# x");
    assert_string_equal(WRITTEN(cp_put_xml(out, "]]>\n\t\"\x02\xef\xbf\xbe")),
                        "]]&gt;\\x0a\\x09&quot;\\x02\\ufffe");
}

static void words_of_commands(void **state) {
    (void)state;
    assert_string_equal(WRITTEN(cp_put_shell(out, "a/b.h5:x,y=1")), "a/b.h5:x,y=1");
    assert_string_equal(WRITTEN(cp_put_shell(out, "")), "''");
    assert_string_equal(WRITTEN(cp_put_shell(out, "it's $x")), "'it'\\''s $x'");
    assert_string_equal(WRITTEN(cp_put_shell(out, "a'\\\n\xff")), "$'a\\'\\\\\\x0a\\xff'");
    assert_string_equal(WRITTEN(cp_put_github(out, "a:b,c%\r\n\x1b", true)), "a%3Ab%2Cc%25%0D%0A\\x1b");
    assert_string_equal(WRITTEN(cp_put_github(out, "a:b,c%\n", false)), "a:b,c%25%0A");
}

/* Each as a scalar of YAML: read back to the byte by the reader of files, and by what reads a line of them. */
static void yaml_gives_back_every_byte(void **state) {
    static const char *const names[] = {"a b",        "\r\noutput: /evil", "\xff\xc2",
                                        "\xc2",       "\xc2\x85",          "\xe2\x80\xae\xe2\x80\xa8",
                                        "\"\\",       "\xf4\x8f\x9e\x80",  "\x01\x1b\x7f\t",
                                        "- [x]: {y}", "'x' # y",           "\xf0\x9f\x98\x80\x80",
                                        "null",       "*a &b !c",          "\xef\xbf\xbe\xf4",
                                        "::error",    "=cmd|' /C'!A0",     "\xc3\xa9\xe4\xb8\xad"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct cp_arena arena = {0};
        struct cp_error err = {0};
        struct cp_yaml *root;
        (void)WRITTEN((cp_yaml_put_text(out, names[i]), fputs(": ", out), cp_yaml_put_text(out, names[i])));
        assert_int_equal(cp_yaml_parse(&arena, "t.yaml", text, size, &root, &err), CP_OK);
        assert_int_equal(root->count, 1);
        assert_string_equal(root->entries[0].key, names[i]);
        assert_string_equal(root->entries[0].value->text, names[i]);
        (void)WRITTEN(cp_yaml_put_text(out, names[i]));
        cp_yaml_unquote(text);
        assert_string_equal(text, names[i]);
        cp_arena_free(&arena);
    }
}

/* On a command line they stand as they are. */
static void yaml_inline_takes_bytes(void **state) {
    struct cp_arena arena = {0};
    struct cp_error err = {0};
    struct cp_yaml *value;
    (void)state;
    assert_int_equal(cp_yaml_parse_inline(&arena, "x", "a\xff\x80\xbf\xc0.h5", &value, &err), CP_OK);
    assert_string_equal(value->text, "a\xff\x80\xbf\xc0.h5");
    cp_arena_free(&arena);
}

static void json_strings(void **state) {
    (void)state;
    assert_string_equal(WRITTEN(cp_json_put_string(out, "\"\\\x1b\xff\xe2\x80\xae\xc2\x9b</s>")),
                        "\"\\\"\\\\\\u001b\\ufffd\\u202e\\u009b</s>\"");
    assert_string_equal(WRITTEN(cp_json_put_script_string(out, "</s>")), "\"\\u003c/s>\"");
}

static int forget(void **state) {
    (void)state;
    free(text);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_hidden_reaches_a_terminal),
                                       cmocka_unit_test(no_line_is_a_command),
                                       cmocka_unit_test(print_is_printf),
                                       cmocka_unit_test(csv),
                                       cmocka_unit_test(markdown_and_xml),
                                       cmocka_unit_test(words_of_commands),
                                       cmocka_unit_test(yaml_gives_back_every_byte),
                                       cmocka_unit_test(yaml_inline_takes_bytes),
                                       cmocka_unit_test(json_strings)};
    return cmocka_run_group_tests(tests, NULL, forget);
}
