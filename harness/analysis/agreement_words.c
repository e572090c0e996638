/* SPDX-License-Identifier: GPL-3.0-or-later
 * What sets two passes apart, in words and figures. */
#include "analysis/agreement.h"
#include "base/escape.h"
#include "base/sentence.h"

#include <math.h>
#include <string.h>

enum { LINE = 1024 };

const char *cp_own_explanation(const struct cp_own_part *part, const struct cp_agreement_words *words) {
    if (part->tensor)
        return part->tensor;
    return part->alternative >= 0 && (size_t)part->alternative < words->alternative_count
               ? words->alternatives[part->alternative]
               : NULL;
}

const char *cp_own_point(const struct cp_own_part *p) {
    const struct cp_point_row *row = &cp_points[p->at];
    const char *name = p->tap->place.tower == CP_TEXT && row->text ? row->text : row->visual;
    return name ? name : row->joint ? row->joint : "";
}

/* ---- one part ---- */

static void append_times(struct cp_sentence *s, double times) {
    if (isinf(times) || isnan(times))
        cp_append(s, "beyond any multiple of");
    else {
        cp_append_multiple(s, times);
        cp_append(s, " times");
    }
}

static void append_contradicted(struct cp_sentence *s, const struct cp_own_part *p) {
    if (!isnan(p->slope)) {
        cp_append(
            s,
            "computes a different function than declared: within the rounding, but along it (slope %.2f "
            "+- %.2f)",
            p->slope, p->slope_error);
        return;
    }
    cp_append(s, "does not compute what its settings, weights and inputs say: ");
    if (p->basis == CP_BASIS_BOUND) {
        cp_append(s, "no rounding can be that large (");
        append_times(s, p->bound);
        cp_append(s, " its bound)");
    } else {
        append_times(s, p->bound);
        cp_append(s, " what %d legitimate evaluations show", CP_RERUNS);
    }
}

static void append_coarse(struct cp_sentence *s, const struct cp_own_part *p) {
    cp_append(s, "errs more than its declared arithmetic does: ");
    append_times(s, p->bound);
    if (p->basis == CP_BASIS_BOUND)
        cp_append(s, " a plain evaluation's error");
    else
        cp_append(s, " what %d legitimate evaluations show", CP_RERUNS);
}

/* Beside a small change of the function its rounding may be the larger part. */
static void append_settings(struct cp_sentence *s, const struct cp_own_part *p) {
    const double rounding = p->row ? p->row[CP_OPERATION_FIELD_RESIDUAL] : NAN;
    cp_append(s, "the settings declare a different function (%.2g", p->size);
    if (rounding > 0.1 * p->size && p->verdict == CP_LEDGER_EXPLAINED)
        cp_append(s, ", beside %.2g that its declared arithmetic rounds", rounding);
    cp_append(s, ")");
}

static void append_explanation(struct cp_sentence *s, const struct cp_own_part *p,
                               const struct cp_agreement_words *words) {
    const char *explanation = cp_own_explanation(p, words);
    if (explanation && (isnan(p->before) || isnan(p->after)))
        cp_append(s, "; explained by: %s", explanation);
    else if (explanation)
        cp_append(s, "; explained by: %s%s%s (the residual falls from %.2g to %.2g)", explanation,
                  p->at >= 0 ? " at " : "", p->at >= 0 ? cp_own_point(p) : "", p->before, p->after);
    else if (p->tried && p->row)
        cp_append(s, "; explained by none of the %.0f alternatives tried", p->row[CP_OPERATION_FIELD_TRIED]);
}

static const char *input_name(const struct cp_own_part *p, const struct cp_agreement_words *words) {
    const bool text = p->tap->place.tower == CP_TEXT;
    const char *const *names = text ? words->prompt_names : words->image_names;
    return names && p->worst < (text ? words->prompts : words->images) ? names[p->worst] : NULL;
}

/* Which inputs, where it is not all of them. */
static void append_inputs(struct cp_sentence *s, const struct cp_own_part *p,
                          const struct cp_agreement_words *words) {
    const char *name = input_name(p, words);
    const char *what = cp_tower_words[p->tap->place.tower].input;
    if (p->checked == 0 || p->inputs == p->checked || p->inputs == 0)
        return;
    cp_append(s, "; at %zu of %zu %ss, worst %s %zu", p->inputs, p->checked, what, what, p->worst);
    if (name)
        cp_append(s, " (%.60s)", name);
}

/* Pixels: the channel and how far it is off. Of pixels that contradict their normalisation the ledger has the
 * worst element in that place. */
static void append_differing_inputs(struct cp_sentence *s, const struct cp_own_part *p,
                                    const struct cp_agreement_words *words) {
    static const char *const channels[] = {"red", "green", "blue"};
    const char *explanation = cp_own_explanation(p, words);
    if (p->tap->place.point == CP_TOKENS) {
        cp_append(s, "the token ids differ in %zu of %zu prompts, first in prompt %zu", p->inputs, p->checked,
                  p->worst);
        return;
    }
    if (p->tap->nonfinite > 0)
        cp_append(s, "%.0f pixel value%s NaN or infinite on one side only", p->tap->nonfinite,
                  p->tap->nonfinite == 1 ? " is" : "s are");
    else
        cp_append(s, "the pixels differ (%.2g)", p->size);
    if (p->inputs)
        cp_append(s, " at %zu image%s, worst image %zu", p->inputs, cp_plural(p->inputs), p->worst);
    if (p->inputs && input_name(p, words))
        cp_append(s, " (%.60s)", input_name(p, words));
    if (!explanation)
        return;
    cp_append(s, "; explained by: %s", explanation);
    const double channel = p->row[CP_OPERATION_FIELD_ROW];
    if (p->row[CP_OPERATION_FIELD_VERDICT] <= CP_LEDGER_EXPLAINED && channel >= 0 && channel < 3)
        cp_append(s, ": %s of %s is %.6g times that of %s, plus %.6g", channels[(int)channel], words->b,
                  p->row[CP_OPERATION_FIELD_F], words->a, p->row[CP_OPERATION_FIELD_Y]);
}

static void append_nonfinite(struct cp_sentence *s, const struct cp_own_part *p,
                             const struct cp_agreement_words *words) {
    const char *name = input_name(p, words);
    if (p->row[CP_OPERATION_FIELD_OWN] == 0) {
        cp_append(s, "holds NaN or infinity");
        return;
    }
    cp_append(
        s, "makes NaN or infinity of finite operands at %zu of %zu %ss, first at (%.0f, %.0f) of %s %zu",
        p->inputs, p->checked, cp_tower_words[p->tap->place.tower].input, p->row[CP_OPERATION_FIELD_ROW],
        p->row[CP_OPERATION_FIELD_COLUMN], cp_tower_words[p->tap->place.tower].input, p->worst);
    if (name)
        cp_append(s, " (%.60s)", name);
}

void cp_own_append(struct cp_sentence *s, const struct cp_own_part *p,
                   const struct cp_agreement_words *words) {
    switch (p->kind) {
    case CP_OWN_NONFINITE:
        append_nonfinite(s, p, words);
        return;
    case CP_OWN_CONTRADICTED:
        append_contradicted(s, p);
        break;
    case CP_OWN_SETTINGS:
        append_settings(s, p);
        return;
    case CP_OWN_WEIGHTS:
        cp_append(s, "the weights differ (%.2g)%s%s", p->size, p->tensor ? ": " : "",
                  p->tensor ? p->tensor : "");
        return;
    case CP_OWN_INPUTS:
        append_differing_inputs(s, p, words);
        return;
    case CP_OWN_ROUNDING:
        append_coarse(s, p);
        break;
    default:
        cp_append(s, "the sides differ (%.2g); an operand or a weight to tell why is not recorded", p->size);
        return;
    }
    append_inputs(s, p, words);
    append_explanation(s, p, words);
}

/* ---- all of them ---- */

static bool same_but_layer(const struct cp_own_part *x, const struct cp_own_part *y) {
    return x->kind == y->kind && x->side == y->side && x->alternative == y->alternative &&
           x->tap->place.point == y->tap->place.point && x->tap->place.tower == y->tap->place.tower &&
           x->tap->place.layer >= 0;
}

static const struct cp_own_part *of_layer(const struct cp_agreement *a, const struct cp_own_part *first,
                                          int layer) {
    for (size_t p = 0; p < a->parts; p++)
        if (a->part[p].tap->place.layer == layer && same_but_layer(first, &a->part[p]))
            return &a->part[p];
    return NULL;
}

const struct cp_own_part *cp_agreement_gather(const struct cp_agreement *a, const struct cp_own_part *first,
                                              char name[128]) {
    const struct cp_own_part *largest = first, *next;
    int layer = first->tap->place.layer;
    if (layer > 0 && of_layer(a, first, layer - 1))
        return NULL;
    (void)snprintf(name, 128, "%s", first->tap->address);
    if (layer < 0)
        return first;
    while ((next = of_layer(a, first, layer + 1))) {
        largest = next->bound > largest->bound || next->size > largest->size ? next : largest;
        layer++;
    }
    const enum cp_point point = first->tap->place.point;
    const char *own = point < CP_POINT_COUNT ? cp_points[point].visual : "";
    if (layer > first->tap->place.layer)
        (void)snprintf(name, 128, "%s.%d-%d%s%s", cp_tower_words[first->tap->place.tower].name,
                       first->tap->place.layer, layer, own[0] ? "." : "", own);
    return largest;
}

/* Many taps alike say no more than one line does. */
static bool is_counted(const struct cp_own_part *p) {
    return p->kind == CP_OWN_UNCHECKED || (p->kind == CP_OWN_ROUNDING && p->verdict == CP_LEDGER_EXPLAINED);
}

static void print_counted(const struct cp_agreement *a, const struct cp_agreement_words *words,
                          enum cp_own_kind kind, FILE *out) {
    const struct cp_own_part *first = NULL;
    double most = 0;
    size_t count = 0;
    char text[LINE];
    struct cp_sentence s = {text, sizeof text, 0};
    for (size_t p = 0; p < a->parts; p++) {
        if (a->part[p].kind != kind || !is_counted(&a->part[p]))
            continue;
        first = first ? first : &a->part[p];
        most = fmax(most, a->part[p].bound);
        count++;
    }
    if (count == 0)
        return;
    if (kind == CP_OWN_UNCHECKED && count == 1)
        cp_append(&s, "%s differs, where an operand or a weight to tell why is not recorded",
                  first->tap->address);
    else if (kind == CP_OWN_UNCHECKED)
        cp_append(&s, "%zu taps differ, from %s on, where an operand or a weight to tell why is not recorded",
                  count, first->tap->address);
    else {
        if (count == 1)
            cp_append(&s, "%s rounds as the declared arithmetic of %s does: ", first->tap->address, words->b);
        else
            cp_append(&s, "%zu operations, from %s on, round as the declared arithmetic of %s does: up to ",
                      count, first->tap->address, words->b);
        cp_append_multiple(&s, most);
        cp_append(&s, " times as much as in %s", words->a);
    }
    cp_print_wrapped(text, 2, 4, out);
}

void cp_agreement_print(const struct cp_agreement *a, const struct cp_agreement_words *words, size_t most,
                        FILE *out) {
    size_t printed = 0, left = 0;
    for (size_t p = 0; p < a->parts; p++) {
        const struct cp_own_part *part = &a->part[p];
        char name[128], text[LINE];
        struct cp_sentence s = {text, sizeof text, 0};
        const struct cp_own_part *largest = is_counted(part) ? NULL : cp_agreement_gather(a, part, name);
        if (!largest)
            continue;
        if (printed++ >= most) {
            left++;
            continue;
        }
        cp_append(&s, "%s  ", name);
        if (part->side != CP_SIDE_BOTH)
            cp_append(&s, "%s ", part->side == CP_SIDE_A ? words->a : words->b);
        else if (part->kind == CP_OWN_CONTRADICTED || part->kind == CP_OWN_ROUNDING ||
                 part->kind == CP_OWN_NONFINITE)
            cp_append(&s, "%s and %s: each ", words->a, words->b);
        cp_own_append(&s, largest, words);
        cp_print_wrapped(text, 2, 4, out);
    }
    if (left)
        (void)fprintf(out, "  and %zu more\n", left);
    print_counted(a, words, CP_OWN_ROUNDING, out);
    print_counted(a, words, CP_OWN_UNCHECKED, out);
}

/* ---- what the inputs cannot tell ---- */

static size_t hidden_at(const struct cp_agreement_tap *taps, size_t count, bool second, size_t alternative,
                        double *needs) {
    size_t found = 0;
    for (size_t t = 0; t < count; t++) {
        const double *row = second ? taps[t].b : taps[t].a;
        if (!row || row[CP_OPERATION_FIELD_HIDDEN] != (double)alternative)
            continue;
        *needs = found++ && *needs < row[CP_OPERATION_FIELD_NEEDS] ? *needs : row[CP_OPERATION_FIELD_NEEDS];
    }
    return found;
}

void cp_agreement_print_hidden(const struct cp_agreement_tap *taps, size_t count,
                               const struct cp_agreement_words *words, FILE *out) {
    for (size_t i = 0; i < words->alternative_count; i++)
        for (int second = 0; second < 2; second++) {
            double needs = 0;
            const size_t found = hidden_at(taps, count, second, i, &needs);
            if (found)
                cp_print(out, "  %s at %zu tap%s of %s: cannot tell; needs about %.0f inputs\n",
                         words->alternatives[i], found, cp_plural(found), second ? words->b : words->a,
                         needs);
        }
}
