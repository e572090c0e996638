/* SPDX-License-Identifier: GPL-3.0-or-later
 * Attribution: which component in which layer, and which components together. */
#include "report/html/html.h"

#include <math.h>
#include <string.h>

enum { LEFT = 270, PLOT = CP_HTML_WIDTH - LEFT - 90, ROW = 22, TOP = 20, EFFECTS = 24 };

bool cp_html_has_attribution(const struct cp_report *r) {
    return r->layers[0].values || r->layers[1].values || r->effects.values || r->shapley.values;
}

/* ---- layer by component ---- */

static struct cp_html_axis axis_of_table(const struct cp_report_table *table) {
    struct cp_html_axis axis = cp_html_axis_start();
    for (size_t i = 0; i < table->shape[0] * table->shape[1]; i++)
        cp_html_axis_add(&axis, table->values[i]);
    return cp_html_axis_end(axis);
}

/* A dark square's number is written in the paper's colour. */
static void put_square(FILE *out, double x, double y, double width, double value, struct cp_html_axis axis) {
    const double shade = value > 0 ? 0.08 + 0.85 * cp_html_axis_at(axis, value) : 0;
    if (isnan(value))
        return;
    (void)fprintf(out, "<rect class=heat x=%.1f y=%.0f width=%.1f height=%d fill-opacity=%.2f rx=2 />", x, y,
                  width - 2, ROW - 2, shade);
    cp_print_html(out, "<text class=%s x=%.1f y=%.0f text-anchor=middle>", shade > 0.6 ? "over" : "on",
                  x + width / 2 - 1, y + 14);
    cp_html_number(out, value);
    (void)fputs("</text>", out);
}

static void put_heatmap(FILE *out, const struct cp_report_table *table, const char *tower) {
    const struct cp_html_axis axis = axis_of_table(table);
    const double full = (double)PLOT / (double)table->shape[1], width = full > 80 ? 80 : full;
    cp_print_html(out, "<h3>%s</h3><figure class=scroll>", tower);
    cp_html_svg(out, "drawn", TOP + (double)table->shape[0] * ROW, "Relative L2 by component and layer,",
                tower);
    for (size_t layer = 0; layer < table->shape[1]; layer++)
        (void)fprintf(out, "<text x=%.1f y=13 text-anchor=middle>%zu</text>",
                      LEFT + width * ((double)layer + 0.5), layer);
    for (size_t row = 0; row < table->shape[0]; row++) {
        const double y = TOP + (double)row * ROW;
        (void)fprintf(out, "<text class=strong x=%d y=%.0f text-anchor=end>", LEFT - 10, y + 14);
        cp_put_html(out, table->label[0].items[row]);
        (void)fputs("</text>", out);
        for (size_t layer = 0; layer < table->shape[1]; layer++)
            put_square(out, LEFT + width * (double)layer, y, width,
                       table->values[row * table->shape[1] + layer], axis);
    }
    (void)fputs("</svg></figure>\n", out);
}

static void put_layers(const struct cp_report *r, FILE *out) {
    static const char *const towers[] = {"image tower", "text tower"};
    if (r->layers[0].values || r->layers[1].values)
        (void)fputs("<p class=lead>One component swapped in one layer alone: the relative L2 of the tower's "
                    "features. The "
                    "darker, the more (log scale).</p>",
                    out);
    for (int tower = 0; tower < 2; tower++)
        if (r->layers[tower].values)
            put_heatmap(out, &r->layers[tower], towers[tower]);
}

/* ---- factorial ---- */

struct cell {
    double value, low, high;
};

static double field_of(const struct cp_report_table *t, size_t row, size_t response, const char *field) {
    return cp_report_cell(t, row, t->label[1].items[response], field);
}

static struct cell cell_of(const struct cp_report_table *t, size_t row, size_t response,
                           const char *const fields[3]) {
    return (struct cell){field_of(t, row, response, fields[0]), field_of(t, row, response, fields[1]),
                         field_of(t, row, response, fields[2])};
}

/* Bars from zero, to both sides, each with its interval where there is one. */
struct bars {
    double low, high; /* of all values and intervals, zero among them */
};

static double at(const struct bars *b, double value) {
    return LEFT + PLOT * (value - b->low) / (b->high > b->low ? b->high - b->low : 1);
}

static void widen(struct bars *b, double value) {
    if (isfinite(value)) {
        b->low = fmin(b->low, value);
        b->high = fmax(b->high, value);
    }
}

static void put_bar(FILE *out, const struct bars *b, double y, const char *label, struct cell cell) {
    const double from = at(b, fmin(0, cell.value)), to = at(b, fmax(0, cell.value));
    (void)fprintf(out, "<text class=strong x=%d y=%.0f text-anchor=end>", LEFT - 10, y + 14);
    cp_put_html(out, label);
    (void)fputs("</text>", out);
    if (!isfinite(cell.value))
        return;
    (void)fprintf(out, "<rect class=f-bar x=%.1f y=%.0f width=%.1f height=%d rx=1 opacity=.85 />", from,
                  y + 4, to - from, ROW - 8);
    if (isfinite(cell.low) && isfinite(cell.high))
        (void)fprintf(out, "<path class=interval d=\"M%.1f %.0fH%.1fM%.1f %.0fv6M%.1f %.0fv6\"/>",
                      at(b, cell.low), y + ROW / 2.0, at(b, cell.high), at(b, cell.low), y + ROW / 2.0 - 3,
                      at(b, cell.high), y + ROW / 2.0 - 3);
    (void)fprintf(out, "<text x=%d y=%.0f>", LEFT + PLOT + 12, y + 14);
    cp_html_number(out, cell.value);
    (void)fputs("</text>", out);
}

static void put_bars(FILE *out, const struct cp_report_table *t, size_t response,
                     const char *const fields[3]) {
    const size_t rows = t->shape[0] < EFFECTS ? t->shape[0] : EFFECTS;
    struct bars b = {0, 0};
    for (size_t row = 0; row < rows; row++) {
        const struct cell cell = cell_of(t, row, response, fields);
        widen(&b, cell.value);
        widen(&b, cell.low);
        widen(&b, cell.high);
    }
    (void)fputs("<figure class=scroll>", out);
    cp_html_svg(out, "drawn", 6 + (double)rows * ROW, "Bars:", t->label[1].items[response]);
    (void)fprintf(out, "<line class=axis x1=%.1f x2=%.1f y1=0 y2=%zu />", at(&b, 0), at(&b, 0),
                  6 + rows * ROW);
    for (size_t row = 0; row < rows; row++)
        put_bar(out, &b, (double)row * ROW, t->label[0].items[row], cell_of(t, row, response, fields));
    (void)fputs("</svg></figure>\n", out);
    if (rows < t->shape[0])
        (void)fprintf(out, "<p class=lead>The first %zu of %zu.</p>", rows, t->shape[0]);
}

static void put_responses(FILE *out, const struct cp_report_table *t, const char *title,
                          const char *const fields[3]) {
    for (size_t response = 0; response < t->shape[1]; response++) {
        cp_print_html(out, "<h3>%s ", title);
        cp_put_html(out, t->label[1].items[response]);
        (void)fputs("</h3>", out);
        put_bars(out, t, response, fields);
    }
}

static void put_factorial(const struct cp_report *r, FILE *out) {
    static const char *const effect[3] = {"mean", "low", "high"}, *const share[3] = {"share", "share_low",
                                                                                     "share_high"};
    if (!r->effects.values && !r->shapley.values)
        return;
    (void)fputs(
        "<p class=lead>All combinations of the swaps: what each one does, and what only "
        "several together do (means over inputs, 95 % intervals). squared_error is the squared relative "
        "L2 of the features: it adds up where errors are orthogonal, and interactions are then 0. "
        "Shapley shares divide what all swaps do together; they sum to 1.</p>",
        out);
    if (r->effects.values)
        put_responses(out, &r->effects, "Effects on", effect);
    if (r->shapley.values)
        put_responses(out, &r->shapley, "Shapley shares of", share);
}

/* ---- both ---- */

void cp_html_attribution(const struct cp_report *r, FILE *out) {
    if (!cp_html_has_attribution(r))
        return;
    (void)fputs("<section><h2 id=attribution>Attribution</h2>", out);
    put_layers(r, out);
    put_factorial(r, out);
    (void)fputs("</section>", out);
}
