/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "study/undecided.h"

#include <math.h>

struct cp_undecided cp_undecided_none(void) {
    return (struct cp_undecided){.least = NAN, .most = NAN, .ratio = NAN, .over_k = NAN};
}

void cp_undecided_add(struct cp_undecided *u, const double fields[CP_VERDICT_FIELDS],
                      enum cp_verdict_field which) {
    const double inputs = fields[CP_FIELD_INPUTS], ratio = fields[CP_FIELD_RATIO];
    const int verdict = (int)fields[CP_FIELD_VERDICT], asked = (int)fields[which];
    if (asked != CP_INCONCLUSIVE && asked != CP_DIFFERS)
        return;
    if (verdict == CP_IDENTICAL || verdict == CP_NONFINITE_VERDICT || verdict == CP_UNMATCHED)
        return;
    u->taps++;
    u->ratio = fmax(u->ratio, ratio); /* fmax and fmin pass over NaN */
    u->over_k = fmax(u->over_k, ratio / fields[CP_FIELD_K]);
    if (!(inputs < CP_VERDICT_MIN_INPUTS))
        return;
    u->few++;
    u->least = fmin(u->least, inputs);
    u->most = fmax(u->most, inputs);
}

void cp_say_undecided_why(struct cp_sentence *s, const struct cp_undecided *u) {
    if (u->few == 0) {
        cp_say(s, "the inputs do not settle it");
        return;
    }
    if (u->few < u->taps)
        cp_say(s, "at %zu of them ", u->few);
    if (u->most == 0)
        cp_say(s, "no oracle ran");
    else if (u->least < u->most)
        cp_say(s, "%.0f to %.0f inputs are too few", u->least, u->most);
    else
        cp_say(s, u->most == 1 ? "%.0f input is too few" : "%.0f inputs are too few", u->most);
    if (u->most > 0)
        cp_say(s, ", %d or more are needed", CP_VERDICT_MIN_INPUTS);
}

void cp_say_undecided_ratio(struct cp_sentence *s, const struct cp_undecided *u, const char *before) {
    if (isnan(u->ratio))
        return;
    if (isinf(u->ratio)) {
        cp_say(s, "%sthe error there is beyond any multiple of the baseline's", before);
        return;
    }
    cp_say(s, "%sthe error there is %s", before, u->taps > 1 ? "up to " : "");
    cp_say_multiple(s, u->ratio);
    cp_say(s, " times the baseline's");
}

void cp_undecided_print(const struct cp_undecided *u, FILE *out) {
    char text[256] = "";
    struct cp_sentence s = {text, sizeof text, 0};
    if (u->taps) {
        cp_say(&s, ":\n    ");
        cp_say_undecided_why(&s, u);
        cp_say_undecided_ratio(&s, u, ";\n    ");
    }
    (void)fprintf(out, "%s\n", text);
}

void cp_say_few_inputs(struct cp_sentence *s, const struct cp_study *study) {
    const size_t images = study->oracle_images, prompts = study->inputs.prompts;
    const struct {
        size_t count;
        const char *what, *of;
        bool said; /* as few as another count that is told */
    } inputs[] = {{images, "image", images < study->inputs.images ? " of the oracle" : "", false},
                  {prompts, "prompt", "", false},
                  {study->local_images, "image", " of local", study->local_images >= images},
                  {study->local_prompts, "prompt", " of local", study->local_prompts >= prompts}};
    size_t few = 0;
    if (study->spec_count < 2 || study->oracle_count == 0)
        return;
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        if (inputs[i].count == 0 || inputs[i].said || inputs[i].count >= CP_VERDICT_MIN_INPUTS)
            continue;
        cp_say(s, "%s%zu %s%s%s", few++ ? ", " : "", inputs[i].count, inputs[i].what,
               inputs[i].count == 1 ? "" : "s", inputs[i].of);
    }
    if (few)
        cp_say(s, ": too few to judge rounding, %d or more are needed", CP_VERDICT_MIN_INPUTS);
}
