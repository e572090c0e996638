/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reading a baseline file. It is machine-written, but lies in the hands of people and of git: everything in
 * it is checked, and refused with its line. */
#include "gate/gate.h"

#include "format/yaml.h"

#include <stdlib.h>
#include <string.h>

struct reading {
    struct cp_gate_samples *samples;
    struct cp_error *err;
};

static void *take(const struct reading *r, size_t count, size_t size) {
    return cp_arena_calloc(&r->samples->arena, count, size);
}

/* The value of a key that must be there. */
static enum cp_status required(const struct reading *r, const struct cp_yaml *mapping, const char *key,
                               const struct cp_yaml **value) {
    *value = cp_yaml_get(mapping, key);
    if (*value)
        return CP_OK;
    return (void)cp_mark_fail(&mapping->mark, r->err, "no key '%s'", key),
           cp_expected(r->err, "a file that `clip-parity accept` wrote");
}

static enum cp_status read_text(const struct reading *r, const struct cp_yaml *mapping, const char *key,
                                const char **text) {
    const struct cp_yaml *value;
    CP_TRY(required(r, mapping, key, &value));
    return cp_yaml_string(value, key, text, r->err);
}

static enum cp_status read_count(const struct reading *r, const struct cp_yaml *mapping, const char *key,
                                 size_t *count) {
    const struct cp_yaml *value;
    int64_t number = 0;
    CP_TRY(required(r, mapping, key, &value));
    CP_TRY(cp_yaml_integer(value, key, 0, INT32_MAX, &number, r->err));
    *count = (size_t)number;
    return CP_OK;
}

/* A number that is not negative; left alone where the key is absent. */
static enum cp_status read_number(const struct reading *r, const struct cp_yaml *mapping, const char *key,
                                  double *number) {
    const struct cp_yaml *value = cp_yaml_get(mapping, key);
    if (!value)
        return CP_OK;
    CP_TRY(cp_yaml_number(value, key, number, r->err));
    if (!(*number >= 0))
        return cp_yaml_fail(value, key, "is negative", r->err), cp_expected(r->err, "a number from 0 on");
    return CP_OK;
}

static enum cp_status read_digest(const struct reading *r, const struct cp_yaml *node, const char *key,
                                  char digest[CP_GATE_BITS]) {
    const char *text = NULL;
    CP_TRY(cp_yaml_string(node, key, &text, r->err));
    if (strlen(text) != CP_GATE_BITS - 1 || strspn(text, "0123456789abcdef") != CP_GATE_BITS - 1)
        return cp_yaml_fail(node, key, "is not a digest", r->err),
               cp_expected(r->err, "%d hexadecimal digits", CP_GATE_BITS - 1);
    memcpy(digest, text, CP_GATE_BITS);
    return CP_OK;
}

/* ---- taps ---- */

/* "1.5e-07 nan 2e-07": at most CP_GATE_INPUTS numbers that are not negative. */
static enum cp_status read_values(const struct reading *r, const struct cp_yaml *tap, const char *key,
                                  double **values, size_t *count) {
    const struct cp_yaml *node = cp_yaml_get(tap, key);
    const char *text = "";
    *count = 0;
    CP_TRY(CP_CHECK_ALLOC(*values = take(r, CP_GATE_INPUTS, sizeof **values), r->err, r->samples->path,
                          "the baseline"));
    if (node)
        CP_TRY(cp_yaml_string(node, key, &text, r->err));
    while (*text) {
        char *end = NULL;
        const double value = *count < CP_GATE_INPUTS ? strtod(text, &end) : 0;
        if (!end || end == text || (*end && *end != ' ') || value < 0)
            return cp_mark_fail(&node->mark, r->err, "%s: no number after %zu", key, *count),
                   cp_expected(r->err, "at most %d numbers from 0 on", CP_GATE_INPUTS);
        (*values)[(*count)++] = value;
        text = end + (*end == ' ');
    }
    return CP_OK;
}

static enum cp_status read_type(const struct reading *r, const struct cp_yaml *node, enum cp_dtype *type) {
    static const char *const names[] = {"fp32", "fp16", "bf16", NULL};
    int index = 0;
    if (node)
        CP_TRY(cp_yaml_choice(node, "type", names, &index, r->err));
    *type = (enum cp_dtype)index; /* in the order of the enumerators */
    return CP_OK;
}

static bool is_same(const struct cp_yaml *node) {
    return node && node->kind == CP_YAML_SCALAR && strcmp(node->text, "same") == 0;
}

/* same: the baseline's tap, NULL where there is none. */
static enum cp_status read_oracle(const struct reading *r, const struct cp_yaml *node,
                                  const struct cp_gate_tap *same, struct cp_gate_tap *tap) {
    size_t oracles = 0;
    if (is_same(cp_yaml_get(node, "oracle")) && same) {
        tap->oracle = same->oracle;
        oracles = same->inputs;
    } else {
        CP_TRY(read_values(r, node, "oracle", &tap->oracle, &oracles));
    }
    if (oracles == tap->inputs)
        return CP_OK;
    return cp_mark_fail(&node->mark, r->err, "%zu errors, %zu oracles", tap->inputs, oracles),
           cp_expected(r->err, "as many of both");
}

static enum cp_status read_samples(const struct reading *r, const struct cp_yaml *node,
                                   const struct cp_gate_tap *same, struct cp_gate_tap *tap) {
    static const char *const keys[] = {"bits",  "type",   "nonfinite", "contradicted", "worst_token", "ulp",
                                       "error", "oracle", NULL};
    const struct cp_yaml *bits;
    CP_TRY(cp_yaml_keys(node, tap->name, keys, r->err));
    CP_TRY(required(r, node, "bits", &bits));
    if (bits->kind != CP_YAML_SCALAR || strcmp(bits->text, "none") != 0)
        CP_TRY(read_digest(r, bits, "bits", tap->bits));
    CP_TRY(read_type(r, cp_yaml_get(node, "type"), &tap->type));
    CP_TRY(read_number(r, node, "nonfinite", &tap->nonfinite));
    CP_TRY(read_number(r, node, "contradicted", &tap->contradicted));
    CP_TRY(read_number(r, node, "worst_token", &tap->worst_token));
    CP_TRY(read_number(r, node, "ulp", &tap->ulp));
    CP_TRY(read_values(r, node, "error", &tap->error, &tap->inputs));
    return read_oracle(r, node, same, tap);
}

/* "NAME: {...}", or "NAME: same", which is the baseline's. */
static enum cp_status read_tap(const struct reading *r, const struct cp_yaml *item,
                               const struct cp_gate_subject *subject, struct cp_gate_tap *tap) {
    const struct cp_gate_subject *baseline = &r->samples->subject[0];
    CP_TRY(cp_yaml_keys(item, "taps", NULL, r->err));
    if (item->count != 1)
        return cp_mark_fail(&item->mark, r->err, "taps: %zu names in one", item->count),
               cp_expected(r->err, "NAME: {...}");
    const struct cp_yaml_entry *entry = &item->entries[0];
    for (const struct cp_gate_tap *t = subject->tap; t < tap; t++)
        if (strcmp(t->name, entry->key) == 0)
            return cp_mark_fail(&entry->mark, r->err, "taps: a second '%.200s'", entry->key);
    *tap = (struct cp_gate_tap){
        .name = entry->key, .worst_token = NAN, .ulp = NAN, .place.input = SIZE_MAX, .point = CP_POINT_COUNT};
    const struct cp_gate_tap *same = subject == baseline ? NULL : cp_gate_tap(baseline, entry->key);
    if (!is_same(entry->value))
        return read_samples(r, entry->value, same, tap);
    if (!same)
        return cp_mark_fail(&entry->mark, r->err, "'%.200s' is the same as nothing", entry->key),
               cp_expected(r->err, "the baseline's samples of it");
    *tap = *same;
    return CP_OK;
}

static enum cp_status read_taps(const struct reading *r, const struct cp_yaml *node,
                                struct cp_gate_subject *subject) {
    if (node->kind != CP_YAML_SEQUENCE)
        return cp_yaml_fail(node, "taps", "is not a list", r->err), cp_expected(r->err, "a list");
    CP_TRY(CP_CHECK_ALLOC(subject->tap = take(r, node->count, sizeof *subject->tap), r->err, r->samples->path,
                          "the baseline"));
    for (; subject->taps < node->count; subject->taps++)
        CP_TRY(read_tap(r, node->entries[subject->taps].value, subject, &subject->tap[subject->taps]));
    return CP_OK;
}

/* ---- subjects ---- */

static enum cp_status read_settings(const struct reading *r, const struct cp_yaml *node,
                                    struct cp_gate_subject *subject) {
    CP_TRY(cp_yaml_keys(node, "settings", NULL, r->err));
    CP_TRY(CP_CHECK_ALLOC(subject->setting = take(r, node->count, sizeof *subject->setting), r->err,
                          r->samples->path, "the baseline"));
    for (; subject->settings < node->count; subject->settings++) {
        const struct cp_yaml_entry *entry = &node->entries[subject->settings];
        subject->setting[subject->settings].address = entry->key;
        CP_TRY(cp_yaml_string(entry->value, entry->key, &subject->setting[subject->settings].value, r->err));
    }
    return CP_OK;
}

static enum cp_status read_decisions(const struct reading *r, const struct cp_yaml *node,
                                     struct cp_gate_subject *subject) {
    static const char *const keys[] = {"images", "flips", "kl_mean", "kl_worst", "max_dp", NULL};
    if (!node)
        return CP_OK;
    CP_TRY(cp_yaml_keys(node, "decisions", keys, r->err));
    subject->decided = true;
    subject->kl_mean = subject->kl_worst = subject->max_dp = NAN;
    CP_TRY(read_count(r, node, "images", &subject->images));
    CP_TRY(read_count(r, node, "flips", &subject->flips));
    CP_TRY(read_number(r, node, "kl_mean", &subject->kl_mean));
    CP_TRY(read_number(r, node, "kl_worst", &subject->kl_worst));
    return read_number(r, node, "max_dp", &subject->max_dp);
}

static enum cp_status read_subject(const struct reading *r, const struct cp_yaml_entry *entry,
                                   struct cp_gate_subject *subject) {
    static const char *const keys[] = {"settings", "decisions", "taps", NULL};
    const struct cp_yaml *settings, *taps;
    subject->name = entry->key;
    CP_TRY(cp_yaml_keys(entry->value, entry->key, keys, r->err));
    CP_TRY(required(r, entry->value, "settings", &settings));
    CP_TRY(required(r, entry->value, "taps", &taps));
    CP_TRY(read_settings(r, settings, subject));
    CP_TRY(read_decisions(r, cp_yaml_get(entry->value, "decisions"), subject));
    return read_taps(r, taps, subject);
}

static enum cp_status read_subjects(const struct reading *r, const struct cp_yaml *node) {
    struct cp_gate_samples *s = r->samples;
    CP_TRY(cp_yaml_keys(node, "subjects", NULL, r->err));
    if (node->count == 0 || strcmp(node->entries[0].key, "baseline") != 0)
        return cp_mark_fail(&node->mark, r->err, "subjects: the first is not the baseline"),
               cp_expected(r->err, "baseline: ...");
    CP_TRY(CP_CHECK_ALLOC(s->subject = take(r, node->count, sizeof *s->subject), r->err, r->samples->path,
                          "the baseline"));
    for (; s->subjects < node->count; s->subjects++)
        CP_TRY(read_subject(r, &node->entries[s->subjects], &s->subject[s->subjects]));
    return CP_OK;
}

/* ---- what it was made from ---- */

static enum cp_status read_facts(const struct reading *r, const struct cp_yaml *node) {
    struct cp_gate_samples *s = r->samples;
    CP_TRY(cp_yaml_keys(node, "made", NULL, r->err));
    for (size_t i = 0; i < node->count && i < sizeof s->fact / sizeof s->fact[0]; i++) {
        s->fact[s->facts].name = node->entries[i].key;
        CP_TRY(
            cp_yaml_string(node->entries[i].value, node->entries[i].key, &s->fact[s->facts++].value, r->err));
    }
    return CP_OK;
}

static enum cp_status read_inputs(const struct reading *r, const struct cp_yaml *node) {
    static const char *const keys[] = {"images", "prompts", "files", NULL};
    struct cp_gate_samples *s = r->samples;
    const struct cp_yaml *files;
    CP_TRY(cp_yaml_keys(node, "inputs", keys, r->err));
    CP_TRY(read_count(r, node, "images", &s->images));
    CP_TRY(read_count(r, node, "prompts", &s->prompts));
    CP_TRY(required(r, node, "files", &files));
    CP_TRY(cp_yaml_keys(files, "files", NULL, r->err));
    CP_TRY(CP_CHECK_ALLOC(s->file = take(r, files->count, sizeof *s->file), r->err, r->samples->path,
                          "the baseline"));
    for (; s->files < files->count; s->files++) {
        s->file[s->files].name = files->entries[s->files].key;
        CP_TRY(read_digest(r, files->entries[s->files].value, "files", s->file[s->files].digest));
    }
    return CP_OK;
}

static enum cp_status read_root(const struct reading *r, const struct cp_yaml *root) {
    static const char *const keys[] = {"schema", "experiment", "reason", "made", "inputs", "subjects", NULL};
    static const char *const schemas[] = {"clip-parity-baseline/2", "clip-parity-baseline/1", NULL};
    const struct cp_yaml *schema, *made, *inputs, *subjects;
    int version = 0;
    CP_TRY(cp_yaml_keys(root, "the baseline", keys, r->err));
    CP_TRY(required(r, root, "schema", &schema));
    CP_TRY(cp_yaml_choice(schema, "schema", schemas, &version, r->err));
    r->samples->first_prompts = version == 1;
    CP_TRY(required(r, root, "made", &made));
    CP_TRY(required(r, root, "inputs", &inputs));
    CP_TRY(required(r, root, "subjects", &subjects));
    CP_TRY(read_text(r, root, "experiment", &r->samples->name));
    if (cp_yaml_get(root, "reason"))
        CP_TRY(read_text(r, root, "reason", &r->samples->reason));
    CP_TRY(read_facts(r, made));
    CP_TRY(read_inputs(r, inputs));
    return read_subjects(r, subjects);
}

enum cp_status cp_gate_read(const char *path, struct cp_gate_samples *samples, struct cp_error *err) {
    const struct reading r = {samples, err};
    struct cp_yaml *root;
    *samples = (struct cp_gate_samples){.path = path};
    CP_TRY(cp_yaml_load_most(&samples->arena, path, CP_GATE_FILE_MOST, &root, err));
    return read_root(&r, root);
}
