/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report/report.h"

#include <math.h>
#include <stdarg.h>

const struct cp_report_tap *cp_report_first(const struct cp_report_candidate *c, enum cp_tower tower) {
    for (size_t t = 0; t < c->taps; t++) {
        const struct cp_report_tap *tap = &c->tap[t];
        const int verdict = (int)tap->verdict[CP_FIELD_VERDICT];
        if (tap->tower == tower &&
            (c->judged ? verdict == CP_SEMANTIC_VERDICT : tap->over_inputs.different > 0))
            return tap;
    }
    return NULL;
}

size_t cp_report_rounding(const struct cp_report_candidate *c, enum cp_verdict verdict) {
    size_t count = 0;
    for (size_t t = 0; t < c->taps; t++)
        count += (int)c->tap[t].verdict[CP_FIELD_ROUNDING] == (int)verdict;
    return count;
}

struct sentence {
    char *text;
    size_t size, used;
};

__attribute__((format(printf, 2, 3))) static void say(struct sentence *s, const char *format, ...) {
    va_list list;
    va_start(list, format);
    const int length = vsnprintf(s->text + s->used, s->size - s->used, format, list);
    va_end(list);
    s->used += length > 0 ? (size_t)length : 0;
    s->used = s->used < s->size ? s->used : s->size - 1;
}

/* "from A and from B on"; whether there was anything to say. */
static bool say_where(struct sentence *s, const struct cp_report_candidate *c, const char *before) {
    bool any = false;
    for (int tower = CP_VISUAL; tower <= CP_JOINT; tower++) {
        const struct cp_report_tap *tap = cp_report_first(c, (enum cp_tower)tower);
        if (!tap || (tower == CP_JOINT && any))
            continue;
        say(s, "%s from %s", any ? " and" : before, tap->address);
        any = true;
    }
    if (any)
        say(s, " on");
    return any;
}

static void say_rounding(struct sentence *s, const struct cp_report_candidate *c) {
    const size_t degraded = cp_report_rounding(c, CP_DEGRADED), open = cp_report_rounding(c, CP_INCONCLUSIVE);
    if (degraded)
        say(s, "; rounding is worse than the limit at %zu of %zu taps", degraded, c->taps);
    else
        say(s, "; rounding is no worse than the baseline's where it could be decided (%zu of %zu taps)",
            c->taps - open, c->taps);
}

static void say_decisions(struct sentence *s, const struct cp_decisions *d) {
    if (d->images == 0)
        return;
    say(s,
        ". %zu of %zu decisions change (95 %% interval %.2f to %.2f %%), the largest change of a probability "
        "is %.2g",
        d->flips, d->images, 100 * d->flip_low, 100 * d->flip_high, d->max_dp);
    if (d->accuracy == d->accuracy_baseline)
        say(s, ", accuracy stays %.2f %%", 100 * d->accuracy);
    else if (!isnan(d->accuracy))
        say(s, ", accuracy goes from %.2f to %.2f %%", 100 * d->accuracy_baseline, 100 * d->accuracy);
}

void cp_report_answer(const struct cp_report_candidate *c, char *text, size_t size) {
    struct sentence s = {text, size, 0};
    say(&s, "%s", c->name);
    if (!c->judged) {
        if (!say_where(&s, c, " differs"))
            say(&s, " has identical bits everywhere");
        say(&s, "; no oracle ran, so maths and rounding are not told apart");
    } else {
        if (!say_where(&s, c, " computes other maths than the baseline"))
            say(&s, " computes the same maths as the baseline");
        say_rounding(&s, c);
    }
    say_decisions(&s, &c->counts);
    say(&s, ".");
}
