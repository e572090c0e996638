/* SPDX-License-Identifier: GPL-3.0-or-later
 * Error over depth: places for the charts, each with a drawing that stands for it on paper and without
 * scripts. */
#include "report/html/html.h"

#include <math.h>

enum { LEFT = 50, PLOT = CP_HTML_WIDTH - LEFT - 8, TOP = 18, HEIGHT = 240, BOTTOM = 8, OPEN = 3 };

/* One quantity, tap by tap. */
enum quantity { FLOOR = CP_PART_COUNT, LINES, WORST = LINES, PROBABLE, QUANTITIES };
static const char *const classes[LINES] = {"total", "semantic", "rounding", "rounding_baseline", "floor"};

static double value_of(const struct cp_report_tap *tap, int quantity) {
    switch (quantity) {
    case FLOOR:
        return tap->floor;
    case WORST:
        return tap->bracket[CP_BOUND_WORST];
    case PROBABLE:
        return tap->bracket[CP_BOUND_PROBABLE];
    default:
        return tap->over_inputs.mean_rel[quantity];
    }
}

static double x_of(const struct cp_report_candidate *c, size_t t) {
    return LEFT + PLOT * ((double)t + 0.5) / (double)c->taps;
}

static double y_of(struct cp_html_axis axis, double value) {
    return TOP + HEIGHT * (1 - cp_html_axis_at(axis, value));
}

static void put_axes(FILE *out, const struct cp_report_candidate *c, struct cp_html_axis axis) {
    static const char *const towers[] = {"image tower", "text tower", "joint"};
    for (int power = axis.low; power <= axis.high; power += cp_html_axis_step(axis, 8)) {
        const double y = y_of(axis, pow(10, power));
        (void)fprintf(
            out,
            "<line class=grid x1=%d x2=%d y1=%.1f y2=%.1f /><text x=%d y=%.1f text-anchor=end>1e%d</text>",
            LEFT, LEFT + PLOT, y, y, LEFT - 6, y + 4, power);
    }
    for (size_t t = 0; t < c->taps; t++)
        if (t == 0 || c->tap[t].tower != c->tap[t - 1].tower) {
            const double x = x_of(c, t) - 0.5 * PLOT / (double)c->taps;
            (void)fprintf(out, "<line class=axis x1=%.1f x2=%.1f y1=4 y2=%d />", x, x, TOP + HEIGHT);
            if (x < LEFT + PLOT - 60)
                cp_print_html(out, "<text x=%.1f y=13>%s</text>", x + 4, towers[c->tap[t].tower]);
        }
}

/* A line is broken where a tower ends and where there is nothing: identical bits have no place on a log axis.
 */
static void put_series(FILE *out, const struct cp_report_candidate *c, int quantity,
                       struct cp_html_axis axis) {
    bool open = false, any = false;
    for (size_t t = 0; t < c->taps; t++) {
        const double value = value_of(&c->tap[t], quantity);
        const bool there = value > 0 && isfinite(value);
        open = open && there && c->tap[t].tower == c->tap[t - 1].tower;
        if (there && !any)
            (void)fputs("<path d=\"", out);
        if (there)
            (void)fprintf(out, "%c%.0f %.0f", open ? 'L' : 'M', x_of(c, t), y_of(axis, value));
        any = any || there;
        open = there;
    }
    if (any)
        cp_print_html(out, "\" class=\"plot p-%s\"/>", classes[quantity]);
}

/* Where bounds are stated, a bar from the probable to the worst. */
static void put_bounds(FILE *out, const struct cp_report_candidate *c, struct cp_html_axis axis) {
    bool any = false;
    for (size_t t = 0; t < c->taps; t++) {
        const double low = value_of(&c->tap[t], PROBABLE), high = value_of(&c->tap[t], WORST);
        if (low > 0 && high > 0) {
            (void)fputs(any ? "" : "<path class=bounds d=\"", out);
            (void)fprintf(out, "M%.0f %.0fV%.0f", x_of(c, t), y_of(axis, low) + 1, y_of(axis, high));
            any = true;
        }
    }
    if (any)
        (void)fputs("\"/>", out);
}

static void put_drawing(FILE *out, const struct cp_report_candidate *c) {
    struct cp_html_axis axis = cp_html_axis_start();
    for (size_t t = 0; t < c->taps; t++)
        for (int quantity = 0; quantity < QUANTITIES; quantity++)
            cp_html_axis_add(&axis, value_of(&c->tap[t], quantity));
    axis = cp_html_axis_end(axis);
    cp_html_svg(out, "static", TOP + HEIGHT + BOTTOM, "Error over depth of", c->name);
    put_axes(out, c, axis);
    put_bounds(out, c, axis);
    for (int quantity = LINES - 1; quantity >= 0; quantity--)
        put_series(out, c, quantity, axis);
    (void)fputs("</svg>", out);
}

static void put_key(FILE *out) {
    static const char *const words[LINES] = {"total", "semantic: different function", "cand. error",
                                             "base error", "noise floor"};
    (void)fputs("<ul class=\"key static\">", out);
    for (int quantity = 0; quantity < LINES; quantity++)
        cp_print_html(out, "<li><svg width=24 height=8><path class=\"plot p-%s\" d=\"M0 4H24\"/></svg> %s",
                      classes[quantity], words[quantity]);
    (void)fputs("<li><svg width=24 height=12><path class=bounds d=\"M12 0V12\"/></svg> predicted rounding "
                "bounds of the "
                "baseline</ul>",
                out);
}

/* Whoever sees a candidate above the bars takes it for a bug where it only is in half precision. */
static void put_bounds_words(const struct cp_report *r, FILE *out) {
    for (size_t t = 0; t < r->candidate[0].taps; t++)
        if (r->candidate[0].tap[t].bracket[CP_BOUND_WORST] > 0) {
            (void)fputs(
                "<p class=lead>Bars: predicted rounding bounds of each operation by itself, from the "
                "probable to the worst case, in the baseline's precision. A candidate in a narrower type may "
                "legitimately exceed them.</p>\n",
                out);
            return;
        }
}

/* What a difference at a step of preprocessing is at the features. */
static void put_pixels(FILE *out, const struct cp_report_candidate *c) {
    const struct cp_report_growth g = cp_report_growth(c);
    if (!g.features)
        return;
    (void)fputs(
        "<div class=scroll><table class=plain><thead><tr><th>from the picture<th>relative L2<th>times "
        "until the image features</thead><tbody>\n",
        out);
    for (size_t i = 0; i < g.steps; i++) {
        cp_print_html(out, "<tr><td>%s", g.step[i]->address);
        cp_html_cell(out, g.step[i]->over_inputs.mean_rel[CP_TOTAL]);
        cp_html_cell(out, g.times[i]);
    }
    (void)fputs("<tr><td>image_features", out);
    cp_html_cell(out, g.features->over_inputs.mean_rel[CP_TOTAL]);
    (void)fputs("<td>\n<tr><td>random changes of the pixels<td>", out);
    cp_html_cell(out, g.chance);
    (void)fputs("</table></div>\n", out);
}

void cp_html_growth(const struct cp_report *r, FILE *out) {
    (void)fputs(
        "<section><h2 id=growth>Error over depth</h2><p class=lead>Relative L2 error, mean over inputs, tap "
        "by "
        "tap in order of execution. No line: identical bits. Drag to zoom, double-click to go back; arrow "
        "keys read the values.</p>",
        out);
    if (r->candidates > 1)
        (void)fputs(
            "<figure class=screen data-chart=-1 aria-label=\"Total error of every candidate\"></figure>\n",
            out);
    put_key(out);
    put_bounds_words(r, out);
    for (size_t c = 0; c < r->candidates; c++) {
        cp_print_html(out, "<details data-candidate=%zu%s><summary><strong>", c, c < OPEN ? " open" : "");
        cp_put_html(out, r->candidate[c].name);
        (void)fprintf(out, "</strong> <small>split into its parts</small></summary><figure data-chart=%zu>",
                      c);
        put_drawing(out, &r->candidate[c]);
        (void)fputs("</figure>", out);
        put_pixels(out, &r->candidate[c]);
        (void)fputs("</details>\n", out);
    }
    (void)fputs("</section>", out);
}
