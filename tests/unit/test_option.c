/* SPDX-License-Identifier: GPL-3.0-or-later
 * The tables of all commands, and the parser with a table of its own. A new row is tested here without a new line. */
#include "cmd/cmd.h"
#include "option/candidate.h"
#include "option/help.h"
#include "option/parse.h"
#include "support/test.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 80 };

static char *help_of(const struct cp_command *command) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    if (command)
        cp_help_command(command, out);
    else
        cp_help_overview(cp_commands, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void check_lines(const char *text) {
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
        if (strcspn(line, "\n") > COLUMNS)
            fail_msg("more than 80 columns: %.*s", (int)strcspn(line, "\n"), line);
        assert_non_null(strchr(line, '\n'));
    }
}

static void check_name(const struct cp_command *command, size_t index, const struct cp_option *option) {
    struct cp_option found;
    const char letter[] = {'-', option->letter, '\0'};
    assert_int_equal(strncmp(option->name, "--", 2), 0);
    assert_true(cp_command_find_option(command, option->name, strlen(option->name), &found));
    assert_string_equal(found.name, option->name);
    if (option->letter) {
        assert_true(cp_command_find_option(command, letter, 2, &found));
        assert_string_equal(found.name, option->name);
    }
    for (size_t i = 0; cp_command_option(command, i, &found); i++)
        if (i != index && strcmp(found.name, option->name) == 0)
            fail_msg("%s has %s twice", command->name, option->name);
}

/* A phrase: no capital but a name's, no full stop. */
static void check_help(const char *help) {
    assert_non_null(help);
    const size_t length = strlen(help);
    assert_true(length > 3 && (help[length - 1] != '.' || strcmp(help + length - 3, "...") == 0));
    assert_false(isupper((unsigned char)help[0]) && islower((unsigned char)help[1]) &&
                 strncmp(help, "Markdown", 8) != 0);
}

static void check_option(const struct cp_command *command, size_t index, const struct cp_option *option) {
    check_name(command, index, option);
    check_help(option->help);
    assert_int_equal(option->kind == CP_WORD_CHOICE, option->choices != NULL);
    if (!option->value)
        assert_int_equal(option->kind, CP_WORD_TEXT);
    if (!option->take)
        assert_true(option->at < command->size);
    if (option->key)
        assert_int_equal(option->type, CP_VALUE_LIST);
    if (option->type == CP_VALUE_FLAG && !option->take)
        assert_null(option->value);
}

static void options_are_sound(void **state) {
    struct cp_option option;
    (void)state;
    for (const struct cp_command *const *command = cp_commands; *command; command++) {
        size_t i = 0;
        for (; cp_command_option(*command, i, &option); i++)
            check_option(*command, i, &option);
        assert_string_equal(option.name, "--help");
        assert_true(i >= 1);
    }
}

static void arguments_are_sound(void **state) {
    (void)state;
    for (const struct cp_command *const *command = cp_commands; *command; command++) {
        bool takes_all = false;
        for (const struct cp_argument *row = (*command)->argument; row && row->name; row++) {
            check_help(row->help);
            assert_int_equal(row->missing != NULL, row->expected != NULL);
            assert_int_equal(row->kind == CP_WORD_CHOICE, row->choices != NULL);
            assert_true(!row->takes || row->type == CP_VALUE_LIST);
            assert_true(row->at < (*command)->size);
            takes_all = takes_all || (!row->takes && row->type == CP_VALUE_LIST);
        }
        assert_true(takes_all || ((*command)->excess && (*command)->expected));
    }
}

static void commands_are_sound(void **state) {
    (void)state;
    for (const struct cp_command *const *command = cp_commands; *command; command++) {
        assert_ptr_equal(cp_command_find(cp_commands, (*command)->name), *command);
        check_help((*command)->summary);
        assert_int_equal((*command)->about[strlen((*command)->about) - 1], '\n');
        assert_true((*command)->group == CP_COMMANDS_HIDDEN || (*command)->example);
    }
}

static void help_fits_a_terminal(void **state) {
    struct cp_option option;
    char *overview = help_of(NULL);
    (void)state;
    check_lines(overview);
    for (const struct cp_command *const *command = cp_commands; *command; command++) {
        char *text = help_of(*command);
        check_lines(text);
        for (size_t i = 0; cp_command_option(*command, i, &option); i++)
            assert_non_null(strstr(text, option.name));
        assert_int_equal(strstr(overview, (*command)->summary) != NULL,
                         (*command)->group != CP_COMMANDS_HIDDEN);
        free(text);
    }
    free(overview);
}

/* All but plain text can be completed. */
static void every_kind_has_candidates(void **state) {
    static const char *const choices[] = {"one", NULL};
    (void)state;
    for (int kind = 0; kind < CP_WORD_KINDS; kind++) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        struct cp_candidates c = {.out = out, .typed = "", .choices = choices};
        assert_non_null(out);
        cp_candidates_print(&c, (enum cp_word_kind)kind);
        assert_int_equal(fclose(out), 0);
        assert_int_equal(size > 0 || c.files, kind != CP_WORD_TEXT);
        free(text);
    }
}

/* ---- the parser ---- */

struct arguments {
    const char *file, *second, *text;
    bool flag;
    struct cp_words list, overrides;
};

static const struct cp_argument words[] = {
    {"FILE", CP_WORD_FILE, "", CP_INTO(struct arguments, file), .missing = "no file", .expected = "a file"},
    {"SECOND", CP_WORD_FILE, "", CP_INTO(struct arguments, second)},
    {"KEY=VALUE", CP_WORD_KEY, "", CP_INTO(struct arguments, overrides), .takes = cp_is_assignment},
    {0},
};
static const struct cp_option options[] = {
    {"--text", 't', "TEXT", CP_WORD_TEXT, "", CP_INTO(struct arguments, text)},
    {"--flag", 'f', NULL, CP_WORD_TEXT, "", CP_INTO(struct arguments, flag)},
    {"--list", 0, "WORD", CP_WORD_TEXT, "", CP_INTO(struct arguments, list)},
    {"--at", 0, "TAP", CP_WORD_TAP, "", CP_OVERRIDE(struct arguments, overrides, "graft.at")},
    {0},
};
static const struct cp_command command = {.name = "try",
                                          .argument = words,
                                          .excess = "a third file",
                                          .expected = "two",
                                          .option = options,
                                          .size = sizeof(struct arguments)};

/* The words of a line, parsed; what fails says so. */
static struct arguments parse(const char *line, const char *fails) {
    static struct cp_arena arena;
    struct arguments a = {.file = NULL};
    struct cp_error err = {CP_OK, "", "", ""};
    char *argv[16];
    int argc = 0;
    char *copy = cp_arena_strdup(&arena, line), *save = NULL;
    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    const enum cp_status status = cp_command_parse(&command, argc, argv, &a, &arena, &err);
    assert_int_equal(status, fails ? CP_USAGE : CP_OK);
    assert_string_equal(err.what, fails ? fails : "");
    return a;
}

static void words_go_where_they_belong(void **state) {
    (void)state;
    struct arguments a = parse("a k=1 -f --text=x=y --at image_features b --at 1e-3", NULL);
    assert_string_equal(a.file, "a");
    assert_string_equal(a.second, "b");
    assert_string_equal(a.text, "x=y");
    assert_true(a.flag);
    assert_int_equal(a.overrides.count, 3);
    assert_string_equal(a.overrides.word[0], "k=1");
    assert_string_equal(a.overrides.word[1], "graft.at=image_features");
    a = parse("a --text one -t two --flag --flag", NULL);
    assert_string_equal(a.text, "two");
    a = parse("--text --flag -- --flag k=1 -", NULL);
    assert_string_equal(a.text, "--flag");
    assert_false(a.flag);
    assert_string_equal(a.file, "--flag");
    assert_string_equal(a.second, "-");
    assert_int_equal(a.overrides.count, 1);
}

static void lists_go_on(void **state) {
    (void)state;
    struct arguments a = parse("a --list=1 -2 k=3 -f --list 4 -- --5", NULL);
    assert_int_equal(a.list.count, 5);
    assert_string_equal(a.list.word[1], "-2");
    assert_string_equal(a.list.word[4], "--5");
    assert_true(a.flag);
    assert_int_equal(a.overrides.count, 0);
}

static void what_is_wrong_is_said(void **state) {
    (void)state;
    (void)parse("", "try: no file");
    (void)parse("a b c", "try: a third file 'c'");
    (void)parse("a --text", "try: --text without a value");
    (void)parse("a -t", "try: -t without a value");
    (void)parse("a --list --flag", "try: --list without a value");
    (void)parse("a --flag=1", "try: --flag with a value '1'");
    (void)parse("a --flga", "try: unknown option '--flga'; did you mean '--flag'?");
    (void)parse("a --txt=1", "try: unknown option '--txt=1'; did you mean '--text'?");
    (void)parse("a -x", "try: unknown option '-x'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_sound),
        cmocka_unit_test(arguments_are_sound),
        cmocka_unit_test(commands_are_sound),
        cmocka_unit_test(help_fits_a_terminal),
        cmocka_unit_test(every_kind_has_candidates),
        cmocka_unit_test(words_go_where_they_belong),
        cmocka_unit_test(lists_go_on),
        cmocka_unit_test(what_is_wrong_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
