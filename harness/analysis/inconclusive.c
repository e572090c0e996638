/* SPDX-License-Identifier: GPL-3.0-or-later
 * Adds up verdicts over taps into a count with its reasons; the same for the limits of equivalent taps. */
#include "analysis/inconclusive.h"

#include "analysis/teacher_forcing.h"
#include "base/escape.h"
#include "base/sentence.h"

#include <math.h>

struct cp_inconclusive cp_inconclusive_none(void) {
    return (struct cp_inconclusive){.least = NAN, .most = NAN, .classes = NAN, .ratio = NAN, .over_k = NAN};
}

static void note_why(struct cp_inconclusive *u, enum cp_point point, const double fields[CP_VERDICT_FIELDS]) {
    const double inputs = fields[CP_FIELD_DISTINCT];
    if (inputs < CP_VERDICT_MIN_INPUTS && point == CP_CLASS_FEATURES) {
        u->classes = inputs;
    } else if (inputs < CP_VERDICT_MIN_INPUTS) {
        u->few++;
        u->least = fmin(u->least, inputs); /* fmax and fmin pass over NaN */
        u->most = fmax(u->most, inputs);
    } else {
        u->alike += fields[CP_FIELD_DF] < CP_VERDICT_MIN_DF;
    }
}

void cp_inconclusive_add(struct cp_inconclusive *u, enum cp_point point,
                         const double fields[CP_VERDICT_FIELDS], enum cp_verdict_field which) {
    const int verdict = (int)fields[CP_FIELD_VERDICT], asked = (int)fields[which];
    if (asked != CP_INCONCLUSIVE && asked != CP_DIFFERS)
        return;
    if (verdict == CP_IDENTICAL || verdict == CP_NONFINITE_VERDICT || verdict == CP_UNMATCHED)
        return;
    u->taps++;
    u->ratio = fmax(u->ratio, fields[CP_FIELD_RATIO]);
    u->over_k = fmax(u->over_k, fields[CP_FIELD_RATIO] / fields[CP_FIELD_K]);
    note_why(u, point, fields);
}

static void append_few(struct cp_sentence *s, const struct cp_inconclusive *u) {
    if (u->few < u->taps)
        cp_append(s, "at %zu tap%s ", u->few, cp_plural(u->few));
    if (u->most == 0)
        cp_append(s, "no oracle ran");
    else if (u->least < u->most)
        cp_append(s, "%.0f to %.0f inputs are too few", u->least, u->most);
    else
        cp_append(s, u->most == 1 ? "%.0f input is too few" : "%.0f inputs are too few", u->most);
    if (u->most > 0)
        cp_append(s, ", %d or more are needed", CP_VERDICT_MIN_INPUTS);
}

void cp_append_inconclusive_why(struct cp_sentence *s, const struct cp_inconclusive *u) {
    const char *between = "";
    if (u->few) {
        append_few(s, u);
        between = "; ";
    }
    if (u->alike) {
        cp_append(
            s, "%sat %zu tap%s the prompts share too few templates or classes, %d or more of each are needed",
            between, u->alike, cp_plural(u->alike), CP_VERDICT_MIN_DF + 1);
        between = "; ";
    }
    if (u->classes == 0) {
        cp_append(s, "%sclass_features has no oracle", between);
        between = "; ";
    } else if (!isnan(u->classes)) {
        cp_append(s, "%sclass_features has a value for each of %.0f classes, %d or more are needed", between,
                  u->classes, CP_VERDICT_MIN_INPUTS);
        between = "; ";
    }
    if (!*between)
        cp_append(s, "the inputs do not settle it");
}

void cp_append_inconclusive_ratio(struct cp_sentence *s, const struct cp_inconclusive *u,
                                  const char *before) {
    if (isnan(u->ratio))
        return;
    if (isinf(u->ratio)) {
        cp_append(s, "%sthe error there is beyond any multiple of the baseline's", before);
        return;
    }
    cp_append(s, "%sthe error there is %s", before, u->taps > 1 ? "up to " : "");
    cp_append_multiple(s, u->ratio);
    cp_append(s, " times the baseline's");
}

void cp_inconclusive_print(const struct cp_inconclusive *u, FILE *out) {
    char why[1024] = "", ratio[256] = "";
    struct cp_sentence s = {why, sizeof why, 0}, r = {ratio, sizeof ratio, 0};
    (void)fputs(u->taps ? ":\n" : "\n", out);
    if (!u->taps)
        return;
    cp_append_inconclusive_why(&s, u);
    cp_append_inconclusive_ratio(&r, u, "");
    if (*ratio)
        cp_append(&s, ";");
    cp_print_wrapped(why, 4, 4, out);
    cp_print_wrapped(ratio, 4, 4, out);
}

struct cp_equivalence cp_equivalence_none(void) {
    return (struct cp_equivalence){NAN, NAN};
}

void cp_equivalence_add(struct cp_equivalence *e, const double fields[CP_VERDICT_FIELDS]) {
    if (fields[CP_FIELD_ROUNDING] != CP_EQUIVALENT || fields[CP_FIELD_VERDICT] == CP_IDENTICAL)
        return;
    e->inputs = fmin(e->inputs, fields[CP_FIELD_DISTINCT]);
    e->beyond = fmax(e->beyond, fields[CP_FIELD_ABOVE_HIGH]);
}

void cp_append_equivalence(struct cp_sentence *s, const struct cp_equivalence *e) {
    cp_append(s, "of %.0f inputs; up to %.2g %% of others could exceed the limit", e->inputs,
              100 * e->beyond);
}

void cp_equivalence_print(const struct cp_equivalence *e, FILE *out) {
    char text[128] = "";
    struct cp_sentence s = {text, sizeof text, 0};
    if (isnan(e->beyond))
        return;
    cp_append_equivalence(&s, e);
    cp_print(out, "    equivalent: %s\n", text);
}

void cp_append_few_inputs(const struct cp_study *study, struct cp_sentence *s) {
    const size_t images = study->oracle_images, prompts = study->oracle_prompts;
    const size_t local_images = cp_teacher_forcing_first(study, CP_DIM_IMAGE);
    const size_t local_prompts = cp_teacher_forcing_first(study, CP_DIM_PROMPT);
    const struct {
        size_t count;
        const char *what, *of;
        bool said; /* as few as another count that is told */
    } inputs[] = {{images, "image", images < study->inputs.images ? " of the oracle" : "", false},
                  {prompts, "prompt", prompts < study->inputs.prompts ? " of the oracle" : "", false},
                  {local_images, "image", " of local", local_images >= images},
                  {local_prompts, "prompt", " of local", local_prompts >= prompts}};
    size_t few = 0;
    if (study->spec_count < 2 || study->oracle_count == 0)
        return;
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        if (inputs[i].count == 0 || inputs[i].said || inputs[i].count >= CP_VERDICT_MIN_INPUTS)
            continue;
        cp_append(s, "%s%zu %s%s%s", few++ ? ", " : "", inputs[i].count, inputs[i].what,
                  cp_plural(inputs[i].count), inputs[i].of);
    }
    if (few)
        cp_append(s, ": too few to judge rounding, %d or more are needed", CP_VERDICT_MIN_INPUTS);
}
