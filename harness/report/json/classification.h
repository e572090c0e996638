/* SPDX-License-Identifier: GPL-3.0-or-later
 * A classification for people, in 80 columns, and for programs, in full digits. */
#ifndef CP_REPORT_JSON_CLASSIFICATION_H
#define CP_REPORT_JSON_CLASSIFICATION_H

#include "task/classify.h"

#include <stdio.h>

void cp_classification_text(const struct cp_classification *result, FILE *out);
void cp_classification_json(const struct cp_classification *result, FILE *out);

#endif
