/* SPDX-License-Identifier: GPL-3.0-or-later
 * Prompts from lines, classes with templates, token files or a seed, and their ids by each tokenizer. */
#include "inputs/load.h"

#include "base/hash.h"
#include "base/path.h"
#include "format/file.h"
#include "picture/image.h"
#include "text/tokenizer.h"

#include <string.h>

enum cp_status cp_inputs_read_text(struct cp_inputs_loader *l, const char *path, char **text) {
    struct cp_file file;
    CP_TRY(cp_file_read(path, CP_INPUTS_LIST_MAX, l->arena, &file, l->err));
    const unsigned char *nul = memchr(file.bytes, '\0', file.size);
    if (nul)
        return cp_fail(l->err, CP_BAD_INPUT, path, "byte %zu is a NUL", (size_t)(nul - file.bytes) + 1),
               cp_expected(l->err, "a text file");
    *text = file.text;
    return cp_inputs_add_file(l, path);
}

/* The lines of a list, or of the file it names, without empty ones. */
static enum cp_status read_lines(struct cp_inputs_loader *l, const struct cp_lines *lines,
                                 struct cp_marked_text **items, size_t *count) {
    const char *path = lines->path.text;
    struct cp_mark mark = {path, 1, 1};
    char *at = NULL;
    *items = lines->items;
    *count = lines->count;
    if (!path)
        return CP_OK;
    CP_TRY(cp_inputs_read_text(l, path, &at));
    while (at) {
        char *line = at, *end = at + strcspn(at, "\r\n");
        const int ended = *end == '\n';
        at = *end ? end + 1 : NULL;
        *end = '\0';
        if (*line) {
            CP_TRY(CP_CHECK_ALLOC(cp_inputs_grow(l->arena, (void **)items, *count, sizeof **items), l->err,
                                  "", "the inputs"));
            (*items)[(*count)++] = (struct cp_marked_text){.text = line, .mark = mark};
        }
        mark.line += ended;
    }
    if (*count == 0)
        return cp_fail(l->err, CP_BAD_INPUT, path, "has no lines"), cp_expected(l->err, "one item a line");
    return CP_OK;
}

/* A prompt from each class and template, class-major; at the place of its class. */
static enum cp_status from_templates(struct cp_inputs_loader *l, const struct cp_marked_text *classes,
                                     struct cp_marked_text **texts) {
    struct cp_run_inputs *in = l->in;
    struct cp_marked_text *templates = NULL;
    size_t count = 0;
    CP_TRY(read_lines(l, &l->experiment->inputs.templates, &templates, &count));
    in->prompts = in->classes * count;
    CP_TRY(CP_ARENA_ALLOC(l->arena, *texts, in->prompts, l->err, "", "the inputs"));
    for (size_t p = 0; p < in->prompts; p++) {
        const struct cp_marked_text *template = &templates[p % count], *class = &classes[p / count];
        const char *hole = strstr(template->text, "{}");
        if (!hole)
            return (void)cp_mark_fail(&template->mark, l->err, "template '%.60s' has no {}", template->text),
                   cp_expected(l->err, "a text such as \"a photo of a {}\"");
        (*texts)[p].mark = class->mark;
        CP_TRY(CP_CHECK_ALLOC((*texts)[p].text =
                                  cp_arena_printf(l->arena, "%.*s%s%s", (int)(hole - template->text),
                                                  template->text, class->text, hole + 2),
                              l->err, "", "the inputs"));
    }
    return CP_OK;
}

static const char **texts_of(struct cp_inputs_loader *l, const struct cp_marked_text *items, size_t count) {
    const char **texts = cp_arena_alloc(l->arena, count, sizeof *texts);
    for (size_t i = 0; texts && i < count; i++)
        texts[i] = items[i].text;
    return texts;
}

enum cp_status cp_inputs_check_texts(const struct cp_clip_config *config, const char *place,
                                     struct cp_error *err) {
    const struct cp_text_config *text = &config->text;
    if (text->foreign_tokenizer)
        return cp_fail(err, CP_BAD_INPUT, place, "prompts need OpenAI's tokenizer, the model has %s",
                       text->hf_tokenizer_name[0] ? text->hf_tokenizer_name : "another"),
               cp_expected(err, "token ids from a .npy file");
    if (text->vocab_size != CP_VOCABULARY_SIZE)
        return cp_fail(err, CP_BAD_INPUT, place, "prompts need OpenAI's vocabulary of %d, the model has %d",
                       CP_VOCABULARY_SIZE, text->vocab_size),
               cp_expected(err, "token ids from a .npy file");
    return CP_OK;
}

/* Texts wait for the tokenizers of the specs. */
static enum cp_status keep_texts(struct cp_inputs_loader *l, const struct cp_marked_text *prompts) {
    struct cp_run_inputs *in = l->in;
    const char *vocabulary = cp_data_path(CP_VOCABULARY, l->arena);
    const struct cp_model_source *model = &l->experiment->model;
    const char *place = model->config.text ? model->config.text
                        : model->name.text ? model->name.text
                                           : model->checkpoint.text;
    CP_TRY(cp_inputs_check_texts(l->config, place, l->err));
    if (vocabulary && !cp_path_is_there(vocabulary))
        return cp_fail(l->err, CP_BAD_INPUT, vocabulary, "is not there"),
               cp_expected(
                   l->err,
                   "the tokenizer's vocabulary in ./data, in the folder that CLIP_PARITY_DATA names, or "
                   "in the installation");
    in->prompts_as_written = prompts;
    in->prompt_texts = texts_of(l, prompts, in->prompts);
    return in->prompt_texts && vocabulary ? cp_inputs_add_file(l, vocabulary)
                                          : cp_no_memory(l->err, "", "the inputs");
}

static enum cp_status encode(struct cp_inputs_loader *l, const struct cp_tokenizer *tokenizer,
                             const struct cp_tokenizer_variant *by, const struct cp_marked_text *prompt,
                             int32_t *ids) {
    const enum cp_status status =
        cp_tokenizer_encode(tokenizer, by, prompt->text, l->config->text.context_length,
                            l->experiment->inputs.truncate, ids, l->err);
    return status == CP_OK ? CP_OK : cp_mark_within(&prompt->mark, l->err);
}

static enum cp_status make_set(struct cp_inputs_loader *l, const struct cp_tokenizer *tokenizer,
                               struct cp_token_set *set) {
    const size_t length = (size_t)l->config->text.context_length;
    CP_TRY(CP_ARENA_ALLOC(l->arena, set->tokens, l->in->prompts * length, l->err, "", "the inputs"));
    for (size_t p = 0; p < l->in->prompts; p++)
        CP_TRY(encode(l, tokenizer, set->by, &l->in->prompts_as_written[p], set->tokens + p * length));
    return cp_inputs_valid_tokens(l, set->tokens, &set->valid_tokens);
}

static enum cp_status make_sets(struct cp_inputs_loader *l, const struct cp_tokenizer *tokenizer,
                                const struct cp_tokenizer_variant *const *by, size_t count) {
    struct cp_run_inputs *in = l->in;
    CP_TRY(CP_ARENA_CALLOC(l->arena, in->token_sets, count, l->err, "", "the inputs"));
    for (size_t s = 0; s < count; s++) {
        size_t known = 0;
        while (known < in->token_set_count && in->token_sets[known].by != by[s])
            known++;
        if (known < in->token_set_count)
            continue;
        in->token_sets[known].by = by[s];
        CP_TRY(make_set(l, tokenizer, &in->token_sets[in->token_set_count++]));
    }
    in->tokens = in->token_sets[0].tokens;
    in->valid_tokens = in->token_sets[0].valid_tokens;
    return CP_OK;
}

enum cp_status cp_inputs_tokenize(const struct cp_experiment *experiment, const struct cp_clip_config *config,
                                  const struct cp_tokenizer_variant *const *by, size_t count,
                                  struct cp_arena *arena, struct cp_run_inputs *in, struct cp_error *err) {
    struct cp_inputs_loader l = {experiment, config, arena, in, err};
    const char *vocabulary = cp_data_path(CP_VOCABULARY, arena);
    struct cp_tokenizer *tokenizer = NULL;
    for (size_t s = 1; s < count && in->prompts && !in->prompts_as_written; s++)
        if (by[s] != by[0])
            return cp_fail(err, CP_BAD_INPUT, "", "tokenizer: %s and %s, but the prompts are tokens",
                           by[0]->info.name, by[s]->info.name),
                   cp_expected(err, "prompts as texts");
    if (!in->prompts_as_written)
        return CP_OK;
    CP_TRY(CP_CHECK_ALLOC(vocabulary, err, "", "the inputs"));
    CP_TRY(cp_tokenizer_open(vocabulary, &tokenizer, err));
    const enum cp_status status = make_sets(&l, tokenizer, by, count);
    cp_tokenizer_close(tokenizer);
    return status;
}

struct cp_token_set cp_inputs_tokens(const struct cp_run_inputs *in, const struct cp_tokenizer_variant *by) {
    for (size_t s = 0; s < in->token_set_count; s++)
        if (in->token_sets[s].by == by)
            return in->token_sets[s];
    return (struct cp_token_set){by, in->tokens, in->valid_tokens};
}

static enum cp_status number_prompts(struct cp_inputs_loader *l, const char *prefix) {
    struct cp_run_inputs *in = l->in;
    CP_TRY(CP_ARENA_ALLOC(l->arena, in->prompt_texts, in->prompts, l->err, "", "the inputs"));
    for (size_t p = 0; p < in->prompts; p++)
        CP_TRY(CP_CHECK_ALLOC(in->prompt_texts[p] = cp_arena_printf(l->arena, "%s[%zu]", prefix, p), l->err,
                              "", "the inputs"));
    return CP_OK;
}

static enum cp_status read_token_file(struct cp_inputs_loader *l, const struct cp_marked_text *file) {
    const char *path = file->text;
    struct cp_run_inputs *in = l->in;
    const size_t length = (size_t)l->config->text.context_length;
    struct cp_array array;
    CP_TRY(cp_inputs_add_file(l, path));
    CP_TRY(cp_npy_read(path, l->arena, &array, l->err));
    if (array.rank != 2 || array.shape[1] != length || (array.dtype != CP_INT32 && array.dtype != CP_INT64))
        return cp_fail(l->err, CP_BAD_INPUT, path, "does not hold token ids for this model"),
               cp_expected(l->err, "int32 or int64 (prompts, %zu)", length);
    in->prompts = array.shape[0];
    CP_TRY(CP_ARENA_ALLOC(l->arena, in->tokens, in->prompts * length, l->err, "", "the inputs"));
    for (size_t i = 0; i < in->prompts * length; i++) {
        const int64_t id =
            array.dtype == CP_INT32 ? ((const int32_t *)array.data)[i] : ((const int64_t *)array.data)[i];
        if (id < 0 || id >= l->config->text.vocab_size)
            return cp_fail(l->err, CP_BAD_INPUT, path, "id %lld of prompt %zu", (long long)id, i / length),
                   cp_expected(l->err, "0 to %d", l->config->text.vocab_size - 1);
        in->tokens[i] = (int32_t)id;
    }
    return number_prompts(l, cp_written(file));
}

/* By the counter-based rule: a start, a text of seeded length, an end (which pool_type eos looks for). */
static enum cp_status make_synthetic(struct cp_inputs_loader *l) {
    const struct cp_experiment_inputs *inputs = &l->experiment->inputs;
    struct cp_run_inputs *in = l->in;
    const uint64_t seed = (uint64_t)inputs->synthetic_seed, stream = cp_name_hash("tokens");
    const size_t length = (size_t)l->config->text.context_length;
    const uint64_t words = (uint64_t)l->config->text.vocab_size - 2;
    if (inputs->synthetic_prompts > 0 && (length < 3 || l->config->text.vocab_size < 3))
        return cp_fail(l->err, CP_BAD_INPUT, "", "synthetic prompts of %zu tokens out of %d", length,
                       l->config->text.vocab_size),
               cp_expected(l->err, "a start, a word and an end at least");
    in->prompts = (size_t)inputs->synthetic_prompts;
    CP_TRY(CP_ARENA_CALLOC(l->arena, in->tokens, in->prompts * length, l->err, "", "the inputs"));
    for (size_t p = 0; p < in->prompts; p++) {
        int32_t *row = in->tokens + p * length;
        const size_t text = 1 + cp_counter_hash(seed, stream, p * length) % (length - 2);
        row[0] = (int32_t)words;
        for (size_t i = 1; i <= text; i++)
            row[i] = (int32_t)(cp_counter_hash(seed, stream, p * length + i) % words);
        row[text + 1] =
            l->config->text.pool_type == CP_POOL_EOS ? l->config->text.eos_id : (int32_t)words + 1;
    }
    return number_prompts(l, "synthetic");
}

enum cp_status cp_inputs_texts(struct cp_inputs_loader *l) {
    const struct cp_experiment_inputs *inputs = &l->experiment->inputs;
    struct cp_run_inputs *in = l->in;
    struct cp_marked_text *texts = NULL, *classes = NULL;
    if (inputs->synthetic)
        return make_synthetic(l);
    switch (inputs->prompts) {
    case CP_PROMPTS_NONE:
        return CP_OK;
    case CP_PROMPTS_TOKENS:
        return read_token_file(l, &inputs->texts.path);
    case CP_PROMPTS_LINES:
        CP_TRY(read_lines(l, &inputs->texts, &texts, &in->prompts));
        return keep_texts(l, texts);
    case CP_PROMPTS_CLASSES:
        break;
    }
    CP_TRY(read_lines(l, &inputs->texts, &classes, &in->classes));
    CP_TRY(CP_CHECK_ALLOC(in->class_names = texts_of(l, classes, in->classes), l->err, "", "the inputs"));
    CP_TRY(from_templates(l, classes, &texts));
    return keep_texts(l, texts);
}
