/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reasons in a line: each said once, with the places where it holds. */
#include "analysis/agreement.h"

#include <string.h>

enum { PLACES = 3 }; /* named of each reason, before the rest is only counted */

struct reasons {
    const struct cp_agreement *agreement;
    const struct cp_agreement_words *words;
    enum cp_own_side side;
};

static bool is_reason(const struct reasons *r, const struct cp_own_part *part) {
    const bool legitimate = part->kind == CP_OWN_ROUNDING && part->verdict == CP_LEDGER_EXPLAINED;
    return (part->side == r->side || part->side == CP_SIDE_BOTH) && part->kind != CP_OWN_UNCHECKED &&
           !legitimate;
}

static const char *reason_of(const struct reasons *r, const struct cp_own_part *part) {
    static const char *const kinds[CP_OWN_KINDS] = {"NaN or infinity",
                                                    "contradicted",
                                                    "settings",
                                                    "weights",
                                                    "inputs",
                                                    "more rounding than declared",
                                                    ""};
    const char *explanation = cp_own_explanation(part, r->words);
    return explanation ? explanation : kinds[part->kind];
}

static bool is_said(const struct reasons *r, size_t part, const char *reason) {
    for (size_t p = 0; p < part; p++)
        if (is_reason(r, &r->agreement->part[p]) && strcmp(reason_of(r, &r->agreement->part[p]), reason) == 0)
            return true;
    return false;
}

static void append_places(struct cp_sentence *s, const struct reasons *r, size_t from, const char *reason) {
    size_t places = 0;
    char name[128];
    for (size_t p = from; p < r->agreement->parts; p++) {
        const struct cp_own_part *part = &r->agreement->part[p];
        if (!is_reason(r, part) || strcmp(reason_of(r, part), reason) != 0 ||
            !cp_agreement_gather(r->agreement, part, name))
            continue;
        if (places++ < PLACES)
            cp_append(s, "%s%s", places == 1 ? " at " : ", ", name);
    }
    if (places > PLACES)
        cp_append(s, " and %zu more", places - PLACES);
}

bool cp_agreement_append_reasons(struct cp_sentence *s, const struct cp_agreement *agreement,
                                 const struct cp_agreement_words *words, enum cp_own_side side) {
    const struct reasons r = {agreement, words, side};
    bool any = false;
    for (size_t p = 0; p < agreement->parts; p++) {
        const struct cp_own_part *part = &agreement->part[p];
        const char *reason = reason_of(&r, part);
        if (!is_reason(&r, part) || is_said(&r, p, reason))
            continue;
        cp_append(s, "%s%s", any ? "; " : "", reason);
        append_places(s, &r, p, reason);
        any = true;
    }
    return any;
}
