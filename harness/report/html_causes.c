/* SPDX-License-Identifier: GPL-3.0-or-later
 * Causes: the operations that diverge by themselves, and how the error of one segment becomes the next's. */
#include "base/sentence.h"
#include "report/html.h"

#include <math.h>

enum { MOST = 40 }; /* causes shown of one candidate */

bool cp_html_has_causes(const struct cp_report *r) {
    for (size_t c = 0; c < r->candidates; c++)
        if (r->candidate[c].local || r->candidate[c].segments)
            return true;
    return false;
}

static size_t count_causes(const struct cp_report_candidate *c) {
    size_t count = 0;
    for (size_t t = 0; t < c->taps; t++)
        count += c->tap[t].cause != CP_CAUSE_NONE;
    return count;
}

/* "3.4 x floor", where a floor was measured. */
static void put_multiple(FILE *out, double value, double floor) {
    (void)fputs("<td>", out);
    if (floor > 0) {
        cp_html_number(out, value / floor);
        (void)fputs(" &times;", out);
    }
}

static void put_cause(FILE *out, const struct cp_report_candidate *candidate, size_t c, size_t t) {
    const struct cp_report_tap *tap = &candidate->tap[t];
    const int verdict = (int)tap->local_verdict[CP_FIELD_VERDICT];
    (void)fprintf(out, "<tr><td><a href=#%zu.%zu>", c, t);
    cp_html_text(out, tap->address);
    (void)fprintf(out, "</a><td class=word>%s<td class=word><span class=\"verdict v%d\">%s</span>",
                  cp_cause_names[tap->cause], verdict, cp_verdict_names[verdict]);
    cp_html_cell(out, tap->local_rel[CP_TOTAL]);
    put_multiple(out, tap->local_rel[CP_TOTAL], tap->floor);
    cp_html_cell(out, tap->over_inputs.mean_rel[CP_TOTAL]);
    cp_html_cell(out, tap->local_verdict[CP_FIELD_RATIO]);
    (void)fputc('\n', out);
}

/* An operation that could not be judged may be a cause all the same. */
static void put_undecided(FILE *out, const struct cp_undecided *undecided, size_t count, size_t taps) {
    char text[256] = "";
    struct cp_sentence s = {text, sizeof text, 0};
    if (undecided->taps) {
        cp_say(&s, "%s be decided at %zu of %zu: ", count ? "Whether others do could not" : "That could not",
               undecided->taps, taps);
        cp_say_undecided_why(&s, undecided);
        cp_say_undecided_ratio(&s, undecided, "; ");
    } else if (count == 0) {
        cp_say(&s, "Each operation's rounding by itself is within the limit");
    }
    (void)fprintf(out, text[0] ? "<p>%s.</p>" : "%s", text);
}

static void put_causes(FILE *out, const struct cp_report_candidate *candidate, size_t c) {
    const size_t count = count_causes(candidate);
    const struct cp_undecided undecided = cp_report_undecided_causes(candidate);
    size_t left = MOST;
    put_undecided(out, &undecided, count, candidate->taps);
    if (count == 0)
        return;
    (void)fputs("<div class=scroll><table class=plain><thead><tr><th>operation<th class=word>cause<th "
                "class=word>verdict by itself<th>local<th>of its floor<th>total here<th>rounding C / "
                "B</thead><tbody>\n",
                out);
    for (size_t t = 0; t < candidate->taps && left; t++)
        if (candidate->tap[t].cause != CP_CAUSE_NONE) {
            put_cause(out, candidate, c, t);
            left--;
        }
    (void)fputs("</table></div>", out);
    if (count > MOST)
        (void)fprintf(out, "<p class=lead>The first %d of %zu.</p>", MOST, count);
}

/* ---- propagation ---- */

static void put_segment(FILE *out, const struct cp_report_segment *segment) {
    static const enum cp_propagation_field fields[] = {CP_PROPAGATION_ERROR,     CP_PROPAGATION_BEFORE,
                                                       CP_PROPAGATION_KAPPA,     CP_PROPAGATION_LOCAL,
                                                       CP_PROPAGATION_PREDICTED, CP_PROPAGATION_LEFT};
    const double explained = segment->field[CP_PROPAGATION_EXPLAINED];
    (void)fputs("<tr><td>", out);
    cp_html_text(out, segment->address);
    for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++)
        cp_html_cell(out, segment->field[fields[f]]);
    if (!(explained >= 0 && explained <= 1)) {
        (void)fputs("<td>&ndash;\n", out);
        return;
    }
    (void)fprintf(
        out,
        "<td>%.0f %%<svg class=bar viewBox=\"0 0 90 9\" aria-hidden=true><rect class=f-identical width=90 "
        "height=9 opacity=.25 /><rect class=f-bar width=%.1f height=9 /></svg>\n",
        100 * explained, 90 * explained);
}

static void put_propagation(FILE *out, const struct cp_report_candidate *c) {
    (void)fputs("<h3>How it grows</h3><div class=scroll><table class=plain><thead><tr><th>segment<th>error "
                "E<th>before<th>&kappa;<th>local &epsilon;<th>&kappa; E + "
                "&epsilon;<th>left<th>explained</thead><tbody>\n",
                out);
    for (size_t s = 0; s < c->segments; s++)
        put_segment(out, &c->segment[s]);
    (void)fputs("</table></div>", out);
}

static void put_counts(FILE *out, const struct cp_report_candidate *c) {
    const size_t undecided = cp_report_undecided_causes(c).taps;
    (void)fprintf(out, " <small>%zu of %zu operations diverge by themselves", count_causes(c), c->taps);
    if (undecided)
        (void)fprintf(out, ", %zu undecided", undecided);
    (void)fputs("</small>", out);
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
        const struct cp_report_candidate *candidate = &r->candidate[c];
        (void)fprintf(out, "<details data-candidate=%zu%s><summary><strong>", c, c < 3 ? " open" : "");
        cp_html_text(out, candidate->name);
        (void)fputs("</strong>", out);
        if (candidate->local)
            put_counts(out, candidate);
        (void)fputs("</summary>", out);
        if (candidate->local)
            put_causes(out, candidate, c);
        if (candidate->segments)
            put_propagation(out, candidate);
        (void)fputs("</details>\n", out);
    }
    (void)fputs("</section>", out);
}
