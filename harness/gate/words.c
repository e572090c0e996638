/* SPDX-License-Identifier: GPL-3.0-or-later
 * Findings in words, the same in every form. */
#include "gate/gate.h"

#include "report/data/words.h"

/* "(auto)", or the rule that a person wrote. */
static void append_origin(struct cp_sentence *s, const struct cp_check_rule *rule, enum cp_check_kind kind) {
    if (rule->limit[kind].state == CP_CHECK_NUMBER)
        cp_append(s, " (check '%.100s')", rule->where);
    else
        cp_append(s, " (auto)");
}

static void append_limit(struct cp_sentence *s, const struct cp_gate_measure *m, enum cp_check_kind kind) {
    cp_append(s, ", at most %.3g", m->limit);
    append_origin(s, m->rule, kind);
}

static void append_unmatched(struct cp_sentence *s, const struct cp_gate_judged *judged,
                             const struct cp_gate_finding *f) {
    const bool now = f->decisions ? judged->subject->decided : f->tap != NULL;
    cp_append(s, now ? "is new: nothing of it was accepted" : "was accepted, and is not there");
}

static void append_maths(struct cp_sentence *s, const struct cp_gate_measure *m) {
    if (isnan(m->value))
        cp_append(s, "the oracle saw other inputs, or none");
    else if (isinf(m->value))
        cp_append(s, "the settings declare different maths, and the bits differ");
    else
        cp_append(s, "declared maths differ: the oracle's RMS is off by %.1e, at most %.0e", m->value,
                  m->limit);
}

/* No rounding is that large only where a bound shows it. */
static void append_contradicted(struct cp_sentence *s, const struct cp_gate_tap *tap) {
    cp_append(s, "does not compute what its settings say: ");
    if (tap->evidence == CP_GATE_BY_SLOPE) {
        cp_append(s, "its residual follows another function");
    } else {
        cp_append(s, tap->evidence == CP_GATE_BY_BOUND ? "no rounding can be that large (" : "");
        cp_append_multiple(s, tap->contradicted);
        cp_append(s, tap->evidence == CP_GATE_BY_BOUND ? " times its bound)"
                                                       : " times what legitimate reruns show");
    }
    if (tap->explained)
        cp_append(s, "; explained by: %s", tap->explained);
}

static void append_needed(struct cp_sentence *s, const struct cp_gate_finding *f) {
    if (f->inputs == 0)
        cp_append(s, "error not measured: no oracle");
    else if (f->needed == SIZE_MAX)
        cp_append(s, "; inconclusive with %zu inputs, and with more", f->inputs);
    else
        cp_append(s, "; inconclusive with %zu inputs, needs about %zu%s", f->inputs, f->needed,
                  f->needed > CP_GATE_INPUTS ? " (more than are kept)" : "");
}

static void append_ratio(struct cp_sentence *s, const struct cp_gate_finding *f) {
    const struct cp_gate_measure *m = &f->measure[CP_GATE_RATIO];
    if (f->inputs > 0) {
        cp_append(s, "error %.3g times the accepted", m->value);
        if (isfinite(f->low) && isfinite(f->high))
            cp_append(s, " (%.3g to %.3g)", f->low, f->high);
        append_limit(s, m, CP_CHECK_RATIO);
    }
    if (f->verdict == CP_INCONCLUSIVE)
        append_needed(s, f);
}

static void append_tolerance(struct cp_sentence *s, const struct cp_gate_finding *f) {
    const struct cp_gate_measure *m = &f->measure[CP_GATE_TOLERANCE];
    const struct cp_check_limit *limit = m->rule->limit;
    cp_append(
        s, "elements of %zu of %zu inputs are beyond rtol %g, atol %g of the baseline's (check '%.100s'): ",
        f->tap->beyond_inputs, f->tap->compared_inputs, limit[CP_CHECK_RTOL].number,
        limit[CP_CHECK_ATOL].number, m->rule->where);
    cp_append(s, "up to %.3g %% of an input's, up to %.3g apart", 100 * m->value, f->tap->apart);
}

static void append_against(struct cp_sentence *s, const char *what, const struct cp_gate_measure *m,
                           enum cp_check_kind kind) {
    cp_append(s, isnan(m->value) ? "%s not measured" : "%s %.3g", what, m->value);
    if (!isnan(m->accepted))
        cp_append(s, ", accepted %.3g", m->accepted);
    append_limit(s, m, kind);
}

void cp_gate_append(const struct cp_gate_judged *judged, const struct cp_gate_finding *f,
                    enum cp_gate_kind kind, char text[CP_GATE_WORDS]) {
    struct cp_sentence s = {text, CP_GATE_WORDS, 0};
    const struct cp_gate_measure *m = &f->measure[kind];
    text[0] = '\0';
    switch (kind) {
    case CP_GATE_UNMATCHED:
        append_unmatched(&s, judged, f);
        break;
    case CP_GATE_NONFINITE:
        cp_append(&s, "%.0f values not finite, accepted %.0f", m->value, m->accepted);
        break;
    case CP_GATE_CONTRADICTED:
        append_contradicted(&s, f->tap);
        break;
    case CP_GATE_BITS_KIND:
        cp_append(&s, "other bits%s", cp_gate_worse(f) ? "" : ", as accurate as accepted");
        break;
    case CP_GATE_MATHS:
        append_maths(&s, m);
        break;
    case CP_GATE_RATIO:
        append_ratio(&s, f);
        break;
    case CP_GATE_WORST_TOKEN:
        append_against(&s, "worst token's error", m, CP_CHECK_WORST_TOKEN);
        break;
    case CP_GATE_ULP:
        append_against(&s, "own error in ULP", m, CP_CHECK_ULP);
        break;
    case CP_GATE_TOLERANCE:
        append_tolerance(&s, f);
        break;
    case CP_GATE_FLIPS:
        append_against(&s, "top-1 flips", m, CP_CHECK_FLIPS);
        break;
    case CP_GATE_KL:
        append_against(&s, "mean KL divergence", m, CP_CHECK_KL);
        break;
    case CP_GATE_KINDS:
        break;
    }
}

void cp_gate_append_place(const struct cp_gate_finding *f, char text[CP_GATE_WORDS]) {
    struct cp_sentence s = {text, CP_GATE_WORDS, 0};
    text[0] = '\0';
    if (!f->tap || f->tap->place.input == SIZE_MAX)
        return;
    const struct cp_gate_place *p = &f->tap->place;
    const struct cp_reader_texts *names = f->tap->names;
    const bool attention = f->tap->point == CP_ATTN_SCORES || f->tap->point == CP_ATTN_PROBS;
    if (p->input < names->count)
        cp_append(&s, "largest at input %zu (%.150s)", p->input, names->items[p->input]);
    else
        cp_append(&s, "largest at input %zu", p->input);
    cp_append(&s, ", %s %.0f: %.9g, oracle %.17g; %s %.0f: %.9g, oracle %.17g; at most %.3g ULP",
              attention ? "row (head, query)" : "token", p->token, p->token_value, p->token_oracle,
              attention ? "key" : "channel", p->channel, p->channel_value, p->channel_oracle, p->ulp);
}
