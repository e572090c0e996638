/* SPDX-License-Identifier: GPL-3.0-or-later
 * The experiment as YAML again with every default filled in, for provenance and for fingerprints: the keys of
 * field.c whose values are no scalars. */
#include "experiment/field.h"
#include "experiment/read.h"

#include <stdio.h>
#include <stdlib.h>

/* Indented "key: text", or nothing where text is NULL. */
static void print_key(FILE *out, int indent, const char *key, const char *text) {
    if (!text)
        return;
    (void)fprintf(out, "%*s%s: ", indent, "", key);
    cp_yaml_put_text(out, text);
    (void)fputc('\n', out);
}

static void print_list(FILE *out, int indent, const struct cp_marked_text *items, size_t count) {
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(out, "%*s- ", indent, "");
        cp_yaml_put_text(out, cp_written(&items[i]));
        (void)fputc('\n', out);
    }
}

static void print_lines(FILE *out, int indent, const char *key, const struct cp_lines *lines) {
    print_key(out, indent, key, cp_written(&lines->path));
    if (lines->path.text)
        return;
    (void)fprintf(out, "%*s%s:\n", indent, "", key);
    print_list(out, indent + 2, lines->items, lines->count);
}

static void print_capture(FILE *out, int indent, const struct cp_capture_choice *capture) {
    print_key(out, indent, "capture", cp_written(&capture->file));
    print_key(out, indent, "map", cp_written(&capture->map));
}

void cp_print_images(FILE *out, const struct cp_experiment *experiment) {
    if (!experiment->inputs.image_count)
        return;
    (void)fputs("  images:\n", out);
    print_list(out, 4, experiment->inputs.images, experiment->inputs.image_count);
}

void cp_print_prompts(FILE *out, const struct cp_experiment *experiment) {
    const struct cp_experiment_inputs *inputs = &experiment->inputs;
    switch (inputs->prompts) {
    case CP_PROMPTS_NONE:
        break;
    case CP_PROMPTS_CLASSES:
        (void)fputs("  prompts:\n", out);
        print_lines(out, 4, "classes", &inputs->texts);
        print_lines(out, 4, "templates", &inputs->templates);
        break;
    case CP_PROMPTS_LINES:
        if (inputs->texts.path.text) {
            (void)fputs("  prompts:\n", out);
            print_key(out, 4, "file", cp_written(&inputs->texts.path));
            break;
        }
        print_lines(out, 2, "prompts", &inputs->texts);
        break;
    case CP_PROMPTS_TOKENS:
        print_key(out, 2, "prompts", cp_written(&inputs->texts.path));
        break;
    }
}

static void print_candidate(FILE *out, int indent, const struct cp_candidate *candidate) {
    (void)fprintf(out, "%*s", indent, "");
    cp_yaml_put_text(out, candidate->name);
    const bool any = candidate->count || candidate->capture.file.text || candidate->checkpoint.text;
    (void)fputs(any ? ":\n" : ": {}\n", out);
    print_capture(out, indent + 2, &candidate->capture);
    print_key(out, indent + 2, "checkpoint", cp_written(&candidate->checkpoint));
    for (size_t i = 0; i < candidate->count; i++) {
        (void)fprintf(out, "%*s", indent + 2, "");
        cp_yaml_put_text(out, candidate->settings[i].address);
        (void)fputs(": ", out);
        cp_yaml_put_text(out, candidate->settings[i].value);
        (void)fputc('\n', out);
    }
}

void cp_print_baseline(FILE *out, const struct cp_experiment *experiment) {
    print_candidate(out, 0, &experiment->baseline);
}

/* The cells of the sweep are among them. */
void cp_print_candidates(FILE *out, const struct cp_experiment *experiment) {
    (void)fputs(experiment->factorial_first ? "candidates:\n" : "candidates: {}\n", out);
    for (size_t i = 0; i < experiment->factorial_first; i++)
        print_candidate(out, 2, &experiment->candidates[i]);
}

void cp_print_factorial(FILE *out, const struct cp_experiment *experiment) {
    if (experiment->factor_count)
        (void)fputs("factorial:\n", out);
    for (size_t f = 0; f < experiment->factor_count; f++)
        print_candidate(out, 2, &experiment->factors[f]);
}

void cp_print_layerwise(FILE *out, const struct cp_experiment *experiment) {
    if (experiment->layerwise.count)
        print_candidate(out, 0, &experiment->layerwise);
}

void cp_print_record(FILE *out, const struct cp_experiment *experiment) {
    (void)fputs("record:\n", out);
    for (size_t i = 0; i < experiment->record_count; i++) {
        (void)fputs("  ", out);
        cp_yaml_put_text(out, experiment->record[i].glob);
        (void)fprintf(out, ": %s\n", cp_record_names[experiment->record[i].mode]);
    }
}

void cp_print_record_limit(FILE *out, const struct cp_experiment *experiment) {
    (void)fputs("  limit: ", out);
    cp_put_bytes(out, experiment->record_limit);
    (void)fputc('\n', out);
}

void cp_print_output(FILE *out, const struct cp_experiment *experiment) {
    print_key(out, 0, "output", experiment->output.text);
}

void cp_print_tolerance(FILE *out, const struct cp_experiment *experiment) {
    const struct cp_tolerance *tolerance = experiment->tolerance;
    if (!tolerance)
        return;
    (void)fputs("  rtol: ", out);
    cp_yaml_put_number(out, tolerance->relative);
    (void)fputs("\n  atol: ", out);
    cp_yaml_put_number(out, tolerance->absolute);
    (void)fputc('\n', out);
}

static void print_experiment(FILE *out, const struct cp_experiment *experiment) {
    cp_keys_print(out, experiment, "", CP_KEYS_ALL);
}

static void print_what(FILE *out, const struct cp_experiment *experiment) {
    cp_keys_print(out, experiment, "", CP_KEYS_WHAT);
}

static void print_model(FILE *out, const struct cp_experiment *experiment) {
    cp_key_print(out, experiment, "model");
}

static char *printed(void (*print)(FILE *out, const struct cp_experiment *experiment),
                     const struct cp_experiment *experiment, struct cp_arena *arena) {
    char *text = NULL, *kept = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    print(out, experiment);
    const bool whole = !ferror(out);
    if (fclose(out) == 0 && whole)
        kept = cp_arena_strdup(arena, text);
    free(text);
    return kept;
}

char *cp_experiment_print(const struct cp_experiment *experiment, struct cp_arena *arena) {
    return printed(print_experiment, experiment, arena);
}

char *cp_experiment_print_what(const struct cp_experiment *experiment, struct cp_arena *arena) {
    return printed(print_what, experiment, arena);
}

char *cp_experiment_print_model(const struct cp_experiment *experiment, struct cp_arena *arena) {
    return printed(print_model, experiment, arena);
}
