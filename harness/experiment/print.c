/* SPDX-License-Identifier: GPL-3.0-or-later
 * The experiment as YAML again with every default filled in, for provenance and for fingerprints. */
#include "experiment/read.h"

#include <inttypes.h>
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

static void print_list(FILE *out, int indent, const struct cp_text *items, size_t count) {
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(out, "%*s- ", indent, "");
        cp_yaml_put_text(out, items[i].text);
        (void)fputc('\n', out);
    }
}

static void print_lines(FILE *out, int indent, const char *key, const struct cp_lines *lines) {
    print_key(out, indent, key, lines->path.text);
    if (lines->path.text)
        return;
    (void)fprintf(out, "%*s%s:\n", indent, "", key);
    print_list(out, indent + 2, lines->items, lines->count);
}

static void print_number(FILE *out, const char *key, double value) {
    (void)fprintf(out, "  %s: ", key);
    cp_yaml_put_number(out, value);
    (void)fputc('\n', out);
}

static void print_capture(FILE *out, int indent, const char *file, const struct cp_capture_choice *capture) {
    print_key(out, indent, file, capture->file.text);
    print_key(out, indent, "map", capture->map.text);
}

static void print_model(FILE *out, const struct cp_experiment *experiment) {
    const struct cp_model_source *model = &experiment->model;
    if (!model->init && !model->checkpoint.text)
        return;
    (void)fputs("model:\n", out);
    print_key(out, 2, "checkpoint", model->checkpoint.text);
    print_key(out, 2, "config", model->config.text);
    print_key(out, 2, "name", model->name.text);
    print_key(out, 2, "load_as", model->load_as.text);
    print_key(out, 2, "pretrained", model->pretrained.text);
    if (model->force_quick_gelu)
        (void)fputs("  force_quick_gelu: on\n", out);
    if (model->image_size)
        (void)fprintf(out, "  image_size: %d\n", model->image_size);
    print_key(out, 2, "init", model->init);
    if (model->init)
        (void)fprintf(out, "  seed: %" PRId64 "\n", model->seed);
}

static void print_prompts(FILE *out, const struct cp_inputs *inputs) {
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
            print_key(out, 4, "file", inputs->texts.path.text);
            break;
        }
        print_lines(out, 2, "prompts", &inputs->texts);
        break;
    case CP_PROMPTS_TOKENS:
        print_key(out, 2, "prompts", inputs->texts.path.text);
        break;
    }
}

static void print_inputs(FILE *out, const struct cp_inputs *inputs) {
    (void)fputs("inputs:\n", out);
    if (inputs->synthetic) {
        (void)fprintf(out, "  synthetic: {images: %d, prompts: %d, seed: %" PRId64 "}\n",
                      inputs->synthetic_images, inputs->synthetic_prompts, inputs->synthetic_seed);
        return;
    }
    print_capture(out, 2, "capture", &inputs->capture);
    if (inputs->image_count) {
        (void)fputs("  images:\n", out);
        print_list(out, 4, inputs->images, inputs->image_count);
    }
    print_prompts(out, inputs);
    if (inputs->truncate)
        (void)fputs("  truncate: on\n", out);
    print_key(out, 2, "labels", inputs->labels.text);
    if (inputs->limit != CP_ALL)
        (void)fprintf(out, "  limit: %d\n", inputs->limit);
}

static void print_candidate(FILE *out, int indent, const struct cp_candidate *candidate) {
    (void)fprintf(out, "%*s", indent, "");
    cp_yaml_put_text(out, candidate->name);
    const bool any = candidate->count || candidate->capture.file.text || candidate->checkpoint.text;
    (void)fputs(any ? ":\n" : ": {}\n", out);
    print_capture(out, indent + 2, "capture", &candidate->capture);
    print_key(out, indent + 2, "checkpoint", candidate->checkpoint.text);
    for (size_t i = 0; i < candidate->count; i++) {
        (void)fprintf(out, "%*s", indent + 2, "");
        cp_yaml_put_text(out, candidate->settings[i].address);
        (void)fputs(": ", out);
        cp_yaml_put_text(out, candidate->settings[i].value);
        (void)fputc('\n', out);
    }
}

static void print_record(FILE *out, const struct cp_experiment *experiment) {
    (void)fputs("record:\n", out);
    for (size_t i = 0; i < experiment->record_count; i++) {
        (void)fputs("  ", out);
        cp_yaml_put_text(out, experiment->record[i].glob);
        (void)fprintf(out, ": %s\n", cp_record_names[experiment->record[i].mode]);
    }
}

/* "key: count", or word where the count is `special`. */
static void print_count(FILE *out, const char *key, int count, int special, const char *word) {
    if (count == special)
        (void)fprintf(out, "%s: %s\n", key, word);
    else
        (void)fprintf(out, "%s: %d\n", key, count);
}

static void print_inputs_of(FILE *out, const char *key, int inputs) {
    if (inputs == 0)
        (void)fprintf(out, "%s: off\n", key);
    else
        print_count(out, key, inputs, CP_ALL, "on");
}

static void print_experiment(FILE *out, const struct cp_experiment *experiment) {
    print_key(out, 0, "experiment", experiment->name);
    print_key(out, 0, "hypothesis", experiment->hypothesis);
    print_model(out, experiment);
    print_inputs(out, &experiment->inputs);
    print_candidate(out, 0, &experiment->baseline);
    (void)fputs(experiment->factorial_first ? "candidates:\n" : "candidates: {}\n", out);
    for (size_t i = 0; i < experiment->factorial_first; i++)
        print_candidate(out, 2, &experiment->candidates[i]);
    if (experiment->factor_count)
        (void)fputs("factorial:\n", out);
    for (size_t f = 0; f < experiment->factor_count; f++)
        print_candidate(out, 2, &experiment->factors[f]);
    if (experiment->layerwise.count)
        print_candidate(out, 0, &experiment->layerwise);
    print_record(out, experiment);
    print_inputs_of(out, "oracle", experiment->oracle);
    if (experiment->ledger == CP_LEDGER_AUTO)
        (void)fputs("ledger: auto\n", out);
    else
        print_inputs_of(out, "ledger", experiment->ledger);
    print_inputs_of(out, "local", experiment->local);
    (void)fprintf(out, "floor: %d\n", experiment->floor);
    if (experiment->graft.file.text) {
        (void)fputs("graft:\n", out);
        print_capture(out, 2, "from", &experiment->graft);
        print_key(out, 2, "at", experiment->graft_at.text);
    }
    print_count(out, "threads", experiment->threads, 0, "auto");
    (void)fprintf(out, "batch: %d\n", experiment->batch);
    print_key(out, 0, "isa", experiment->isa);
    print_key(out, 0, "output", experiment->output.text);
    (void)fputs("verdict:\n", out);
    if (experiment->verdict_k > 0)
        print_number(out, "k", experiment->verdict_k);
    else
        (void)fputs("  k: auto\n", out);
    print_number(out, "alpha", experiment->verdict_alpha);
    if (experiment->tolerance) {
        print_number(out, "rtol", experiment->tolerance->relative);
        print_number(out, "atol", experiment->tolerance->absolute);
    }
    cp_print_check(out, experiment);
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

char *cp_experiment_print_model(const struct cp_experiment *experiment, struct cp_arena *arena) {
    return printed(print_model, experiment, arena);
}
