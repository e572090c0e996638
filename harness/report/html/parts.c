/* SPDX-License-Identifier: GPL-3.0-or-later
 * Function and error: the parts of each candidate's divergence where it counts, at the end. */
#include "report/html/html.h"

#include <math.h>
#include <string.h>

enum { LEFT = 200, PLOT = CP_HTML_WIDTH - LEFT - 70, ROW = 13, GAP = 12, TOP = 18, OPEN = 16 };

static const char *const ends[] = {"image_features", "text_features", "class_probs", "probs"};

static const struct cp_report_tap *end_tap(const struct cp_report_candidate *c, const char *name) {
    for (size_t t = 0; t < c->taps; t++)
        if (strcmp(c->tap[t].name, name) == 0)
            return &c->tap[t];
    return NULL;
}

static struct cp_html_axis axis_of(const struct cp_report *r, const char *end) {
    struct cp_html_axis axis = cp_html_axis_start();
    for (size_t c = 0; c < r->candidates; c++) {
        const struct cp_report_tap *tap = end_tap(&r->candidate[c], end);
        for (int part = CP_SEMANTIC; tap && part < CP_PART_COUNT; part++)
            cp_html_axis_add(&axis, tap->over_inputs.mean_rel[part]);
    }
    axis = cp_html_axis_end(axis);
    axis.low--; /* the least bar is seen, too */
    return axis;
}

static void put_bar(FILE *out, struct cp_html_axis axis, double y, int part, double value) {
    const double width = value > 0 ? PLOT * cp_html_axis_at(axis, value) : 0;
    cp_print_html(out, "<rect class=f-%s x=%d y=%.0f width=%.1f height=%d rx=1 /><text x=%.1f y=%.0f>",
                  cp_part_names[part], LEFT, y, width, ROW - 2, LEFT + width + 5, y + 9);
    cp_html_number(out, value);
    (void)fputs("</text>", out);
}

static void put_end(FILE *out, const struct cp_report *r, const char *end) {
    const struct cp_html_axis axis = axis_of(r, end);
    const size_t shown = r->candidates < OPEN ? r->candidates : OPEN;
    cp_print_html(out, "<h3>%s</h3><figure class=scroll>", end);
    cp_html_svg(out, "drawn", TOP + (double)shown * (3 * ROW + GAP), "Function and error at", end);
    for (int power = axis.low; power <= axis.high; power += cp_html_axis_step(axis, 8)) {
        const double x = LEFT + PLOT * cp_html_axis_at(axis, pow(10, power));
        (void)fprintf(out,
                      "<line class=grid x1=%.1f x2=%.1f y1=14 y2=%.0f /><text x=%.1f y=10 "
                      "text-anchor=middle>1e%d</text>",
                      x, x, TOP + (double)shown * (3 * ROW + GAP), x, power);
    }
    for (size_t c = 0; c < shown; c++) {
        const double y = TOP + (double)c * (3 * ROW + GAP);
        const struct cp_report_tap *tap = end_tap(&r->candidate[c], end);
        (void)fprintf(out, "<text class=strong x=%d y=%.0f text-anchor=end>", LEFT - 10, y + 1.5 * ROW + 3);
        cp_put_html(out, r->candidate[c].name);
        (void)fputs("</text>", out);
        if (tap && tap->over_inputs.different == 0)
            (void)fprintf(out, "<text x=%d y=%.0f>identical bits</text>", LEFT, y + 1.5 * ROW + 3);
        for (int part = CP_SEMANTIC; tap && tap->over_inputs.different != 0 && part < CP_PART_COUNT; part++)
            put_bar(out, axis, y + (part - CP_SEMANTIC) * ROW, part, tap->over_inputs.mean_rel[part]);
    }
    (void)fputs("</svg></figure>\n", out);
}

void cp_html_parts(const struct cp_report *r, FILE *out) {
    size_t remaining = 3;
    (void)fputs(
        "<section><h2 id=parts>Function and error</h2><p class=lead>The semantic part of a divergence is "
        "what "
        "the declared settings, weights and inputs make of it: both sides' float64 references against each "
        "other. Each side's own error is its distance from its own float64 reference. Relative L2 where it "
        "counts, log scale.</p><ul class=key>",
        out);
    for (int part = CP_SEMANTIC; part < CP_PART_COUNT; part++)
        cp_print_html(out, "<li><svg width=18 height=9><rect class=f-%s width=18 height=9 rx=1 /></svg> %s",
                      cp_part_names[part],
                      part == CP_SEMANTIC   ? "semantic"
                      : part == CP_ROUNDING ? "cand. error"
                                            : "base error");
    (void)fputs("</ul>", out);
    for (size_t e = 0; e < sizeof ends / sizeof ends[0] && remaining; e++)
        if (end_tap(&r->candidate[0], ends[e])) {
            put_end(out, r, ends[e]);
            remaining--;
        }
    if (r->candidates > OPEN)
        (void)fprintf(out, "<p class=lead>The first %d of %zu candidates.</p>", OPEN, r->candidates);
    (void)fputs("</section>", out);
}
