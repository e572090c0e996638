/* SPDX-License-Identifier: GPL-3.0-or-later
 * Pairs the run's taps and decisions with those of the baseline file, and sums up what failed. */
#include "gate/judge.h"

#include "spec/spec.h"

#include "report/data/load.h"

#include <string.h>

const char *const cp_gate_kind_names[CP_GATE_KINDS] = {
    "unmatched",   "nonfinite", "contradicted", "bits",  "maths", "ratio",
    "worst_token", "ulp",       "tolerance",    "flips", "kl"};

enum cp_status cp_judge_note(const struct cp_judging *j, const char ***list, size_t *count,
                             const char *line) {
    struct cp_arena *arena = &j->verdict->arena;
    const char **longer = cp_arena_alloc(arena, *count + 1, sizeof *longer);
    const char *copy = cp_arena_strdup(arena, line);
    CP_TRY(CP_CHECK_ALLOC(longer && copy, j->err, j->verdict->samples->path, "a verdict"));
    if (*count)
        memcpy(longer, *list, *count * sizeof *longer);
    longer[(*count)++] = copy;
    *list = longer;
    return CP_OK;
}

/* ---- what is compared with what ---- */

static void pair(struct cp_gate_judged *judged, const char *name, const struct cp_gate_tap *now,
                 const struct cp_gate_tap *accepted) {
    judged->finding[judged->findings++] = (struct cp_gate_finding){.tap = now,
                                                                   .accepted = accepted,
                                                                   .name = name,
                                                                   .tower = cp_tap_tower(name),
                                                                   .verdict = CP_IDENTICAL,
                                                                   .low = NAN,
                                                                   .high = NAN};
}

/* The run's taps, then those that were accepted and are not there, then the decisions. */
static enum cp_status pair_all(const struct cp_judging *j, struct cp_gate_judged *judged) {
    static const struct cp_gate_subject none = {0};
    const struct cp_gate_subject *now = judged->subject ? judged->subject : &none;
    const struct cp_gate_subject *accepted = judged->accepted ? judged->accepted : &none;
    CP_TRY(CP_ARENA_ALLOC(&j->verdict->arena, judged->finding, now->taps + accepted->taps + 1, j->err,
                          j->verdict->samples->path, "a verdict"));
    for (size_t i = 0; i < now->taps; i++)
        pair(judged, now->tap[i].name, &now->tap[i], cp_gate_tap(accepted, now->tap[i].name));
    for (size_t i = 0; i < accepted->taps; i++)
        if (!cp_gate_tap(now, accepted->tap[i].name))
            pair(judged, accepted->tap[i].name, NULL, &accepted->tap[i]);
    if (judged->subject && judged->accepted && (now->decided || accepted->decided))
        judged->finding[judged->findings++] =
            (struct cp_gate_finding){.decisions = true, .name = "decisions", .tower = CP_JOINT};
    return CP_OK;
}

static enum cp_status describe_settings(const struct cp_judging *j, struct cp_gate_judged *judged) {
    const struct cp_gate_verdict *v = j->verdict;
    const struct cp_gate_subject *baseline = &v->samples->subject[0];
    char text[1024] = "";
    size_t used = 0;
    for (size_t i = 0; judged->subject && judged->accepted && i < baseline->settings; i++) {
        const char *address = baseline->setting[i].address;
        const char *now = cp_gate_value(v->samples, judged->subject, address);
        const char *accepted = cp_gate_value(v->accepted, judged->accepted, address);
        judged->other_maths =
            judged->other_maths || !cp_spec_same_maths_text(address, now, accepted ? accepted : "");
        if (used < sizeof text && strcmp(now, accepted ? accepted : "") != 0)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s: %s, accepted %s",
                                     used ? "; " : "", address, now, accepted ? accepted : "none");
    }
    judged->other_settings = cp_arena_strdup(&j->verdict->arena, text);
    return CP_CHECK_ALLOC(judged->other_settings, j->err, j->verdict->samples->path, "a verdict");
}

/* ---- judging ---- */

static void sum_up(struct cp_gate_verdict *v, struct cp_gate_judged *judged) {
    for (size_t i = 0; i < judged->findings; i++) {
        struct cp_gate_finding *f = &judged->finding[i];
        for (int k = 0; k < CP_GATE_KINDS; k++)
            f->failed = f->failed || f->measure[k].outcome == CP_GATE_FAILED;
        judged->failed += f->failed;
        v->compared += f->measure[CP_GATE_UNMATCHED].outcome == CP_GATE_PASSED;
    }
    v->failed += judged->failed;
}

static enum cp_status judge_subject(const struct cp_judging *j, struct cp_gate_judged *judged) {
    CP_TRY(describe_settings(j, judged));
    CP_TRY(pair_all(j, judged));
    for (size_t i = 0; i < judged->findings; i++) {
        struct cp_gate_finding *f = &judged->finding[i];
        CP_TRY(f->decisions ? cp_judge_decisions(j, judged, f) : cp_judge_tap(j, judged, f));
    }
    CP_TRY(cp_judge_ratios(j, judged));
    sum_up(j->verdict, judged);
    return CP_OK;
}

static void pair_subjects(struct cp_gate_verdict *v) {
    for (size_t s = 0; s < v->samples->subjects; s++) {
        const struct cp_gate_subject *now = &v->samples->subject[s];
        v->judged[v->subjects++] = (struct cp_gate_judged){
            .subject = now, .accepted = cp_gate_subject(v->accepted, now->name), .name = now->name};
    }
    for (size_t s = 0; s < v->accepted->subjects; s++) {
        const struct cp_gate_subject *accepted = &v->accepted->subject[s];
        if (!cp_gate_subject(v->samples, accepted->name))
            v->judged[v->subjects++] = (struct cp_gate_judged){.accepted = accepted, .name = accepted->name};
    }
}

enum cp_status cp_gate_judge(const struct cp_experiment *experiment, const struct cp_gate_samples *samples,
                             const struct cp_gate_samples *accepted, bool bits,
                             struct cp_gate_verdict *verdict, struct cp_error *err) {
    const struct cp_judging j = {verdict, bits, err};
    *verdict = (struct cp_gate_verdict){.experiment = experiment, .samples = samples, .accepted = accepted};
    CP_TRY(cp_judge_inputs(&j));
    if (verdict->inputs) /* nothing else can be told then */
        return CP_OK;
    CP_TRY(CP_ARENA_ALLOC(&verdict->arena, verdict->judged, samples->subjects + accepted->subjects, j.err,
                          j.verdict->samples->path, "a verdict"));
    pair_subjects(verdict);
    for (size_t s = 0; s < verdict->subjects; s++)
        CP_TRY(judge_subject(&j, &verdict->judged[s]));
    return CP_OK;
}

void cp_gate_verdict_free(struct cp_gate_verdict *verdict) {
    cp_arena_free(&verdict->arena);
}

bool cp_gate_passed(const struct cp_gate_verdict *v) {
    return v->inputs == 0 && v->rules == 0 && v->failed == 0 && v->compared > 0;
}

const struct cp_gate_tap *cp_gate_contradicted(const struct cp_gate_samples *samples) {
    for (size_t s = 0; s < samples->subjects; s++)
        for (size_t t = 0; t < samples->subject[s].taps; t++)
            if (samples->subject[s].tap[t].contradicted > 0)
                return &samples->subject[s].tap[t];
    return NULL;
}

bool cp_gate_tells(const struct cp_gate_finding *finding, enum cp_gate_kind kind) {
    return finding->measure[kind].outcome == CP_GATE_FAILED &&
           !(kind == CP_GATE_BITS_KIND && cp_gate_worse(finding));
}

bool cp_gate_needs_reason(const struct cp_gate_verdict *v) {
    for (size_t s = 0; s < v->subjects; s++)
        for (size_t i = 0; i < v->judged[s].findings; i++)
            if (cp_gate_worse(&v->judged[s].finding[i]))
                return true;
    return v->inputs > 0 || v->compared == 0;
}

bool cp_gate_worse(const struct cp_gate_finding *finding) {
    for (int k = 0; k < CP_GATE_KINDS; k++)
        if (k != CP_GATE_BITS_KIND && k != CP_GATE_TOLERANCE && finding->measure[k].outcome == CP_GATE_FAILED)
            return true;
    return false;
}
