/* SPDX-License-Identifier: GPL-3.0-or-later
 * Goes through the words once: each is an option, the value of one, or one of the command's arguments. */
#include "option/parse.h"

#include "base/nearest.h"
#include "format/yaml.h"
#include "option/common.h"
#include "option/help.h"

#include <stdlib.h>
#include <string.h>

struct parser {
    const struct cp_command *command;
    char *arguments;
    int argc, at;
    char **argv;
    bool ended;            /* by -- */
    struct cp_words *list; /* of the option before, which goes on; NULL: none */
    struct cp_arena *arena;
    struct cp_error *err;
};

/* ---- values ---- */

static void *place(const struct parser *p, size_t at) {
    return p->arguments + at;
}

static enum cp_status push(const struct parser *p, struct cp_words *words, const char *word) {
    if (!words->word)
        CP_TRY(CP_ARENA_ALLOC(p->arena, words->word, (size_t)p->argc, p->err, "", "the arguments"));
    words->word[words->count++] = word;
    return CP_OK;
}

/* KEY=VALUE. What names something, such as a file, is text whatever YAML takes it for. */
static enum cp_status push_override(const struct parser *p, const struct cp_option *option,
                                    const char *value) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    CP_TRY(CP_CHECK_ALLOC(out, p->err, "", "the arguments"));
    (void)fputs(option->key, out);
    (void)fputc('=', out);
    if (option->kind == CP_WORD_TEXT)
        (void)fputs(value, out);
    else
        cp_yaml_put_text(out, value);
    const char *override = fclose(out) == 0 ? cp_arena_strdup(p->arena, text) : NULL;
    free(text);
    CP_TRY(CP_CHECK_ALLOC(override, p->err, "", "the arguments"));
    return push(p, place(p, option->at), override);
}

static enum cp_status check_choice(const struct parser *p, const char *name, const char *const *choices,
                                   const char *value) {
    for (size_t c = 0; choices && choices[c]; c++)
        if (strcmp(choices[c], value) == 0)
            return CP_OK;
    if (!choices)
        return CP_OK;
    (void)cp_fail(p->err, CP_USAGE, "", "%s: unknown %s '%s'", p->command->name, name, value);
    return cp_expect_one_of(p->err, value, choices);
}

static enum cp_status store(struct parser *p, const struct cp_option *option, const char *value) {
    if (value)
        CP_TRY(check_choice(p, option->name, option->choices, value));
    if (option->take)
        return option->take(p->arguments, option, value, p->err);
    if (option->key)
        return push_override(p, option, value);
    if (option->type == CP_VALUE_LIST)
        return p->list = place(p, option->at), push(p, p->list, value);
    if (option->type == CP_VALUE_TEXT)
        *(const char **)place(p, option->at) = value;
    else
        *(bool *)place(p, option->at) = true;
    return CP_OK;
}

/* ---- options ---- */

static enum cp_status unknown_option(const struct parser *p, const char *word, size_t length) {
    struct cp_option option;
    size_t count = 0;
    while (cp_command_option(p->command, count, &option))
        count++;
    const char *name = cp_arena_printf(p->arena, "%.*s", (int)length, word);
    const char **names = cp_arena_calloc(p->arena, count + 1, sizeof *names);
    CP_TRY(CP_CHECK_ALLOC(name && names, p->err, "", "the options"));
    for (size_t i = 0; cp_command_option(p->command, i, &option); i++)
        names[i] = option.name;
    (void)cp_fail(p->err, CP_USAGE, "", "%s: unknown option '%s'", p->command->name, word);
    return cp_expect_one_of(p->err, name, names);
}

/* Among the words of a list, such as prompts, one dash begins an option only where there is such a one. */
static bool is_option(const struct parser *p, const char *word) {
    struct cp_option unused;
    if (p->ended || word[0] != '-' || !word[1])
        return false;
    return word[1] == '-' || !p->list || cp_command_find_option(p->command, word, strlen(word), &unused);
}

/* The word behind an option; a list of none is missing where the next option follows. */
static const char *next_value(struct parser *p, const struct cp_option *option) {
    const char *next = p->at + 1 < p->argc ? p->argv[p->at + 1] : NULL;
    if (!next || (option->type == CP_VALUE_LIST && !option->key && strncmp(next, "--", 2) == 0))
        return NULL;
    p->at++;
    return next;
}

static enum cp_status take_option(struct parser *p, const char *word) {
    const char *equals = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
    const size_t length = equals ? (size_t)(equals - word) : strlen(word);
    const char *name = p->command->name, *value = equals ? equals + 1 : NULL;
    struct cp_option option;
    if (!cp_command_find_option(p->command, word, length, &option))
        return unknown_option(p, word, length);
    p->list = NULL;
    if (equals && !option.value)
        return cp_fail(p->err, CP_USAGE, "", "%s: %s with a value '%s'", name, option.name, value),
               cp_expected(p->err, "%s by itself", option.name);
    if (option.value && !value && !(value = next_value(p, &option)))
        return cp_fail(p->err, CP_USAGE, "", "%s: %s without a value", name, word),
               cp_expected(p->err, "%s %s", word, option.value);
    return store(p, &option, value);
}

/* ---- arguments ---- */

static bool is_filled(const struct parser *p, const struct cp_argument *argument) {
    return argument->type == CP_VALUE_LIST ? ((struct cp_words *)place(p, argument->at))->count > 0
                                           : *(const char **)place(p, argument->at) != NULL;
}

/* The row that takes a word; NULL: it is one too many. */
static const struct cp_argument *row_for(const struct parser *p, const char *word) {
    const struct cp_argument *rows = p->command->argument, *free_row = NULL;
    for (; rows && rows->name; rows++) {
        if (rows->takes && rows->takes(word))
            return rows;
        if (!rows->takes && !free_row && (rows->type == CP_VALUE_LIST || !is_filled(p, rows)))
            free_row = rows;
    }
    return free_row;
}

static enum cp_status take_word(struct parser *p, const char *word) {
    const struct cp_argument *row = row_for(p, word);
    if (p->list)
        return push(p, p->list, word);
    if (!row)
        return cp_fail(p->err, CP_USAGE, "", "%s: %s '%s'", p->command->name, p->command->excess, word),
               cp_expected(p->err, "%s", p->command->expected);
    CP_TRY(check_choice(p, "argument", row->choices, word));
    if (row->type == CP_VALUE_LIST)
        return push(p, place(p, row->at), word);
    *(const char **)place(p, row->at) = word;
    return CP_OK;
}

/* ---- the whole ---- */

static enum cp_status check_required(const struct parser *p) {
    struct cp_option option;
    for (const struct cp_argument *row = p->command->argument; row && row->name; row++)
        if (row->missing && !is_filled(p, row))
            return cp_fail(p->err, CP_USAGE, "", "%s: %s", p->command->name, row->missing),
                   cp_expected(p->err, "%s", row->expected);
    for (size_t i = 0; cp_command_option(p->command, i, &option); i++)
        if (option.required && *(void **)place(p, option.at) == NULL)
            return cp_fail(p->err, CP_USAGE, "", "%s: no %s", p->command->name, option.name),
                   cp_expected(p->err, "%s %s", option.name, option.value);
    return CP_OK;
}

enum cp_status cp_command_parse(const struct cp_command *command, int argc, char **argv, void *arguments,
                                struct cp_arena *arena, struct cp_error *err) {
    struct parser p = {
        .command = command, .arguments = arguments, .argc = argc, .argv = argv, .arena = arena, .err = err};
    for (; p.at < argc; p.at++) {
        const char *word = argv[p.at];
        if (!p.ended && strcmp(word, "--") == 0)
            p.ended = true;
        else if (is_option(&p, word))
            CP_TRY(take_option(&p, word));
        else
            CP_TRY(take_word(&p, word));
    }
    return check_required(&p);
}

static bool asks_for_help(int argc, char **argv) {
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static enum cp_status parse_and_run(const struct cp_command *command, int argc, char **argv,
                                    struct cp_arena *arena, struct cp_error *err) {
    char *arguments = cp_arena_calloc(arena, command->size, 1);
    CP_TRY(CP_CHECK_ALLOC(arguments, err, "", "the arguments"));
    if (command->initial)
        memcpy(arguments, command->initial, command->size);
    CP_TRY(cp_command_parse(command, argc, argv, arguments, arena, err));
    if (command->common)
        cp_common_apply((const struct cp_common *)(void *)(arguments + command->common_at));
    return command->run(arguments, err);
}

enum cp_status cp_command_call(const struct cp_command *command, int argc, char **argv,
                               struct cp_error *err) {
    struct cp_arena arena = {0};
    if (asks_for_help(argc, argv))
        return cp_help_command(command, stdout), CP_OK;
    const enum cp_status status = parse_and_run(command, argc, argv, &arena, err);
    cp_arena_free(&arena);
    return status;
}
