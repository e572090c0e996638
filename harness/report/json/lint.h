/* SPDX-License-Identifier: GPL-3.0-or-later
 * What lint found, for people and for programs. */
#ifndef CP_REPORT_JSON_LINT_H
#define CP_REPORT_JSON_LINT_H

#include "task/lint/lint.h"

#include <stdio.h>

void cp_lint_text(const struct cp_lint *lint, FILE *out);
void cp_lint_json(const struct cp_lint *lint, FILE *out);

#endif
