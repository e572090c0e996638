/* SPDX-License-Identifier: GPL-3.0-or-later
 * Samples of a finished run, from its result file alone: its settings, its inputs, and tap by tap
 * (samples_tap.c). */
#include "gate/samples.h"

#include "base/digest.h"
#include "base/glob.h"
#include "base/path.h"
#include "result/schema.h"
#include "run/study.h"
#include "tap/tap.h"

#include <stdlib.h>
#include <string.h>

/* ---- settings ---- */

/* The lines "address: value" behind "# NAME" in the resolved experiment; *count of them. */
static struct cp_gate_setting *settings_of(const struct cp_gate_taking *t, const char *subject,
                                           size_t *count) {
    const char *title = cp_arena_printf(&t->samples->arena, "\n# %s\n", subject);
    const char *line = title ? strstr(t->samples->report.experiment, title) : NULL;
    struct cp_gate_setting *list = cp_arena_alloc(&t->samples->arena, CP_YAML_KEYS, sizeof *list);
    *count = 0;
    if (!list || !line)
        return list;
    for (line += strlen(title); *line && *line != '\n' && *count < CP_YAML_KEYS; line += *line == '\n') {
        const size_t length = strcspn(line, "\n"), address = strcspn(line, ":\n");
        if (address + 2 < length) {
            list[*count].address = cp_arena_printf(&t->samples->arena, "%.*s", (int)address, line);
            list[(*count)++].value =
                cp_arena_printf(&t->samples->arena, "%.*s", (int)(length - address - 2), line + address + 2);
        }
        line += length;
    }
    return list;
}

static const char *value_of(const struct cp_gate_subject *subject, const char *address) {
    for (size_t s = 0; s < subject->settings; s++)
        if (strcmp(subject->setting[s].address, address) == 0)
            return subject->setting[s].value;
    return NULL;
}

/* Of a candidate, those that are not the baseline's. */
static enum cp_status take_settings(const struct cp_gate_taking *t, struct cp_gate_subject *subject) {
    const struct cp_gate_subject *baseline = &t->samples->subject[0];
    size_t count = 0;
    struct cp_gate_setting *list = settings_of(t, subject->name, &count);
    CP_TRY(CP_CHECK_ALLOC(list, t->load.err, t->load.report->path, "a report"));
    for (size_t s = 0; s < count; s++) {
        CP_TRY(
            CP_CHECK_ALLOC(list[s].address && list[s].value, t->load.err, t->load.report->path, "a report"));
        const char *own = subject == baseline ? NULL : value_of(baseline, list[s].address);
        if (!own || strcmp(own, list[s].value) != 0)
            list[subject->settings++] = list[s];
    }
    subject->setting = list;
    return CP_OK;
}

/* ---- inputs ---- */

/* "FILE:NAME" or "FILE" of a capture. */
static bool is_file_of(const struct cp_capture_choice *choice, const char *path) {
    const size_t length = strlen(path);
    const char *text = cp_written(&choice->file);
    return text && strncmp(text, path, length) == 0 && (text[length] == '\0' || text[length] == ':');
}

/* A capture is what is judged, not an input, and so it may change. Whether its pixels and tokens did shows in
 * the oracle's numbers.
 */
static bool is_capture(const struct cp_experiment *e, const char *path) {
    bool capture = is_file_of(&e->baseline.capture, path) || is_file_of(&e->inputs.capture, path);
    for (size_t c = 0; c < e->candidate_count; c++)
        capture = capture || is_file_of(&e->candidates[c].capture, path);
    return capture;
}

/* A file that an image glob names is used where an image is called after it: "shirt.png", or "images.npy 7".
 */
static bool is_used(const struct cp_gate_taking *t, const char *path) {
    const struct cp_experiment_inputs *inputs = &t->experiment->inputs;
    const struct cp_reader_texts *images = &t->samples->report.images;
    const char *const name = cp_path_name(path);
    bool image = false;
    for (size_t i = 0; i < inputs->image_count; i++)
        image = image || cp_glob_match(cp_written(&inputs->images[i]), path);
    for (size_t i = 0; image && i < images->count; i++)
        if (strncmp(images->items[i], name, strlen(name)) == 0)
            return true;
    return !image || images->count == 0;
}

static enum cp_status take_files(const struct cp_gate_taking *t) {
    const char *const files = cp_schema[CP_SCHEMA_FILES].path;
    struct cp_gate_samples *s = t->samples;
    const char *text = NULL;
    char name[CP_SCHEMA_FILE_ATTRIBUTE];
    size_t attributes = 0, f = 0;
    for (; cp_schema_file_attribute(attributes, name),
           cp_reader_has(t->load.reader, files) && cp_reader_has_text(t->load.reader, files, name);)
        attributes++;
    CP_TRY(CP_ARENA_ALLOC(&s->arena, s->file, attributes, t->load.err, t->load.report->path, "a report"));
    for (; f < attributes; f++) {
        struct cp_gate_file *file = &s->file[s->files];
        cp_schema_file_attribute(f, name);
        CP_TRY(cp_reader_text(t->load.reader, files, name, &s->arena, &text, t->load.err));
        if (strlen(text) < CP_DIGEST_HEX)
            return cp_load_damaged(&t->load, files, "SHA-256 and path");
        file->name = text + CP_DIGEST_HEX;
        (void)snprintf(file->digest, sizeof file->digest, "%s", text);
        s->files += is_used(t, file->name) && !is_capture(t->experiment, file->name);
    }
    return CP_OK;
}

static enum cp_status count_inputs(const struct cp_gate_taking *t, enum cp_tower tower, size_t *inputs) {
    const struct cp_report_candidate *c = &t->samples->report.candidate[0];
    struct cp_reader_array shape;
    char object[CP_SCHEMA_PATH];
    size_t i = 0;
    while (i < c->taps && c->tap[i].tower != tower)
        i++;
    if (i == c->taps)
        return CP_OK;
    (void)cp_schema_path(CP_SCHEMA_METRICS, CP_NAMES(c->name, c->tap[i].name), object);
    CP_TRY(cp_reader_shape(t->load.reader, object, &shape, t->load.err));
    *inputs = shape.shape[0];
    return CP_OK;
}

/* ---- the whole ---- */

static enum cp_status take_subject(const struct cp_gate_taking *t, const char *name,
                                   const struct cp_report_candidate *c, struct cp_gate_subject *subject) {
    subject->name = name;
    subject->taps = c->taps;
    CP_TRY(CP_ARENA_ALLOC(&t->samples->arena, subject->tap, c->taps, t->load.err, t->load.report->path,
                          "a report"));
    CP_TRY(take_settings(t, subject));
    for (size_t i = 0; i < c->taps; i++)
        CP_TRY(cp_gate_take_tap(t, name, c->name, &c->tap[i], &subject->tap[i]));
    subject->decided = name == c->name && c->counts.images > 0;
    subject->images = c->counts.images;
    subject->flips = c->counts.flips;
    subject->kl_mean = c->counts.kl_mean;
    subject->kl_worst = c->counts.kl_worst;
    subject->max_dp = c->counts.max_dp;
    return CP_OK;
}

static enum cp_status take_all(const struct cp_gate_taking *t) {
    struct cp_gate_samples *s = t->samples;
    const struct cp_report *r = &s->report;
    s->name = r->name;
    for (; s->facts < r->facts && strcmp(r->fact[s->facts].name, "content") != 0; s->facts++)
        s->fact[s->facts] = r->fact[s->facts];
    CP_TRY(count_inputs(t, CP_VISUAL, &s->images));
    CP_TRY(count_inputs(t, CP_TEXT, &s->prompts));
    CP_TRY(take_files(t));
    CP_TRY(cp_gate_kept_read(&t->load, &s->kept));
    CP_TRY(CP_ARENA_CALLOC(&s->arena, s->subject, r->candidates + 1, t->load.err, t->load.report->path,
                           "a report"));
    CP_TRY(take_subject(t, "baseline", &r->candidate[0], &s->subject[s->subjects++]));
    for (size_t c = 0; c < r->candidates; c++)
        CP_TRY(take_subject(t, r->candidate[c].name, &r->candidate[c], &s->subject[s->subjects++]));
    return CP_OK;
}

enum cp_status cp_gate_take(const char *result, const struct cp_experiment *experiment,
                            struct cp_gate_samples *samples, struct cp_error *err) {
    struct cp_gate_taking t = {{.report = &samples->report, .err = err}, samples, experiment};
    *samples = (struct cp_gate_samples){.path = result};
    CP_TRY(cp_report_load(result, &samples->report, err));
    CP_TRY(cp_reader_open(result, &t.load.reader, err));
    const enum cp_status status = take_all(&t);
    cp_reader_close(t.load.reader);
    return status;
}

void cp_gate_samples_free(struct cp_gate_samples *samples) {
    cp_report_free(&samples->report);
    cp_arena_free(&samples->arena);
}

static bool says_same(const struct cp_check_limit *a, const struct cp_check_limit *b) {
    return a->state == b->state && a->number == b->number;
}

/* A rule with a tolerance that is not the run's: what is beyond it was not counted. */
static const struct cp_check_rule *new_tolerance(const struct cp_experiment *now,
                                                 const struct cp_experiment *run) {
    for (size_t r = 0; r < now->check_count; r++) {
        const struct cp_check_rule *rule = &now->check[r],
                                   *other = r < run->check_count ? &run->check[r] : NULL;
        const bool known = other && strcmp(rule->where, other->where) == 0 &&
                           says_same(&rule->limit[CP_CHECK_RTOL], &other->limit[CP_CHECK_RTOL]) &&
                           says_same(&rule->limit[CP_CHECK_ATOL], &other->limit[CP_CHECK_ATOL]);
        if (!known && cp_check_says_tolerance(rule))
            return rule;
    }
    return NULL;
}

static enum cp_status check_tolerances(const char *result, const char *text, size_t size,
                                       const struct cp_experiment *experiment, struct cp_error *err) {
    struct cp_experiment run;
    CP_TRY(cp_experiment_parse(result, text, size, NULL, 0, &run, err));
    const struct cp_check_rule *rule = new_tolerance(experiment, &run);
    if (rule)
        (void)cp_fail(err, CP_BAD_INPUT, result, "was not compared by the tolerance of '%.255s'",
                      rule->where),
            (void)cp_expected(err, "the experiment in place of its result, which is run with it");
    cp_experiment_free(&run);
    return rule ? CP_BAD_INPUT : CP_OK;
}

enum cp_status cp_gate_experiment(const char *result, const char *const *overrides, size_t count,
                                  struct cp_experiment *experiment, struct cp_error *err) {
    const char *const document = cp_schema[CP_SCHEMA_EXPERIMENT].path;
    struct cp_arena arena = {0};
    struct cp_reader *reader;
    struct cp_reader_texts texts = {0};
    CP_TRY(cp_reader_open(result, &reader, err));
    enum cp_status status = cp_reader_texts(reader, document, &arena, &texts, err);
    const char *text = status == CP_OK && texts.count == 1 ? texts.items[0] : "";
    const size_t size = cp_plan_experiment(text);
    cp_reader_close(reader);
    if (status == CP_OK && !size)
        status = cp_fail(err, CP_BAD_INPUT, result, "does not tell its experiment"),
        cp_expected(err, "a result that `clip-parity run` finished");
    if (status == CP_OK)
        status = cp_experiment_parse(result, text, size, overrides, count, experiment, err);
    if (status == CP_OK && count) {
        status = check_tolerances(result, text, size, experiment, err);
        if (status != CP_OK)
            cp_experiment_free(experiment);
    }
    cp_arena_free(&arena);
    return status;
}

/* ---- look-ups ---- */

const struct cp_gate_subject *cp_gate_subject(const struct cp_gate_samples *samples, const char *name) {
    for (size_t s = 0; s < samples->subjects; s++)
        if (strcmp(samples->subject[s].name, name) == 0)
            return &samples->subject[s];
    return NULL;
}

const struct cp_gate_tap *cp_gate_tap(const struct cp_gate_subject *subject, const char *name) {
    for (size_t i = 0; i < subject->taps; i++)
        if (strcmp(subject->tap[i].name, name) == 0)
            return &subject->tap[i];
    return NULL;
}

const char *cp_gate_value(const struct cp_gate_samples *samples, const struct cp_gate_subject *subject,
                          const char *address) {
    const char *own = value_of(subject, address);
    return own ? own : value_of(&samples->subject[0], address);
}

bool cp_gate_is_elementwise(enum cp_point point) {
    return point < CP_POINT_COUNT && cp_operation_is_elementwise(cp_points[point].kind);
}

static bool alike(double a, double b) {
    return a == b || (isnan(a) && isnan(b));
}

bool cp_gate_same(const struct cp_gate_tap *a, const struct cp_gate_tap *b) {
    bool same = a->inputs == b->inputs && a->type == b->type && strcmp(a->bits, b->bits) == 0 &&
                alike(a->worst_token, b->worst_token) && alike(a->ulp, b->ulp) &&
                a->nonfinite == b->nonfinite && a->contradicted == b->contradicted;
    for (size_t i = 0; same && i < a->inputs; i++)
        same = alike(a->error[i], b->error[i]) && alike(a->oracle[i], b->oracle[i]);
    return same;
}
