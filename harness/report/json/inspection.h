/* SPDX-License-Identifier: GPL-3.0-or-later
 * An inspection for people and for programs. */
#ifndef CP_REPORT_JSON_INSPECTION_H
#define CP_REPORT_JSON_INSPECTION_H

#include "task/inspect.h"

#include <stdio.h>

void cp_inspection_text(const struct cp_inspection *inspection, FILE *out);
void cp_inspection_json(const struct cp_inspection *inspection, FILE *out);

#endif
