/* SPDX-License-Identifier: GPL-3.0-or-later
 * Walks the rows of a command: its own options, those of another table, and the common ones. */
#include "option/option.h"

#include "option/common.h"

#include <string.h>

static size_t count_own(const struct cp_command *command) {
    size_t count = 0;
    while (command->option && command->option[count].name)
        count++;
    return count;
}

static size_t count_further(const struct cp_command *command) {
    struct cp_option unused;
    size_t count = 0;
    while (command->further && command->further(count, &unused))
        count++;
    return count;
}

bool cp_command_option(const struct cp_command *command, size_t index, struct cp_option *option) {
    const size_t own = count_own(command), further = count_further(command);
    if (index < own)
        return *option = command->option[index], true;
    if (index < own + further)
        return command->further(index - own, option);
    if (!cp_common_option(command->common, index - own - further, option))
        return false;
    option->at += command->common_at;
    return true;
}

static bool is_called(const struct cp_option *option, const char *name, size_t length) {
    const bool by_letter = option->letter && length == 2 && name[0] == '-' && name[1] == option->letter;
    return by_letter || (strlen(option->name) == length && strncmp(option->name, name, length) == 0);
}

bool cp_command_find_option(const struct cp_command *command, const char *name, size_t length,
                            struct cp_option *option) {
    for (size_t i = 0; cp_command_option(command, i, option); i++)
        if (is_called(option, name, length))
            return true;
    return false;
}

const struct cp_command *cp_command_find(const struct cp_command *const *commands, const char *name) {
    while (*commands && strcmp((*commands)->name, name) != 0)
        commands++;
    return *commands;
}

bool cp_is_assignment(const char *word) {
    return strchr(word, '=') != NULL;
}
