/* SPDX-License-Identifier: GPL-3.0-or-later
 * The baseline file: one line for each tap, in the order of execution, so that a change of it can be read. */
#include "gate/gate.h"

#include "format/disk_file.h"
#include "format/yaml.h"

#include <stdlib.h>
#include <string.h>

static void put_key(FILE *out, int indent, const char *key, const char *text) {
    (void)fprintf(out, "%*s", indent, "");
    cp_yaml_put_text(out, key);
    (void)fputs(": ", out);
    cp_yaml_put_text(out, text);
    (void)fputc('\n', out);
}

static void put_facts(FILE *out, const struct cp_gate_samples *s) {
    (void)fputs("made:\n", out);
    for (size_t f = 0; f < s->facts; f++)
        put_key(out, 2, s->fact[f].name, s->fact[f].value);
}

static void put_inputs(FILE *out, const struct cp_gate_samples *s) {
    (void)fprintf(out, "inputs:\n  images: %zu\n  prompts: %zu\n  files:%s\n", s->images, s->prompts,
                  s->files ? "" : " {}");
    for (size_t f = 0; f < s->files; f++)
        put_key(out, 4, s->file[f].name, s->file[f].digest);
}

static void put_settings(FILE *out, const struct cp_gate_subject *subject) {
    (void)fprintf(out, "    settings:%s\n", subject->settings ? "" : " {}");
    for (size_t i = 0; i < subject->settings; i++)
        put_key(out, 6, subject->setting[i].address, subject->setting[i].value);
}

/* What is not finite holds nobody to anything, and is not there. */
static void put_number(FILE *out, const char *name, double value) {
    if (isfinite(value))
        (void)fprintf(out, ", %s: %.4g", name, value);
}

static void put_decisions(FILE *out, const struct cp_gate_subject *s) {
    if (!s->decided)
        return;
    (void)fprintf(out, "    decisions: {images: %zu, flips: %zu", s->images, s->flips);
    put_number(out, "kl_mean", s->kl_mean);
    put_number(out, "kl_worst", s->kl_worst);
    put_number(out, "max_dp", s->max_dp);
    (void)fputs("}\n", out);
}

/* Enough of the oracle's digits to tell different maths and different inputs. */
static void put_values(FILE *out, const char *name, const double *values, size_t count, int digits) {
    (void)fprintf(out, ", %s:", name);
    for (size_t i = 0; i < count; i++)
        (void)fprintf(out, " %.*g", digits, values[i]);
}

/* Candidates of the baseline's maths have its oracle. */
static bool has_oracle_of(const struct cp_gate_tap *tap, const struct cp_gate_tap *baseline) {
    return tap->inputs == baseline->inputs &&
           memcmp(tap->oracle, baseline->oracle, tap->inputs * sizeof *tap->oracle) == 0;
}

static void put_tap(FILE *out, const struct cp_gate_tap *tap, const struct cp_gate_tap *baseline) {
    (void)fprintf(out, "      - ");
    cp_yaml_put_text(out, tap->name);
    if (baseline && cp_gate_same(tap, baseline)) {
        (void)fputs(": same\n", out);
        return;
    }
    (void)fprintf(out, ": {bits: %s", tap->bits[0] ? tap->bits : "none");
    if (tap->type != CP_FP32)
        (void)fprintf(out, ", type: %s", cp_dtype_name(tap->type));
    if (tap->nonfinite > 0)
        (void)fprintf(out, ", nonfinite: %.0f", tap->nonfinite);
    if (tap->contradicted > 0)
        put_number(out, "contradicted", tap->contradicted);
    put_number(out, "worst_token", tap->worst_token);
    if (cp_gate_is_elementwise(tap->point))
        put_number(out, "ulp", tap->ulp);
    if (tap->inputs) {
        put_values(out, "error", tap->error, tap->inputs, 4);
        if (baseline && has_oracle_of(tap, baseline))
            (void)fputs(", oracle: same", out);
        else
            put_values(out, "oracle", tap->oracle, tap->inputs, 13);
    }
    (void)fputs("}\n", out);
}

static void put_subject(FILE *out, const struct cp_gate_subject *subject,
                        const struct cp_gate_subject *baseline) {
    (void)fputs("  ", out);
    cp_yaml_put_text(out, subject->name);
    (void)fputs(":\n", out);
    put_settings(out, subject);
    put_decisions(out, subject);
    (void)fputs("    taps:\n", out);
    for (size_t i = 0; i < subject->taps; i++)
        put_tap(out, &subject->tap[i],
                subject == baseline ? NULL : cp_gate_tap(baseline, subject->tap[i].name));
}

static void put_all(FILE *out, const struct cp_gate_samples *s, const char *reason) {
    (void)fputs("# Written by `clip-parity accept`; docs/gate.md says what it holds. Limits are set in the "
                "experiment,\n# under check.\nschema: clip-parity-baseline/2\n",
                out);
    put_key(out, 0, "experiment", s->name);
    if (reason)
        put_key(out, 0, "reason", reason);
    put_facts(out, s);
    put_inputs(out, s);
    (void)fputs("subjects:\n", out);
    for (size_t i = 0; i < s->subjects; i++)
        put_subject(out, &s->subject[i], &s->subject[0]);
}

enum cp_status cp_gate_write(const char *path, const struct cp_gate_samples *samples, const char *reason,
                             struct cp_error *err) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out)
        put_all(out, samples, reason);
    const bool whole = out && !ferror(out);
    enum cp_status status = CP_OK;
    if (!out || fclose(out) != 0 || !whole)
        status = cp_no_memory(err, path, "the baseline");
    else if (size > CP_GATE_FILE_MOST)
        status = cp_fail(err, CP_BAD_INPUT, path, "would be a baseline of %zu bytes", size),
        cp_expected(err, "at most %d: fewer candidates, or fewer taps under record", CP_GATE_FILE_MOST);
    if (status == CP_OK)
        status = cp_disk_replace(path, text, size, err);
    free(text);
    return status;
}
