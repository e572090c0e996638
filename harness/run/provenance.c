/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a result was made from and with. */
#include "run/pass_weights.h"
#include "run/run.h"

#include "base/digest.h"
#include "base/utc.h"
#include "base/version.h"
#include "result/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static enum cp_status write_files(const struct cp_study *study, struct cp_result *result,
                                  struct cp_error *err) {
    for (size_t f = 0; f < study->inputs.file_count; f++) {
        char hex[CP_DIGEST_HEX], name[CP_SCHEMA_FILE_ATTRIBUTE], value[512];
        CP_TRY(cp_digest_file(study->inputs.files[f], hex, err));
        cp_schema_file_attribute(f, name);
        (void)snprintf(value, sizeof value, "%s %s", hex,
                       cp_experiment_written(study->experiment, study->inputs.files[f]));
        CP_TRY(cp_result_text(result, cp_schema[CP_SCHEMA_FILES].path, name, value, err));
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
        const struct cp_dim dims[] = {{.length = in->images, .labels = in->image_names}};
        CP_TRY(cp_schema_define(result, CP_SCHEMA_LABEL, NULL, dims, &handle, err));
        CP_TRY(cp_result_write(result, handle, 0, in->images, in->labels, err));
    }
    if (in->tokens) {
        const struct cp_dim dims[] = {{.length = in->prompts, .labels = in->prompt_texts},
                                      {.length = length}};
        CP_TRY(cp_schema_define(result, CP_SCHEMA_TOKENS, NULL, dims, &handle, err));
        CP_TRY(cp_result_write(result, handle, 0, in->prompts, in->tokens, err));
    }
    return CP_OK;
}

/* How many prompts make each class; the dimension carries the classes' names. */
static enum cp_status write_classes(const struct cp_study *study, struct cp_result *result,
                                    struct cp_error *err) {
    const struct cp_run_inputs *in = &study->inputs;
    const struct cp_dim dims[] = {{.length = in->classes, .labels = in->class_names}};
    int handle;
    if (in->classes == 0)
        return CP_OK;
    CP_TRY(cp_schema_define(result, CP_SCHEMA_TEMPLATES, NULL, dims, &handle, err));
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
    const enum cp_status status = text ? cp_schema_text(result, CP_SCHEMA_MODEL, NULL, text, err)
                                       : cp_no_memory(err, "", "the provenance");
    cp_arena_free(&arena);
    return status;
}

/* What makes the captures readable by themselves: the model, and each spec's settings on the default. */
static enum cp_status write_model(const struct cp_study *study, struct cp_result *result,
                                  struct cp_error *err) {
    const struct cp_model_source *model = &study->experiment->model;
    if (study->graft.count) {
        CP_TRY(cp_schema_text(result, CP_SCHEMA_GRAFT_FROM, NULL, cp_written(&study->experiment->graft.file),
                              err));
        CP_TRY(cp_schema_text(result, CP_SCHEMA_GRAFT_AT, NULL, study->experiment->graft_at.text, err));
    }
    if (!study->modelled)
        return CP_OK;
    CP_TRY(write_model_section(study, result, err));
    if (model->config.text)
        CP_TRY(cp_schema_text(result, CP_SCHEMA_CONFIG, NULL, cp_written(&model->config), err));
    if (model->init)
        return cp_schema_integer(result, CP_SCHEMA_SEED, NULL, model->seed, err);
    return cp_schema_text(result, CP_SCHEMA_CHECKPOINT, NULL, cp_written(&model->checkpoint), err);
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
    const char *const *pass = CP_NAMES(study->spec[s]->name);
    enum cp_status status = cp_spec_create("default", &study->model.config, study->ops, &arena, &plain, err);
    if (status == CP_OK)
        status = cp_spec_difference(plain, study->spec[s], &arena, &settings, &count, err);
    const char *text =
        count && strcmp(settings[0].address, "activation") == 0 ? "" : default_activation(study, &arena);
    for (size_t i = 0; i < count && text; i++)
        text = cp_arena_printf(&arena, "%s%s%s: %s", text, *text ? "\n" : "", settings[i].address,
                               settings[i].value);
    if (status == CP_OK && cp_pass_checkpoint(study, s))
        status =
            cp_schema_text(result, CP_SCHEMA_CAPTURE_CHECKPOINT, pass, cp_pass_checkpoint(study, s), err);
    if (status == CP_OK)
        status = text ? cp_schema_text(result, CP_SCHEMA_CAPTURE_SETTINGS, pass, text, err)
                      : cp_no_memory(err, "", "the provenance");
    cp_arena_free(&arena);
    return status;
}

enum cp_status cp_provenance_write(const struct cp_study *study, struct cp_result *result,
                                   struct cp_error *err) {
    char processor[128], time_text[32];
    processor_name(processor);
    CP_TRY(cp_utc_time(time_text, err));
    const struct {
        enum cp_schema_id id;
        const char *value;
    } facts[] = {{CP_SCHEMA_TOOL, "clip-parity"},
                 {CP_SCHEMA_FILE, study->path},
                 {CP_SCHEMA_TOOL_VERSION, cp_version()},
                 {CP_SCHEMA_COMMIT, cp_version_commit()},
                 {CP_SCHEMA_COMPILER, cp_version_compiler()},
                 {CP_SCHEMA_FLAGS, cp_version_flags()},
                 {CP_SCHEMA_LIBRARIES, cp_version_libraries()},
                 {CP_SCHEMA_PROCESSOR, processor},
                 {CP_SCHEMA_INSTRUCTION_SET, study->ops->isa},
                 {CP_SCHEMA_TIME, time_text}};
    CP_TRY(cp_schema_text(result, CP_SCHEMA_SCHEMA, NULL, CP_SCHEMA_VERSION, err));
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        CP_TRY(cp_schema_text(result, facts[i].id, NULL, facts[i].value, err));
    CP_TRY(cp_schema_integer(result, CP_SCHEMA_THREADS, NULL, study->threads, err));
    CP_TRY(cp_schema_document(result, CP_SCHEMA_EXPERIMENT, study->plan, err));
    CP_TRY(write_files(study, result, err));
    CP_TRY(write_model(study, result, err));
    for (size_t s = 0; study->modelled && s < study->spec_count; s++)
        CP_TRY(write_settings(study, s, result, err));
    CP_TRY(write_classes(study, result, err));
    return write_inputs(study, result, err);
}
