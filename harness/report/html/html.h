/* SPDX-License-Identifier: GPL-3.0-or-later
 * The page, section by section, and what the sections share. Nothing here is markup of its own: text is
 * escaped by cp_put_html, numbers by cp_html_number, and what scripts read by the cp_html_json functions. */
#ifndef CP_REPORT_HTML_HTML_H
#define CP_REPORT_HTML_HTML_H

#include "base/escape.h"
#include "report/data/report.h"

/* Width of a drawing across the page, in SVG units. */
enum { CP_HTML_WIDTH = 1080 };

/* Three digits; a dash for NaN. */
void cp_html_number(FILE *out, double value);
/* <td> with a number. */
void cp_html_cell(FILE *out, double value);
/* A JSON string that cannot end the script element it stands in; NULL: null. */
void cp_html_json_text(FILE *out, const char *text);
/* Three digits; NaN is null, infinity a number that no double holds. */
void cp_html_json_number(FILE *out, double value);
/* A list of numbers, one number where all are the same, or the list packed in base64, "~" before 24 bits
 * each, whichever is shorter: where there are three digits each, that is half. */
void cp_html_json_values(FILE *out, const double *values, size_t count);

/* The figure's frame: <svg viewBox role=img aria-label="WORDS NAME">; end it with </svg>. */
void cp_html_svg(FILE *out, const char *class, double height, const char *words, const char *name);

/* Length of the part of a tap's address that names its stage: "visual.0" of "visual.0.mlp.gelu", all of
 * "visual.conv1". */
size_t cp_html_stage(const char *address);
bool cp_html_is_block(const char *address);
/* Candidate c's tap that is row t of the first candidate's list; NULL: it has none. */
const struct cp_report_tap *cp_html_tap(const struct cp_report *report, size_t c, size_t t);

/* A logarithmic axis over whole decades. */
struct cp_html_axis {
    int low, high; /* powers of ten */
};
/* Takes one more value into the axis; what has no logarithm is left out. */
void cp_html_axis_add(struct cp_html_axis *axis, double value);
/* An axis without values: cp_html_axis_add widens it, cp_html_axis_end makes it at least one decade. */
struct cp_html_axis cp_html_axis_start(void);
struct cp_html_axis cp_html_axis_end(struct cp_html_axis axis);
/* 0 at its low end, 1 at its high end, cut off at both. */
double cp_html_axis_at(struct cp_html_axis axis, double value);
int cp_html_axis_step(struct cp_html_axis axis, int most);

/* Whether there is anything for these sections to show. */
bool cp_html_has_causes(const struct cp_report *report);
bool cp_html_has_attribution(const struct cp_report *report);

void cp_html_head(const struct cp_report *report, FILE *out);
enum cp_status cp_html_answers(const struct cp_report *report, FILE *out, struct cp_error *err);
void cp_html_growth(const struct cp_report *report, FILE *out);
void cp_html_parts(const struct cp_report *report, FILE *out);
void cp_html_matrix(const struct cp_report *report, FILE *out);
void cp_html_causes(const struct cp_report *report, FILE *out);
void cp_html_attribution(const struct cp_report *report, FILE *out);
void cp_html_places(const struct cp_report *report, FILE *out);
void cp_html_decisions(const struct cp_report *report, FILE *out);
void cp_html_provenance(const struct cp_report *report, FILE *out);
/* The image whose probabilities change most. */
size_t cp_html_most_changed(const struct cp_report_candidate *candidate);
/* {"IMAGE": "data:...", ...}, those that are shown somewhere, as many as fit. */
enum cp_status cp_html_thumbnails(const struct cp_report *report, FILE *out, struct cp_error *err);
/* What the page's scripts work on, as JSON. */
enum cp_status cp_html_data(const struct cp_report *report, FILE *out, struct cp_error *err);
void cp_html_scripts(FILE *out);

#endif
