/* SPDX-License-Identifier: GPL-3.0-or-later
 * Samples of a finished run, from its result file alone. */
#include "gate/gate.h"

#include "base/digest.h"
#include "base/glob.h"
#include "report/load.h"
#include "tap/operation.h"

#include <stdlib.h>
#include <string.h>

struct taking {
    struct cp_load load;
    struct cp_gate_samples *samples;
    const struct cp_experiment *experiment;
};

static enum cp_status no_memory(const struct taking *t) {
    return cp_load_no_memory(&t->load);
}

/* ---- bits ---- */

static enum cp_status fold(const struct cp_reader_array *rows, char bits[CP_GATE_BITS],
                           struct cp_error *err) {
    struct cp_digest *digest;
    char hex[CP_DIGEST_HEX];
    CP_TRY(cp_digest_start(&digest, err));
    for (size_t i = 0; i < rows->shape[0] * rows->shape[1]; i++) {
        const uint8_t byte = (uint8_t)rows->values[i];
        cp_digest_add(digest, &byte, 1);
    }
    cp_digest_finish_hex(digest, hex);
    memcpy(bits, hex, CP_GATE_BITS - 1);
    bits[CP_GATE_BITS - 1] = '\0';
    return CP_OK;
}

/* Older results do not tell the type: then the strictest. */
static enum cp_dtype type_of(const struct taking *t, const char *object) {
    struct cp_error ignored = {0};
    const char *name = NULL;
    if (cp_reader_text(t->load.reader, object, "arithmetic_dtype", &t->samples->arena, &name, &ignored) !=
        CP_OK)
        return CP_FP32;
    return strcmp(name, cp_dtype_name(CP_FP16)) == 0   ? CP_FP16
           : strcmp(name, cp_dtype_name(CP_BF16)) == 0 ? CP_BF16
                                                       : CP_FP32;
}

static enum cp_status take_bits(const struct taking *t, const char *subject, struct cp_gate_tap *tap) {
    struct cp_arena scratch = {0};
    struct cp_reader_array rows;
    char object[512];
    (void)snprintf(object, sizeof object, "/captures/%.255s/%.100s/digest", subject, tap->name);
    if (!cp_reader_has(t->load.reader, object))
        return CP_OK;
    tap->type = type_of(t, object);
    enum cp_status status = cp_reader_numbers(t->load.reader, object, &scratch, &rows, t->load.err);
    if (status == CP_OK && (rows.rank != 2 || rows.shape[1] != CP_DIGEST_BYTES))
        status = cp_load_damaged(&t->load, object, "(input, byte)");
    if (status == CP_OK)
        status = fold(&rows, tap->bits, t->load.err);
    cp_arena_free(&scratch);
    return status;
}

/* ---- errors ---- */

static const double *metrics_of(const struct cp_reader_array *metrics, size_t input, enum cp_part part) {
    return metrics->values + (input * CP_PART_COUNT + part) * CP_METRIC_COUNT;
}

static void note_place(const double *m, size_t input, struct cp_gate_tap *tap) {
    tap->place = (struct cp_gate_place){input,
                                        m[CP_WORST_ROW],
                                        m[CP_WORST_ROW_X],
                                        m[CP_WORST_ROW_Y],
                                        m[CP_WORST_CHANNEL],
                                        m[CP_WORST_CHANNEL_X],
                                        m[CP_WORST_CHANNEL_Y],
                                        m[CP_ULP_MAX]};
}

/* The errors of the inputs that are kept. One without an oracle has no counts either. */
static enum cp_status keep_errors(const struct taking *t, const struct cp_reader_array *metrics,
                                  enum cp_part part, enum cp_tower tower, struct cp_gate_tap *tap) {
    tap->error = cp_arena_alloc(&t->samples->arena, CP_GATE_INPUTS, sizeof *tap->error);
    tap->oracle = cp_arena_alloc(&t->samples->arena, CP_GATE_INPUTS, sizeof *tap->oracle);
    if (!tap->error || !tap->oracle)
        return no_memory(t);
    for (size_t k = 0; k < CP_GATE_INPUTS; k++) {
        const size_t input = cp_gate_kept_input(&t->samples->kept, tower, k);
        if (input >= metrics->shape[0])
            break;
        const double *m = metrics_of(metrics, input, part);
        if (isnan(m[CP_DIFFERENT]))
            continue;
        tap->error[tap->inputs] = m[CP_RMS];
        tap->oracle[tap->inputs++] = m[CP_RMS_REF];
    }
    return CP_OK;
}

static void sum_up(const struct cp_reader_array *metrics, enum cp_part part, struct cp_gate_tap *tap) {
    for (size_t i = 0; i < metrics->shape[0]; i++) {
        const double *m = metrics_of(metrics, i, part);
        if (isnan(m[CP_DIFFERENT]))
            continue;
        tap->nonfinite += m[CP_NONFINITE];
        const double worst = isnan(tap->worst_token) ? -1 : tap->worst_token;
        if (m[CP_WORST_REL_L2] > worst) {
            tap->worst_token = m[CP_WORST_REL_L2];
            note_place(m, i, tap);
        }
    }
}

static enum cp_status take_metrics(const struct taking *t, const char *object, enum cp_part part,
                                   enum cp_tower tower, struct cp_gate_tap *tap) {
    static const char shape[] = "(input, part, metric)";
    struct cp_arena scratch = {0};
    struct cp_reader_array metrics;
    enum cp_status status = cp_load_array(&t->load, object, &cp_load_metrics, 3, shape, &scratch, &metrics);
    if (status == CP_OK && metrics.shape[1] != CP_PART_COUNT)
        status = cp_load_damaged(&t->load, object, shape);
    if (status == CP_OK)
        status = keep_errors(t, &metrics, part, tower, tap);
    if (status == CP_OK)
        sum_up(&metrics, part, tap);
    cp_arena_free(&scratch);
    return status;
}

/* The error of the operation by itself, which is fed the baseline's own input. */
static enum cp_status take_ulp(const struct taking *t, const char *object, enum cp_part part,
                               struct cp_gate_tap *tap) {
    struct cp_arena scratch = {0};
    struct cp_reader_array local;
    double worst = -1;
    if (!cp_reader_has(t->load.reader, object))
        return CP_OK;
    enum cp_status status =
        cp_load_array(&t->load, object, &cp_load_metrics, 3, "(input, part, metric)", &scratch, &local);
    for (size_t i = 0; status == CP_OK && i < local.shape[0]; i++)
        worst = fmax(worst, metrics_of(&local, i, part)[CP_ULP_MAX]);
    if (worst >= 0)
        tap->ulp = worst;
    cp_arena_free(&scratch);
    return status;
}

/* Whether the pass does what it says there; row NULL: its ledger is not there. */
static void take_ledger(const struct taking *t, const double *row, struct cp_gate_tap *tap) {
    const struct cp_reader_texts *names = &t->samples->report.alternatives;
    if (!row || row[CP_OPERATION_FIELD_VERDICT] != CP_LEDGER_CONTRADICTED)
        return;
    const double bound = row[CP_OPERATION_FIELD_BOUND], alternative = row[CP_OPERATION_FIELD_ALTERNATIVE];
    if (row[CP_OPERATION_FIELD_BASIS] != CP_BASIS_EMPIRICAL)
        tap->evidence = CP_GATE_BY_BOUND;
    else
        tap->evidence = isnan(row[CP_OPERATION_FIELD_SLOPE]) ? CP_GATE_BY_RERUNS : CP_GATE_BY_SLOPE;
    tap->contradicted = bound > 1 ? bound : fmax(row[CP_OPERATION_FIELD_COARSENESS], 1);
    if (alternative >= 0 && alternative < (double)names->count)
        tap->explained = names->items[(size_t)alternative];
}

/* The metrics of the baseline lie beside those of the candidate. */
static enum cp_status take_tap(const struct taking *t, const char *subject, const char *candidate,
                               const struct cp_report_tap *from, struct cp_gate_tap *tap) {
    const enum cp_part part = subject == candidate ? CP_ROUNDING : CP_ROUNDING_BASELINE;
    char object[512];
    *tap = (struct cp_gate_tap){.name = from->name,
                                .worst_token = NAN,
                                .ulp = NAN,
                                .place.input = SIZE_MAX,
                                .names = from->inputs,
                                .point = from->point};
    take_ledger(t, from->ledger[subject == candidate], tap);
    CP_TRY(take_bits(t, subject, tap));
    (void)snprintf(object, sizeof object, "/metrics/%.255s/%.100s/metrics", candidate, tap->name);
    CP_TRY(take_metrics(t, object, part, from->tower, tap));
    (void)snprintf(object, sizeof object, "/metrics/%.255s/%.100s/local", candidate, tap->name);
    return take_ulp(t, object, part, tap);
}

/* ---- settings ---- */

/* The lines "address: value" behind "# NAME" in the resolved experiment; *count of them. */
static struct cp_gate_setting *settings_of(const struct taking *t, const char *subject, size_t *count) {
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
static enum cp_status take_settings(const struct taking *t, struct cp_gate_subject *subject) {
    const struct cp_gate_subject *baseline = &t->samples->subject[0];
    size_t count = 0;
    struct cp_gate_setting *list = settings_of(t, subject->name, &count);
    if (!list)
        return no_memory(t);
    for (size_t s = 0; s < count; s++) {
        if (!list[s].address || !list[s].value)
            return no_memory(t);
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
    const char *text = choice->file.text;
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
static bool is_used(const struct taking *t, const char *path) {
    const struct cp_inputs *inputs = &t->experiment->inputs;
    const struct cp_reader_texts *images = &t->samples->report.images;
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    bool image = false;
    for (size_t i = 0; i < inputs->image_count; i++)
        image = image || cp_glob_match(inputs->images[i].text, path);
    for (size_t i = 0; image && i < images->count; i++)
        if (strncmp(images->items[i], name, strlen(name)) == 0)
            return true;
    return !image || images->count == 0;
}

static enum cp_status take_files(const struct taking *t) {
    struct cp_gate_samples *s = t->samples;
    struct cp_error end = {0};
    const char *text = NULL;
    char name[32];
    size_t room = 0, f = 0;
    for (; (void)snprintf(name, sizeof name, "%06zu", room),
           cp_reader_text(t->load.reader, "/provenance/files", name, &s->arena, &text, &end) == CP_OK;)
        room++;
    s->file = cp_arena_alloc(&s->arena, room, sizeof *s->file);
    if (!s->file)
        return no_memory(t);
    for (; f < room; f++) {
        struct cp_gate_file *file = &s->file[s->files];
        (void)snprintf(name, sizeof name, "%06zu", f);
        CP_TRY(cp_reader_text(t->load.reader, "/provenance/files", name, &s->arena, &text, t->load.err));
        if (strlen(text) < CP_DIGEST_HEX)
            return cp_load_damaged(&t->load, "/provenance/files", "SHA-256 and path");
        file->name = text + CP_DIGEST_HEX;
        (void)snprintf(file->digest, sizeof file->digest, "%s", text);
        s->files += is_used(t, file->name) && !is_capture(t->experiment, file->name);
    }
    return CP_OK;
}

static size_t inputs_of(const struct taking *t, enum cp_tower tower, struct cp_reader_array *shape) {
    const struct cp_report_candidate *c = &t->samples->report.candidate[0];
    char object[512];
    for (size_t i = 0; i < c->taps; i++) {
        (void)snprintf(object, sizeof object, "/metrics/%.255s/%.100s/metrics", c->name, c->tap[i].name);
        if (c->tap[i].tower == tower && cp_reader_shape(t->load.reader, object, shape, t->load.err) == CP_OK)
            return shape->shape[0];
    }
    return 0;
}

/* ---- the whole ---- */

static enum cp_status take_subject(const struct taking *t, const char *name,
                                   const struct cp_report_candidate *c, struct cp_gate_subject *subject) {
    subject->name = name;
    subject->taps = c->taps;
    subject->tap = cp_arena_alloc(&t->samples->arena, c->taps, sizeof *subject->tap);
    if (!subject->tap)
        return no_memory(t);
    CP_TRY(take_settings(t, subject));
    for (size_t i = 0; i < c->taps; i++)
        CP_TRY(take_tap(t, name, c->name, &c->tap[i], &subject->tap[i]));
    subject->decided = name == c->name && c->counts.images > 0;
    subject->images = c->counts.images;
    subject->flips = c->counts.flips;
    subject->kl_mean = c->counts.kl_mean;
    subject->kl_worst = c->counts.kl_worst;
    subject->max_dp = c->counts.max_dp;
    return CP_OK;
}

static enum cp_status take_all(const struct taking *t) {
    struct cp_gate_samples *s = t->samples;
    const struct cp_report *r = &s->report;
    struct cp_reader_array shape;
    s->name = r->name;
    for (; s->facts < r->facts && strcmp(r->fact[s->facts].name, "content") != 0; s->facts++)
        s->fact[s->facts] = r->fact[s->facts];
    s->images = inputs_of(t, CP_VISUAL, &shape);
    s->prompts = inputs_of(t, CP_TEXT, &shape);
    CP_TRY(take_files(t));
    CP_TRY(cp_gate_kept_read(&t->load, &s->kept));
    s->subject = cp_arena_calloc(&s->arena, r->candidates + 1, sizeof *s->subject);
    if (!s->subject)
        return no_memory(t);
    CP_TRY(take_subject(t, "baseline", &r->candidate[0], &s->subject[s->subjects++]));
    for (size_t c = 0; c < r->candidates; c++)
        CP_TRY(take_subject(t, r->candidate[c].name, &r->candidate[c], &s->subject[s->subjects++]));
    return CP_OK;
}

enum cp_status cp_gate_take(const char *result, const struct cp_experiment *experiment,
                            struct cp_gate_samples *samples, struct cp_error *err) {
    struct taking t = {{.report = &samples->report, .err = err}, samples, experiment};
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

/* What stands before the first spec is the experiment itself, whose texts have no line ends of their own. */
enum cp_status cp_gate_experiment(const char *result, const char *const *overrides, size_t count,
                                  struct cp_experiment *experiment, struct cp_error *err) {
    static const char document[] = "/provenance/experiment";
    struct cp_arena arena = {0};
    struct cp_reader *reader;
    struct cp_reader_texts texts = {0};
    CP_TRY(cp_reader_open(result, &reader, err));
    enum cp_status status = cp_reader_texts(reader, document, &arena, &texts, err);
    const char *text = status == CP_OK && texts.count == 1 ? texts.items[0] : "";
    const char *end = strstr(text, "\n\n# baseline\n");
    cp_reader_close(reader);
    if (status == CP_OK && !end)
        status = cp_fail(err, CP_BAD_INPUT, result, "does not tell its experiment"),
        cp_expected(err, "a result that `clip-parity run` finished");
    if (status == CP_OK)
        status =
            cp_experiment_parse(result, text, (size_t)(end + 1 - text), overrides, count, experiment, err);
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
    return point < CP_POINT_COUNT && cp_operation_is_elementwise(cp_operations[point].kind);
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
