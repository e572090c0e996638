/* SPDX-License-Identifier: GPL-3.0-or-later
 * What is made of the tables of all commands: scripts of shells, what they ask for, and man pages. */
#include "base/arena.h"
#include "base/utc.h"
#include "cmd/cmd.h"
#include "format/output.h"
#include "option/complete.h"
#include "option/man.h"
#include "option/script.h"

#include <string.h>

/* ---- completion SHELL ---- */

struct completion {
    const char *shell;
};

static enum cp_status print_script(void *arguments, struct cp_error *err) {
    const struct completion *a = arguments;
    (void)err;
    (void)fputs(cp_completion_script(a->shell), stdout);
    return CP_OK;
}

static const struct cp_argument shell_words[] = {
    {"SHELL", CP_WORD_CHOICE, "bash, zsh or fish", CP_INTO(struct completion, shell),
     .choices = cp_completion_shells, .missing = "no shell", .expected = "bash, zsh or fish"},
    {0},
};

static const struct cp_example completion_examples[] = {
    {"In ~/.bashrc", "source <(clip-parity completion bash)"},
    {"In ~/.zshrc, after compinit", "source <(clip-parity completion zsh)"},
    {"In ~/.config/fish/config.fish", "clip-parity completion fish | source"},
    {0},
};

const struct cp_command cp_cmd_completion = {
    .name = "completion",
    .group = CP_COMMANDS_REFERENCE,
    .summary = "print a completion script for bash, zsh or fish",
    .about = "Prints a script that completes commands, options and their values, keys of experiments, "
             "settings, taps and files. `cmake --install` puts the scripts where the shells look.\n",
    .example = completion_examples,
    .argument = shell_words,
    .excess = "a second shell",
    .expected = "one of bash, zsh, fish",
    .size = sizeof(struct completion),
    .run = print_script,
};

/* ---- complete -- WORD... ---- */

struct complete {
    struct cp_words words;
};

static enum cp_status complete(void *arguments, struct cp_error *err) {
    const struct complete *a = arguments;
    (void)err;
    cp_complete(cp_commands, &a->words, stdout);
    return CP_OK;
}

static const struct cp_argument line_words[] = {
    {"WORD", CP_WORD_TEXT, "behind the program's name, the last of them being typed",
     CP_INTO(struct complete, words), .missing = "no word", .expected = "one or more"},
    {0},
};

const struct cp_command cp_cmd_complete = {
    .name = "complete",
    .group = CP_COMMANDS_HIDDEN,
    .summary = "candidates for the last of some words",
    .about = "Prints what the scripts of `clip-parity completion` offer.\n",
    .argument = line_words,
    .size = sizeof(struct complete),
    .run = complete,
};

/* ---- man [COMMAND] ---- */

struct man {
    const char *command, *folder;
};

struct page {
    const struct cp_command *command; /* NULL: the program's */
    char date[32];
};

static enum cp_status put_page(const void *context, FILE *out, struct cp_error *err) {
    const struct page *page = context;
    (void)err;
    if (page->command)
        cp_man_command(page->command, page->date, out);
    else
        cp_man_overview(cp_commands, page->date, out);
    return CP_OK;
}

static enum cp_status write_page(const struct page *page, const char *folder, struct cp_error *err) {
    struct cp_arena arena = {0};
    const char *path = cp_arena_printf(&arena, "%s/clip-parity%s%s.1", folder, page->command ? "-" : "",
                                       page->command ? page->command->name : "");
    enum cp_status status = CP_CHECK_ALLOC(path, err, folder, "a path");
    if (status == CP_OK)
        status = cp_output_write(path, put_page, page, err);
    cp_arena_free(&arena);
    return status;
}

static enum cp_status write_pages(struct page *page, const char *folder, struct cp_error *err) {
    CP_TRY(write_page(page, folder, err));
    for (const struct cp_command *const *command = cp_commands; *command; command++)
        if ((*command)->group != CP_COMMANDS_HIDDEN) {
            page->command = *command;
            CP_TRY(write_page(page, folder, err));
        }
    return CP_OK;
}

static enum cp_status print_page(void *arguments, struct cp_error *err) {
    const struct man *a = arguments;
    struct page page = {.command = NULL};
    CP_TRY(cp_utc_time(page.date, err));
    page.date[strlen("YYYY-MM-DD")] = '\0';
    if (a->folder)
        return write_pages(&page, a->folder, err);
    page.command = a->command ? cp_command_find(cp_commands, a->command) : NULL;
    if (a->command && !page.command)
        return cp_fail(err, CP_USAGE, "", "man: unknown command '%s'", a->command);
    return put_page(&page, stdout, err);
}

static const struct cp_argument page_words[] = {
    {"COMMAND", CP_WORD_TEXT, "whose page; default: the program's", CP_INTO(struct man, command)},
    {0},
};

static const struct cp_option page_options[] = {
    {"--into", 0, "FOLDER", CP_WORD_FILE, "write all pages there", CP_INTO(struct man, folder)},
    {0},
};

const struct cp_command cp_cmd_man = {
    .name = "man",
    .group = CP_COMMANDS_HIDDEN,
    .summary = "manual pages",
    .about = "Prints the manual page of a command, or writes all of them.\n",
    .argument = page_words,
    .excess = "a second command",
    .expected = "one command",
    .option = page_options,
    .size = sizeof(struct man),
    .run = print_page,
};
