/* SPDX-License-Identifier: GPL-3.0-or-later
 * The answer in words, under each the taps by verdict. */
#include "report/html.h"

#include <string.h>

enum { OPEN = 12 }; /* answers shown at once; the rest unfold */

/* A bar across, cut in proportion to the number of taps of each verdict. */
static void put_bar(FILE *out, const struct cp_report_candidate *c) {
    static const enum cp_verdict order[] = {CP_UNMATCHED,  CP_NONFINITE_VERDICT, CP_SEMANTIC_VERDICT,
                                            CP_DEGRADED,   CP_DIFFERS,           CP_INCONCLUSIVE,
                                            CP_EQUIVALENT, CP_IDENTICAL};
    double x = 0;
    (void)fprintf(
        out, "<svg viewBox=\"0 0 %zu 8\" preserveAspectRatio=none role=img aria-label=\"Taps by verdict\">",
        c->taps);
    for (size_t v = 0; v < sizeof order / sizeof order[0]; v++) {
        size_t count = 0;
        for (size_t t = 0; t < c->taps; t++)
            count += (int)c->tap[t].verdict[CP_FIELD_VERDICT] == (int)order[v];
        if (count)
            (void)fprintf(
                out, "<rect class=f-%s x=%.0f width=%zu height=8><title>%zu of %zu taps %s</title></rect>",
                cp_verdict_names[order[v]], x, count, count, c->taps, cp_verdict_names[order[v]]);
        x += (double)count;
    }
    (void)fputs("</svg>", out);
}

static const char *kind_of(const struct cp_report_candidate *c) {
    for (int tower = CP_VISUAL; tower <= CP_JOINT; tower++)
        if (cp_report_first(c, (enum cp_tower)tower))
            return c->judged ? "semantic" : "open";
    return cp_report_rounding(c, CP_DEGRADED) ? "degraded" : "same";
}

static void put_answer(FILE *out, const struct cp_report_candidate *c, size_t index) {
    char text[CP_REPORT_ANSWER];
    const size_t length = strlen(c->name);
    cp_report_answer(c, text, sizeof text);
    const size_t named = strncmp(text, c->name, length) == 0 ? length : 0;
    (void)fprintf(out, "<div class=\"answer %s\" data-candidate=%zu><p><strong>", kind_of(c), index);
    cp_html_text(out, named ? c->name : "");
    (void)fputs("</strong>", out);
    cp_html_text(out, text + named);
    (void)fputs("</p>", out);
    put_bar(out, c);
    (void)fputs("</div>\n", out);
}

void cp_html_answers(const struct cp_report *r, FILE *out) {
    (void)fputs("<div id=pick></div><section class=answers aria-label=\"The answer in words\">\n", out);
    for (size_t i = 0; i < r->candidates; i++) {
        if (i == OPEN)
            (void)fprintf(
                out, "</section><details><summary>%zu more candidates</summary><section class=answers>\n",
                r->candidates - OPEN);
        put_answer(out, &r->candidate[i], i);
    }
    (void)fprintf(out, "</section>%s\n", r->candidates > OPEN ? "</details>" : "");
}
