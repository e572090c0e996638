/* SPDX-License-Identifier: GPL-3.0-or-later
 * The report as GitHub-flavoured Markdown, for issues, pull requests and READMEs. */
#include "report/md/md.h"
#include "report/data/form.h"
#include "report/data/words.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { WORST_TAPS = 10, CHANGED = 20 };

void cp_md_number(FILE *out, double value) {
    if (isnan(value))
        (void)fputs(" | ", out);
    else if (value == 0)
        (void)fputs(" | 0", out);
    else
        (void)fprintf(out, " | %.2e", value);
}

void cp_md_cell(FILE *out, const char *text) {
    (void)fputs(" | ", out);
    cp_put_markdown(out, text);
}

static void put_title(FILE *out, const struct cp_report *r) {
    (void)fputs("# ", out);
    cp_put_markdown(out, r->name);
    if (r->hypothesis) {
        (void)fputs("\n\nHypothesis: ", out);
        cp_put_markdown(out, r->hypothesis);
    }
    (void)fputs("\n\n", out);
}

/* Layerwise swaps have a table of their own. */
static bool any_shown(const struct cp_report *r) {
    for (size_t i = 0; i < r->candidates; i++)
        if (!r->candidate[i].layerwise)
            return true;
    return false;
}

static void put_first(FILE *out, const struct cp_report *r) {
    (void)fputs("\n## First divergence\n\n| candidate | visual | text | joint |\n| --- | --- | --- | --- |\n",
                out);
    for (size_t i = 0; i < r->candidates; i++) {
        if (r->candidate[i].layerwise)
            continue;
        (void)fputs("| ", out);
        cp_put_markdown(out, r->candidate[i].name);
        for (int tower = CP_VISUAL; tower <= CP_JOINT; tower++) {
            const struct cp_report_tap *tap = cp_report_first(&r->candidate[i], (enum cp_tower)tower);
            cp_md_cell(out, tap ? tap->address : "");
        }
        (void)fputs(" |\n", out);
    }
}

static void put_tap(FILE *out, const struct cp_report_tap *tap) {
    (void)fputs("| ", out);
    cp_put_markdown(out, tap->address);
    cp_md_cell(out, cp_verdict_word(tap->verdict, CP_FIELD_VERDICT));
    for (int part = 0; part < CP_PART_COUNT; part++)
        cp_md_number(out, tap->over_inputs.mean_rel[part]);
    cp_md_number(out, cp_times_floor(tap));
    cp_md_number(out, tap->over_inputs.worst_token);
    cp_md_cell(out, cp_report_input(tap, tap->metric[CP_WORST_REL_L2].input));
    (void)fprintf(out, isnan(tap->over_inputs.ulp_max) ? " | |\n" : " | %.0f |\n", tap->over_inputs.ulp_max);
}

/* The next tap by descending error after (error, index); NULL: no more that differ. */
static const struct cp_report_tap *next_worst(const struct cp_report_candidate *c,
                                              const struct cp_report_tap *after) {
    const struct cp_report_tap *best = NULL;
    const double limit = after ? after->over_inputs.mean_rel[CP_TOTAL] : INFINITY;
    for (size_t t = 0; t < c->taps; t++) {
        const struct cp_report_tap *tap = &c->tap[t];
        const double error = tap->over_inputs.mean_rel[CP_TOTAL];
        if (error > 0 && (error < limit || (error == limit && tap > after)) &&
            (!best || error > best->over_inputs.mean_rel[CP_TOTAL]))
            best = tap;
    }
    return best;
}

static void put_worst(FILE *out, const struct cp_report_candidate *c) {
    const struct cp_report_tap *tap = next_worst(c, NULL);
    if (!tap)
        return;
    (void)fputs("\n## Worst taps of ", out);
    cp_put_markdown(out, c->name);
    (void)fputs(
        "\n\nRelative L2 error, mean over inputs.\n\n| tap | verdict | total | semantic | cand. error | "
        "base error | times the floor | worst token | in | max ULP |\n| --- | --- | "
        "---: | ---: | ---: | ---: | ---: | ---: | --- | ---: |\n",
        out);
    for (int i = 0; tap && i < WORST_TAPS; i++, tap = next_worst(c, tap))
        put_tap(out, tap);
}

static void put_share(FILE *out, double share) {
    if (isnan(share))
        (void)fputs(" | ", out);
    else
        (void)fprintf(out, " | %.2f %%", 100 * share);
}

static void put_growth(FILE *out, const struct cp_report_candidate *c) {
    static const enum cp_propagation_field fields[] = {CP_PROPAGATION_ERROR, CP_PROPAGATION_BEFORE,
                                                       CP_PROPAGATION_KAPPA, CP_PROPAGATION_LOCAL,
                                                       CP_PROPAGATION_PREDICTED};
    if (!c->stages)
        return;
    (void)fputs("\n<details><summary>How the error of ", out);
    cp_put_markdown(out, c->name);
    (void)fputs(
        " grows: E = \u03ba E before + \u03b5</summary>\n\n| segment | E | E before | \u03ba | \u03b5 | "
        "\u03ba E before + \u03b5 | explained |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        out);
    for (size_t s = 0; s < c->stages; s++) {
        (void)fputs("| ", out);
        cp_put_markdown(out, c->stage[s].address);
        for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++)
            cp_md_number(out, c->stage[s].field[fields[f]]);
        put_share(out, c->stage[s].field[CP_PROPAGATION_EXPLAINED]);
        (void)fputs(" |\n", out);
    }
    (void)fputs("\n</details>\n", out);
}

static void put_pixel_growth(FILE *out, const struct cp_report_candidate *c) {
    const struct cp_report_growth g = cp_report_growth(c);
    if (!g.features)
        return;
    (void)fputs("\nFrom the picture of ", out);
    cp_put_markdown(out, c->name);
    (void)fputs(
        " to the image features:\n\n| step | relative L2 | times until the features |\n| --- | ---: | "
        "---: |\n",
        out);
    for (size_t i = 0; i < g.steps; i++) {
        (void)fputs("| ", out);
        cp_put_markdown(out, g.step[i]->address);
        cp_md_number(out, g.step[i]->over_inputs.mean_rel[CP_TOTAL]);
        cp_md_number(out, g.times[i]);
        (void)fputs(" |\n", out);
    }
    (void)fputs("| image_features", out);
    cp_md_number(out, g.features->over_inputs.mean_rel[CP_TOTAL]);
    (void)fputs(" | |\n| random changes of the pixels | ", out);
    cp_md_number(out, g.chance);
    (void)fputs(" |\n", out);
}

static void put_counts(FILE *out, const struct cp_report *r) {
    (void)fputs(
        "\n## Decisions\n\n| candidate | change | 95 % interval | cannot flip | max \\|dp\\| | mean "
        "KL | accuracy | of the baseline |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        out);
    for (size_t i = 0; i < r->candidates; i++) {
        const struct cp_decisions *d = &r->candidate[i].counts;
        if (r->candidate[i].layerwise)
            continue;
        (void)fputs("| ", out);
        cp_put_markdown(out, r->candidate[i].name);
        (void)fprintf(out, " | %zu of %zu | ", d->flips, d->decided);
        if (d->decided)
            (void)fprintf(out, "%.2f to %.2f %%", 100 * d->flip_low, 100 * d->flip_high);
        (void)fputs(" | ", out);
        if (r->candidate[i].certificates)
            (void)fprintf(out, "%zu", d->certified);
        cp_md_number(out, d->max_dp);
        cp_md_number(out, d->kl_mean);
        put_share(out, d->accuracy);
        put_share(out, d->accuracy_baseline);
        (void)fputs(" |\n", out);
    }
}

static void put_column(FILE *out, const struct cp_report *r, double column) {
    if (column >= 0 && column < (double)r->columns.count)
        cp_md_cell(out, r->columns.items[(size_t)column]);
    else
        (void)fputs(" | ", out);
}

static void put_changed(FILE *out, const struct cp_report *r, const struct cp_report_candidate *c) {
    size_t shown = 0;
    for (size_t i = 0; i < c->counts.images && shown < CHANGED; i++) {
        const double *row = c->decisions + i * CP_DECISION_COUNT;
        if (row[CP_FLIP] == 0)
            continue;
        if (shown++ == 0) {
            (void)fputs("\nDecisions that ", out);
            cp_put_markdown(out, c->name);
            (void)fputs(
                " changes:\n\n| image | baseline | candidate | label | margin before | max \\|dp\\| |\n| "
                "--- | --- | --- | --- | ---: | ---: |\n",
                out);
        }
        (void)fputs("| ", out);
        cp_put_markdown(out, r->images.items[i]);
        put_column(out, r, row[CP_TOP1_REFERENCE]);
        put_column(out, r, row[CP_TOP1]);
        put_column(out, r, r->labels ? (double)r->labels[i] : NAN);
        cp_md_number(out, row[CP_MARGIN]);
        cp_md_number(out, row[CP_MAX_DP]);
        (void)fputs(" |\n", out);
    }
    if (c->counts.flips > shown)
        (void)fprintf(out, "\n%zu more.\n", c->counts.flips - shown);
}

static void put_provenance(FILE *out, const struct cp_report *r) {
    (void)fputs("\n## Provenance\n\n| | |\n| --- | --- |\n", out);
    for (size_t f = 0; f < r->facts; f++) {
        (void)fputs("| ", out);
        cp_put_markdown(out, r->fact[f].name);
        cp_md_cell(out, r->fact[f].value);
        (void)fputs(" |\n", out);
    }
    (void)fputs("\n<details><summary>The resolved experiment and its specs</summary>\n\n", out);
    cp_put_markdown_block(out, "yaml", r->experiment);
    (void)fputs("\n</details>\n", out);
}

static enum cp_status put_report(const struct cp_report *r, FILE *out, struct cp_error *err) {
    put_title(out, r);
    if (any_shown(r)) {
        CP_TRY(cp_md_answers(out, r, err));
        put_first(out, r);
    }
    cp_md_causes(out, r);
    for (size_t i = 0; i < r->candidates; i++)
        if (!r->candidate[i].layerwise) {
            put_worst(out, &r->candidate[i]);
            put_pixel_growth(out, &r->candidate[i]);
            put_growth(out, &r->candidate[i]);
        }
    if (r->candidate[0].counts.images && any_shown(r))
        put_counts(out, r);
    for (size_t i = 0; i < r->candidates; i++)
        if (!r->candidate[i].layerwise)
            put_changed(out, r, &r->candidate[i]);
    cp_md_attribution(out, r);
    put_provenance(out, r);
    return CP_OK;
}

const struct cp_report_form cp_report_form_md = {.option = "--md",
                                                 .help = "Markdown, for a pull request",
                                                 .ending = ".md",
                                                 .file = {"a report in Markdown", "# ", "\n## Provenance\n"},
                                                 .write = put_report};
