/* SPDX-License-Identifier: GPL-3.0-or-later
 * What accepting a run changes of a baseline. */
#include "base/escape.h"
#include "base/sentence.h"
#include "gate/gate.h"

#include <stdarg.h>
#include <string.h>

struct changes {
    size_t bits, taken, dropped; /* taps; taken, dropped: on one side alone */
    size_t maths, incomparable;  /* taps whose oracle differs; ... that saw different inputs, or none */
    double least, most;          /* error, times the accepted */
    bool decisions;
};

static struct changes changes_of(const struct cp_gate_judged *judged) {
    struct changes c = {.least = INFINITY, .most = -INFINITY};
    for (size_t i = 0; i < judged->findings; i++) {
        const struct cp_gate_finding *f = &judged->finding[i];
        const double ratio = f->measure[CP_GATE_RATIO].value;
        if (f->decisions)
            c.decisions = f->measure[CP_GATE_FLIPS].value != f->measure[CP_GATE_FLIPS].accepted;
        else if (!f->tap || !f->accepted)
            *(f->tap ? &c.taken : &c.dropped) += 1;
        else if (strcmp(f->tap->bits, f->accepted->bits) != 0) {
            c.bits++;
            c.least = fmin(c.least, ratio);
            c.most = fmax(c.most, ratio);
        }
        const struct cp_gate_measure *maths = &f->measure[CP_GATE_MATHS];
        if (maths->outcome == CP_GATE_FAILED)
            *(isnan(maths->value) ? &c.incomparable : &c.maths) += 1;
    }
    return c;
}

static bool is_changed(const struct cp_gate_judged *judged) {
    const struct changes c = changes_of(judged);
    return !judged->subject || !judged->accepted || c.bits || c.maths || c.incomparable || c.taken ||
           c.dropped || c.decisions || judged->other_settings[0];
}

bool cp_gate_changed(const struct cp_gate_verdict *verdict) {
    for (size_t s = 0; s < verdict->subjects; s++)
        if (is_changed(&verdict->judged[s]))
            return true;
    return verdict->inputs > 0;
}

__attribute__((format(printf, 3, 4))) static void put_part(FILE *out, const char **between,
                                                           const char *format, ...) {
    char text[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cp_print(out, "%s %s", *between, text);
    *between = ";";
}

static void put_subject(const struct cp_gate_judged *judged, FILE *out) {
    const struct changes c = changes_of(judged);
    const char *between = "";
    cp_print(out, "  %s:", judged->name);
    if (!judged->subject || !judged->accepted)
        put_part(out, &between, judged->subject ? "is new" : "is gone");
    else if (c.taken || c.dropped)
        put_part(out, &between, "%zu new tap%s, %zu gone", c.taken, cp_plural(c.taken), c.dropped);
    if (c.bits)
        put_part(out, &between, "other bits at %zu of %zu taps", c.bits, judged->subject->taps);
    if (c.least <= c.most)
        put_part(out, &between, "error %.3g to %.3g times the accepted", c.least, c.most);
    if (c.maths)
        put_part(out, &between, "declared maths differ at %zu tap%s", c.maths, cp_plural(c.maths));
    if (c.incomparable)
        put_part(out, &between, "oracle not comparable at %zu tap%s", c.incomparable,
                 cp_plural(c.incomparable));
    if (c.decisions)
        put_part(out, &between, "other decisions");
    if (judged->other_settings[0])
        put_part(out, &between, "%s", judged->other_settings);
    (void)fputc('\n', out);
}

void cp_gate_changes(const struct cp_gate_verdict *verdict, FILE *out) {
    for (size_t i = 0; i < verdict->inputs; i++)
        cp_print(out, "  other inputs: %s\n", verdict->input[i]);
    for (size_t s = 0; s < verdict->subjects; s++)
        if (is_changed(&verdict->judged[s]))
            put_subject(&verdict->judged[s], out);
}
