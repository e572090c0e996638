/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report/page.h"

#include <math.h>
#include <string.h>

struct load {
    struct cp_report *report;
    struct cp_reader *reader;
    struct cp_error *err;
};

static enum cp_status damaged(const struct load *l, const char *object, const char *expected) {
    char where[512];
    (void)snprintf(where, sizeof where, "%.200s: %.250s", l->report->path, object);
    return cp_fail(l->err, CP_BAD_INPUT, where, "has another shape"), cp_expected(l->err, "%s", expected);
}

static enum cp_tower tower_of(const char *tap) {
    static const char *const joint[] = {"logits_per_image", "probs", "class_"};
    static const char *const visual[] = {"visual", "image_features", "pixels."};
    for (size_t i = 0; i < 3; i++) {
        if (strncmp(tap, joint[i], strlen(joint[i])) == 0)
            return CP_JOINT;
        if (strncmp(tap, visual[i], strlen(visual[i])) == 0)
            return CP_VISUAL;
    }
    return CP_TEXT;
}

static enum cp_status load_tap(struct load *l, const char *candidate, struct cp_report_tap *tap) {
    struct cp_arena scratch = {0};
    struct cp_reader_array metrics;
    char object[512];
    (void)snprintf(object, sizeof object, "/metrics/%.255s/%.100s/metrics", candidate, tap->name);
    enum cp_status status = cp_reader_numbers(l->reader, object, &scratch, &metrics, l->err);
    if (status == CP_OK &&
        (metrics.rank != 3 || metrics.shape[1] != CP_PART_COUNT || metrics.shape[2] != CP_METRIC_COUNT))
        status = damaged(l, object, "(input, part, metric)");
    if (status == CP_OK)
        tap->over_inputs = cp_tap_summarise(metrics.values, metrics.shape[0]);
    cp_arena_free(&scratch);
    return status;
}

static enum cp_status load_taps(struct load *l, struct cp_report_candidate *c) {
    struct cp_reader_array verdicts;
    struct cp_reader_texts names;
    char object[400];
    (void)snprintf(object, sizeof object, "/metrics/%.255s/tap", c->name);
    CP_TRY(cp_reader_texts(l->reader, object, &l->report->arena, &names, l->err));
    (void)snprintf(object, sizeof object, "/metrics/%.255s/verdicts", c->name);
    CP_TRY(cp_reader_numbers(l->reader, object, &l->report->arena, &verdicts, l->err));
    if (verdicts.rank != 2 || verdicts.shape[0] != names.count || verdicts.shape[1] != CP_VERDICT_FIELDS)
        return damaged(l, object, "(tap, field)");
    c->tap = cp_arena_calloc(&l->report->arena, names.count, sizeof *c->tap);
    if (!c->tap)
        return cp_fail(l->err, CP_INTERNAL, l->report->path, "out of memory");
    c->taps = names.count;
    for (size_t t = 0; t < c->taps; t++) {
        struct cp_report_tap *tap = &c->tap[t];
        tap->name = names.items[t];
        cp_tap_address(tap->name, tap->address);
        tap->tower = tower_of(tap->name);
        memcpy(tap->verdict, verdicts.values + t * CP_VERDICT_FIELDS, sizeof tap->verdict);
        for (int f = CP_FIELD_VERDICT; f <= CP_FIELD_ROUNDING; f++)
            if (!(tap->verdict[f] >= 0 && tap->verdict[f] < CP_VERDICT_COUNT))
                return damaged(l, object, "a verdict's code");
        c->judged = c->judged || tap->verdict[CP_FIELD_INPUTS] > 0;
        CP_TRY(load_tap(l, c->name, tap));
    }
    return CP_OK;
}

static enum cp_status load_decisions(struct load *l, struct cp_report_candidate *c) {
    struct cp_reader_array rows;
    char object[400];
    (void)snprintf(object, sizeof object, "/metrics/%.255s/decisions", c->name);
    if (!cp_reader_has(l->reader, object))
        return CP_OK;
    CP_TRY(cp_reader_numbers(l->reader, object, &l->report->arena, &rows, l->err));
    if (rows.rank != 2 || rows.shape[1] != CP_DECISION_COUNT || rows.shape[0] != l->report->images.count)
        return damaged(l, object, "(image, decision)");
    c->decisions = rows.values;
    c->counts = cp_decisions_count(rows.values, l->report->labels, rows.shape[0]);
    return CP_OK;
}

/* Names of images, of what is decided between, and labels, as far as they are there. */
static enum cp_status load_inputs(struct load *l, const char *candidate) {
    struct cp_report *r = l->report;
    struct cp_reader_array labels;
    char object[400];
    (void)snprintf(object, sizeof object, "/metrics/%.255s/image", candidate);
    if (cp_reader_has(l->reader, object))
        CP_TRY(cp_reader_texts(l->reader, object, &r->arena, &r->images, l->err));
    (void)snprintf(object, sizeof object, "/metrics/%.255s/class_features/class", candidate);
    const char *columns = cp_reader_has(l->reader, object) ? object : "/inputs/prompt";
    if (cp_reader_has(l->reader, columns))
        CP_TRY(cp_reader_texts(l->reader, columns, &r->arena, &r->columns, l->err));
    if (!cp_reader_has(l->reader, "/inputs/label"))
        return CP_OK;
    CP_TRY(cp_reader_numbers(l->reader, "/inputs/label", &r->arena, &labels, l->err));
    if (labels.rank != 1 || labels.shape[0] != r->images.count)
        return damaged(l, "/inputs/label", "(image)");
    r->labels = cp_arena_alloc(&r->arena, labels.shape[0], sizeof *r->labels);
    if (!r->labels)
        return cp_fail(l->err, CP_INTERNAL, r->path, "out of memory");
    for (size_t i = 0; i < labels.shape[0]; i++)
        r->labels[i] = (int32_t)labels.values[i];
    return CP_OK;
}

/* The text of "key: " at the start of a line of the experiment, without quotes; NULL where there is none. */
static const char *line_of(const struct cp_report *report, struct cp_arena *arena, const char *key) {
    const size_t length = strlen(key);
    for (const char *line = report->experiment; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) != 0)
            continue;
        const char *text = line + length;
        size_t size = strcspn(text, "\n");
        if (size >= 2 && text[0] == '"' && text[size - 1] == '"') {
            text++;
            size -= 2;
        }
        return cp_arena_printf(arena, "%.*s", (int)size, text);
    }
    return NULL;
}

static enum cp_status load_provenance(struct load *l) {
    static const char *const names[] = {"version",   "commit",    "compiler",        "flags",
                                        "libraries", "processor", "instruction_set", "time"};
    struct cp_report *r = l->report;
    struct cp_reader_texts document;
    CP_TRY(cp_reader_texts(l->reader, "/provenance/experiment", &r->arena, &document, l->err));
    if (document.count != 1)
        return damaged(l, "/provenance/experiment", "one text");
    r->experiment = document.items[0];
    r->name = line_of(r, &r->arena, "experiment: ");
    r->hypothesis = line_of(r, &r->arena, "hypothesis: ");
    if (!r->name)
        return damaged(l, "/provenance/experiment", "an experiment's name");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        r->fact[r->facts].name = names[i];
        CP_TRY(cp_reader_text(l->reader, "/provenance", names[i], &r->arena, &r->fact[r->facts++].value,
                              l->err));
    }
    r->fact[r->facts].name = "content";
    return cp_reader_text(l->reader, "/", "content_digest", &r->arena, &r->fact[r->facts++].value, l->err);
}

static enum cp_status load_all(struct load *l) {
    struct cp_report *r = l->report;
    struct cp_reader_texts names = {0};
    CP_TRY(load_provenance(l));
    if (cp_reader_has(l->reader, "/metrics"))
        CP_TRY(cp_reader_groups(l->reader, "/metrics", &r->arena, &names, l->err));
    if (names.count == 0)
        return cp_fail(l->err, CP_NOTHING_COMPARED, r->path, "holds no comparison"),
               cp_expected(l->err, "a run with at least one candidate");
    r->candidate = cp_arena_calloc(&r->arena, names.count, sizeof *r->candidate);
    if (!r->candidate)
        return cp_fail(l->err, CP_INTERNAL, r->path, "out of memory");
    CP_TRY(load_inputs(l, names.items[0]));
    for (; r->candidates < names.count; r->candidates++) {
        struct cp_report_candidate *c = &r->candidate[r->candidates];
        c->name = names.items[r->candidates];
        CP_TRY(load_taps(l, c));
        CP_TRY(load_decisions(l, c));
    }
    return cp_page_load(l->reader, r, l->err);
}

enum cp_status cp_report_load(const char *path, struct cp_report *report, struct cp_error *err) {
    struct load l = {.report = report, .err = err};
    *report = (struct cp_report){.path = path};
    CP_TRY(cp_reader_open(path, &l.reader, err));
    const enum cp_status status = load_all(&l);
    cp_reader_close(l.reader);
    return status;
}

void cp_report_free(struct cp_report *report) {
    cp_arena_free(&report->arena);
}
