/* SPDX-License-Identifier: GPL-3.0-or-later
 * Finds out what the word being typed is: a command, an option, its value, or an argument. */
#include "option/complete.h"

#include "option/candidate.h"

#include <string.h>

struct line {
    const struct cp_command *command;
    const struct cp_option *pending; /* whose value comes next; NULL: none */
    struct cp_option option;         /* which it is */
    bool goes_on; /* the option's list has a value already, so that other words may follow */
    bool ended;   /* by -- */
    size_t words; /* that belong to no option */
};

/* ---- what was typed before ---- */

/* Whether a row for some words alone takes this one: "isa=". */
static bool is_taken(const struct cp_argument *row, const char *word) {
    while (row && row->name && !(row->takes && row->takes(word)))
        row++;
    return row && row->name;
}

static void read_option(struct line *line, const char *word) {
    const char *equals = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
    const size_t length = equals ? (size_t)(equals - word) : strlen(word);
    const bool known = cp_command_find_option(line->command, word, length, &line->option);
    const bool list = known && line->option.type == CP_VALUE_LIST && !line->option.key;
    line->goes_on = equals != NULL;
    line->pending = known && line->option.value && (!equals || list) ? &line->option : NULL;
}

static void read_word(struct line *line, const char *word) {
    if (!line->ended && strcmp(word, "--") == 0) {
        line->ended = true;
    } else if (line->pending && !line->goes_on) {
        line->goes_on = line->option.type == CP_VALUE_LIST && !line->option.key;
        line->pending = line->goes_on ? line->pending : NULL;
    } else if (!line->ended && word[0] == '-' && word[1]) {
        read_option(line, word);
    } else if (!line->pending && !is_taken(line->command->argument, word)) {
        line->words++;
    }
}

/* ---- the word being typed ---- */

static void offer_options(const struct line *line, struct cp_candidates *c) {
    struct cp_option option;
    for (size_t i = 0; cp_command_option(line->command, i, &option); i++)
        cp_candidate(c, option.name, option.help);
}

static void offer_value(const struct cp_option *option, struct cp_candidates *c) {
    c->choices = option->choices;
    cp_candidates_print(c, option->kind);
}

/* "--json=FI" */
static void offer_attached(const struct line *line, struct cp_candidates *c) {
    struct cp_option option;
    const size_t length = strcspn(c->typed, "=");
    if (!cp_command_find_option(line->command, c->typed, length, &option) || !option.value)
        return;
    c->fixed = length + 1;
    offer_value(&option, c);
}

/* The rows that may take one word more: of those for any word the first that is not filled, and those for some. */
static void offer_arguments(const struct line *line, struct cp_candidates *c) {
    size_t filled = line->words;
    bool found = is_taken(line->command->argument, c->typed);
    for (const struct cp_argument *row = line->command->argument; row && row->name; row++) {
        const bool next = !row->takes && !found && (row->type == CP_VALUE_LIST || filled == 0);
        found = found || next;
        filled -= !row->takes && filled > 0;
        c->takes = row->takes;
        c->choices = row->choices;
        if (next || (row->takes && c->typed[0])) /* where nothing is typed, they would be too many */
            cp_candidates_print(c, row->kind);
    }
}

static void offer(const struct line *line, struct cp_candidates *c) {
    const bool dash = !line->ended && c->typed[0] == '-';
    if (line->pending && !(line->goes_on && dash))
        offer_value(line->pending, c);
    else if (dash && strchr(c->typed, '='))
        offer_attached(line, c);
    else if (dash)
        offer_options(line, c);
    else
        offer_arguments(line, c);
}

static void offer_commands(const struct cp_command *const *commands, struct cp_candidates *c) {
    for (; *commands; commands++)
        if ((*commands)->group != CP_COMMANDS_HIDDEN)
            cp_candidate(c, (*commands)->name, (*commands)->summary);
}

void cp_complete(const struct cp_command *const *commands, const struct cp_words *words, FILE *out) {
    struct cp_candidates c = {.out = out, .typed = words->word[words->count - 1]};
    struct line line = {.command = cp_command_find(commands, words->word[0])};
    if (words->count == 1) {
        offer_commands(commands, &c);
    } else if (line.command) {
        for (size_t w = 1; w + 1 < words->count; w++)
            read_word(&line, words->word[w]);
        offer(&line, &c);
    }
    (void)fputs(c.files ? ":files\n" : "", out);
    (void)fputs(c.unfinished ? ":nospace\n" : "", out);
}
