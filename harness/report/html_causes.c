/* SPDX-License-Identifier: GPL-3.0-or-later
 * Causes: the operations that diverge by themselves, and how the error of one segment becomes the next's. */
#include "report/html.h"
#include "report/page.h"

#include <math.h>

enum { MOST = 40 }; /* causes shown of one candidate */

bool cp_html_has_causes(const struct cp_report *r) {
    for (size_t c = 0; c < r->candidates; c++)
        if (r->page->candidate[c].local.values || r->page->candidate[c].propagation.values)
            return true;
    return false;
}

static const double *local_of(const struct cp_page_candidate *page, size_t t) {
    return page->local.values + t * page->local.columns;
}

static bool is_cause(const double *verdict) {
    const int code = (int)verdict[CP_FIELD_VERDICT];
    return code == CP_SEMANTIC_VERDICT || code == CP_DEGRADED || code == CP_NONFINITE_VERDICT;
}

static const char *class_of(const double *verdict) {
    if (verdict[CP_FIELD_WEIGHTS] == 1)
        return "weights";
    return (int)verdict[CP_FIELD_VERDICT] == CP_SEMANTIC_VERDICT ? "maths" : "rounding";
}

static size_t count_causes(const struct cp_report *r, size_t c) {
    size_t count = 0;
    for (size_t t = 0; t < r->candidate[c].taps; t++)
        count += is_cause(local_of(&r->page->candidate[c], t));
    return count;
}

static void put_cause(FILE *out, const struct cp_report *r, size_t c, size_t t) {
    const double *verdict = local_of(&r->page->candidate[c], t);
    const struct cp_report_tap *tap = &r->candidate[c].tap[t];
    (void)fprintf(out, "<tr><td><a href=#%zu.%zu>", c, t);
    cp_html_text(out, tap->address);
    (void)fprintf(out, "</a><td class=word>%s<td class=word><span class=\"verdict v%d\">%s</span>",
                  class_of(verdict), (int)verdict[CP_FIELD_VERDICT],
                  cp_verdict_names[(int)verdict[CP_FIELD_VERDICT]]);
    cp_html_cell(out, r->page->candidate[c].tap[t].local_relative[CP_TOTAL]);
    cp_html_cell(out, tap->over_inputs.mean_rel[CP_TOTAL]);
    cp_html_cell(out, verdict[CP_FIELD_RATIO]);
    (void)fputc('\n', out);
}

static void put_causes(FILE *out, const struct cp_report *r, size_t c) {
    const size_t count = count_causes(r, c);
    size_t left = MOST;
    if (count == 0) {
        (void)fputs("<p>No operation diverges by itself.</p>", out);
        return;
    }
    (void)fputs("<div class=scroll><table class=plain><thead><tr><th>operation<th class=word>cause<th "
                "class=word>verdict by "
                "itself<th>local<th>total here<th>rounding C / B</thead><tbody>\n",
                out);
    for (size_t t = 0; t < r->candidate[c].taps && left; t++)
        if (is_cause(local_of(&r->page->candidate[c], t))) {
            put_cause(out, r, c, t);
            left--;
        }
    (void)fputs("</table></div>", out);
    if (count > MOST)
        (void)fprintf(out, "<p class=lead>The first %d of %zu.</p>", MOST, count);
}

/* ---- propagation ---- */

static double field_of(const struct cp_page_table *table, size_t row, const char *name) {
    const int column = cp_page_column(&table->column, name);
    return column < 0 ? NAN : table->values[row * table->columns + (size_t)column];
}

static void put_segment(FILE *out, const struct cp_page_table *table, size_t row) {
    static const char *const fields[] = {"error", "before", "kappa", "local", "predicted", "left"};
    char address[96];
    const double explained = field_of(table, row, "explained");
    cp_tap_address(table->row.items[row], address);
    (void)fputs("<tr><td>", out);
    cp_html_text(out, address);
    for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++)
        cp_html_cell(out, field_of(table, row, fields[f]));
    if (isnan(explained)) {
        (void)fputs("<td>&ndash;\n", out);
        return;
    }
    (void)fprintf(
        out,
        "<td>%.0f %%<svg class=bar viewBox=\"0 0 90 9\" aria-hidden=true><rect class=f-identical width=90 "
        "height=9 opacity=.25 /><rect class=f-bar width=%.1f height=9 /></svg>\n",
        100 * explained, 90 * explained);
}

static void put_propagation(FILE *out, const struct cp_report *r, size_t c) {
    const struct cp_page_table *table = &r->page->candidate[c].propagation;
    (void)fputs("<h3>How it grows</h3><div class=scroll><table class=plain><thead><tr><th>segment<th>error "
                "E<th>before<th>&kappa;<th>local "
                "&epsilon;<th>&kappa; E + &epsilon;<th>left<th>explained</thead><tbody>\n",
                out);
    for (size_t row = 0; row < table->rows; row++)
        put_segment(out, table, row);
    (void)fputs("</table></div>", out);
}

void cp_html_causes(const struct cp_report *r, FILE *out) {
    if (!cp_html_has_causes(r))
        return;
    (void)fputs(
        "<section><h2 id=causes>Causes</h2><p class=lead>Every operation was also fed the baseline's own "
        "input: what "
        "then differs, it does itself. Along the residual stream an error grows as E = &kappa; E before + "
        "&epsilon;, with &kappa; measured on small random changes and &epsilon; what the segment adds.</p>",
        out);
    for (size_t c = 0; c < r->candidates; c++) {
        const struct cp_page_candidate *page = &r->page->candidate[c];
        (void)fprintf(out, "<details data-candidate=%zu%s><summary><strong>", c, c < 3 ? " open" : "");
        cp_html_text(out, r->candidate[c].name);
        (void)fputs("</strong>", out);
        if (page->local.values)
            (void)fprintf(out, " <small>%zu of %zu operations diverge by themselves</small>",
                          count_causes(r, c), r->candidate[c].taps);
        (void)fputs("</summary>", out);
        if (page->local.values)
            put_causes(out, r, c);
        if (page->propagation.values)
            put_propagation(out, r, c);
        (void)fputs("</details>\n", out);
    }
    (void)fputs("</section>", out);
}
