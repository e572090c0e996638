/* SPDX-License-Identifier: GPL-3.0-or-later
 * A side of a diff, as its file has it. */
#include "run/captured/captured.h"
#include "task/diff_model.h"

#include "base/digest.h"
#include "format/disk_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the model it names ---- */

/* The section of an experiment says it all, and is all that a capture may say. */
static enum cp_status read_section(struct cp_diff_reading *side, struct cp_arena *arena,
                                   struct cp_error *err) {
    static const char *const keys[] = {"model", NULL};
    const char *section = side->fact[CP_CAPTURE_MODEL];
    struct cp_yaml *root;
    CP_TRY(cp_yaml_parse(arena, side->asked->capture, section, strlen(section), &root, err));
    CP_TRY(cp_yaml_keys(root, "its model", keys, err));
    const char *text = cp_arena_printf(arena, "experiment: x\ninputs: {synthetic: {images: 1}}\n%s", section);
    CP_TRY(CP_CHECK_ALLOC(text, err, "", "a diff"));
    return cp_experiment_parse(side->asked->capture, text, strlen(text), NULL, 0, &side->said, err);
}

/* What other tools write: a config, and a checkpoint or a seed. */
static enum cp_status read_facts(struct cp_diff_reading *side, struct cp_error *err) {
    const char *seed = cp_diff_fact(side, CP_CAPTURE_SEED);
    struct cp_model_source *model = &side->said.model;
    CP_TRY(cp_experiment_begin("x", &side->said, err));
    model->config.text = cp_diff_fact(side, CP_CAPTURE_CONFIG);
    model->checkpoint.text = cp_diff_fact(side, CP_CAPTURE_CHECKPOINT);
    if (model->checkpoint.text || !seed)
        return CP_OK;
    model->init = "counter";
    model->seed = strtoll(seed, NULL, 10);
    return CP_OK;
}

/* ---- opening ---- */

static bool has_tap_of(const struct cp_capture *capture, enum cp_tower tower) {
    for (size_t t = 0; t < capture->taps; t++)
        if (cp_tap_tower(capture->tap[t].name) == tower)
            return true;
    return false;
}

enum cp_status cp_diff_open(const struct cp_diff_side *asked, struct cp_arena *arena,
                            struct cp_diff_reading *side, struct cp_error *err) {
    const struct cp_capture_choice choice = {.file.text = asked->capture, .map.text = asked->map};
    struct cp_capture *capture;
    *side = (struct cp_diff_reading){.asked = asked};
    CP_TRY(cp_captured_choose(&choice, arena, &capture, err));
    bool whole = true;
    for (int f = 0; f < CP_CAPTURE_FACTS; f++) {
        side->fact[f] = cp_arena_strdup(arena, capture->fact[f]);
        whole = whole && side->fact[f];
    }
    side->has_images = has_tap_of(capture, CP_VISUAL) || has_tap_of(capture, CP_JOINT);
    side->has_pixels = cp_capture_find(capture, cp_points[CP_PIXELS_NORMALIZED].visual) < capture->taps;
    side->needs_tokens = has_tap_of(capture, CP_TEXT) && capture->prompts == 0;
    cp_capture_close(capture);
    CP_TRY(CP_CHECK_ALLOC(whole, err, "", "a diff"));
    return cp_diff_fact(side, CP_CAPTURE_MODEL) ? read_section(side, arena, err) : read_facts(side, err);
}

void cp_diff_close(struct cp_diff_reading *side) {
    cp_experiment_free(&side->said);
}

/* ---- one file under two names ---- */

/* "FILE.h5:NAME" is of FILE.h5. */
static const char *file_of(const char *capture, struct cp_arena *arena) {
    const char *colon = strrchr(capture, ':');
    if (!colon || colon == capture || access(capture, F_OK) == 0)
        return capture;
    return cp_arena_printf(arena, "%.*s", (int)(colon - capture), capture);
}

/* The digest that the capture noted of a file; NULL: none. */
static const char *noted(struct cp_diff_reading *side, const char *path, struct cp_arena *arena) {
    struct cp_error ignored;
    const char *file = file_of(side->asked->capture, arena);
    if (!side->environment_read && file && !side->asked->map)
        (void)cp_capture_environment(file, &cp_capture_limits, arena, &side->environment, &ignored);
    side->environment_read = true;
    for (size_t i = 0; i < side->environment.count; i++)
        if (strcmp(side->environment.name[i], path) == 0 &&
            strlen(side->environment.value[i]) == CP_DIGEST_HEX - 1)
            return side->environment.value[i];
    return NULL;
}

/* Of the file as it is now, else as it was noted. */
static const char *digest_of(struct cp_diff_reading *side, const char *path, char hex[CP_DIGEST_HEX],
                             struct cp_arena *arena) {
    struct cp_error ignored;
    if (access(path, R_OK) == 0 && cp_digest_file(path, hex, &ignored) == CP_OK)
        return hex;
    return noted(side, path, arena);
}

bool cp_diff_same_file(struct cp_diff_reading *side, const char *path, struct cp_diff_reading *other,
                       const char *theirs, struct cp_arena *arena) {
    char hex[2][CP_DIGEST_HEX];
    if (!path || !theirs)
        return path == theirs;
    if (strcmp(path, theirs) == 0 || cp_disk_same(path, theirs))
        return true;
    const char *a = digest_of(side, path, hex[0], arena), *b = digest_of(other, theirs, hex[1], arena);
    return a && b && strcmp(a, b) == 0;
}
