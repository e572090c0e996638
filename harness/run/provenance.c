/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a result was made from and with. */
#include "run/pass_weights.h"
#include "run/run.h"

#include "base/digest.h"
#include "base/version.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The processor's name as the system tells it, or "unknown". */
static void processor_name(char name[128]) {
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");
    (void)snprintf(name, 128, "unknown");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
            line[strcspn(line, "\n")] = '\0';
            (void)snprintf(name, 128, "%s", strchr(line, ':') + 2);
            break;
        }
    if (file)
        (void)fclose(file);
}

/* Now, or SOURCE_DATE_EPOCH where it is set (reproducible-builds.org). */
static enum cp_status utc_time(char text[32], struct cp_error *err) {
    const char *fixed = getenv("SOURCE_DATE_EPOCH");
    char *end = NULL;
    struct tm utc;
    const time_t seconds = fixed ? (time_t)strtoll(fixed, &end, 10) : time(NULL);
    const bool number = !fixed || (isdigit((unsigned char)fixed[0]) && !*end);
    if (!number || !gmtime_r(&seconds, &utc) || strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        return (void)cp_fail(err, CP_BAD_INPUT, "SOURCE_DATE_EPOCH", "'%s' is not a time",
                             fixed ? fixed : ""),
               cp_expected(err, "seconds since 1970, such as 1700000000");
    return CP_OK;
}

static enum cp_status write_files(const struct cp_study *study, struct cp_result *result,
                                  struct cp_error *err) {
    for (size_t f = 0; f < study->inputs.file_count; f++) {
        char hex[CP_DIGEST_HEX], name[32], value[512];
        CP_TRY(cp_digest_file(study->inputs.files[f], hex, err));
        (void)snprintf(name, sizeof name, "%06zu", f);
        (void)snprintf(value, sizeof value, "%s %s", hex, study->inputs.files[f]);
        CP_TRY(cp_result_text(result, "/provenance/files", name, value, err));
    }
    return CP_OK;
}

static enum cp_status write_inputs(const struct cp_study *study, struct cp_result *result,
                                   struct cp_error *err) {
    const struct cp_run_inputs *in = &study->inputs;
    const size_t length =
        study->modelled ? (size_t)study->model.config.text.context_length : study->inputs_from->tokens;
    int handle;
    if (in->labels) {
        const struct cp_variable labels = {.group = "/inputs",
                                           .name = "label",
                                           .long_name = "class index of each image",
                                           .units = "1",
                                           .dtype = CP_INT32,
                                           .rank = 1,
                                           .dims = {{"image", in->images, in->image_names}}};
        CP_TRY(cp_result_define(result, &labels, &handle, err));
        CP_TRY(cp_result_write(result, handle, 0, in->images, in->labels, err));
    }
    if (in->tokens) {
        const struct cp_variable tokens = {
            .group = "/inputs",
            .name = "tokens",
            .long_name = "token ids of each prompt",
            .units = "1",
            .dtype = CP_INT32,
            .rank = 2,
            .dims = {{"prompt", in->prompts, in->prompt_texts}, {"token", length, NULL}}};
        CP_TRY(cp_result_define(result, &tokens, &handle, err));
        CP_TRY(cp_result_write(result, handle, 0, in->prompts, in->tokens, err));
    }
    return CP_OK;
}

/* How many prompts make each class; the dimension carries the classes' names. */
static enum cp_status write_classes(const struct cp_study *study, struct cp_result *result,
                                    struct cp_error *err) {
    const struct cp_run_inputs *in = &study->inputs;
    const struct cp_variable templates = {.group = "/inputs",
                                          .name = "templates",
                                          .long_name = "prompts that make each class",
                                          .units = "1",
                                          .dtype = CP_INT32,
                                          .rank = 1,
                                          .dims = {{"class", in->classes, in->class_names}}};
    int handle;
    if (in->classes == 0)
        return CP_OK;
    CP_TRY(cp_result_define(result, &templates, &handle, err));
    for (size_t c = 0; c < in->classes; c++) {
        const int32_t count = (int32_t)(in->prompts / in->classes);
        CP_TRY(cp_result_write(result, handle, c, 1, &count, err));
    }
    return CP_OK;
}

static enum cp_status write_model_section(const struct cp_study *study, struct cp_result *result,
                                          struct cp_error *err) {
    struct cp_arena arena = {0};
    const char *text = cp_experiment_print_model(study->experiment, &arena);
    const enum cp_status status = text ? cp_result_text(result, "/provenance", "model", text, err)
                                       : cp_fail(err, CP_INTERNAL, "", "out of memory for the provenance");
    cp_arena_free(&arena);
    return status;
}

/* What makes the captures readable by themselves: the model, and each spec's settings on the default. */
static enum cp_status write_model(const struct cp_study *study, struct cp_result *result,
                                  struct cp_error *err) {
    const struct cp_model_source *model = &study->experiment->model;
    if (study->graft.count) {
        CP_TRY(cp_result_text(result, "/provenance", "graft_from", study->experiment->graft.file.text, err));
        CP_TRY(cp_result_text(result, "/provenance", "graft_at", study->experiment->graft_at.text, err));
    }
    if (!study->modelled)
        return CP_OK;
    CP_TRY(write_model_section(study, result, err));
    if (model->config.text)
        CP_TRY(cp_result_text(result, "/provenance", "config", model->config.text, err));
    if (model->init)
        return cp_result_integer(result, "/provenance", "seed", model->seed, err);
    return cp_result_text(result, "/provenance", "checkpoint", model->checkpoint.text, err);
}

/* The setting that a model needs whose config does not tell its activation: what the default spec has, on
 * which the other settings stand. "" for all others. */
static const char *default_activation(const struct cp_study *study, struct cp_arena *arena) {
    const struct cp_clip_config *config = &study->model.config;
    if (!config->activation_unknown)
        return "";
    return cp_arena_printf(arena, "activation: %s",
                           cp_config_activation_names[cp_clip_config_activation(config)]);
}

static enum cp_status write_settings(const struct cp_study *study, size_t s, struct cp_result *result,
                                     struct cp_error *err) {
    struct cp_arena arena = {0};
    struct cp_spec *plain;
    struct cp_spec_setting *settings = NULL;
    size_t count = 0;
    char group[400];
    enum cp_status status = cp_spec_create("default", &study->model.config, study->ops, &arena, &plain, err);
    if (status == CP_OK)
        status = cp_spec_difference(plain, study->spec[s], &arena, &settings, &count, err);
    const char *text =
        count && strcmp(settings[0].address, "activation") == 0 ? "" : default_activation(study, &arena);
    for (size_t i = 0; i < count && text; i++)
        text = cp_arena_printf(&arena, "%s%s%s: %s", text, *text ? "\n" : "", settings[i].address,
                               settings[i].value);
    (void)snprintf(group, sizeof group, "/captures/%s", study->spec[s]->name);
    if (status == CP_OK && cp_pass_checkpoint(study, s))
        status = cp_result_text(result, group, "checkpoint", cp_pass_checkpoint(study, s), err);
    if (status == CP_OK)
        status = text ? cp_result_text(result, group, "settings", text, err)
                      : cp_fail(err, CP_INTERNAL, "", "out of memory for the provenance");
    cp_arena_free(&arena);
    return status;
}

enum cp_status cp_provenance_write(const struct cp_study *study, struct cp_result *result,
                                   struct cp_error *err) {
    char processor[128], time_text[32];
    processor_name(processor);
    CP_TRY(utc_time(time_text, err));
    const struct {
        const char *name, *value;
    } facts[] = {{"tool", "clip-parity"},
                 {"file", study->path},
                 {"version", cp_version()},
                 {"commit", cp_version_commit()},
                 {"compiler", cp_version_compiler()},
                 {"flags", cp_version_flags()},
                 {"libraries", cp_version_libraries()},
                 {"processor", processor},
                 {"instruction_set", study->ops->isa},
                 {"time", time_text}};
    CP_TRY(cp_result_text(result, "/", "schema", "clip-parity/1", err));
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        CP_TRY(cp_result_text(result, "/provenance", facts[i].name, facts[i].value, err));
    CP_TRY(cp_result_integer(result, "/provenance", "threads", study->threads, err));
    CP_TRY(cp_result_document(result, "/provenance", "experiment", "the resolved experiment and its specs",
                              study->plan, err));
    CP_TRY(write_files(study, result, err));
    CP_TRY(write_model(study, result, err));
    for (size_t s = 0; study->modelled && s < study->spec_count; s++)
        CP_TRY(write_settings(study, s, result, err));
    CP_TRY(write_classes(study, result, err));
    return write_inputs(study, result, err);
}
