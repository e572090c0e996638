/* SPDX-License-Identifier: GPL-3.0-or-later
 * Scans every tensor, hashes the file, finds a config, and calibrates where inputs are given. */
#include "task/inspect.h"

#include "config/published.h"
#include "model/layout/fit.h"
#include "model/layout/state_dict.h"
#include "run/known_config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *const cp_group_names[CP_GROUP_COUNT] = {"embeddings", "attention",   "mlp",
                                                    "norms",      "projections", "scalars"};

/* ---- tensors ---- */

/* By a part of the name, in any layout; the first that fits. */
static int group_of(const struct cp_checkpoint_tensor *t) {
    static const struct {
        const char *part;
        int group;
    } parts[] = {{"logit_", CP_GROUP_SCALARS},    {"embed", CP_GROUP_EMBEDDINGS},
                 {"conv1.", CP_GROUP_EMBEDDINGS}, {"attn.", CP_GROUP_ATTENTION},
                 {".mlp.", CP_GROUP_MLP},         {"ln_", CP_GROUP_NORMS},
                 {"norm", CP_GROUP_NORMS},        {"layrnorm", CP_GROUP_NORMS},
                 {"gamma", CP_GROUP_NORMS},       {"proj", CP_GROUP_PROJECTIONS}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && t->rank; i++)
        if (strstr(t->name, parts[i].part))
            return parts[i].group;
    return CP_GROUP_SCALARS;
}

static bool is_weight(const struct cp_checkpoint_tensor *t) {
    return t->dtype <= CP_FP64;
}

static bool is_vision(const char *name) {
    return strncmp(name, "visual", 6) == 0 || strncmp(name, "vision_model.", 13) == 0;
}

static void count_values(struct cp_inspection *in, struct cp_group *group,
                         const struct cp_checkpoint_tensor *t, const float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        group->fp16 += cp_bits(cp_round_fp16(values[i])) == cp_bits(values[i]);
        group->bf16 += cp_bits(cp_round_bf16(values[i])) == cp_bits(values[i]);
        if (!isfinite(values[i]) && in->nonfinite++ == 0)
            in->first_nonfinite = t->name;
    }
}

static enum cp_status scan_tensor(struct cp_inspection *in, const struct cp_checkpoint *file,
                                  const struct cp_checkpoint_tensor *t, struct cp_error *err) {
    const size_t count = cp_checkpoint_elements(t);
    struct cp_group *group = &in->group[group_of(t)];
    in->tensors++;
    if (!is_weight(t) || count == 0)
        return CP_OK;
    float *values = malloc(count * sizeof *values);
    CP_TRY(CP_CHECK_ALLOC(values, err, "", "an inspection"));
    const enum cp_status status = cp_checkpoint_widen(file, t, values, err);
    if (status == CP_OK) {
        group->tensors++;
        group->elements += count;
        group->of_dtype[t->dtype] += count;
        in->parameters += count;
        if (in->layout) /* else nothing says what is of which tower */
            *(is_vision(t->name) ? &in->vision_parameters : &in->text_parameters) +=
                strstr(t->name, "logit_") ? 0 : count;
        count_values(in, group, t, values, count);
        if (strcmp(t->name, "logit_scale") == 0) {
            in->has_scale = true;
            in->logit_scale = (double)values[0];
        }
    }
    free(values);
    return status;
}

/* ---- identity ---- */

static enum cp_status identify(struct cp_inspection *in, const struct cp_checkpoint *file,
                               struct cp_arena *arena, struct cp_error *err) {
    const char *const *paths;
    struct cp_published published;
    struct stat info;
    in->files = cp_checkpoint_files(file, &paths);
    for (size_t f = 0; f < in->files; f++)
        in->bytes += stat(paths[f], &info) == 0 ? (size_t)info.st_size : 0;
    if (in->files != 1)
        return CP_OK;
    CP_TRY(cp_digest_file(paths[0], in->sha256, err));
    CP_TRY(cp_published_find(in->sha256, arena, &published, err));
    in->published = published.name;
    if (published.name)
        in->identity_says = (int)published.activation;
    return CP_OK;
}

/* ---- the config ---- */

/* A config that is given must be that of the tensors; of another, which may be assumed, it is told. */
static enum cp_status check_tensors(struct cp_inspection *in, const struct cp_checkpoint *file,
                                    const struct cp_clip_config *shapes, bool given, struct cp_error *err) {
    struct cp_clip_config config = in->config;
    struct cp_error why = {0};
    const struct cp_fit fit = {file, in->path, false, given ? in->config_from : "a model of these shapes"};
    const enum cp_status status = cp_model_fit(&fit, &config, &why);
    if (status == CP_BAD_INPUT && !given) {
        cp_error_line_in(&why, in->path, in->misfit, sizeof in->misfit);
        return CP_OK;
    }
    if (status == CP_OK)
        return CP_OK;
    *err = why;
    if (status == CP_BAD_INPUT && in->same_shapes && !cp_clip_config_same_shapes(shapes, &in->config))
        (void)cp_expected(err, "%.300s; or %s, which has these shapes", why.expected, in->same_shapes);
    return status;
}

static enum cp_status find_config(struct cp_inspection *in, const struct cp_inspect_inputs *inputs,
                                  const struct cp_checkpoint *file, struct cp_arena *arena,
                                  struct cp_error *err) {
    struct cp_own_words words;
    struct cp_clip_config shapes;
    CP_TRY(cp_own_words_read(file, in->path, &words, err));
    if (words.activates)
        in->file_says = (int)words.activation;
    struct cp_error why = {0};
    const enum cp_status inferred = cp_shapes_config(file, in->path, arena, &shapes, &in->same_shapes, &why);
    if (inferred != CP_OK && inferred != CP_BAD_INPUT)
        return *err = why, inferred;
    in->has_config = inferred == CP_OK || words.configures || inputs->config || inputs->name;
    const char *tensor = strstr(why.where, ": tensor ");
    if (!in->has_config)
        (void)snprintf(in->no_config, sizeof in->no_config, "%s%s%.300s", tensor ? tensor + 2 : "",
                       tensor ? ": " : "", why.what);
    in->config = words.configures ? words.config : shapes;
    in->config_from = words.configures ? "the file's metadata" : "shapes";
    if (inputs->config || inputs->name) {
        struct cp_notes notes = {0};
        CP_TRY(inputs->config ? cp_clip_config_load(inputs->config, &in->config, err)
                              : cp_named_config(inputs->name, arena, &in->config, &notes, err));
        in->config_from = inputs->config ? inputs->config : inputs->name;
        in->config_says = (int)cp_clip_config_activation(&in->config);
    }
    return in->has_config ? check_tensors(in, file, &shapes, inputs->config || inputs->name, err) : CP_OK;
}

/* Shapes that are no CLIP's leave the rest to be told. */
static enum cp_status find_layout(struct cp_inspection *in, const struct cp_inspect_inputs *inputs,
                                  const struct cp_checkpoint *file, struct cp_arena *arena,
                                  struct cp_error *err) {
    const struct cp_layout *layout = NULL;
    struct cp_error why = {0};
    if (cp_layout_of(file, in->path, &layout, &why) != CP_OK) {
        (void)snprintf(in->no_layout, sizeof in->no_layout, "%.500s", why.what);
        return CP_OK;
    }
    in->layout = layout->name;
    return find_config(in, inputs, file, arena, err);
}

/* ---- calibration ---- */

static void put(FILE *out, const char *key, const char *value) {
    if (!value)
        return;
    (void)fprintf(out, "%s: \"", key);
    for (const char *c = value; *c; c++)
        (void)fprintf(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
    (void)fputs("\"\n", out);
}

/* The study whose passes differ in their activation alone. */
static void write_experiment(FILE *out, const struct cp_inspect_inputs *in) {
    (void)fputs("experiment: inspect\nmodel:\n", out);
    put(out, "  checkpoint", in->path);
    put(out, "  config", in->config);
    put(out, "  name", in->name);
    (void)fputs("inputs:\n", out);
    put(out, "  images", in->images);
    if (in->classes) {
        (void)fputs("  prompts:\n", out);
        put(out, "    classes", in->classes);
        put(out, "    templates", in->templates);
    } else if (in->prompts && strlen(in->prompts) > 4 &&
               strcmp(in->prompts + strlen(in->prompts) - 4, ".npy") == 0) {
        put(out, "  prompts", in->prompts);
    } else {
        (void)fputs("  prompts:\n", out);
        put(out, "    file", in->prompts);
    }
    put(out, "  labels", in->labels);
    if (in->limit)
        (void)fprintf(out, "  limit: %s\n", in->limit);
    (void)fputs(
        "baseline: {activation: quick}\ncandidates: {erf: {activation: erf}, tanh: {activation: tanh}}\n"
        "oracle: off\nrecord: {\"*\": \"off\", \"*_features\": stats}\n",
        out);
}

static enum cp_status run_calibration(struct cp_inspection *in, const char *text, struct cp_error *err) {
    struct cp_experiment experiment;
    struct cp_study study;
    CP_TRY(cp_experiment_parse("inspect", text, strlen(text), NULL, 0, &experiment, err));
    enum cp_status status = cp_study_create(&experiment, "inspect", NULL, &study, err);
    if (status == CP_OK) {
        status = cp_calibrate(&study, &in->calibration, err);
        in->calibrated = status == CP_OK;
        cp_study_free(&study);
    }
    cp_experiment_free(&experiment);
    return status;
}

static enum cp_status calibrate(struct cp_inspection *in, const struct cp_inspect_inputs *inputs,
                                struct cp_error *err) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    CP_TRY(CP_CHECK_ALLOC(out, err, "", "an inspection"));
    write_experiment(out, inputs);
    const bool whole = fclose(out) == 0 && text;
    const enum cp_status status =
        whole ? run_calibration(in, text, err) : cp_no_memory(err, "", "an inspection");
    free(text);
    return status;
}

static enum cp_status inspect(const struct cp_inspect_inputs *inputs, const struct cp_checkpoint *file,
                              struct cp_arena *arena, struct cp_inspection *in, struct cp_error *err) {
    in->format = cp_checkpoint_format(file);
    in->notes = *cp_checkpoint_notes(file);
    CP_TRY(find_layout(in, inputs, file, arena, err));
    for (size_t i = 0; i < cp_checkpoint_count(file); i++)
        CP_TRY(scan_tensor(in, file, cp_checkpoint_at(file, i), err));
    CP_TRY(identify(in, file, arena, err));
    return inputs->images ? calibrate(in, inputs, err) : CP_OK;
}

enum cp_status cp_inspect(const struct cp_inspect_inputs *inputs, struct cp_arena *arena,
                          struct cp_checkpoint **file, struct cp_inspection *in, struct cp_error *err) {
    *in =
        (struct cp_inspection){.path = inputs->path, .config_says = -1, .file_says = -1, .identity_says = -1};
    CP_TRY(cp_state_dict_open(inputs->path, file, err));
    return inspect(inputs, *file, arena, in, err);
}
