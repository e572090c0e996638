/* SPDX-License-Identifier: GPL-3.0-or-later
 * Everything that was judged, for programs. */
#include "gate/gate.h"

#include "report/data/words.h"
#include "report/json/json.h"

#include <string.h>

static const char *const outcomes[] = {
    [CP_GATE_PASSED] = "pass", [CP_GATE_ALLOWED] = "allowed", [CP_GATE_FAILED] = "fail"};

static void put_lines(struct cp_json_writer *j, const char *name, const char *const *lines, size_t count) {
    cp_json_open(j, name, '[');
    for (size_t i = 0; i < count; i++)
        cp_json_text(j, NULL, lines[i]);
    cp_json_close(j, ']');
}

static void put_facts(struct cp_json_writer *j, const char *name, const struct cp_gate_samples *s) {
    cp_json_open(j, name, '{');
    cp_json_text(j, "file", s->path);
    if (s->reason)
        cp_json_text(j, "reason", s->reason);
    for (size_t f = 0; f < s->facts; f++)
        cp_json_text(j, s->fact[f].name, s->fact[f].value);
    cp_json_close(j, '}');
}

static void put_numbers(struct cp_json_writer *j, const struct cp_gate_finding *f, enum cp_gate_kind kind) {
    const struct cp_gate_measure *m = &f->measure[kind];
    if (kind == CP_GATE_UNMATCHED || kind == CP_GATE_BITS_KIND)
        return;
    cp_json_number(j, "value", m->value);
    if (kind == CP_GATE_TOLERANCE) {
        cp_json_number(j, "rtol", m->rule->limit[CP_CHECK_RTOL].number);
        cp_json_number(j, "atol", m->rule->limit[CP_CHECK_ATOL].number);
        return;
    }
    if (kind != CP_GATE_MATHS && kind != CP_GATE_RATIO)
        cp_json_number(j, "accepted", m->accepted);
    cp_json_number(j, "limit", m->limit);
}

static void put_measure(struct cp_json_writer *j, const struct cp_gate_judged *judged,
                        const struct cp_gate_finding *f, enum cp_gate_kind kind) {
    const struct cp_gate_measure *m = &f->measure[kind];
    char text[CP_GATE_WORDS];
    if (m->outcome == CP_GATE_UNCHECKED)
        return;
    cp_json_open(j, cp_gate_kind_names[kind], '{');
    cp_json_text(j, "outcome", outcomes[m->outcome]);
    put_numbers(j, f, kind);
    if (m->rule)
        cp_json_text(j, "rule", m->rule->where);
    if (kind == CP_GATE_RATIO) {
        cp_json_number(j, "low", f->low);
        cp_json_number(j, "high", f->high);
        cp_json_count(j, "inputs", f->inputs);
    }
    if (m->outcome == CP_GATE_FAILED) {
        cp_gate_append(judged, f, kind, text);
        cp_json_text(j, "reason", text);
    }
    cp_json_close(j, '}');
}

static void put_place(struct cp_json_writer *j, const struct cp_gate_finding *f) {
    if (!f->tap || f->tap->place.input == SIZE_MAX)
        return;
    const struct cp_gate_place *p = &f->tap->place;
    cp_json_open(j, "worst", '{');
    cp_json_count(j, "input", p->input);
    if (p->input < f->tap->names->count)
        cp_json_text(j, "name", f->tap->names->items[p->input]);
    cp_json_number(j, "token", p->token);
    cp_json_number(j, "token_value", p->token_value);
    cp_json_number(j, "token_oracle", p->token_oracle);
    cp_json_number(j, "channel", p->channel);
    cp_json_number(j, "channel_value", p->channel_value);
    cp_json_number(j, "channel_oracle", p->channel_oracle);
    cp_json_number(j, "ulp", p->ulp);
    cp_json_close(j, '}');
}

static void put_finding(struct cp_json_writer *j, const struct cp_gate_judged *judged,
                        const struct cp_gate_finding *f) {
    cp_json_open(j, NULL, '{');
    cp_json_text(j, "tap", f->name);
    cp_json_text(j, "tower", cp_tower_names[f->tower]);
    cp_json_bool(j, "passed", !f->failed);
    cp_json_open(j, "kinds", '{');
    for (int k = 0; k < CP_GATE_KINDS; k++)
        put_measure(j, judged, f, (enum cp_gate_kind)k);
    cp_json_close(j, '}');
    if (f->failed)
        put_place(j, f);
    cp_json_close(j, '}');
}

static void put_subject(struct cp_json_writer *j, const struct cp_gate_judged *judged) {
    cp_json_open(j, NULL, '{');
    cp_json_text(j, "name", judged->name);
    cp_json_bool(j, "passed", judged->failed == 0);
    cp_json_count(j, "failed", judged->failed);
    cp_json_text(j, "other_settings", judged->other_settings);
    cp_json_open(j, "taps", '[');
    for (size_t i = 0; i < judged->findings; i++)
        put_finding(j, judged, &judged->finding[i]);
    cp_json_close(j, ']');
    cp_json_close(j, '}');
}

static void put_verdict(struct cp_json_writer *j, const char *name, const struct cp_gate_verdict *v) {
    cp_json_open(j, name, '{');
    cp_json_text(j, "schema", "clip-parity-check/1");
    cp_json_text(j, "experiment", v->samples->name);
    cp_json_bool(j, "passed", cp_gate_passed(v));
    cp_json_count(j, "compared", v->compared);
    cp_json_count(j, "failed", v->failed);
    put_facts(j, "run", v->samples);
    put_facts(j, "accepted", v->accepted);
    put_lines(j, "other_inputs", v->input, v->inputs);
    put_lines(j, "rules_without_reason", v->rule, v->rules);
    cp_json_open(j, "specs", '[');
    for (size_t s = 0; s < v->subjects; s++)
        put_subject(j, &v->judged[s]);
    cp_json_close(j, ']');
    cp_json_close(j, '}');
}

void cp_gate_json(const struct cp_gate_verdict *v, FILE *out) {
    struct cp_json_writer j = {.out = out, .first = true};
    put_verdict(&j, NULL, v);
    (void)fputc('\n', out);
}

void cp_gate_acceptance_json(enum cp_gate_acceptance outcome, const char *baseline, const char *reason,
                             const struct cp_gate_samples *samples, const struct cp_gate_verdict *verdict,
                             FILE *out) {
    static const char *const words[] = {"refused", "unchanged", "accepted"};
    struct cp_json_writer j = {.out = out, .first = true};
    cp_json_open(&j, NULL, '{');
    cp_json_text(&j, "schema", "clip-parity-accept/1");
    cp_json_text(&j, "experiment", samples->name);
    cp_json_text(&j, "outcome", words[outcome]);
    cp_json_text(&j, "baseline", baseline);
    if (reason)
        cp_json_text(&j, "reason", reason);
    cp_json_count(&j, "images", samples->images);
    cp_json_count(&j, "prompts", samples->prompts);
    cp_json_open(&j, "specs", '[');
    for (size_t s = 0; s < samples->subjects; s++)
        cp_json_text(&j, NULL, samples->subject[s].name);
    cp_json_close(&j, ']');
    if (verdict)
        put_verdict(&j, "check", verdict);
    cp_json_close(&j, '}');
    (void)fputc('\n', out);
}
