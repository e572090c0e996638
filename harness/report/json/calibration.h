/* SPDX-License-Identifier: GPL-3.0-or-later
 * A calibration in words and as JSON. */
#ifndef CP_REPORT_JSON_CALIBRATION_H
#define CP_REPORT_JSON_CALIBRATION_H

#include "report/json/json.h"
#include "task/calibrate.h"

/* The table of activations; and the answer, a line of `inspect`'s witnesses, with its premise. */
void cp_calibration_text(const struct cp_calibration *k, FILE *out);
void cp_calibration_answer(const struct cp_calibration *k, FILE *out);

/* The member "calibration" of the object that is open. */
void cp_calibration_json(const struct cp_calibration *k, struct cp_json_writer *json);

#endif
