/* SPDX-License-Identifier: GPL-3.0-or-later
 * Puts the sections of each candidate in order, and prints the decisions that change. */
#include "report/term/term.h"
#include "report/data/form.h"

#include <math.h>

/* Changed decisions shown before the rest is only counted. */
enum { CHANGED = 5 };

static const char *column_name(const struct cp_report *r, double column) {
    return column >= 0 && column < (double)r->columns.count ? r->columns.items[(size_t)column] : "-";
}

static void put_change(const struct cp_screen *s, const struct cp_report *r, const double *row,
                       const char *image) {
    const size_t space = (s->width - 2 - 10 - 8) / 3;
    (void)fputs("  ", s->out);
    cp_screen_cell(s, image, space);
    (void)fputc(' ', s->out);
    cp_screen_cell(s, column_name(r, row[CP_TOP1_REFERENCE]), space);
    (void)fputs(" -> ", s->out);
    cp_screen_cell(s, column_name(r, row[CP_TOP1]), space);
    (void)fprintf(s->out, " %9.1e\n", row[CP_MARGIN]);
}

void cp_term_decisions(const struct cp_screen *s, const struct cp_report *r,
                       const struct cp_report_candidate *c) {
    const struct cp_decisions *d = &c->counts;
    size_t shown = 0;
    char text[200];
    for (size_t i = 0; i < d->images && shown < CHANGED; i++) {
        const double *row = c->decisions + i * CP_DECISION_COUNT;
        if (row[CP_FLIP] == 0)
            continue;
        if (shown++ == 0)
            cp_screen_wrap(s, "decisions that change, with the margin before", 2);
        put_change(s, r, row, r->images.items[i]);
    }
    if (d->flips > shown) {
        (void)snprintf(text, sizeof text, "and %zu more", d->flips - shown);
        cp_screen_wrap(s, text, 2);
    }
    if (d->images) {
        (void)snprintf(text, sizeof text, "decisions: max |dp| %.1e, KL mean %.1e, worst %.1e", d->max_dp,
                       d->kl_mean, d->kl_worst);
        cp_screen_wrap(s, text, 2);
    }
}

static void put_candidate(const struct cp_screen *s, const struct cp_report *r,
                          const struct cp_report_candidate *c) {
    char summary[CP_REPORT_SUMMARY];
    cp_report_summary(c, summary, sizeof summary);
    (void)fputc('\n', s->out);
    cp_screen_ink(s, CP_INK_BOLD);
    cp_screen_wrap(s, c->name, 0);
    cp_screen_ink(s, CP_INK_PLAIN);
    cp_screen_wrap(s, summary, 2);
    cp_term_depth(s, c);
    cp_term_heat(s, c);
    cp_term_decisions(s, r, c);
}

static enum cp_status put_report(const struct cp_report *r, FILE *out, struct cp_error *err) {
    const struct cp_screen screen = cp_screen_of(out);
    cp_screen_ink(&screen, CP_INK_BOLD);
    cp_screen_wrap(&screen, r->name, 0);
    cp_screen_ink(&screen, CP_INK_PLAIN);
    if (r->hypothesis)
        cp_screen_wrap(&screen, r->hypothesis, 0);
    CP_TRY(cp_term_answers(r, true, out, err));
    for (size_t i = 0; i < r->candidates; i++)
        if (!r->candidate[i].layerwise)
            put_candidate(&screen, r, &r->candidate[i]);
    cp_term_attribution(&screen, r);
    return CP_OK;
}

const struct cp_report_form cp_report_form_term = {
    .option = "--term", .help = "a screen of 80 columns", .ending = NULL, .write = put_report};
