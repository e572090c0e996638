/* SPDX-License-Identifier: GPL-3.0-or-later
 * One file per subcommand. Each gets the arguments after its name and returns the exit code. */
#ifndef CP_CMD_CMD_H
#define CP_CMD_CMD_H

#include "base/status.h"

#include <stdio.h>

enum cp_status cp_cmd_run(int argc, char **argv, struct cp_error *err);
enum cp_status cp_cmd_bisect(int argc, char **argv, struct cp_error *err);
enum cp_status cp_cmd_check(int argc, char **argv, struct cp_error *err);
enum cp_status cp_cmd_accept(int argc, char **argv, struct cp_error *err);
enum cp_status cp_cmd_report(int argc, char **argv, struct cp_error *err);
/* The options of `report`, which its forms have. */
void cp_cmd_report_help(FILE *out);
enum cp_status cp_cmd_diff(int argc, char **argv, struct cp_error *err);
enum cp_status cp_cmd_classify(int argc, char **argv, struct cp_error *err);
enum cp_status cp_cmd_inspect(int argc, char **argv, struct cp_error *err);
enum cp_status cp_cmd_lint(int argc, char **argv, struct cp_error *err);
enum cp_status cp_cmd_convert(int argc, char **argv, struct cp_error *err);
enum cp_status cp_cmd_preprocess(int argc, char **argv, struct cp_error *err);
enum cp_status cp_cmd_tokenize(int argc, char **argv, struct cp_error *err);
enum cp_status cp_cmd_list(int argc, char **argv, struct cp_error *err);

#endif
