/* SPDX-License-Identifier: GPL-3.0-or-later
 * Prints the rows of a command aligned, and the overview of all commands. */
#include "option/help.h"

#include "base/escape.h"
#include "base/sentence.h"

#include <string.h>

enum { WIDEST = 28 }; /* names that are wider have their help on the next line */

const char cp_about[] =
    "Runs CLIP under swappable component implementations, compares every layer, and reports how far the "
    "outputs diverge and why.";

const struct cp_exit_code cp_exit_codes[] = {
    {"0", "done, or passed"},     {"1", "parity failure"},       {"2", "internal error"},
    {"3", "bad input"},           {"4", "usage error"},          {"5", "nothing was compared"},
    {"130", "stopped by Ctrl-C"}, {"143", "stopped by SIGTERM"}, {0}};

const char *const cp_command_group_names[CP_COMMAND_GROUPS] = {
    [CP_COMMANDS_EXPERIMENT] = "Experiments", [CP_COMMANDS_GATE] = "Regression checks",
    [CP_COMMANDS_MODEL] = "Models",           [CP_COMMANDS_INPUT] = "Inputs",
    [CP_COMMANDS_REFERENCE] = "Reference",
};

/* ---- texts ---- */

void cp_option_value_text(const struct cp_option *option, char text[CP_OPTION_TEXT]) {
    const bool list = option->type == CP_VALUE_LIST && !option->key;
    text[0] = '\0';
    if (option->value)
        (void)snprintf(text, CP_OPTION_TEXT, " %s%s", option->value, list ? "..." : "");
}

void cp_usage_text(const struct cp_command *command, char text[CP_USAGE_TEXT]) {
    struct cp_sentence s = {text, CP_USAGE_TEXT, 0};
    struct cp_option option;
    char value[CP_OPTION_TEXT];
    cp_append(&s, "clip-parity %s", command->name);
    for (size_t i = 0; cp_command_option(command, i, &option); i++)
        if (option.required) {
            cp_option_value_text(&option, value);
            cp_append(&s, " %s%s", option.name, value);
        }
    cp_append(&s, " [OPTIONS]");
    for (const struct cp_argument *row = command->argument; row && row->name; row++) {
        const char *more = row->type == CP_VALUE_LIST ? "..." : "";
        cp_append(&s, row->missing ? " %s%s" : " [%s%s]", row->name, more);
    }
}

/* "  -o, --output FILE" */
static void option_text(const struct cp_option *option, char text[CP_OPTION_TEXT]) {
    char value[CP_OPTION_TEXT];
    struct cp_sentence s = {text, CP_OPTION_TEXT, 0};
    cp_option_value_text(option, value);
    if (option->letter)
        cp_append(&s, "  -%c, ", option->letter);
    else
        cp_append(&s, "      ");
    cp_append(&s, "%s%s", option->name, value);
}

static void argument_text(const struct cp_argument *argument, char text[CP_OPTION_TEXT]) {
    (void)snprintf(text, CP_OPTION_TEXT, "  %s", argument->name);
}

/* ---- rows ---- */

static size_t widen(size_t widest, const char *text) {
    return strlen(text) > widest && strlen(text) <= WIDEST ? strlen(text) : widest;
}

/* The column of the helps. */
static size_t column_of(const struct cp_command *command) {
    struct cp_option option;
    char text[CP_OPTION_TEXT];
    size_t widest = 0;
    for (size_t i = 0; cp_command_option(command, i, &option); i++) {
        option_text(&option, text);
        widest = widen(widest, text);
    }
    for (const struct cp_argument *row = command->argument; row && row->name; row++) {
        argument_text(row, text);
        widest = widen(widest, text);
    }
    return widest + 2;
}

static void put_row(const char *name, const char *help, size_t column, FILE *out) {
    const bool beside = strlen(name) + 2 <= column;
    char line[1024];
    if (!beside)
        cp_print(out, "%s\n", name);
    (void)snprintf(line, sizeof line, "%-*s%s", (int)column, beside ? name : "", help);
    cp_print_wrapped(line, 0, (int)column, out);
}

static void put_arguments(const struct cp_command *command, size_t column, FILE *out) {
    char text[CP_OPTION_TEXT];
    if (command->argument)
        (void)fputs("\nArguments:\n", out);
    for (const struct cp_argument *row = command->argument; row && row->name; row++) {
        argument_text(row, text);
        put_row(text, row->help, column, out);
    }
}

static void put_options(const struct cp_command *command, size_t column, FILE *out) {
    struct cp_option option;
    char text[CP_OPTION_TEXT];
    (void)fputs("\nOptions:\n", out);
    for (size_t i = 0; cp_command_option(command, i, &option); i++) {
        option_text(&option, text);
        put_row(text, option.help, column, out);
    }
}

/* A command may go on in further lines. */
static void put_example(const struct cp_example *example, FILE *out) {
    cp_print(out, "  # %s\n", example->what);
    for (const char *line = example->command; *line;) {
        const size_t length = strcspn(line, "\n");
        cp_print(out, "  %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

static void put_examples(const struct cp_command *command, FILE *out) {
    if (command->example)
        (void)fputs(command->example[1].command ? "\nExamples:\n" : "\nExample:\n", out);
    for (const struct cp_example *example = command->example; example && example->command; example++)
        put_example(example, out);
}

static void put_about(const char *about, FILE *out) {
    char paragraph[1024];
    for (; *about; about += strcspn(about, "\n") + 1) { /* each ends with a line feed */
        (void)snprintf(paragraph, sizeof paragraph, "%.*s", (int)strcspn(about, "\n"), about);
        (void)fputc('\n', out);
        cp_print_wrapped(paragraph, 0, 0, out);
    }
}

void cp_help_command(const struct cp_command *command, FILE *out) {
    const size_t column = column_of(command);
    char usage[CP_USAGE_TEXT], line[CP_USAGE_TEXT + 16];
    cp_usage_text(command, usage);
    (void)snprintf(line, sizeof line, "Usage: %s", usage);
    cp_print_wrapped(line, 0, 11, out);
    put_about(command->about, out);
    put_arguments(command, column, out);
    put_options(command, column, out);
    put_examples(command, out);
}

/* ---- the overview ---- */

static void put_group(const struct cp_command *const *commands, enum cp_command_group group, FILE *out) {
    cp_print(out, "\n%s:\n", cp_command_group_names[group]);
    for (; *commands; commands++)
        if ((*commands)->group == group)
            cp_print(out, "  %-12s%s\n", (*commands)->name, (*commands)->summary);
}

static void put_exit_codes(FILE *out) {
    (void)fputs("\nExit codes:\n", out);
    for (const struct cp_exit_code *row = cp_exit_codes; row->code; row++)
        cp_print(out, "  %-12s%s\n", row->code, row->meaning);
}

void cp_help_overview(const struct cp_command *const *commands, FILE *out) {
    (void)fputs("Usage: clip-parity COMMAND [OPTIONS] [ARGUMENTS]\n\n", out);
    cp_print_wrapped(cp_about, 0, 0, out);
    for (int group = 0; group < CP_COMMAND_GROUPS; group++)
        put_group(commands, (enum cp_command_group)group, out);
    (void)fputs("\nOptions:\n"
                "  -h, --help  print this help; of a command: clip-parity COMMAND --help\n"
                "  --version   print version, build, libraries and instruction sets\n",
                out);
    put_exit_codes(out);
}
