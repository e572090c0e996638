/* SPDX-License-Identifier: GPL-3.0-or-later
 * Error over depth: places for the charts, each with a drawing that stands for it on paper and without
 * scripts. */
#include "report/html.h"
#include "report/page.h"

#include <math.h>

enum { LEFT = 50, PLOT = CP_HTML_WIDTH - LEFT - 8, TOP = 18, HEIGHT = 240, BOTTOM = 8, OPEN = 3 };

/* One value for each tap of the first candidate. */
struct series {
    const struct cp_report *report;
    size_t candidate;
    int part;            /* of the candidate; or ... */
    const double *value; /* ... these, stride apart; NULL: the part */
    size_t stride;
};

static double value_of(const struct series *s, size_t t) {
    if (s->value)
        return s->value[t * s->stride];
    const struct cp_report_tap *tap = cp_html_tap(s->report, s->candidate, t);
    return tap ? tap->over_inputs.mean_rel[s->part] : NAN;
}

static double x_of(const struct cp_report *r, size_t t) {
    return LEFT + PLOT * ((double)t + 0.5) / (double)r->candidate[0].taps;
}

static double y_of(struct cp_html_axis axis, double value) {
    return TOP + HEIGHT * (1 - cp_html_axis_at(axis, value));
}

static void put_axes(FILE *out, const struct cp_report *r, struct cp_html_axis axis) {
    static const char *const towers[] = {"image tower", "text tower", "joint"};
    const struct cp_report_candidate *c = &r->candidate[0];
    for (int power = axis.low; power <= axis.high; power += cp_html_axis_step(axis, 8)) {
        const double y = y_of(axis, pow(10, power));
        (void)fprintf(
            out,
            "<line class=grid x1=%d x2=%d y1=%.1f y2=%.1f /><text x=%d y=%.1f text-anchor=end>1e%d</text>",
            LEFT, LEFT + PLOT, y, y, LEFT - 6, y + 4, power);
    }
    for (size_t t = 0; t < c->taps; t++)
        if (t == 0 || c->tap[t].tower != c->tap[t - 1].tower) {
            const double x = x_of(r, t) - 0.5 * PLOT / (double)c->taps;
            (void)fprintf(out, "<line class=axis x1=%.1f x2=%.1f y1=4 y2=%d />", x, x, TOP + HEIGHT);
            if (x < LEFT + PLOT - 60)
                (void)fprintf(out, "<text x=%.1f y=13>%s</text>", x + 4, towers[c->tap[t].tower]);
        }
}

/* A line is broken where a tower ends and where there is nothing: identical bits have no place on a log axis.
 */
static void put_series(FILE *out, const struct series *s, struct cp_html_axis axis, const char *class) {
    const struct cp_report_candidate *c = &s->report->candidate[0];
    bool open = false, any = false;
    for (size_t t = 0; t < c->taps; t++) {
        const double value = value_of(s, t);
        const bool there = value > 0 && isfinite(value);
        open = open && there && c->tap[t].tower == c->tap[t - 1].tower;
        if (there)
            (void)fprintf(out, "%s%c%.0f %.0f", any ? "" : "<path d=\"", open ? 'L' : 'M', x_of(s->report, t),
                          y_of(axis, value));
        any = any || there;
        open = there;
    }
    if (any)
        (void)fprintf(out, "\" class=\"plot p-%s\"/>", class);
}

static struct cp_html_axis axis_of(const struct cp_report *r, size_t c) {
    struct cp_html_axis axis = cp_html_axis_start();
    for (size_t t = 0; t < r->candidate[c].taps; t++)
        for (int part = 0; part < CP_PART_COUNT; part++)
            cp_html_axis_add(&axis, r->candidate[c].tap[t].over_inputs.mean_rel[part]);
    for (size_t t = 0; r->page->floor && t < r->candidate[0].taps; t++)
        cp_html_axis_add(&axis, r->page->floor[t]);
    return cp_html_axis_end(axis);
}

static void put_drawing(FILE *out, const struct cp_report *r, size_t c) {
    const struct cp_page *page = r->page;
    const struct cp_html_axis axis = axis_of(r, c);
    struct series series = {.report = r, .candidate = c};
    cp_html_svg(out, "static", TOP + HEIGHT + BOTTOM, "Error over depth of", r->candidate[c].name);
    put_axes(out, r, axis);
    for (size_t bound = 0; page->bounds.values && bound < page->bounds.columns; bound++) {
        series.value = page->bounds.values + bound;
        series.stride = page->bounds.columns;
        put_series(out, &series, axis, page->bounds.column.items[bound]);
    }
    series.value = page->floor;
    series.stride = 1;
    if (page->floor)
        put_series(out, &series, axis, "floor");
    series.value = NULL;
    for (series.part = CP_PART_COUNT - 1; series.part >= 0; series.part--)
        put_series(out, &series, axis, cp_part_names[series.part]);
    (void)fputs("</svg>", out);
}

static void put_key(FILE *out, const struct cp_report *r) {
    static const char *const keys[][2] = {{"total", "total"},
                                          {"semantic", "semantic: other maths"},
                                          {"rounding", "rounding of the candidate"},
                                          {"rounding_baseline", "rounding of the baseline"}};
    (void)fputs("<ul class=\"key static\">", out);
    for (size_t i = 0; i < 4; i++)
        (void)fprintf(out, "<li><svg width=24 height=8><path class=\"plot p-%s\" d=\"M0 4H24\"/></svg> %s",
                      keys[i][0], keys[i][1]);
    if (r->page->floor)
        (void)fputs(
            "<li><svg width=24 height=8><path class=\"plot p-floor\" d=\"M0 4H24\"/></svg> noise floor", out);
    if (r->page->bounds.values)
        (void)fputs(
            "<li><svg width=24 height=8><path class=\"plot p-worst\" d=\"M0 4H24\"/></svg> a-priori bounds",
            out);
    (void)fputs("</ul>", out);
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
    put_key(out, r);
    for (size_t c = 0; c < r->candidates; c++) {
        (void)fprintf(out, "<details data-candidate=%zu%s><summary><strong>", c, c < OPEN ? " open" : "");
        cp_html_text(out, r->candidate[c].name);
        (void)fprintf(out, "</strong> <small>split into its parts</small></summary><figure data-chart=%zu>",
                      c);
        put_drawing(out, r, c);
        (void)fputs("</figure></details>\n", out);
    }
    (void)fputs("</section>", out);
}
