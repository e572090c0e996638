/* SPDX-License-Identifier: GPL-3.0-or-later
 * JUnit's XML as Jenkins, GitLab and GitHub's actions read it: a suite for each spec, a case for each tap. One fault makes
 * hundreds of taps fail: those where it begins are failures, those behind them are skipped and name it. */
#include "gate/gate.h"

#include "base/escape.h"

#include <string.h>

static void put_attribute(FILE *out, const char *name, const char *value) {
    (void)fprintf(out, " %s=\"", name);
    cp_put_xml(out, value);
    (void)fputc('"', out);
}

/* "EXPERIMENT.PART" */
static void put_part(FILE *out, const char *name, const struct cp_gate_verdict *v, const char *part) {
    (void)fprintf(out, " %s=\"", name);
    cp_put_xml(out, v->samples->name);
    (void)fputc('.', out);
    cp_put_xml(out, part);
    (void)fputc('"', out);
}

struct counts {
    size_t tests, failures, skipped;
};

static void open_suite(FILE *out, const struct cp_gate_verdict *v, const char *part, struct counts n) {
    (void)fputs("  <testsuite", out);
    put_part(out, "name", v, part);
    (void)fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\"", n.tests, n.failures,
                  n.skipped);
}

static void open_case(FILE *out, const struct cp_gate_verdict *v, const char *part, const char *name) {
    (void)fputs("    <testcase", out);
    put_part(out, "classname", v, part);
    put_attribute(out, "name", name);
}

/* ---- taps ---- */

/* The first kind that failed is the failure's type and message; then all of them, and where it is worst. */
static void put_failure(FILE *out, const struct cp_gate_judged *judged, const struct cp_gate_finding *f) {
    char text[CP_GATE_WORDS];
    bool open = false;
    for (int k = 0; k < CP_GATE_KINDS; k++) {
        if (!cp_gate_tells(f, (enum cp_gate_kind)k))
            continue;
        cp_gate_append(judged, f, (enum cp_gate_kind)k, text);
        if (!open) {
            (void)fputs("      <failure", out);
            put_attribute(out, "type", cp_gate_kind_names[k]);
            put_attribute(out, "message", text);
            (void)fputc('>', out);
        }
        open = true;
        (void)fprintf(out, "%s: ", cp_gate_kind_names[k]);
        cp_put_xml(out, text);
        (void)fputc('\n', out);
    }
    cp_gate_append_place(f, text);
    cp_put_xml(out, text);
    if (text[0] && judged->other_settings[0])
        (void)fputc('\n', out);
    cp_put_xml(out, judged->other_settings);
    (void)fputs("</failure>\n", out);
}

static void put_skipped(FILE *out, const char *format, const char *name) {
    char message[512];
    (void)snprintf(message, sizeof message, format, name);
    (void)fputs("      <skipped", out);
    put_attribute(out, "message", message);
    (void)fputs("/>\n", out);
}

struct suite {
    const struct cp_gate_verdict *verdict;
    const struct cp_gate_judged *judged;
    bool follows; /* the baseline: all that fails there does */
    struct counts n;
};

/* Whether what fails there is a failure of its own. */
static bool begins(const struct suite *suite, const struct cp_gate_finding *f) {
    size_t most;
    return f->failed && !suite->follows && cp_gate_first_kinds(suite->judged, f, &most) != 0;
}

static struct suite suite_of(const struct cp_gate_verdict *v, size_t s) {
    const struct cp_gate_judged *judged = &v->judged[s];
    struct suite suite = {v, judged, cp_gate_follows(judged, &v->judged[0]), {.tests = judged->findings}};
    for (size_t i = 0; i < judged->findings; i++)
        suite.n.failures += begins(&suite, &judged->finding[i]);
    suite.n.skipped = judged->failed - suite.n.failures;
    return suite;
}

static void put_case(FILE *out, const struct suite *suite, const struct cp_gate_finding *f) {
    const struct cp_gate_verdict *v = suite->verdict;
    open_case(out, v, suite->judged->name, f->name);
    (void)fputs(f->failed ? ">\n" : "/>\n", out);
    if (!f->failed)
        return;
    if (begins(suite, f))
        put_failure(out, suite->judged, f);
    else if (suite->follows)
        put_skipped(out, "fails from the same taps on as %.255s", v->judged[0].name);
    else
        put_skipped(out, "fails behind %.255s", cp_gate_begins(suite->judged, f)->name);
    (void)fputs("    </testcase>\n", out);
}

static void put_suite(FILE *out, const struct suite *suite) {
    open_suite(out, suite->verdict, suite->judged->name, suite->n);
    (void)fputs(">\n", out);
    for (size_t i = 0; i < suite->judged->findings; i++)
        put_case(out, suite, &suite->judged->finding[i]);
    (void)fputs("  </testsuite>\n", out);
}

/* ---- what is wrong with the check itself ---- */

static void put_whole(FILE *out, const struct cp_gate_verdict *v, const char *name, const char *type,
                      const char *const *lines, size_t count) {
    open_case(out, v, "check", name);
    (void)fputs(count ? ">\n      <failure" : "/>\n", out);
    if (!count)
        return;
    put_attribute(out, "type", type);
    put_attribute(out, "message", lines[0]);
    (void)fputc('>', out);
    for (size_t i = 0; i < count; i++) {
        cp_put_xml(out, lines[i]);
        (void)fputc('\n', out);
    }
    (void)fputs("</failure>\n    </testcase>\n", out);
}

void cp_gate_junit(const struct cp_gate_verdict *v, double seconds, FILE *out) {
    const struct counts own = {2, (size_t)(v->inputs > 0) + (size_t)(v->rules > 0), 0};
    struct counts all = own;
    for (size_t s = 0; s < v->subjects; s++) {
        const struct suite suite = suite_of(v, s);
        all.tests += suite.n.tests;
        all.failures += suite.n.failures;
    }
    (void)fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", out);
    put_attribute(out, "name", v->samples->name);
    (void)fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" time=\"%.3f\">\n", all.tests,
                  all.failures, seconds);
    open_suite(out, v, "check", own);
    (void)fprintf(out, " time=\"%.3f\">\n", seconds);
    put_whole(out, v, "inputs", "other inputs", v->input, v->inputs);
    put_whole(out, v, "rules", "looser without a reason", v->rule, v->rules);
    (void)fputs("  </testsuite>\n", out);
    for (size_t s = 0; s < v->subjects; s++) {
        const struct suite suite = suite_of(v, s);
        put_suite(out, &suite);
    }
    (void)fputs("</testsuites>\n", out);
}
