/* SPDX-License-Identifier: GPL-3.0-or-later
 * Decisions that change: the image, what was decided before and after, and how sure. */
#include "report/html/html.h"

#include <math.h>

enum { MOST = 200, ODDS = 3, OPEN = 3 };

void cp_html_places(const struct cp_report *r, FILE *out) {
    if (!r->patch_grid || !r->thumbnails)
        return;
    (void)fputs(
        "<section><h2 id=where>On the images</h2><p class=lead>The token with the largest relative L2, image "
        "by image: "
        "how often each patch is it, and the images where it is worst.</p><div id=places></div></section>\n",
        out);
}

static void put_column(FILE *out, const struct cp_report *r, double column) {
    if (column >= 0 && column < (double)r->columns.count)
        cp_put_html(out, r->columns.items[(size_t)column]);
    else
        cp_html_number(out, column);
}

/* The image's most probable columns, each with its probability and a bar. */
static void put_odds(FILE *out, const struct cp_report *r, const double *probability, double decided) {
    size_t best[ODDS], count = 0;
    if (!probability) {
        put_column(out, r, decided);
        return;
    }
    for (size_t i = 0; i < r->columns.count; i++) {
        size_t at = count < ODDS ? count++ : ODDS;
        for (; at > 0 && probability[best[at - 1]] < probability[i]; at--)
            if (at < ODDS)
                best[at] = best[at - 1];
        if (at < ODDS)
            best[at] = i;
    }
    (void)fputs("<div class=odds>", out);
    for (size_t i = 0; i < count; i++) {
        (void)fputs(i ? "<span>" : "<span><b>", out);
        put_column(out, r, (double)best[i]);
        (void)fputs(i ? "" : "</b>", out);
        (void)fprintf(out,
                      "</span><span>%.2f %%</span><svg width=60 height=9 aria-hidden=true><rect "
                      "class=f-bar y=3 width=%.1f height=6 rx=1 /></svg>",
                      100 * probability[best[i]], 60 * probability[best[i]]);
    }
    (void)fputs("</div>", out);
}

static void put_change(FILE *out, const struct cp_report *r, size_t c, size_t image) {
    const double *row = r->candidate[c].decisions + image * CP_DECISION_COUNT;
    const double *before = r->probs, *after = r->candidate[c].probs;
    const size_t columns = r->columns.count;
    (void)fputs("<tr><td>", out);
    if (image < r->thumbnails)
        (void)fprintf(out, "<img class=thumb data-image=%zu alt=\"\">", image);
    cp_put_html(out, r->images.items[image]);
    (void)fputs("<td class=word>", out);
    put_odds(out, r, before ? before + image * columns : NULL, row[CP_TOP1_REFERENCE]);
    (void)fputs("<td class=word>", out);
    put_odds(out, r, after ? after + image * columns : NULL, row[CP_TOP1]);
    (void)fputs("<td class=word>", out);
    put_column(out, r, r->labels ? (double)r->labels[image] : NAN);
    cp_html_cell(out, row[CP_MARGIN]);
    cp_html_cell(out, row[CP_MAX_DP]);
    cp_html_cell(out, row[CP_KL]);
    (void)fputc('\n', out);
}

static void put_header(FILE *out) {
    (void)fputs("<div class=scroll><table class=plain><thead><tr><th>image<th class=word>before<th "
                "class=word>after<th "
                "class=word>label<th>margin before<th>max |&Delta;p|<th>KL</thead><tbody>\n",
                out);
}

static void put_changes(FILE *out, const struct cp_report *r, size_t c) {
    const struct cp_report_candidate *candidate = &r->candidate[c];
    size_t remaining = MOST;
    put_header(out);
    for (size_t i = 0; i < candidate->counts.images && remaining; i++)
        if (candidate->decisions[i * CP_DECISION_COUNT + CP_FLIP] != 0) {
            put_change(out, r, c, i);
            remaining--;
        }
    (void)fputs("</table></div>", out);
    if (candidate->counts.flips > MOST)
        (void)fprintf(out, "<p class=lead>The first %d of %zu.</p>", MOST, candidate->counts.flips);
}

size_t cp_html_most_changed(const struct cp_report_candidate *c) {
    size_t most = 0;
    for (size_t i = 0; i < c->counts.images; i++)
        if (c->decisions[i * CP_DECISION_COUNT + CP_MAX_DP] >
            c->decisions[most * CP_DECISION_COUNT + CP_MAX_DP])
            most = i;
    return most;
}

static void put_none(FILE *out, const struct cp_report *r, size_t c) {
    (void)fputs("<p>No decision changes. The largest change of a probability:</p>", out);
    put_header(out);
    put_change(out, r, c, cp_html_most_changed(&r->candidate[c]));
    (void)fputs("</table></div>", out);
}

void cp_html_decisions(const struct cp_report *r, FILE *out) {
    if (!r->candidate[0].counts.images)
        return;
    (void)fputs("<section><h2 id=decisions>Decisions</h2><p class=lead>What is decided between: ", out);
    (void)fprintf(out,
                  "%zu classes or prompts. An image is certified where its lead is larger than the features' "
                  "divergence can "
                  "take from it.</p>",
                  r->columns.count);
    for (size_t c = 0; c < r->candidates; c++) {
        const struct cp_decisions *d = &r->candidate[c].counts;
        cp_print_html(out, "<details data-candidate=%zu%s><summary><strong>", c, c < OPEN ? " open" : "");
        cp_put_html(out, r->candidate[c].name);
        (void)fprintf(out, "</strong> <small>%zu of %zu decisions change", d->flips, d->decided);
        if (d->decided)
            (void)fprintf(out, " (95 %% interval %.2f to %.2f %%)", 100 * d->flip_low, 100 * d->flip_high);
        (void)fputs("; KL mean ", out);
        cp_html_number(out, d->kl_mean);
        (void)fputs(", worst ", out);
        cp_html_number(out, d->kl_worst);
        (void)fprintf(out, "; %zu certified</small></summary>", d->certified);
        if (d->flips)
            put_changes(out, r, c);
        else
            put_none(out, r, c);
        (void)fputs("</details>\n", out);
    }
    (void)fputs("</section>", out);
}
