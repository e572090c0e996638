/* SPDX-License-Identifier: GPL-3.0-or-later
 * One parser for every command, by its tables: --name VALUE, --name=VALUE, -n VALUE; behind -- no word is an option. */
#ifndef CP_OPTION_PARSE_H
#define CP_OPTION_PARSE_H

#include "base/arena.h"
#include "option/option.h"

/* Fills the command's arguments, which start as its row says; lists and texts are in the arena or argv's. What is wrong
 * is CP_USAGE. */
enum cp_status cp_command_parse(const struct cp_command *command, int argc, char **argv, void *arguments,
                                struct cp_arena *arena, struct cp_error *err);

/* Parses, and runs the command; where --help or -h stands before any --, prints its help instead. */
enum cp_status cp_command_call(const struct cp_command *command, int argc, char **argv, struct cp_error *err);

#endif
