/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "study/diff.h"

#include "study/captured.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what the captures say of themselves ---- */

struct side {
    const struct cp_diff_side *asked;
    const char *name;                   /* of the capture */
    const char *fact[CP_CAPTURE_FACTS]; /* in the arena */
};

static enum cp_status no_memory(struct cp_error *err) {
    return cp_fail(err, CP_INTERNAL, "", "out of memory for a diff");
}

static enum cp_status read_side(const struct cp_diff_side *asked, struct cp_arena *arena, struct side *side,
                                struct cp_error *err) {
    const struct cp_capture_choice choice = {{asked->capture, {"", 0, 0}}, {asked->map, {"", 0, 0}}};
    struct cp_capture *capture;
    side->asked = asked;
    CP_TRY(cp_captured_choose(&choice, arena, &capture, err));
    bool whole = true;
    for (int f = 0; f < CP_CAPTURE_FACTS; f++) {
        side->fact[f] = cp_arena_strdup(arena, capture->fact[f]);
        whole = whole && side->fact[f];
    }
    cp_capture_close(capture);
    return whole ? CP_OK : no_memory(err);
}

/* ---- the model ---- */

/* NULL: none. The section of an experiment, where there is one, says it all. */
struct model {
    const char *section, *checkpoint, *config, *seed;
};

static const char *said(const struct side *side, enum cp_capture_fact fact) {
    return side->fact[fact][0] ? side->fact[fact] : NULL;
}

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static struct model model_of(const struct side *side) {
    return (struct model){said(side, CP_CAPTURE_MODEL), said(side, CP_CAPTURE_CHECKPOINT),
                          said(side, CP_CAPTURE_CONFIG), said(side, CP_CAPTURE_SEED)};
}

static bool is_whole(const struct model *model) {
    return model->section || (model->config && (model->checkpoint || model->seed));
}

static bool same_model(const struct model *a, const struct model *b) {
    if (a->section && b->section)
        return same_text(a->section, b->section);
    return same_text(a->config, b->config) && same_text(a->checkpoint, b->checkpoint) &&
           same_text(a->seed, b->seed);
}

/* What --model, --config and --seed say in the place of the captures. */
static void override(const struct cp_diff *diff, struct model *model) {
    if (diff->checkpoint || diff->seed) {
        model->checkpoint = diff->checkpoint;
        model->seed = diff->checkpoint ? NULL : diff->seed;
    }
    if (diff->config)
        model->config = diff->config;
}

/* A side that nobody says the settings of has no oracle. */
static const struct side *unknown(const struct side *a, const struct side *b) {
    if (!a->asked->settings && !said(a, CP_CAPTURE_SAYS))
        return a;
    return !b->asked->settings && !said(b, CP_CAPTURE_SAYS) ? b : NULL;
}

/* Why there is no oracle, unless *model is one that can be loaded. */
static const char *choose_model(const struct cp_diff *diff, const struct side *a, const struct side *b,
                                struct cp_arena *arena, struct model *model) {
    const struct model mine = model_of(a), theirs = model_of(b);
    const bool asked = diff->checkpoint || diff->seed || diff->config;
    *model = is_whole(&mine) || mine.config ? mine : theirs;
    if (diff->no_oracle)
        return "";
    if (asked)
        override(diff, model);
    if (!is_whole(model))
        return "the captures do not say which model they are of; --model and --config do";
    if (unknown(a, b))
        return cp_arena_printf(arena,
                               "%s does not say its settings; --spec-%s does, 'activation=quick' or ''",
                               unknown(a, b)->asked->capture, unknown(a, b) == a ? "a" : "b");
    if (asked)
        return NULL;
    if ((is_whole(&theirs) || theirs.config) && !same_model(&theirs, model))
        return "the captures say that they are of different models; --model and --config decide";
    const char *const files[] = {model->config, model->seed ? NULL : model->checkpoint};
    for (size_t f = 0; f < 2; f++)
        if (files[f] && access(files[f], R_OK) != 0)
            return cp_arena_printf(arena, "%s is not here; --model and --config say where the model is",
                                   files[f]);
    return NULL;
}

/* ---- the experiment ---- */

static void put_text(FILE *out, const char *text) {
    (void)fputc('"', out);
    for (; *text; text++)
        (void)fprintf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    (void)fputc('"', out);
}

static void put_key(FILE *out, const char *indent, const char *key, const char *text) {
    if (!text)
        return;
    (void)fprintf(out, "%s%s: ", indent, key);
    put_text(out, text);
    (void)fputc('\n', out);
}

/* Settings between `end`s, each cut in two at the first `cut`. */
static void put_settings(FILE *out, const char *text, char end, char cut) {
    const char ends[] = {end, '\0'}, cuts[] = {cut, end, '\0'};
    while (*text) {
        const size_t length = strcspn(text, ends), key = strcspn(text, cuts);
        const size_t value = key < length ? key + 1 + strspn(text + key + 1, " ") : length;
        if (length)
            (void)fprintf(out, "    \"%.*s\": \"%.*s\"\n", (int)key, text, (int)(length - value),
                          text + value);
        text += length + (text[length] != '\0');
    }
}

static void put_pass(FILE *out, const struct side *side, bool judged) {
    put_key(out, "    ", "capture", side->asked->capture);
    put_key(out, "    ", "map", side->asked->map);
    if (judged && side->asked->settings)
        put_settings(out, side->asked->settings, ',', '=');
    else if (judged)
        put_settings(out, side->fact[CP_CAPTURE_SETTINGS], '\n', ':');
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

/* Whether --model, --config or --seed says what a line of the section does. */
static bool is_overridden(const struct cp_diff *diff, const char *line) {
    static const char *const configs[] = {"config:", "name:", "load_as:", "pretrained:", "force_quick_gelu:"};
    static const char *const weights[] = {"checkpoint:", "init:", "seed:"};
    line += strspn(line, " ");
    for (size_t i = 0; diff->config && i < sizeof configs / sizeof configs[0]; i++)
        if (strncmp(line, configs[i], strlen(configs[i])) == 0)
            return true;
    for (size_t i = 0; (diff->checkpoint || diff->seed) && i < sizeof weights / sizeof weights[0]; i++)
        if (strncmp(line, weights[i], strlen(weights[i])) == 0)
            return true;
    return false;
}

/* Whatever a file says, it stays within the section: each line behind "model:" is indented once more. */
static void put_section(FILE *out, const char *section, const struct cp_diff *diff) {
    for (const char *line = strchr(section, '\n'); line && line[1]; line = strchr(line + 1, '\n'))
        if (!is_overridden(diff, line + 1))
            (void)fprintf(out, "  %.*s\n", (int)strcspn(line + 1, "\n"), line + 1);
}

static void put_weights(FILE *out, const char *indent, const char *checkpoint, const char *seed) {
    put_key(out, indent, "checkpoint", seed ? NULL : checkpoint);
    if (seed)
        (void)fprintf(out, "%sinit: counter\n%sseed: %s\n", indent, indent, seed);
}

static void put_model(FILE *out, const struct model *model, const struct cp_diff *diff) {
    (void)fputs("model:\n", out);
    if (model->section) {
        put_section(out, model->section, diff);
        put_key(out, "    ", "config", diff->config);
        put_weights(out, "    ", diff->checkpoint, diff->checkpoint ? NULL : diff->seed);
        return;
    }
    put_key(out, "  ", "config", model->config);
    put_weights(out, "  ", model->checkpoint, model->seed);
}

/* A side that goes on from a capture's tensor is compared, and judged, from there on. */
static void put_graft(FILE *out, const struct side *a, const struct side *b) {
    const struct side *grafted = said(b, CP_CAPTURE_GRAFT_AT) ? b : said(a, CP_CAPTURE_GRAFT_AT) ? a : NULL;
    if (!grafted)
        return;
    (void)fputs("graft:\n", out);
    put_key(out, "  ", "from", grafted->fact[CP_CAPTURE_GRAFT_FROM]);
    put_key(out, "  ", "at", grafted->fact[CP_CAPTURE_GRAFT_AT]);
}

static enum cp_status write_experiment(const struct cp_diff *diff, const struct side *a, const struct side *b,
                                       const struct model *model, struct cp_arena *arena, FILE *out,
                                       struct cp_error *err) {
    const char *first = stem(a->asked->capture, arena), *second = stem(b->asked->capture, arena);
    if (!first || !second)
        return no_memory(err);
    (void)fprintf(out, "experiment: %s-vs-%s\n", first, second);
    if (model)
        put_model(out, model, diff);
    (void)fputs("inputs:\n", out);
    put_key(out, "  ", "capture", a->asked->capture);
    put_key(out, "  ", "map", a->asked->map);
    (void)fputs("baseline:\n", out);
    put_pass(out, a, model != NULL);
    (void)fprintf(out, "candidates:\n  %s%s:\n", second,
                  strcmp(second, "baseline") == 0 || strcmp(second, "oracle") == 0 ? "-b" : "");
    put_pass(out, b, model != NULL);
    if (model)
        put_graft(out, a, b);
    put_key(out, "", "output", diff->output);
    return CP_OK;
}

enum cp_status cp_diff_experiment(const struct cp_diff *diff, struct cp_arena *arena, FILE *notes,
                                  const char **text, struct cp_error *err) {
    struct side a, b;
    struct model model;
    char *written = NULL;
    size_t size = 0;
    CP_TRY(read_side(&diff->a, arena, &a, err));
    CP_TRY(read_side(&diff->b, arena, &b, err));
    const char *why = choose_model(diff, &a, &b, arena, &model);
    if (why && *why)
        (void)fprintf(notes, "no oracle: %s\n", why);
    FILE *out = open_memstream(&written, &size);
    if (!out)
        return no_memory(err);
    enum cp_status status = write_experiment(diff, &a, &b, why ? NULL : &model, arena, out, err);
    if (fclose(out) != 0 && status == CP_OK)
        status = no_memory(err);
    *text = status == CP_OK ? cp_arena_strdup(arena, written) : NULL;
    free(written);
    return status == CP_OK && !*text ? no_memory(err) : status;
}

/* ---- environments ---- */

static const char *find_value(const struct cp_capture_environment *e, const char *name) {
    for (size_t i = 0; i < e->count; i++)
        if (strcmp(e->name[i], name) == 0)
            return e->value[i];
    return NULL;
}

static void print_pair(FILE *out, const char *name, const char *a, const char *b) {
    if (same_text(a, b)) {
        (void)fprintf(out, "  %-18s %s\n", name, a);
        return;
    }
    (void)fprintf(out, "  %-18s A  %s\n", name, a && *a ? a : "-");
    (void)fprintf(out, "  %-18s B  %s\n", "", b && *b ? b : "-");
}

/* What is the same, or what differs; how many there were. */
static size_t print_all(FILE *out, const struct cp_capture_environment *a,
                        const struct cp_capture_environment *b, bool same, const char *heading) {
    size_t count = 0;
    for (int pass = 0; pass < 2; pass++) { /* A's names, then those that only B has */
        const struct cp_capture_environment *from = pass ? b : a, *other = pass ? a : b;
        for (size_t i = 0; i < from->count; i++) {
            const char *theirs = find_value(other, from->name[i]);
            if (same_text(from->value[i], theirs) != same || (pass && theirs))
                continue;
            if (!count++)
                (void)fprintf(out, "%s\n", heading);
            print_pair(out, from->name[i], pass ? theirs : from->value[i], pass ? from->value[i] : theirs);
        }
    }
    return count;
}

enum cp_status cp_diff_environments(const char *a, const char *b, FILE *out, struct cp_error *err) {
    struct cp_arena arena = {0};
    struct cp_capture_environment mine, theirs;
    enum cp_status status = cp_capture_environment(a, &cp_capture_limits, &arena, &mine, err);
    if (status == CP_OK)
        status = cp_capture_environment(b, &cp_capture_limits, &arena, &theirs, err);
    if (status == CP_OK) {
        (void)fprintf(out, "A  %s\nB  %s\n", a, b);
        if (print_all(out, &mine, &theirs, false, "differs") == 0)
            (void)fprintf(out, "nothing differs\n");
        (void)print_all(out, &mine, &theirs, true, "same");
    }
    cp_arena_free(&arena);
    return status;
}
