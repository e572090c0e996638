/* SPDX-License-Identifier: GPL-3.0-or-later
 * Causes: what the ledger sets apart, the operations that diverge by themselves, and how the error of one
 * stage becomes the next's. */
#include "base/sentence.h"
#include "report/data/difference.h"
#include "report/data/words.h"
#include "report/html/html.h"

#include <math.h>

enum { MOST = 40 }; /* causes shown of one candidate */

bool cp_html_has_causes(const struct cp_report *r) {
    for (size_t c = 0; c < r->candidates; c++)
        if (r->candidate[c].local || r->candidate[c].stages || r->candidate[c].difference)
            return true;
    return false;
}

static size_t count_causes(const struct cp_report_candidate *c) {
    size_t count = 0;
    for (size_t t = 0; t < c->taps; t++)
        count += c->tap[t].cause != CP_CAUSE_NONE;
    return count;
}

/* ---- the ledger ---- */

static void put_side(FILE *out, const struct cp_own_part *part, const struct cp_agreement_words *words) {
    static const char *const sides[] = {"baseline", NULL, "both"};
    (void)fputs("<td class=word>", out);
    cp_put_html(out, sides[part->side] ? sides[part->side] : words->b);
}

/* A class of the style sheet for each kind. */
static int state_of(enum cp_own_kind kind) {
    static const int states[CP_OWN_KINDS] = {
        [CP_OWN_NONFINITE] = CP_NONFINITE_VERDICT, [CP_OWN_CONTRADICTED] = CP_CONTRADICTED_VERDICT,
        [CP_OWN_SETTINGS] = CP_SEMANTIC_VERDICT,   [CP_OWN_WEIGHTS] = CP_SEMANTIC_VERDICT,
        [CP_OWN_INPUTS] = CP_SEMANTIC_VERDICT,     [CP_OWN_ROUNDING] = CP_STATE_COARSE,
        [CP_OWN_UNCHECKED] = CP_INCONCLUSIVE};
    return states[kind];
}

/* A row for neighbouring layers alike, with the figures of the largest. */
static void put_part(FILE *out, const struct cp_difference *d, size_t c, const struct cp_own_part *part,
                     const char *name) {
    const size_t t = (size_t)(part->tap - d->tap);
    char text[1024];
    struct cp_sentence s = {text, sizeof text, 0};
    cp_own_append(&s, part, &d->words);
    (void)fprintf(out, "<tr><td><a href=#%zu.%zu>", c, t);
    cp_put_html(out, name);
    cp_print_html(out, "</a><td class=word><span class=\"verdict v%d\">%s</span>", state_of(part->kind),
                  part->kind == CP_OWN_ROUNDING ? "coarse" : cp_own_kind_names[part->kind]);
    put_side(out, part, &d->words);
    cp_html_cell(out, part->size);
    for (int side = 1; side >= 0; side--) {
        const double *row = d->candidate->tap[t].ledger[side];
        cp_html_cell(out, row ? row[CP_OPERATION_FIELD_RESIDUAL] : NAN);
    }
    (void)fputs("<td class=\"word words\">", out);
    cp_put_html(out, text);
    (void)fputc('\n', out);
}

/* The part to show for itself and those behind it that are like it; NULL: it is one of those, or of declared rounding, of
 * which the number says enough. */
static const struct cp_own_part *listed(const struct cp_difference *d, size_t p, char name[128]) {
    const struct cp_own_part *part = &d->agreement.part[p];
    return cp_report_kind(part) == CP_OWN_LARGER ? NULL : cp_agreement_gather(&d->agreement, part, name);
}

static void put_ledger(FILE *out, const struct cp_report_candidate *candidate, size_t c) {
    const struct cp_difference *d = candidate->difference;
    size_t rows = 0;
    char name[128], text[512] = "";
    struct cp_sentence s = {text, sizeof text, 0};
    const size_t larger = cp_report_count_own(candidate, 1, CP_OWN_LARGER);
    cp_append_explained(&s, candidate);
    if (larger)
        cp_append(&s, "; %zu round more than the baseline's, as declared", larger);
    if (text[0])
        cp_print_html(out, "<p>Ledger: %s.</p>", text + 2); /* behind "; " */
    for (size_t p = 0; p < d->agreement.parts; p++) {
        const struct cp_own_part *part = listed(d, p, name);
        if (!part)
            continue;
        if (rows++ == 0)
            (void)fputs("<div class=scroll><table class=plain><thead><tr><th>operation<th class=word>part<th "
                        "class=word>side<th>size<th>cand. error<th>base error<th class=word>in "
                        "words</thead><tbody>\n",
                        out);
        if (rows <= MOST)
            put_part(out, d, c, part, name);
    }
    if (rows)
        (void)fputs("</table></div>", out);
    if (rows > MOST)
        (void)fprintf(out, "<p class=lead>The first %d of %zu rows.</p>", MOST, rows);
}

/* ---- by the statistics ---- */

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
    static const char *const words[CP_CAUSE_COUNT] = {[CP_CAUSE_SEMANTIC] = "different function",
                                                      [CP_CAUSE_ROUNDING] = "larger error",
                                                      [CP_CAUSE_WEIGHTS] = "different weights"};
    const int verdict = (int)tap->local_verdict[CP_FIELD_VERDICT];
    (void)fprintf(out, "<tr><td><a href=#%zu.%zu>", c, t);
    cp_put_html(out, tap->address);
    cp_print_html(out, "</a><td class=word>%s<td class=word><span class=\"verdict v%d\">%s</span>",
                  words[tap->cause], verdict, cp_verdict_names[verdict]);
    cp_html_cell(out, tap->local_rel[CP_TOTAL]);
    put_multiple(out, tap->local_rel[CP_TOTAL], tap->floor);
    cp_html_cell(out, tap->over_inputs.mean_rel[CP_TOTAL]);
    cp_html_cell(out, tap->local_verdict[CP_FIELD_RATIO]);
    (void)fputc('\n', out);
}

/* An operation that could not be judged may be a cause all the same. */
static void put_inconclusive(FILE *out, const struct cp_inconclusive *inconclusive, size_t count,
                             size_t taps) {
    char text[256] = "";
    struct cp_sentence s = {text, sizeof text, 0};
    if (inconclusive->taps) {
        cp_append(&s,
                  "%s be decided at %zu of %zu: ", count ? "Whether others do could not" : "That could not",
                  inconclusive->taps, taps);
        cp_append_inconclusive_why(&s, inconclusive);
        cp_append_inconclusive_ratio(&s, inconclusive, "; ");
    } else if (count == 0) {
        cp_append(&s, "Each operation's error by itself is within the limit");
    }
    cp_print_html(out, text[0] ? "<p>%s.</p>" : "%s", text);
}

static void put_causes(FILE *out, const struct cp_report_candidate *candidate, size_t c) {
    const size_t count = count_causes(candidate);
    const struct cp_inconclusive inconclusive = cp_report_inconclusive_causes(candidate);
    size_t remaining = MOST;
    put_inconclusive(out, &inconclusive, count, candidate->taps);
    if (count == 0)
        return;
    (void)fputs("<div class=scroll><table class=plain><thead><tr><th>operation<th class=word>cause<th "
                "class=word>verdict by itself<th>local<th>of its floor<th>total here<th>cand. / "
                "base error</thead><tbody>\n",
                out);
    for (size_t t = 0; t < candidate->taps && remaining; t++)
        if (candidate->tap[t].cause != CP_CAUSE_NONE) {
            put_cause(out, candidate, c, t);
            remaining--;
        }
    (void)fputs("</table></div>", out);
    if (count > MOST)
        (void)fprintf(out, "<p class=lead>The first %d of %zu.</p>", MOST, count);
}

/* ---- propagation ---- */

static void put_stage(FILE *out, const struct cp_report_stage *stage) {
    static const enum cp_propagation_field fields[] = {CP_PROPAGATION_ERROR,     CP_PROPAGATION_BEFORE,
                                                       CP_PROPAGATION_KAPPA,     CP_PROPAGATION_LOCAL,
                                                       CP_PROPAGATION_PREDICTED, CP_PROPAGATION_LEFT};
    const double explained = stage->field[CP_PROPAGATION_EXPLAINED];
    (void)fputs("<tr><td>", out);
    cp_put_html(out, stage->address);
    for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++)
        cp_html_cell(out, stage->field[fields[f]]);
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
    for (size_t s = 0; s < c->stages; s++)
        put_stage(out, &c->stage[s]);
    (void)fputs("</table></div>", out);
}

static void put_counts(FILE *out, const struct cp_report_candidate *c) {
    const size_t inconclusive = cp_report_inconclusive_causes(c).taps;
    (void)fprintf(out, " <small>%zu of %zu operations diverge by themselves", count_causes(c), c->taps);
    if (inconclusive)
        (void)fprintf(out, ", %zu inconclusive", inconclusive);
    (void)fputs("</small>", out);
}

/* Open where there is nothing else to look at. */
static void put_candidate(FILE *out, const struct cp_report *r, size_t c) {
    const struct cp_report_candidate *candidate = &r->candidate[c];
    cp_print_html(out, "<details data-candidate=%zu%s><summary><strong>", c,
                  r->candidates == 1 ? " open" : "");
    cp_put_html(out, candidate->name);
    (void)fputs("</strong>", out);
    if (candidate->local)
        put_counts(out, candidate);
    (void)fputs("</summary>", out);
    if (candidate->difference)
        put_ledger(out, candidate, c);
    if (candidate->local && candidate->difference)
        (void)fputs("<h3>By itself, over inputs</h3>", out);
    if (candidate->local)
        put_causes(out, candidate, c);
    if (candidate->stages)
        put_propagation(out, candidate);
    (void)fputs("</details>\n", out);
}

void cp_html_causes(const struct cp_report *r, FILE *out) {
    if (!cp_html_has_causes(r))
        return;
    (void)fputs(
        "<section><h2 id=causes>Causes</h2><p class=lead>The ledger checks every operation of both passes "
        "against its "
        "settings, weights and recorded inputs. Sizes are relative L2. By itself: the operation fed the "
        "baseline's own "
        "input; remaining differences originate there. Along the residual stream an error grows as E = "
        "&kappa; E before + "
        "&epsilon;: &kappa; is measured on small random changes, &epsilon; is what the segment adds.</p>",
        out);
    for (size_t c = 0; c < r->candidates; c++)
        put_candidate(out, r, c);
    (void)fputs("</section>", out);
}
