/* SPDX-License-Identifier: GPL-3.0-or-later
 * What `clip-parity run --dry-run` prints. */
#ifndef CP_CMD_DRY_RUN_H
#define CP_CMD_DRY_RUN_H

#include "run/study.h"

/* A screen: passes, sizes and time. With plan, before it the resolved experiment and every pass's settings as YAML, and the
 * screen as its comments. */
enum cp_status cp_cmd_dry_run(const struct cp_study *study, bool plan, FILE *out, struct cp_error *err);

#endif
