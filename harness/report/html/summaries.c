/* SPDX-License-Identifier: GPL-3.0-or-later
 * The answer in words, under each the taps by state. */
#include "report/data/words.h"
#include "report/html/html.h"

#include <string.h>

enum { OPEN = 12 }; /* answers shown at once; the rest unfold */

static size_t count_state(const struct cp_report_candidate *c, int state) {
    size_t count = 0;
    for (size_t t = 0; t < c->taps; t++)
        count += cp_report_state(&c->tap[t]) == state;
    return count;
}

/* The state of a rank, from the worst on. */
static int state_of_rank(int rank) {
    int state = 0;
    while (cp_report_state_rank(state) != rank)
        state++;
    return state;
}

/* A bar across, cut in proportion to the number of taps of each state, with the numbers beneath. */
static void put_bar(FILE *out, const struct cp_report_candidate *c) {
    const char *before = "taps: ";
    double x = 0;
    (void)fprintf(out, "<svg viewBox=\"0 0 %zu 8\" preserveAspectRatio=none aria-hidden=true>", c->taps);
    for (int rank = CP_REPORT_STATES - 1; rank >= 0; rank--) {
        const int state = state_of_rank(rank);
        const size_t count = count_state(c, state);
        if (count)
            cp_print_html(out, "<rect class=f-%s x=%.0f width=%zu height=8 />", cp_report_state_names[state],
                          x, count);
        x += (double)count;
    }
    (void)fputs("</svg><small>", out);
    for (int rank = CP_REPORT_STATES - 1; rank >= 0; rank--) {
        const int state = state_of_rank(rank);
        const size_t count = count_state(c, state);
        if (count)
            cp_print_html(out, "%s%zu %s", before, count, cp_report_state_names[state]);
        before = count ? ", " : before;
    }
    (void)fputs("</small>", out);
}

/* What a card's colour says, in a class of the style sheet and in words. */
struct kind {
    const char *class, *words;
};

/* What the ledger found, worst first; class NULL: nothing of the kind. */
static struct kind kind_of_ledger(const struct cp_report_candidate *c) {
    if (c->broken)
        return (struct kind){"contradicted", "broken baseline"};
    if (count_state(c, CP_NONFINITE_VERDICT))
        return (struct kind){"nonfinite", "NaN or infinity"};
    if (cp_report_count_own(c, 1, CP_OWN_CONTRADICTED))
        return (struct kind){"contradicted", "contradicted"};
    if (count_state(c, CP_SEMANTIC_VERDICT) || cp_report_is_declared(c))
        return (struct kind){"semantic", cp_report_difference_words(c)};
    if (cp_report_count_own(c, 1, CP_OWN_ROUNDING))
        return (struct kind){"degraded", "coarser than declared"};
    return (struct kind){NULL, NULL};
}

static bool is_explained(const struct cp_report_candidate *c) {
    return c->difference && cp_report_count_own(c, 1, CP_OWN_UNCHECKED) == 0;
}

/* Green says that something was shown, so what is inconclusive is grey; it is green with grey where every
 * operation is explained, or all but some taps were decided and no ratio beyond its limit was seen. */
static struct kind kind_of(const struct cp_report_candidate *c) {
    const struct cp_inconclusive inconclusive = cp_report_inconclusive(c);
    const size_t within = count_state(c, CP_EQUIVALENT);
    const struct kind found = kind_of_ledger(c);
    if (found.class)
        return found;
    if (cp_report_rounding(c, CP_DEGRADED))
        return (struct kind){"degraded", "larger error"};
    if (count_state(c, CP_UNMATCHED))
        return (struct kind){"open", "taps on one side only"};
    if (inconclusive.taps && is_explained(c))
        return (struct kind){"partly", "every operation explained"};
    if (inconclusive.taps && (!c->judged || !within || !(inconclusive.over_k < 1)))
        return (struct kind){"open", c->judged ? "undecided" : "not judged"};
    if (inconclusive.taps)
        return (struct kind){"partly", "error within the limit, in part undecided"};
    return (struct kind){"same", within ? "error within the limit" : "same bits"};
}

static void put_summary(FILE *out, const struct cp_report_candidate *c, size_t index) {
    char text[CP_REPORT_SUMMARY];
    const size_t length = strlen(c->name);
    cp_report_summary(c, text, sizeof text);
    const size_t named = strncmp(text, c->name, length) == 0 ? length : 0;
    const struct kind kind = kind_of(c);
    cp_print_html(out, "<div class=\"answer %s\" data-candidate=%zu><span class=kind>%s</span><p><strong>",
                  kind.class, index, kind.words);
    cp_put_html(out, named ? c->name : "");
    (void)fputs("</strong>", out);
    cp_put_html(out, text + named);
    (void)fputs("</p>", out);
    put_bar(out, c);
    (void)fputs("</div>\n", out);
}

void cp_html_summaries(const struct cp_report *r, FILE *out) {
    (void)fputs("<div id=pick></div><section class=answers aria-label=\"The answer in words\">\n", out);
    for (size_t i = 0; i < r->candidates; i++) {
        if (i == OPEN)
            (void)fprintf(
                out, "</section><details><summary>%zu more candidates</summary><section class=answers>\n",
                r->candidates - OPEN);
        put_summary(out, &r->candidate[i], i);
    }
    (void)fputs(r->candidates > OPEN ? "</section></details>\n" : "</section>\n", out);
}
