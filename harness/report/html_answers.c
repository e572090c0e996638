/* SPDX-License-Identifier: GPL-3.0-or-later
 * The answer in words, under each the taps by verdict. */
#include "report/html.h"

#include <string.h>

enum { OPEN = 12 }; /* answers shown at once; the rest unfold */

/* Verdicts from the worst on. */
static const enum cp_verdict order[] = {CP_UNMATCHED,  CP_NONFINITE_VERDICT, CP_SEMANTIC_VERDICT,
                                        CP_DEGRADED,   CP_DIFFERS,           CP_INCONCLUSIVE,
                                        CP_EQUIVALENT, CP_IDENTICAL};
enum { VERDICTS = sizeof order / sizeof order[0] };

static size_t count_verdict(const struct cp_report_candidate *c, enum cp_verdict verdict) {
    size_t count = 0;
    for (size_t t = 0; t < c->taps; t++)
        count += (int)c->tap[t].verdict[CP_FIELD_VERDICT] == (int)verdict;
    return count;
}

/* A bar across, cut in proportion to the number of taps of each verdict, with the numbers beneath. */
static void put_bar(FILE *out, const struct cp_report_candidate *c) {
    const char *before = "taps: ";
    double x = 0;
    (void)fprintf(out, "<svg viewBox=\"0 0 %zu 8\" preserveAspectRatio=none aria-hidden=true>", c->taps);
    for (size_t v = 0; v < VERDICTS; v++) {
        const size_t count = count_verdict(c, order[v]);
        if (count)
            (void)fprintf(out, "<rect class=f-%s x=%.0f width=%zu height=8 />", cp_verdict_names[order[v]], x,
                          count);
        x += (double)count;
    }
    (void)fputs("</svg><small>", out);
    for (size_t v = 0; v < VERDICTS; v++) {
        const size_t count = count_verdict(c, order[v]);
        if (count)
            (void)fprintf(out, "%s%zu %s", before, count, cp_verdict_names[order[v]]);
        before = count ? ", " : before;
    }
    (void)fputs("</small>", out);
}

/* What a card's colour says, in a class of the style sheet and in words. */
struct kind {
    const char *class, *words;
};

/* Green says that something was shown, so what is undecided is grey; it is green with grey where all but some
 * taps were decided, and no ratio beyond its limit was seen at those. */
static struct kind kind_of(const struct cp_report_candidate *c) {
    const struct cp_undecided undecided = cp_report_undecided(c);
    const size_t within = count_verdict(c, CP_EQUIVALENT);
    if (count_verdict(c, CP_NONFINITE_VERDICT))
        return (struct kind){"nonfinite", "NaN or infinity"};
    if (count_verdict(c, CP_SEMANTIC_VERDICT))
        return (struct kind){"semantic", "other maths"};
    if (cp_report_rounding(c, CP_DEGRADED))
        return (struct kind){"degraded", "worse rounding"};
    if (count_verdict(c, CP_UNMATCHED))
        return (struct kind){"open", "taps on one side only"};
    if (undecided.taps && (!c->judged || !within || !(undecided.over_k < 1)))
        return (struct kind){"open", c->judged ? "undecided" : "not judged"};
    if (undecided.taps)
        return (struct kind){"partly", "rounding within the limit, in part undecided"};
    return (struct kind){"same", within ? "rounding within the limit" : "same bits"};
}

static void put_answer(FILE *out, const struct cp_report_candidate *c, size_t index) {
    char text[CP_REPORT_ANSWER];
    const size_t length = strlen(c->name);
    cp_report_answer(c, text, sizeof text);
    const size_t named = strncmp(text, c->name, length) == 0 ? length : 0;
    const struct kind kind = kind_of(c);
    (void)fprintf(out, "<div class=\"answer %s\" data-candidate=%zu><span class=kind>%s</span><p><strong>",
                  kind.class, index, kind.words);
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
