/* SPDX-License-Identifier: GPL-3.0-or-later
 * What becomes of a divergence at the end: at the features, and for the decisions. */
#include "report/data/words.h"

#include <math.h>

/* Below this share of a divergence rounding explains none of it. */
#define NONE_OF_IT 0.01

void cp_append_floor(struct cp_sentence *s, const struct cp_report_tap *outcome) {
    const double multiple = outcome ? cp_times_floor(outcome) : NAN;
    if (!(multiple > 0))
        return;
    cp_append(s, "; %s diverge by ", outcome->address);
    cp_append_multiple(s, multiple);
    cp_append(s, " times the noise floor");
}

/* How much of the functions' difference the candidate's own rounding could be. */
void cp_append_share(struct cp_sentence *s, const struct cp_report_tap *outcome) {
    if (!outcome)
        return;
    const double share = outcome->over_inputs.mean_rel[CP_ROUNDING] / outcome->over_inputs.mean_rel[CP_TOTAL];
    if (share < NONE_OF_IT)
        cp_append(s, "; rounding explains none of it");
    else if (share < 1)
        cp_append(s, "; its own error is %.0f %% as large", 100 * share);
    else if (share >= 1)
        cp_append(s, "; its own error is as large");
}

/* Inputs of a tower that were judged, which may be fewer than there are. */
static size_t judged(const struct cp_report_candidate *c, enum cp_tower tower, size_t inputs) {
    size_t most = 0;
    for (size_t t = 0; t < c->taps; t++)
        if (c->tap[t].tower == tower && c->tap[t].over_inputs.meant > most)
            most = c->tap[t].over_inputs.meant;
    return most ? most : inputs;
}

/* "; 1 of 300 images fails by itself: b.png (120 times the limit, at 12 taps)"; where all fail the verdict
 * says so. */
void cp_append_failing(struct cp_sentence *s, const struct cp_report_candidate *c) {
    for (int of = 0; of < 2; of++) {
        const struct cp_report_failing *failing = &c->failing[of];
        if (!failing->rows)
            continue;
        const struct cp_failing f = cp_failing_find(failing->rows, failing->inputs);
        const size_t of_all = judged(c, of ? CP_TEXT : CP_VISUAL, failing->inputs);
        if (f.inputs == 0 || f.inputs == of_all)
            continue;
        cp_append(s, "; ");
        cp_append_failing_count(s, &f, of_all, of ? "prompts" : "images");
        cp_append(s, ": ");
        cp_append_failing_inputs(s, &f, failing->rows, failing->names, ", ");
    }
}

/* "; a difference of 0.0062 at pixels.normalized is one of 0.015 at the image features, 2.5 times as much
 * (random changes: 1.3 times)" */
void cp_append_growth(struct cp_sentence *s, const struct cp_report_candidate *c) {
    const struct cp_report_growth g = cp_report_growth(c);
    const size_t last = g.steps - 1;
    if (!g.features || isnan(g.times[last]))
        return;
    cp_append(s, "; a difference of %.2g at %s is one of %.2g at the image features, %.2g times as much",
              g.step[last]->over_inputs.mean_rel[CP_TOTAL], g.step[last]->address,
              g.features->over_inputs.mean_rel[CP_TOTAL], g.times[last]);
    if (!isnan(g.chance))
        cp_append(s, " (random changes of the pixels: %.2g times)", g.chance);
}

void cp_append_decisions(struct cp_sentence *s, const struct cp_report_candidate *c) {
    const struct cp_decisions *d = &c->counts;
    if (d->images == 0)
        return;
    if (d->decided < d->images) {
        cp_append(s, ". Nothing is decided for ");
        cp_append_count(s, d->images - d->decided);
        cp_append(s, " of ");
        cp_append_count(s, d->images);
        cp_append(s, " images, whose probabilities are NaN on both sides");
    }
    if (d->decided == 0)
        return;
    cp_append(s, ". ");
    cp_append_count(s, d->flips);
    cp_append(s, " of ");
    cp_append_count(s, d->decided);
    cp_append(s, " decisions change (95 %% interval %.2f to %.2f %%)", 100 * d->flip_low, 100 * d->flip_high);
    if (c->certificates) {
        cp_append(s, ", ");
        cp_append_count(s, d->certified);
        cp_append(s, " of ");
        cp_append_count(s, d->images);
        cp_append(s, " images provably cannot flip");
    }
    cp_append(s, ", the largest change of a probability is %.2g", d->max_dp);
    if (d->accuracy == d->accuracy_baseline)
        cp_append(s, ", accuracy stays %.2f %%", 100 * d->accuracy);
    else if (!isnan(d->accuracy))
        cp_append(s, ", accuracy goes from %.2f to %.2f %%", 100 * d->accuracy_baseline, 100 * d->accuracy);
}
