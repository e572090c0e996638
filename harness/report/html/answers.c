/* SPDX-License-Identifier: GPL-3.0-or-later
 * The answer as a table, a row for each candidate, the worst first; behind each reason the whole answer in words and the taps
 * by state. */
#include "report/data/answer.h"
#include "report/data/words.h"
#include "report/html/html.h"

#include <string.h>

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
        const size_t count = cp_report_count_state(c, state);
        if (count)
            cp_print_html(out, "<rect class=f-%s x=%.0f width=%zu height=8 />", cp_report_state_names[state],
                          x, count);
        x += (double)count;
    }
    (void)fputs("</svg><small>", out);
    for (int rank = CP_REPORT_STATES - 1; rank >= 0; rank--) {
        const int state = state_of_rank(rank);
        const size_t count = cp_report_count_state(c, state);
        if (count)
            cp_print_html(out, "%s%zu %s", before, count, cp_report_state_names[state]);
        before = count ? ", " : before;
    }
    (void)fputs("</small>", out);
}

/* One line, and the whole behind it. */
static void put_reason(FILE *out, const struct cp_report_candidate *c) {
    char text[CP_REPORT_SUMMARY] = "";
    struct cp_sentence reason = {text, sizeof text, 0};
    (void)fputs("<td class=word><details><summary>", out);
    cp_put_html(out, cp_append_reason(&reason, c) ? text : "details");
    (void)fputs("</summary><p>", out);
    cp_report_summary(c, text, sizeof text);
    cp_put_html(out, text);
    (void)fputs("</p>", out);
    put_bar(out, c);
    (void)fputs("</details></td>", out);
}

static void put_first(FILE *out, const struct cp_answer *a) {
    (void)fputs("<td class=word data-head=\"first difference\">", out);
    if (a->first) {
        (void)fputs("<code>", out);
        cp_put_html(out, a->first);
        (void)fputs("</code>", out);
    } else
        (void)fputs("&ndash;", out);
    (void)fputs("</td>", out);
}

static void put_number(FILE *out, const char *head, double value) {
    cp_print_html(out, "<td data-head=\"%s\">", head);
    cp_html_number(out, value);
    (void)fputs("</td>", out);
}

static void put_answer(FILE *out, const struct cp_answer *a) {
    cp_print_html(out, "<tr class=\"answer %s\"><th scope=row>", a->class);
    cp_put_html(out, a->candidate->name);
    cp_print_html(out, "</th><td class=word><span class=kind>%s</span></td>", a->verdict);
    put_first(out, a);
    put_reason(out, a->candidate);
    put_number(out, "relative L2", a->relative_l2);
    put_number(out, "max |dp|", a->max_dp);
    (void)fputs("<td data-head=flips>", out);
    if (a->decided)
        (void)fprintf(out, "%zu/%zu", a->flips, a->decided);
    else
        (void)fputs("&ndash;", out);
    (void)fputs("</td></tr>\n", out);
}

/* Swaps in one layer alone, of which there may be hundreds, are under Attribution. */
static void put_answers(FILE *out, const struct cp_answer *answer, size_t count) {
    size_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        if (answer[i].candidate->layerwise)
            continue;
        if (rows++ == 0)
            (void)fputs(
                "<section><table class=\"plain answers\"><caption>The answer, worst first. Relative L2: mean "
                "over "
                "inputs, at the features; max |dp|: the largest change of a "
                "probability.</caption><thead><tr><th "
                "scope=col>candidate</th><th scope=col class=word>verdict</th><th scope=col class=word>first "
                "difference</th><th scope=col class=word>reason</th><th scope=col>relative L2</th><th "
                "scope=col>max |dp|</th><th scope=col>flips</th></tr></thead><tbody>\n",
                out);
        put_answer(out, &answer[i]);
    }
    (void)fputs(rows ? "</tbody></table></section>\n<div id=pick></div>\n" : "<div id=pick></div>\n", out);
}

enum cp_status cp_html_answers(const struct cp_report *r, FILE *out, struct cp_error *err) {
    struct cp_arena arena = {0};
    struct cp_answer *answer;
    const enum cp_status status = cp_answers(r, &arena, &answer, err);
    if (status == CP_OK)
        put_answers(out, answer, r->candidates);
    cp_arena_free(&arena);
    return status;
}
