/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the parts of the Markdown form share. */
#ifndef CP_REPORT_MD_MD_H
#define CP_REPORT_MD_MD_H

#include "base/escape.h"
#include "report/data/report.h"

/* " | 1.23e-04", a cell of a row; empty for NaN. */
void cp_md_number(FILE *out, double value);
/* " | text", a cell of a row. */
void cp_md_cell(FILE *out, const char *text);
/* Nothing of layerwise swaps, which have a table of their own. */
enum cp_status cp_md_answers(FILE *out, const struct cp_report *report, struct cp_error *err);
void cp_md_causes(FILE *out, const struct cp_report *report);
void cp_md_attribution(FILE *out, const struct cp_report *report);

#endif
