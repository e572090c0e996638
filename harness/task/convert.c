/* SPDX-License-Identifier: GPL-3.0-or-later
 * Finds the config, checks that the tensors fit it, and writes both to safetensors or HDF5. */
#include "task/convert.h"

#include "base/digest.h"
#include "base/version.h"
#include "checkpoint/safetensors_write.h"
#include "format/disk_file.h"
#include "format/output.h"
#include "model/layout/state_dict.h"
#include "model/model.h"
#include "result/schema.h"
#include "task/model_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = 4 };

/* ---- how it must be computed ---- */

static enum cp_status choose_activation(const struct cp_conversion *c, struct cp_clip_config *config,
                                        struct cp_error *err) {
    enum cp_config_activation activation;
    if (c->activation) {
        if (!cp_config_activation_named(c->activation, &activation))
            return (void)cp_fail(err, CP_USAGE, "", "convert: '%.60s' is not an activation", c->activation),
                   cp_expected(err, "quick, erf or tanh");
        cp_clip_config_activate(config, activation);
    }
    if (config->activation_unknown)
        return cp_fail(err, CP_BAD_INPUT, c->in, "nothing says which activation it was trained with"),
               cp_expected(err, "--config FILE, --name NAME or --activation quick | erf | tanh");
    return CP_OK;
}

static enum cp_status find_config(const struct cp_conversion *c, const struct cp_checkpoint *file,
                                  struct cp_arena *arena, struct cp_clip_config *config,
                                  struct cp_notes *notes, struct cp_error *err) {
    struct cp_own_words words;
    CP_TRY(cp_own_words_read(file, c->in, &words, err));
    if (c->config)
        CP_TRY(cp_clip_config_load(c->config, config, err));
    else if (c->name)
        CP_TRY(cp_named_config(c->name, arena, config, notes, err));
    else if (words.configures)
        *config = words.config;
    else
        CP_TRY(cp_assumed_config(file, c->in, arena, config, notes, err));
    if (words.activates && config->activation_unknown)
        cp_clip_config_activate(config, words.activation);
    CP_TRY(choose_activation(c, config, err));
    if (words.activates && cp_clip_config_activation(config) != words.activation)
        return cp_fail(err, CP_BAD_INPUT, c->in, "says that its activation is %s, not %s",
                       cp_config_activation_names[words.activation],
                       cp_config_activation_names[cp_clip_config_activation(config)]),
               cp_expected(err, "no other: the file was made to say it");
    return CP_OK;
}

/* A config that is not the tensors' must not be written beside them; of fewer positions or tokens it says how many. */
static enum cp_status check_config(const struct cp_conversion *c, struct cp_clip_config *config,
                                   struct cp_arena *arena, struct cp_notes *notes, struct cp_error *err) {
    struct cp_model model;
    enum cp_status status = cp_model_load(c->in, config, &model, err);
    if (status == CP_OK)
        status = cp_notes_add(notes, c->in, &model.notes, arena, err);
    config->text.context_length = model.config.text.context_length;
    config->text.vocab_size = model.config.text.vocab_size;
    cp_model_free(&model);
    return status;
}

/* The digest of the one file, or of the digests of several, each as a line. */
static enum cp_status digest_source(const struct cp_checkpoint *file, char hex[CP_DIGEST_HEX],
                                    struct cp_error *err) {
    const char *const *paths;
    const size_t count = cp_checkpoint_files(file, &paths);
    struct cp_digest *digest = NULL;
    if (count == 1)
        return cp_digest_file(paths[0], hex, err);
    CP_TRY(cp_digest_start(&digest, err));
    enum cp_status status = CP_OK;
    for (size_t f = 0; f < count && status == CP_OK; f++) {
        status = cp_digest_file(paths[f], hex, err);
        cp_digest_add(digest, hex, strlen(hex));
        cp_digest_add(digest, "\n", 1);
    }
    cp_digest_finish_hex(digest, hex);
    return status;
}

/* ---- HDF5 ---- */

/* A tensor as a dataset of its name; fp16 and bf16 become float32, exactly, and say what they were. */
static enum cp_status write_dataset(struct cp_result *result, const struct cp_checkpoint *file,
                                    const struct cp_checkpoint_tensor *t, struct cp_error *err) {
    static const char *const axes[CP_MAX_RANK] = {"a", "b", "c", "d", "e"};
    char path[CP_SCHEMA_PATH];
    int handle;
    struct cp_variable variable = cp_schema_variable(CP_SCHEMA_TENSOR_VALUE, CP_NAMES(t->name), path);
    variable.arithmetic_dtype = cp_dtype_name(t->dtype);
    variable.rank = t->rank;
    if (t->rank > CP_MAX_RANK || t->dtype > CP_FP64)
        return cp_fail(err, CP_BAD_INPUT, t->name, "%s of rank %d cannot go to HDF5", cp_dtype_name(t->dtype),
                       t->rank),
               cp_expected(err, "weights of rank %d at most; safetensors takes all", CP_MAX_RANK);
    for (int d = 0; d < t->rank; d++)
        variable.dims[d] = (struct cp_dim){axes[d], t->shape[d], NULL};
    const size_t count = cp_checkpoint_elements(t);
    float *values = malloc(count ? count * sizeof *values : 1);
    CP_TRY(CP_CHECK_ALLOC(values, err, "", "a conversion"));
    enum cp_status status = cp_checkpoint_widen(file, t, values, err);
    if (status == CP_OK)
        status = cp_result_define(result, &variable, &handle, err);
    if (status == CP_OK)
        status = cp_result_write(result, handle, 0, t->rank ? t->shape[0] : 1, values, err);
    free(values);
    return status;
}

static enum cp_status write_hdf5(const char *path, const struct cp_checkpoint *file,
                                 const struct cp_written_text *texts, struct cp_error *err) {
    struct cp_result *result = NULL;
    char digest[65];
    enum cp_status status = cp_result_create(path, 0, texts[0].value, &result, err);
    for (size_t i = 0; i < TEXTS && status == CP_OK; i++)
        status = cp_result_text(result, "/", texts[i].key, texts[i].value, err);
    for (size_t i = 0; i < cp_checkpoint_count(file) && status == CP_OK; i++)
        status = write_dataset(result, file, cp_checkpoint_at(file, i), err);
    if (status == CP_OK)
        status = cp_result_finish(result, digest, err);
    cp_result_close(result, 0);
    return status;
}

/* ---- the whole ---- */

static bool ends_with(const char *text, const char *ending) {
    const size_t a = strlen(text), b = strlen(ending);
    return a > b && strcmp(text + a - b, ending) == 0;
}

static enum cp_status convert(const struct cp_conversion *c, const struct cp_checkpoint *file,
                              struct cp_arena *arena, struct cp_notes *notes, struct cp_error *err) {
    struct cp_clip_config config;
    char source[CP_DIGEST_HEX];
    CP_TRY(find_config(c, file, arena, &config, notes, err));
    CP_TRY(check_config(c, &config, arena, notes, err));
    CP_TRY(digest_source(file, source, err));
    const struct cp_written_text texts[TEXTS] = {
        {CP_METADATA_SOURCE, source},
        {CP_METADATA_ACTIVATION, cp_config_activation_names[cp_clip_config_activation(&config)]},
        {CP_METADATA_CONFIG, cp_clip_config_print(&config, arena)},
        {CP_METADATA_TOOL, cp_version()}};
    CP_TRY(CP_CHECK_ALLOC(texts[2].value, err, "", "a conversion"));
    if (ends_with(c->out, ".h5"))
        return write_hdf5(c->out, file, texts, err);
    return cp_safetensors_write(c->out, file, texts, TEXTS, err);
}

/* Neither a file of the checkpoint, of which there may be several, nor the config. */
static enum cp_status check_out(const struct cp_conversion *c, const struct cp_checkpoint *file,
                                struct cp_error *err) {
    const char *const *paths;
    bool same = c->config && cp_disk_same(c->config, c->out);
    for (size_t f = 0, count = cp_checkpoint_files(file, &paths); f < count && !same; f++)
        same = cp_disk_same(paths[f], c->out);
    if (!same)
        return CP_OK;
    return cp_fail(err, CP_BAD_INPUT, c->out, "would overwrite an input"), cp_expected(err, "another name");
}

enum cp_status cp_convert(const struct cp_conversion *conversion, struct cp_arena *arena,
                          struct cp_notes *notes, struct cp_error *err) {
    struct cp_conversion c = *conversion;
    struct cp_checkpoint *file = NULL;
    const char *beside = NULL;
    if (!ends_with(c.out, ".safetensors") && !ends_with(c.out, ".h5"))
        return (void)cp_fail(err, CP_USAGE, "", "convert: to '%.200s'", c.out),
               cp_expected(err, "a name that ends in .safetensors or .h5");
    CP_TRY(cp_disk_check_name(c.out, err));
    CP_TRY(cp_model_folder_any(c.in, c.config || c.name, arena, &c.in, &beside, err));
    c.config = beside ? beside : c.config;
    CP_TRY(cp_state_dict_open(c.in, &file, err));
    enum cp_status status = check_out(&c, file, err);
    if (status == CP_OK)
        status = cp_output_check_new(c.out, c.force, err);
    if (status == CP_OK)
        status = convert(&c, file, arena, notes, err);
    cp_checkpoint_close(file);
    return status;
}
