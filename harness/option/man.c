/* SPDX-License-Identifier: GPL-3.0-or-later
 * Writes a command's rows as roff. */
#include "option/man.h"

#include "base/version.h"
#include "option/help.h"

#include <ctype.h>
#include <string.h>

/* ---- roff ---- */

/* A dash is no hyphen where it can be typed; a dot or a quote that begins a line is no request. */
static void put_text(const char *text, FILE *out) {
    if (*text == '.' || *text == '\'')
        (void)fputs("\\&", out);
    for (; *text; text++)
        if (*text == '\\')
            (void)fputs("\\e", out);
        else if (*text == '-')
            (void)fputs("\\-", out);
        else
            (void)fputc(*text, out);
}

static void put_font(char font, const char *text, FILE *out) {
    (void)fprintf(out, "\\f%c", font);
    put_text(text, out);
    (void)fputs("\\fR", out);
}

static void put_line(const char *text, FILE *out) {
    put_text(text, out);
    (void)fputc('\n', out);
}

static void put_section(const char *name, FILE *out) {
    (void)fprintf(out, ".SH %s\n", name);
}

static void put_paragraphs(const char *text, FILE *out) {
    for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
        char paragraph[1024];
        (void)snprintf(paragraph, sizeof paragraph, "%.*s", (int)strcspn(at, "\n"), at);
        (void)fputs(at == text ? "" : ".PP\n", out);
        put_line(paragraph, out);
    }
}

/* name: "clip-parity" or "clip-parity-run". */
static void put_head(const char *name, const char *summary, const char *date, FILE *out) {
    (void)fputs(".TH ", out);
    for (const char *c = name; *c; c++)
        (void)fputc(toupper((unsigned char)*c), out);
    (void)fprintf(out, " 1 %s \"clip\\-parity %s\"\n", date, cp_version());
    put_section("NAME", out);
    (void)fputs(name, out);
    (void)fputs(" \\- ", out);
    put_line(summary, out);
}

/* ---- a command ---- */

static void put_usage(const struct cp_command *command, FILE *out) {
    char usage[CP_USAGE_TEXT];
    cp_usage_text(command, usage);
    put_section("SYNOPSIS", out);
    put_line(usage, out);
}

static void put_arguments(const struct cp_command *command, FILE *out) {
    if (command->argument)
        put_section("ARGUMENTS", out);
    for (const struct cp_argument *row = command->argument; row && row->name; row++) {
        (void)fputs(".TP\n", out);
        put_font('I', row->name, out);
        (void)fputc('\n', out);
        put_line(row->help, out);
    }
}

static void put_option(const struct cp_option *option, FILE *out) {
    const char letter[] = {'-', option->letter, '\0'};
    char value[CP_OPTION_TEXT];
    (void)fputs(".TP\n", out);
    if (option->letter) {
        put_font('B', letter, out);
        (void)fputs(", ", out);
    }
    put_font('B', option->name, out);
    cp_option_value_text(option, value);
    if (option->value) {
        (void)fputc(' ', out);
        put_font('I', value + 1, out);
    }
    (void)fputc('\n', out);
    put_line(option->help, out);
}

static void put_options(const struct cp_command *command, FILE *out) {
    struct cp_option option;
    put_section("OPTIONS", out);
    for (size_t i = 0; cp_command_option(command, i, &option); i++)
        put_option(&option, out);
}

static void put_examples(const struct cp_command *command, FILE *out) {
    if (command->example)
        put_section("EXAMPLES", out);
    for (const struct cp_example *example = command->example; example && example->command; example++) {
        (void)fputs(example == command->example ? "" : ".PP\n", out);
        put_text(example->what, out);
        (void)fputs(":\n.RS 4\n.nf\n", out);
        put_line(example->command, out);
        (void)fputs(".fi\n.RE\n", out);
    }
}

static void put_exit_codes(FILE *out) {
    put_section("EXIT STATUS", out);
    for (const struct cp_exit_code *row = cp_exit_codes; row->code; row++) {
        (void)fputs(".TP\n", out);
        put_font('B', row->code, out);
        (void)fputc('\n', out);
        put_line(row->meaning, out);
    }
}

void cp_man_command(const struct cp_command *command, const char *date, FILE *out) {
    char name[64];
    (void)snprintf(name, sizeof name, "clip-parity-%s", command->name);
    put_head(name, command->summary, date, out);
    put_usage(command, out);
    put_section("DESCRIPTION", out);
    put_paragraphs(command->about, out);
    put_arguments(command, out);
    put_options(command, out);
    put_examples(command, out);
    put_exit_codes(out);
    put_section("SEE ALSO", out);
    (void)fputs(".BR clip\\-parity (1)\n", out);
}

/* ---- the program ---- */

static void put_command(const struct cp_command *command, FILE *out) {
    (void)fputs(".TP\n.BR clip\\-parity\\-", out);
    put_text(command->name, out);
    (void)fputs(" (1)\n", out);
    put_line(command->summary, out);
}

void cp_man_overview(const struct cp_command *const *commands, const char *date, FILE *out) {
    put_head("clip-parity", "numerical parity of CLIP forward passes", date, out);
    put_section("SYNOPSIS", out);
    put_line("clip-parity COMMAND [OPTIONS] [ARGUMENTS]", out);
    put_section("DESCRIPTION", out);
    put_line(cp_about, out);
    for (int group = 0; group < CP_COMMAND_GROUPS; group++) {
        (void)fprintf(out, ".SH %s\n", cp_command_group_names[group]);
        for (const struct cp_command *const *command = commands; *command; command++)
            if ((int)(*command)->group == group)
                put_command(*command, out);
    }
    put_exit_codes(out);
    put_section("ENVIRONMENT", out);
    (void)fputs(".TP\n.B NO_COLOR\nprint no colour unless ", out);
    put_font('B', "--color always", out);
    (void)fputs(" is given\n.TP\n.B SOURCE_DATE_EPOCH\nthe time that results record, in seconds since 1970\n",
                out);
}
