/* SPDX-License-Identifier: GPL-3.0-or-later
 * Loads everything but the taps: inputs, thumbnails, provenance, decisions; then calls the other loaders. */
#include "format/yaml.h"
#include "report/data/load.h"
#include "result/schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum cp_status load_decisions(const struct cp_load *l, struct cp_report_candidate *c) {
    static const char shape[] = "(image, decision)";
    struct cp_reader_array rows;
    char object[CP_SCHEMA_PATH];
    (void)cp_schema_path(CP_SCHEMA_DECISIONS, CP_NAMES(c->name), object);
    if (!cp_reader_has(l->reader, object))
        return CP_OK;
    CP_TRY(cp_load_array(l, object, &cp_load_decisions, 2, shape, &l->report->arena, &rows));
    if (rows.shape[0] != l->report->images.count)
        return cp_load_damaged(l, object, shape);
    c->decisions = rows.values;
    c->counts = cp_decisions_count(rows.values, l->report->labels, rows.shape[0]);
    c->certificates = c->counts.certifiable > 0;
    return CP_OK;
}

/* A spec's probabilities over what is decided between, where they were recorded in full. */
static enum cp_status load_probs(const struct cp_load *l, const char *spec, const double **probs) {
    struct cp_report *r = l->report;
    struct cp_reader_array array;
    char object[CP_SCHEMA_PATH];
    (void)cp_schema_path(CP_SCHEMA_VALUE, CP_NAMES(spec, r->classes.count ? "class_probs" : "probs"), object);
    if (!cp_reader_has(l->reader, object))
        return CP_OK;
    CP_TRY(cp_reader_numbers(l->reader, object, &r->arena, &array, l->err));
    if (array.rank != 2 || array.shape[0] != r->images.count || array.shape[1] != r->columns.count)
        return cp_load_damaged(l, object, "(image, class or prompt)");
    *probs = array.values;
    return CP_OK;
}

/* The first of the objects that is there, if one is. */
static enum cp_status load_names(const struct cp_load *l, const char *const *objects, size_t count,
                                 struct cp_reader_texts *names) {
    for (size_t i = 0; i < count; i++)
        if (cp_reader_has(l->reader, objects[i]))
            return cp_reader_texts(l->reader, objects[i], &l->report->arena, names, l->err);
    return CP_OK;
}

static enum cp_status load_labels(const struct cp_load *l) {
    const char *const object = cp_schema[CP_SCHEMA_LABEL].path;
    struct cp_report *r = l->report;
    struct cp_reader_array labels;
    if (!cp_reader_has(l->reader, object))
        return CP_OK;
    CP_TRY(cp_reader_numbers(l->reader, object, &r->arena, &labels, l->err));
    if (labels.rank != 1 || labels.shape[0] != r->images.count)
        return cp_load_damaged(l, object, "(image)");
    CP_TRY(CP_ARENA_ALLOC(&r->arena, r->labels, labels.shape[0], l->err, l->report->path, "a report"));
    for (size_t i = 0; i < labels.shape[0]; i++)
        r->labels[i] = (int32_t)labels.values[i];
    return CP_OK;
}

/* Along a side: a million patches, more than anybody can attend to. */
enum { PATCHES_MOST = 1 << 10 };

static enum cp_status load_grid(const struct cp_load *l) {
    const char *const object = cp_schema[CP_SCHEMA_PATCH_GRID].path;
    struct cp_reader_array grid;
    if (!cp_reader_has(l->reader, object))
        return CP_OK;
    CP_TRY(cp_reader_numbers(l->reader, object, &l->report->arena, &grid, l->err));
    if (grid.rank != 0 || !(grid.values[0] >= 1 && grid.values[0] <= PATCHES_MOST))
        return cp_load_damaged(l, object, "one number, the patches along a side");
    l->report->patch_grid = (size_t)grid.values[0];
    return CP_OK;
}

static enum cp_status load_pictures(const struct cp_load *l) {
    const char *const object = cp_schema[CP_SCHEMA_THUMBNAIL].path;
    struct cp_reader_array shape;
    CP_TRY(load_grid(l));
    if (!cp_reader_has(l->reader, object))
        return CP_OK;
    CP_TRY(cp_reader_shape(l->reader, object, &shape, l->err));
    if (shape.rank != 4 || shape.shape[1] == 0 || shape.shape[1] != shape.shape[2] || shape.shape[3] != 3)
        return cp_load_damaged(l, object, "(image, y, x, colour)");
    l->report->thumbnails = shape.shape[0];
    l->report->thumbnail_side = shape.shape[1];
    return CP_OK;
}

/* Names of images, prompts and classes, and labels, as far as they are there. */
static enum cp_status load_inputs(const struct cp_load *l, const char *candidate) {
    struct cp_report *r = l->report;
    char decided[CP_SCHEMA_PATH], seen[CP_SCHEMA_PATH], classes[CP_SCHEMA_PATH], given[3][CP_SCHEMA_PATH];
    const char *const images[] = {
        cp_schema_scale(CP_SCHEMA_DECISIONS, 0, CP_NAMES(candidate), decided),
        cp_schema_scale(CP_SCHEMA_LABEL, 0, NULL, given[0]),
        cp_schema_scale(CP_SCHEMA_METRICS, 0, CP_NAMES(candidate, "image_features", "image"), seen)};
    const char *const prompts[] = {cp_schema_scale(CP_SCHEMA_TOKENS, 0, NULL, given[1])};
    const char *const class[] = {
        cp_schema_scale(CP_SCHEMA_TEMPLATES, 0, NULL, given[2]),
        cp_schema_scale(CP_SCHEMA_METRICS, 0, CP_NAMES(candidate, "class_features", "class"), classes)};
    CP_TRY(load_names(l, images, 3, &r->images));
    CP_TRY(load_names(l, prompts, 1, &r->prompts));
    CP_TRY(load_names(l, class, 2, &r->classes));
    r->columns = r->classes.count ? r->classes : r->prompts;
    CP_TRY(load_labels(l));
    return load_pictures(l);
}

/* The text of "key: " at the start of a line of the experiment; NULL where there is none. */
static enum cp_status load_line(const struct cp_load *l, const char *key, const char **value) {
    struct cp_report *r = l->report;
    const size_t length = strlen(key);
    const char *line = r->experiment;
    *value = NULL;
    while (line && strncmp(line, key, length) != 0)
        line = (line = strchr(line, '\n')) ? line + 1 : NULL;
    if (!line)
        return CP_OK;
    char *text = cp_arena_printf(&r->arena, "%.*s", (int)strcspn(line + length, "\n"), line + length);
    CP_TRY(CP_CHECK_ALLOC(text, l->err, r->path, "a report"));
    cp_yaml_unquote(text);
    *value = text;
    return CP_OK;
}

/* "the baseline (activation: quick)": what the experiment sets of it, where that is one or two settings. */
static const char *baseline_of(const struct cp_report *r, struct cp_arena *arena) {
    const char *line = strstr(r->experiment, "\nbaseline:\n");
    char settings[200] = "";
    size_t used = 0, count = 0;
    for (line = line ? strchr(line + 1, '\n') : NULL; line && strncmp(line, "\n  ", 3) == 0; count++) {
        const int length = (int)strcspn(line + 3, "\n");
        if (used < sizeof settings)
            used += (size_t)snprintf(settings + used, sizeof settings - used, "%s%.*s", count ? ", " : "",
                                     length, line + 3);
        line += 3 + length;
    }
    if (count == 0 || count > 2 || used >= sizeof settings)
        return "the baseline";
    return cp_arena_printf(arena, "the baseline (%s)", settings);
}

static enum cp_status read_text(const struct cp_load *l, enum cp_schema_id id, const char **text) {
    const struct cp_schema_row *row = &cp_schema[id];
    return cp_reader_text(l->reader, row->path, row->attribute, &l->report->arena, text, l->err);
}

static enum cp_status load_provenance(const struct cp_load *l) {
    static const enum cp_schema_id facts[] = {
        CP_SCHEMA_TOOL_VERSION, CP_SCHEMA_COMMIT,    CP_SCHEMA_COMPILER,        CP_SCHEMA_FLAGS,
        CP_SCHEMA_LIBRARIES,    CP_SCHEMA_PROCESSOR, CP_SCHEMA_INSTRUCTION_SET, CP_SCHEMA_TIME};
    const char *const object = cp_schema[CP_SCHEMA_EXPERIMENT].path;
    struct cp_report *r = l->report;
    struct cp_reader_texts document;
    if (!cp_reader_has(l->reader, object))
        return cp_fail(l->err, CP_BAD_INPUT, r->path, "is not the result of a run"),
               cp_expected(l->err, "what `clip-parity run` or `diff` wrote; `diff` compares captures");
    CP_TRY(cp_reader_texts(l->reader, object, &r->arena, &document, l->err));
    if (document.count != 1)
        return cp_load_damaged(l, object, "one text");
    r->experiment = document.items[0];
    CP_TRY(load_line(l, "experiment: ", &r->name));
    CP_TRY(load_line(l, "hypothesis: ", &r->hypothesis));
    if (!r->name)
        return cp_load_damaged(l, object, "an experiment's name");
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        r->fact[r->facts].name = cp_schema[facts[i]].attribute;
        CP_TRY(read_text(l, facts[i], &r->fact[r->facts++].value));
    }
    r->file = "EXPERIMENT.yaml"; /* of an older result, which does not tell it */
    if (cp_reader_has_text(l->reader, cp_schema[CP_SCHEMA_FILE].path, cp_schema[CP_SCHEMA_FILE].attribute))
        CP_TRY(read_text(l, CP_SCHEMA_FILE, &r->file));
    r->fact[r->facts].name = "content";
    return read_text(l, CP_SCHEMA_CONTENT_DIGEST, &r->fact[r->facts++].value);
}

static enum cp_status load_candidate(const struct cp_load *l, struct cp_report_candidate *c) {
    CP_TRY(cp_load_taps(l, c));
    CP_TRY(cp_load_ledger(l, c));
    CP_TRY(cp_load_stages(l, c));
    CP_TRY(load_probs(l, c->name, &c->probs));
    return load_decisions(l, c);
}

static enum cp_status load_all(const struct cp_load *l) {
    const char *const metrics = cp_schema[CP_SCHEMA_METRICS_GROUP].path;
    struct cp_report *r = l->report;
    struct cp_reader_texts names = {0};
    CP_TRY(load_provenance(l));
    if (cp_reader_has(l->reader, metrics))
        CP_TRY(cp_reader_groups(l->reader, metrics, &r->arena, &names, l->err));
    if (names.count == 0)
        return cp_fail(l->err, CP_NOTHING_COMPARED, r->path, "holds no comparison"),
               cp_expected(l->err, "a run with at least one candidate");
    CP_TRY(CP_ARENA_CALLOC(&r->arena, r->candidate, names.count, l->err, l->report->path, "a report"));
    CP_TRY(load_inputs(l, names.items[0]));
    const char *baseline = baseline_of(r, &r->arena);
    CP_TRY(CP_CHECK_ALLOC(baseline, l->err, l->report->path, "a report"));
    for (; r->candidates < names.count; r->candidates++) {
        r->candidate[r->candidates].name = names.items[r->candidates];
        r->candidate[r->candidates].baseline = baseline;
        CP_TRY(load_candidate(l, &r->candidate[r->candidates]));
    }
    CP_TRY(cp_load_baseline(l));
    CP_TRY(load_probs(l, "baseline", &r->probs));
    return cp_load_attribution(l);
}

enum cp_status cp_report_load(const char *path, struct cp_report *report, struct cp_error *err) {
    struct cp_load l = {.report = report, .err = err};
    *report = (struct cp_report){.path = path};
    CP_TRY(cp_reader_open(path, &l.reader, err));
    const enum cp_status status = load_all(&l);
    cp_reader_close(l.reader);
    return status;
}

enum cp_status cp_report_thumbnails(const struct cp_report *report, struct cp_arena *arena,
                                    const double **pixels, struct cp_error *err) {
    struct cp_reader *reader;
    struct cp_reader_array array = {0};
    CP_TRY(cp_reader_open(report->path, &reader, err));
    enum cp_status status =
        cp_reader_numbers(reader, cp_schema[CP_SCHEMA_THUMBNAIL].path, arena, &array, err);
    cp_reader_close(reader);
    if (status == CP_OK && (array.rank != 4 || array.shape[0] != report->thumbnails ||
                            array.shape[1] != report->thumbnail_side ||
                            array.shape[2] != report->thumbnail_side || array.shape[3] != 3))
        status = cp_fail(err, CP_BAD_INPUT, report->path, "was changed while it was read");
    *pixels = status == CP_OK ? array.values : NULL;
    return status;
}

void cp_report_free(struct cp_report *report) {
    cp_arena_free(&report->arena);
}

const char *cp_report_input(const struct cp_report_tap *tap, size_t input) {
    return input < tap->inputs->count ? tap->inputs->items[input] : "";
}
