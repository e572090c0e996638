/* SPDX-License-Identifier: GPL-3.0-or-later
 * Escaped text, numbers, SVG frames and logarithmic axes, for every section of the page. */
#include "report/html/html.h"

#include "format/json_write.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Without the zeros of an exponent: 1.5e-2. */
static void put_scientific(FILE *out, double value) {
    char digits[32];
    (void)snprintf(digits, sizeof digits, "%.2e", value);
    char *exponent = strchr(digits, 'e');
    *exponent = '\0';
    cp_print_html(out, "%se%ld", digits, strtol(exponent + 1, NULL, 10));
}

static void put_number(FILE *out, double value) {
    const double size = fabs(value);
    if (value == 0)
        (void)fputc('0', out);
    else if (size < 1e6 && floor(size) == size)
        (void)fprintf(out, "%.0f", value);
    else if (size >= 0.1 && size < 1e4)
        (void)fprintf(out, "%.3g", value);
    else
        put_scientific(out, value);
}

void cp_html_number(FILE *out, double value) {
    if (isnan(value))
        (void)fputs("&ndash;", out);
    else if (isinf(value))
        (void)fputs(value > 0 ? "&infin;" : "&minus;&infin;", out);
    else
        put_number(out, value);
}

void cp_html_cell(FILE *out, double value) {
    (void)fputs("<td>", out);
    cp_html_number(out, value);
}

void cp_html_json_text(FILE *out, const char *text) {
    if (text)
        cp_json_put_script_string(out, text);
    else
        (void)fputs("null", out);
}

void cp_html_json_number(FILE *out, double value) {
    if (isnan(value))
        (void)fputs("null", out);
    else if (isinf(value))
        (void)fputs(value > 0 ? "1e999" : "-1e999", out);
    else
        put_number(out, value);
}

void cp_html_svg(FILE *out, const char *class, double height, const char *words, const char *name) {
    cp_print_html(out, "<svg class=%s viewBox=\"0 0 %d %.0f\" role=img aria-label=\"%s", class, CP_HTML_WIDTH,
                  height, words);
    if (name) {
        (void)fputc(' ', out);
        cp_put_html(out, name);
    }
    (void)fputs("\">", out);
}

size_t cp_html_stage(const char *address) {
    const char *dot = strchr(address, '.');
    size_t digits = 0;
    if (dot)
        while (isdigit((unsigned char)dot[1 + digits]))
            digits++;
    return digits ? (size_t)(dot - address) + 1 + digits : strlen(address);
}

bool cp_html_is_block(const char *address) {
    const char *dot = strchr(address, '.');
    return dot && isdigit((unsigned char)dot[1]);
}

const struct cp_report_tap *cp_html_tap(const struct cp_report *r, size_t c, size_t t) {
    const struct cp_report_candidate *candidate = &r->candidate[c];
    const char *name = r->candidate[0].tap[t].name;
    if (t < candidate->taps && strcmp(candidate->tap[t].name, name) == 0)
        return &candidate->tap[t];
    for (size_t i = 0; i < candidate->taps; i++)
        if (strcmp(candidate->tap[i].name, name) == 0)
            return &candidate->tap[i];
    return NULL;
}

/* ---- a logarithmic axis ---- */

struct cp_html_axis cp_html_axis_start(void) {
    return (struct cp_html_axis){INT16_MAX, INT16_MIN};
}

void cp_html_axis_add(struct cp_html_axis *axis, double value) {
    if (!(value > 0) || isinf(value))
        return;
    const double power = log10(value < 1e-18 ? 1e-18 : value);
    axis->low = floor(power) < axis->low ? (int)floor(power) : axis->low;
    axis->high = ceil(power) > axis->high ? (int)ceil(power) : axis->high;
}

struct cp_html_axis cp_html_axis_end(struct cp_html_axis axis) {
    if (axis.low > axis.high)
        return (struct cp_html_axis){-8, 0};
    axis.high += axis.high == axis.low;
    return axis;
}

double cp_html_axis_at(struct cp_html_axis axis, double value) {
    const double at = (log10(value) - axis.low) / (axis.high - axis.low);
    return at < 0 ? 0 : at > 1 ? 1 : at;
}

int cp_html_axis_step(struct cp_html_axis axis, int most) {
    return (axis.high - axis.low + most - 1) / most;
}
