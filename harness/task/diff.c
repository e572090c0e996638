/* SPDX-License-Identifier: GPL-3.0-or-later
 * Writes that experiment as YAML, from what the captures say and what the command line adds. */
#include "task/diff.h"

#include "base/escape.h"
#include "format/yaml.h"
#include "task/diff_model.h"

#include <stdlib.h>
#include <string.h>

static void put_key(FILE *out, const char *indent, const char *key, const char *text) {
    if (!text)
        return;
    (void)fprintf(out, "%s%s: ", indent, key);
    cp_yaml_put_text(out, text);
    (void)fputc('\n', out);
}

/* length bytes of a text, quoted. */
static void put_slice(FILE *out, const char *text, size_t length, struct cp_arena *arena) {
    const char *slice = cp_arena_printf(arena, "%.*s", (int)length, text);
    cp_yaml_put_text(out, slice ? slice : "");
}

/* What a pass has beside settings, and a file's text may not choose. */
static bool is_pass_key(const char *text, size_t length) {
    static const char *const keys[] = {"capture", "map", "checkpoint"};
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
        if (strlen(keys[k]) == length && memcmp(keys[k], text, length) == 0)
            return true;
    return false;
}

/* Settings between `end`s, each cut in two at the first `cut`. */
static enum cp_status put_settings(FILE *out, const struct cp_diff_reading *side, char end, char cut,
                                   struct cp_arena *arena, struct cp_error *err) {
    const char *text = side->asked->settings ? side->asked->settings : side->fact[CP_CAPTURE_SETTINGS];
    const char ends[] = {end, '\0'}, cuts[] = {cut, end, '\0'};
    while (*text) {
        const size_t length = strcspn(text, ends), key = strcspn(text, cuts);
        const size_t value = key < length ? key + 1 + strspn(text + key + 1, " ") : length;
        if (is_pass_key(text, key))
            return cp_fail(err, CP_BAD_INPUT, side->asked->capture, "settings: '%.*s' is not a component",
                           (int)key, text),
                   cp_expected(err, "what `clip-parity list` has");
        if (length) {
            (void)fputs("    ", out);
            put_slice(out, text, key, arena);
            (void)fputs(": ", out);
            put_slice(out, text + value, length - value, arena);
            (void)fputc('\n', out);
        }
        text += length + (text[length] != '\0');
    }
    return CP_OK;
}

/* Whether a capture's settings, a line each, say the activation outside single layers. */
static bool says_activation(const char *settings) {
    static const char key[] = "activation:";
    for (const char *line = settings; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, key, sizeof key - 1) == 0)
            return true;
    return false;
}

/* model NULL: without oracles, to which alone weights matter. */
static enum cp_status put_pass(FILE *out, const struct cp_diff_reading *side,
                               const struct cp_diff_model *model, bool b, struct cp_arena *arena,
                               struct cp_error *err) {
    put_key(out, "    ", "capture", side->asked->capture);
    put_key(out, "    ", "map", side->asked->map);
    put_key(out, "    ", "checkpoint", model && b ? model->checkpoint_b : NULL);
    if (model && b && !side->asked->settings && !says_activation(side->fact[CP_CAPTURE_SETTINGS]))
        put_key(out, "    ", "activation", model->activation_b);
    const bool asked = side->asked->settings != NULL;
    return put_settings(out, side, asked ? ',' : '\n', asked ? '=' : ':', arena, err);
}

/* A name for an experiment, or a candidate, from a file's: letters, digits, _ and -. */
static const char *stem(const char *capture, struct cp_arena *arena) {
    const char *base = strrchr(capture, '/') ? strrchr(capture, '/') + 1 : capture;
    char *name = cp_arena_printf(arena, "%.100s", base);
    if (!name)
        return NULL;
    char *ending = strstr(name, ".h5");
    if (ending) /* "x.h5:erf" is x-erf */
        memmove(ending, ending + strlen(".h5"), strlen(ending + strlen(".h5")) + 1);
    for (char *c = name; *c; c++)
        if (!strchr(CP_NAME_CHARACTERS, *c))
            *c = '-';
    return name[0] && name[0] != '-' ? name : "capture";
}

static enum cp_status put_model(FILE *out, const struct cp_diff_model *model, struct cp_arena *arena,
                                struct cp_error *err) {
    const struct cp_experiment experiment = {.model = model->source};
    const char *text = cp_experiment_print_model(&experiment, arena);
    CP_TRY(CP_CHECK_ALLOC(text, err, "", "a diff"));
    (void)fputs(text, out);
    return CP_OK;
}

/* A side that goes on from a capture's tensor is compared, and judged, from there on. */
static void put_graft(FILE *out, const struct cp_diff_reading *a, const struct cp_diff_reading *b) {
    const struct cp_diff_reading *grafted = cp_diff_grafted(a, b);
    if (!grafted)
        return;
    (void)fputs("graft:\n", out);
    put_key(out, "  ", "from", cp_diff_fact(grafted, CP_CAPTURE_GRAFT_FROM));
    put_key(out, "  ", "at", cp_diff_fact(grafted, CP_CAPTURE_GRAFT_AT));
}

/* model NULL: without oracles. */
static enum cp_status write_experiment(const struct cp_diff *diff, const struct cp_diff_reading *a,
                                       const struct cp_diff_reading *b, const struct cp_diff_model *model,
                                       struct cp_arena *arena, FILE *out, struct cp_error *err) {
    const char *first = stem(a->asked->capture, arena), *second = stem(b->asked->capture, arena);
    CP_TRY(CP_CHECK_ALLOC(first && second, err, "", "a diff"));
    (void)fprintf(out, "experiment: %s-vs-%s\n", first, second);
    if (model)
        CP_TRY(put_model(out, model, arena, err));
    (void)fputs("inputs:\n", out);
    put_key(out, "  ", "capture", a->asked->capture);
    put_key(out, "  ", "map", a->asked->map);
    (void)fputs("baseline:\n", out);
    CP_TRY(put_pass(out, a, model, false, arena, err));
    (void)fprintf(out, "candidates:\n  %s%s:\n", second,
                  strcmp(second, "baseline") == 0 || strcmp(second, "oracle") == 0 ? "-b" : "");
    CP_TRY(put_pass(out, b, model, true, arena, err));
    if (model)
        put_graft(out, a, b);
    put_key(out, "", "output", diff->output);
    return CP_OK;
}

/* Into memory, then into the arena. */
static enum cp_status print_experiment(const struct cp_diff *diff, const struct cp_diff_reading *a,
                                       const struct cp_diff_reading *b, const struct cp_diff_model *model,
                                       struct cp_arena *arena, const char **text, struct cp_error *err) {
    char *written = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&written, &size);
    CP_TRY(CP_CHECK_ALLOC(out, err, "", "a diff"));
    enum cp_status status = write_experiment(diff, a, b, model, arena, out, err);
    if (fclose(out) != 0 && status == CP_OK)
        status = cp_no_memory(err, "", "a diff");
    *text = status == CP_OK ? cp_arena_strdup(arena, written) : NULL;
    free(written);
    return status == CP_OK && !*text ? cp_no_memory(err, "", "a diff") : status;
}

enum cp_status cp_diff_experiment(const struct cp_diff *diff, struct cp_arena *arena, FILE *notes,
                                  const char **text, struct cp_error *err) {
    struct cp_diff_reading a = {0}, b = {0};
    struct cp_diff_model model;
    const char *why = NULL;
    enum cp_status status;
    CP_TRY_DONE(cp_diff_open(&diff->a, arena, &a, err));
    CP_TRY_DONE(cp_diff_open(&diff->b, arena, &b, err));
    CP_TRY_DONE(cp_diff_choose(diff, &a, &b, arena, &model, &why, err));
    if (notes && why && *why)
        cp_print(notes, "no oracle: %s\n", why);
    else if (notes && !why && a.has_images && !a.has_pixels && !cp_diff_grafted(&a, &b))
        cp_print(notes, "no oracle of images: %s has no pixels.normalized\n", a.asked->capture);
    status = print_experiment(diff, &a, &b, why ? NULL : &model, arena, text, err);
done:
    cp_diff_close(&a);
    cp_diff_close(&b);
    return status;
}
