/* SPDX-License-Identifier: GPL-3.0-or-later
 * GitHub Actions: workflow commands that become annotations, of which a step shows ten, and a table for the
 * summary of the job. */
#include "gate/gate.h"

#include "base/escape.h"
#include "report/data/words.h"

#include <string.h>

enum { ANNOTATIONS = 10 };

struct annotations {
    const char *file;
    FILE *out;
    size_t count;
};

static void annotate(struct annotations *a, const char *title, const char *message) {
    if (a->count++ >= ANNOTATIONS)
        return;
    (void)fputs("::error file=", a->out);
    cp_put_github(a->out, a->file, true);
    (void)fputs(",title=", a->out);
    cp_put_github(a->out, title, true);
    (void)fputs("::", a->out);
    cp_put_github(a->out, message, false);
    (void)fputc('\n', a->out);
}

/* All kinds of a finding that failed, "; " between them. */
static void append_all(const struct cp_gate_judged *judged, const struct cp_gate_finding *f, char *text,
                       size_t size) {
    struct cp_sentence s = {text, size, 0};
    char words[CP_GATE_WORDS];
    text[0] = '\0';
    for (int k = 0; k < CP_GATE_KINDS; k++) {
        if (!cp_gate_tells(f, (enum cp_gate_kind)k))
            continue;
        cp_gate_append(judged, f, (enum cp_gate_kind)k, words);
        cp_append(&s, "%s%s", s.used ? "; " : "", words);
    }
}

/* A spec's first failing tap says most: of every spec one, as far as there is room. */
static const struct cp_gate_finding *first_failed(const struct cp_gate_judged *judged) {
    for (size_t i = 0; i < judged->findings; i++)
        if (judged->finding[i].failed)
            return &judged->finding[i];
    return NULL;
}

void cp_gate_github(const struct cp_gate_verdict *v, const char *file, FILE *out) {
    struct annotations a = {file, out, 0};
    char title[400], text[CP_GATE_KINDS * CP_GATE_WORDS], address[96];
    for (size_t i = 0; i < v->inputs; i++)
        annotate(&a, "other inputs than accepted", v->input[i]);
    for (size_t i = 0; i < v->rules; i++)
        annotate(&a, "rule without a reason", v->rule[i]);
    for (size_t s = 0; s < v->subjects; s++) {
        const struct cp_gate_judged *judged = &v->judged[s];
        const struct cp_gate_finding *f = first_failed(judged);
        if (!f)
            continue;
        cp_tap_address(f->name, address);
        (void)snprintf(title, sizeof title, "%.255s: %zu taps, from %s on", judged->name, judged->failed,
                       address);
        append_all(judged, f, text, sizeof text);
        annotate(&a, title, text);
    }
}

/* ---- the summary of the job ---- */

static void put_row(FILE *out, const struct cp_gate_judged *judged) {
    const struct cp_gate_finding *f = first_failed(judged);
    char text[CP_GATE_KINDS * CP_GATE_WORDS], address[96];
    (void)fputs("| ", out);
    cp_put_markdown(out, judged->name);
    (void)fprintf(out, " | %s | %zu of %zu | ", f ? "FAIL" : "pass", judged->failed, judged->findings);
    if (f) {
        cp_tap_address(f->name, address);
        append_all(judged, f, text, sizeof text);
        cp_put_markdown(out, address);
        (void)fputs(" | ", out);
        cp_put_markdown(out, text);
    } else {
        (void)fputs("| ", out);
    }
    (void)fputs(" |\n", out);
}

void cp_gate_markdown(const struct cp_gate_verdict *v, FILE *out) {
    (void)fprintf(out, "### CLIP parity: %s ", cp_gate_passed(v) ? "pass" : "FAIL");
    cp_put_markdown(out, v->samples->name);
    (void)fputs("\n\n", out);
    for (size_t i = 0; i < v->inputs; i++) {
        (void)fputs("- other inputs than accepted: ", out);
        cp_put_markdown(out, v->input[i]);
        (void)fputc('\n', out);
    }
    for (size_t i = 0; i < v->rules; i++) {
        (void)fputs("- check ", out);
        cp_put_markdown(out, v->rule[i]);
        (void)fputs(", without a reason\n", out);
    }
    (void)fputs("\n| spec | verdict | failing taps | first | why |\n|---|---|---|---|---|\n", out);
    for (size_t s = 0; s < v->subjects; s++)
        put_row(out, &v->judged[s]);
    (void)fputc('\n', out);
}
