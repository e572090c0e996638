/* SPDX-License-Identifier: GPL-3.0-or-later
 * Where the files lie that an experiment reads: beside it, in the current directory, or in the installation. So an experiment
 * can be moved together with its data, and those that are installed run from any folder. What is on the command line is
 * seen from the current directory. */
#include "experiment/read.h"

#include "base/path.h"
#include "format/file.h"

#include <fnmatch.h>
#include <glob.h>
#include <string.h>

/* ---- one path ---- */

enum kind { PLAIN, PLAIN_OR_OFF, PATTERN, WITH_NAME, WITH_KEY }; /* FILE, or FILE:NAME; FILE, or FILE#KEY */

static bool matches_any(const char *pattern) {
    glob_t found;
    const int code = glob(pattern, GLOB_NOSORT, NULL, &found);
    if (code == 0)
        globfree(&found);
    return code == 0;
}

static bool is_there(struct cp_arena *arena, const char *path, enum kind kind) {
    const char *end = kind == WITH_NAME ? strrchr(path, ':') : kind == WITH_KEY ? strrchr(path, '#') : NULL;
    if (kind == PATTERN)
        return matches_any(path);
    const char *file = end ? cp_arena_printf(arena, "%.*s", (int)(end - path), path) : NULL;
    return cp_path_is_there(path) || (file && cp_path_is_there(file));
}

struct finder {
    struct cp_experiment *experiment;
    const char *source; /* the experiment's file */
    struct cp_error *err;
};

static enum cp_status keep(const struct finder *f, struct cp_marked_text *text, const char *path) {
    struct cp_experiment *e = f->experiment;
    const struct cp_marked_text **longer = cp_arena_alloc(&e->arena, e->found_count + 1, sizeof *longer);
    CP_TRY(CP_CHECK_ALLOC(longer, f->err, f->source, "an experiment"));
    if (e->found_count)
        memcpy(longer, e->found, e->found_count * sizeof *longer);
    longer[e->found_count++] = text;
    e->found = longer;
    text->written = text->text;
    text->text = path;
    return CP_OK;
}

/* Nowhere: it stays as it is, and who opens it says so. */
static enum cp_status find(const struct finder *f, struct cp_marked_text *text, enum kind kind) {
    struct cp_arena *arena = &f->experiment->arena;
    const size_t folder = (size_t)(cp_path_name(f->source) - f->source);
    const char *path = text->text;
    if (!path || path[0] == '/' || (kind == PLAIN_OR_OFF && strcmp(path, "off") == 0))
        return CP_OK;
    if (folder && text->mark.source && strcmp(text->mark.source, f->source) == 0) {
        const char *beside = cp_arena_printf(arena, "%.*s%s", (int)folder, f->source, path);
        CP_TRY(CP_CHECK_ALLOC(beside, f->err, f->source, "an experiment"));
        if (is_there(arena, beside, kind))
            return keep(f, text, beside);
    }
    if (is_there(arena, path, kind))
        return CP_OK;
    const char *prefix = cp_installed_path("", arena);
    const char *installed = prefix ? cp_arena_printf(arena, "%s%s", prefix, path) : NULL;
    return installed && is_there(arena, installed, kind) ? keep(f, text, installed) : CP_OK;
}

/* ---- all of them ---- */

static enum cp_status find_capture(const struct finder *f, struct cp_capture_choice *choice) {
    CP_TRY(find(f, &choice->file, WITH_NAME));
    return find(f, &choice->map, PLAIN);
}

static enum cp_status find_pass(const struct finder *f, struct cp_candidate *pass) {
    CP_TRY(find_capture(f, &pass->capture));
    return find(f, &pass->checkpoint, WITH_KEY);
}

static enum cp_status find_inputs(const struct finder *f, struct cp_experiment_inputs *inputs) {
    for (size_t i = 0; i < inputs->image_count; i++)
        CP_TRY(find(f, &inputs->images[i], PATTERN));
    CP_TRY(find(f, &inputs->texts.path, PLAIN));
    CP_TRY(find(f, &inputs->templates.path, PLAIN));
    CP_TRY(find(f, &inputs->labels, PLAIN_OR_OFF));
    return find_capture(f, &inputs->capture);
}

enum cp_status cp_experiment_find(struct cp_experiment *experiment, const char *source,
                                  struct cp_error *err) {
    const struct finder f = {experiment, source, err};
    CP_TRY(find(&f, &experiment->model.checkpoint, WITH_KEY));
    CP_TRY(find(&f, &experiment->model.config, PLAIN));
    CP_TRY(find_inputs(&f, &experiment->inputs));
    CP_TRY(find_pass(&f, &experiment->baseline));
    for (size_t c = 0; c < experiment->candidate_count; c++)
        CP_TRY(find_pass(&f, &experiment->candidates[c]));
    return find_capture(&f, &experiment->graft);
}

/* ---- back ---- */

const char *cp_written(const struct cp_marked_text *text) {
    return text->written ? text->written : text->text;
}

/* Whether a path is the file, one that the pattern matches, or a shard beside it. */
static bool leads_to(const struct cp_marked_text *text, const char *path) {
    const size_t folder = (size_t)(cp_path_name(text->text) - text->text);
    return fnmatch(text->text, path, FNM_PATHNAME) == 0 ||
           (folder && cp_path_name(path) == path + folder && strncmp(path, text->text, folder) == 0);
}

/* A file of data/ that the program looked for by itself. */
static const char *without_installation(const char *path) {
    struct cp_arena arena = {0};
    const char *prefix = cp_installed_path("", &arena);
    const size_t length = prefix ? strlen(prefix) : 0;
    path += prefix && strncmp(path, prefix, length) == 0 ? length : 0;
    cp_arena_free(&arena);
    return path;
}

const char *cp_experiment_written(const struct cp_experiment *experiment, const char *path) {
    for (size_t i = 0; i < experiment->found_count; i++)
        if (leads_to(experiment->found[i], path))
            return path + (strlen(experiment->found[i]->text) - strlen(experiment->found[i]->written));
    return without_installation(path);
}
