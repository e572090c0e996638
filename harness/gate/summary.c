/* SPDX-License-Identifier: GPL-3.0-or-later
 * The judgement for people, in 80 columns. */
#include "gate/gate.h"

#include "base/escape.h"
#include "base/sentence.h"
#include "report/data/words.h"
#include "report/term/term.h"

#include <string.h>

struct writer {
    const struct cp_gate_verdict *verdict;
    struct cp_screen screen;
    FILE *out;
};

static void put_counts(const struct writer *w) {
    const struct cp_gate_verdict *v = w->verdict;
    size_t subjects = 0, findings = 0; /* also of what one side alone has */
    for (size_t s = 0; s < v->subjects; s++) {
        subjects += v->judged[s].failed > 0;
        findings += v->judged[s].findings;
    }
    if (v->inputs)
        (void)fprintf(w->out, "other inputs than accepted");
    else if (v->failed)
        (void)fprintf(w->out, "%zu of %zu taps and decisions, in %zu of %zu specs", v->failed, findings,
                      subjects, v->subjects);
    else if (v->rules)
        cp_print(w->out, "%zu rule%s without a reason", v->rules, cp_plural(v->rules));
    else
        (void)fprintf(w->out, "%zu taps and decisions of %zu specs", v->compared, v->subjects);
}

static const char *fact(const struct cp_gate_samples *s, const char *name) {
    for (size_t f = 0; f < s->facts; f++)
        if (strcmp(s->fact[f].name, name) == 0)
            return s->fact[f].value;
    return "unknown";
}

static void put_note(const struct writer *w, const char *begin, const char *note, const char *end) {
    char line[1024];
    (void)snprintf(line, sizeof line, "%s%.900s%s", begin, note, end);
    cp_screen_wrap(&w->screen, line, 2);
}

static void put_outcome(const struct writer *w, bool passed, const char *name) {
    cp_screen_ink(&w->screen, passed ? CP_INK_GREEN : CP_INK_RED);
    (void)fputs(passed ? "PASS" : "FAIL", w->out);
    cp_screen_ink(&w->screen, CP_INK_PLAIN);
    cp_print(w->out, "  %s: ", name);
}

static void put_head(const struct writer *w) {
    const struct cp_gate_verdict *v = w->verdict;
    put_outcome(w, cp_gate_passed(v), v->samples->name);
    put_counts(w);
    cp_print(w->out, "\n      against %s\n      of %.10s, commit %s\n", v->accepted->path,
             fact(v->accepted, "time"), fact(v->accepted, "commit"));
    for (size_t i = 0; i < v->inputs; i++)
        put_note(w, "other inputs: ", v->input[i], "");
    for (size_t i = 0; i < v->rules; i++)
        put_note(w, "check ", v->rule[i], ", without reason");
}

/* ---- a subject ---- */

/* A tap, and what failed of the kinds asked for. */
static void put_finding(const struct writer *w, const struct cp_gate_judged *judged,
                        const struct cp_gate_finding *f, unsigned kinds, const char *end) {
    char address[96], text[CP_GATE_WORDS], line[4 * CP_GATE_WORDS];
    struct cp_sentence s = {line, sizeof line, 0};
    const char *between = ": ";
    cp_tap_address(f->name, address);
    cp_append(&s, "%s", address);
    for (int k = 0; k < CP_GATE_KINDS; k++) {
        if (!(kinds & 1u << k) || !cp_gate_tells(f, (enum cp_gate_kind)k))
            continue;
        cp_gate_append(judged, f, (enum cp_gate_kind)k, text);
        cp_append(&s, "%s%s", between, text);
        between = "; ";
    }
    cp_append(&s, "%s", end);
    cp_screen_wrap(&w->screen, line, 4);
}

/* A subject that is new, or gone, in one line. */
static bool put_lone(const struct writer *w, const struct cp_gate_judged *judged) {
    if (judged->subject && judged->accepted)
        return false;
    put_outcome(w, false, judged->name);
    (void)fputs(judged->subject ? "is new: nothing of it was accepted\n" : "was accepted, and is not there\n",
                w->out);
    return true;
}

static void put_firsts(const struct writer *w, const struct cp_gate_judged *judged) {
    for (int tower = CP_VISUAL; tower <= CP_JOINT; tower++)
        for (size_t i = 0; i < judged->findings; i++) {
            char end[64] = "";
            size_t most;
            const struct cp_gate_finding *f = &judged->finding[i];
            const unsigned kinds = (int)f->tower == tower ? cp_gate_first_kinds(judged, f, &most) : 0;
            if (kinds && most > 1)
                (void)snprintf(end, sizeof end, "; %zu more tap%s the same way", most - 1,
                               most == 2 ? " fails" : "s fail");
            if (kinds)
                put_finding(w, judged, f, kinds, end);
        }
}

static void put_every(const struct writer *w, const struct cp_gate_judged *judged) {
    for (size_t i = 0; i < judged->findings; i++)
        put_finding(w, judged, &judged->finding[i], ~0u, judged->finding[i].failed ? "" : ": as accepted");
}

static void put_subject(const struct writer *w, const struct cp_gate_judged *judged, bool all) {
    if (put_lone(w, judged))
        return;
    put_outcome(w, !judged->failed, judged->name);
    if (judged->failed)
        (void)fprintf(w->out, "%zu of ", judged->failed);
    cp_print(w->out, "%zu taps%s\n", judged->findings, judged->subject->decided ? " and decisions" : "");
    if (!all && cp_gate_follows(judged, &w->verdict->judged[0])) {
        (void)fputs("    from the same taps on as the baseline\n", w->out);
        return;
    }
    if (judged->other_settings[0] && judged->failed)
        cp_screen_wrap(&w->screen, judged->other_settings, 4);
    if (all)
        put_every(w, judged);
    else
        put_firsts(w, judged);
}

static bool is_beyond_tolerance(const struct cp_gate_verdict *v) {
    for (size_t s = 0; s < v->subjects; s++)
        for (size_t i = 0; i < v->judged[s].findings; i++)
            if (v->judged[s].finding[i].measure[CP_GATE_TOLERANCE].outcome == CP_GATE_FAILED)
                return true;
    return false;
}

/* What can be done about it. */
static void put_advice(const struct writer *w) {
    const bool worse = cp_gate_needs_reason(w->verdict), beyond = is_beyond_tolerance(w->verdict);
    if (beyond)
        (void)fputs("A tolerance is the experiment's: `clip-parity accept` does not change it.\n", w->out);
    if (w->verdict->failed && !worse && !beyond)
        (void)fputs("Only bits changed: `clip-parity accept` takes them over, --no-bits lets them pass.\n",
                    w->out);
    else if (worse)
        (void)fputs("If intended, run `clip-parity accept --reason TEXT`.\n", w->out);
}

void cp_gate_summary(const struct cp_gate_verdict *verdict, bool all, FILE *out) {
    const struct writer w = {verdict, cp_screen_of(out), out};
    put_head(&w);
    for (size_t s = 0; s < verdict->subjects; s++)
        put_subject(&w, &verdict->judged[s], all);
    put_advice(&w);
}
