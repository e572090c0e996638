/* SPDX-License-Identifier: GPL-3.0-or-later
 * The parts of the report in JSON: taps, causes, attribution. */
#ifndef CP_REPORT_JSON_JSON_H
#define CP_REPORT_JSON_JSON_H

#include "format/json_write.h"
#include "report/data/report.h"

void cp_json_tap(struct cp_json_writer *json, const struct cp_report *report,
                 const struct cp_report_tap *tap);
/* What sets a candidate apart from the baseline, null where it was not looked for. */
void cp_json_causes(struct cp_json_writer *json, const struct cp_report_candidate *candidate);
void cp_json_attribution(struct cp_json_writer *json, const struct cp_report *report);

#endif
