/* SPDX-License-Identifier: GPL-3.0-or-later
 * The matrix of verdicts, tap by candidate. A block of a tower is a row of its own, which shows its worst and
 * unfolds. Every cell is a link to the tap in detail. */
#include "report/html/html.h"

#include <string.h>

static int rank_of(const struct cp_report_tap *tap) {
    return cp_report_state_rank(cp_report_state(tap));
}

/* The first tap of rows [first, end) in the worst state, by row; end: none. */
static size_t worst_of(const struct cp_report *r, size_t c, size_t first, size_t end) {
    size_t worst = end;
    for (size_t t = first; t < end; t++) {
        const struct cp_report_tap *tap = cp_html_tap(r, c, t),
                                   *other = worst < end ? cp_html_tap(r, c, worst) : NULL;
        if (tap && (!other || rank_of(tap) > rank_of(other)))
            worst = t;
    }
    return worst;
}

/* value: what is shown beside the state's sign; a broken baseline's own sign is another. */
static void put_cell(FILE *out, const struct cp_report *r, size_t c, size_t t, double value) {
    const struct cp_report_tap *tap = cp_html_tap(r, c, t);
    if (!tap) {
        (void)fputs("<td>", out);
        return;
    }
    const int state = cp_report_state(tap);
    const char *side = cp_report_state_side(tap);
    (void)fprintf(out, side[0] ? "<td><a class=\"v%d base\"" : "<td><a class=v%d", state);
    (void)fprintf(out, " href=#%zu.%zu aria-label=\"", c, t);
    cp_put_html(out, r->candidate[c].name);
    cp_print_html(out, " %s %s%s ", tap->address, cp_report_state_names[state], side);
    cp_html_number(out, value);
    (void)fputs("\">", out);
    cp_html_number(out, value);
    (void)fputs("</a>", out);
}

static void put_row(FILE *out, const struct cp_report *r, size_t t, size_t prefix) {
    (void)fputs(prefix ? "<tr class=tap><th scope=row>" : "<tr><th scope=row>", out);
    cp_put_html(out, strlen(r->candidate[0].tap[t].address) > prefix ? r->candidate[0].tap[t].address + prefix
                                                                     : "output");
    for (size_t c = 0; c < r->candidates; c++) {
        const struct cp_report_tap *tap = cp_html_tap(r, c, t);
        put_cell(out, r, c, t, tap ? tap->over_inputs.mean_rel[CP_TOTAL] : 0);
    }
    (void)fputc('\n', out);
}

/* Rows [first, end) are one block: its worst verdict, and the total at its end. */
static void put_block(FILE *out, const struct cp_report *r, size_t first, size_t end) {
    const char *address = r->candidate[0].tap[first].address;
    const size_t length = cp_html_stage(address);
    cp_print_html(out, "<tbody><tr><th scope=row><button type=button aria-expanded=false>%.*s</button>",
                  (int)length, address);
    for (size_t c = 0; c < r->candidates; c++) {
        const struct cp_report_tap *last = cp_html_tap(r, c, end - 1);
        put_cell(out, r, c, worst_of(r, c, first, end), last ? last->over_inputs.mean_rel[CP_TOTAL] : 0);
    }
    (void)fputc('\n', out);
    for (size_t t = first; t < end; t++)
        put_row(out, r, t, length + (address[length] == '.'));
}

static size_t end_of_stage(const struct cp_report *r, size_t first) {
    const struct cp_report_candidate *c = &r->candidate[0];
    const size_t length = cp_html_stage(c->tap[first].address);
    size_t end = first + 1;
    while (end < c->taps && cp_html_stage(c->tap[end].address) == length &&
           strncmp(c->tap[end].address, c->tap[first].address, length) == 0)
        end++;
    return end;
}

static void put_key(FILE *out) {
    (void)fputs("<ul class=key>", out);
    for (int state = 0; state < CP_REPORT_STATES; state++)
        cp_print_html(out, "<li><span class=\"verdict v%d\">%s</span>", state, cp_report_state_names[state]);
    (void)fprintf(out, "<li><span class=\"verdict v%d base\">by the baseline, or by both</span>",
                  CP_CONTRADICTED_VERDICT);
    (void)fputs("</ul>", out);
}

void cp_html_matrix(const struct cp_report *r, FILE *out) {
    (void)fputs(
        "<section><h2 id=verdicts>Verdicts</h2><p class=lead>Each tap of each candidate: its "
        "verdict, and the relative L2 of the total. Contradicted: the operation does not compute what "
        "its settings, weights and inputs say. Coarse: it errs more than its declared arithmetic "
        "does. A block shows its worst tap and the error at its end. Every cell leads to the tap in "
        "detail; arrow keys go from cell to cell.</p>",
        out);
    put_key(out);
    (void)fputs(
        "<div class=tools><button type=button id=unfold aria-pressed=false>unfold all blocks</button></div>"
        "<div class=scroll><table class=matrix id=matrix><thead><tr><th scope=col>tap",
        out);
    for (size_t c = 0; c < r->candidates; c++) {
        (void)fputs("<th scope=col>", out);
        cp_put_html(out, r->candidate[c].name);
    }
    (void)fputs("</thead>\n", out);
    for (size_t t = 0; t < r->candidate[0].taps;) {
        const size_t end = end_of_stage(r, t);
        if (cp_html_is_block(r->candidate[0].tap[t].address))
            put_block(out, r, t, end);
        else
            for ((void)fputs("<tbody class=open>", out); t < end; t++)
                put_row(out, r, t, 0);
        t = end;
    }
    (void)fputs("</table></div></section>\n", out);
}
