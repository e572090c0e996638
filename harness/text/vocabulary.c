/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reads merges as text, or tokens with their merges from vocab.json or tokenizer.json. */
#include "text/vocabulary.h"

#include "format/file.h"
#include "format/json_file.h"
#include "format/other_format.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

enum { FILE_MAX = 16 << 20 };

/* ---- a header, then a merge a line ---- */

static enum cp_status read_lines(const char *path, char *text, size_t most, struct cp_arena *arena,
                                 struct cp_vocabulary *v, struct cp_error *err) {
    v->path = path;
    v->unit = "line";
    v->first = 2;
    CP_TRY(CP_ARENA_ALLOC(arena, v->merges, most, err, path, "the vocabulary"));
    if (!strstr(strsep(&text, "\n"), "#version"))
        return cp_fail(err, CP_BAD_INPUT, path, "line 1 is not a header"),
               cp_expected(err, "bpe_simple_vocab_16e6.txt or merges.txt, which begin with #version; "
                                "vocab.json; tokenizer.json");
    while (v->merge_count < most && text && *text)
        v->merges[v->merge_count++] = strsep(&text, "\n");
    return CP_OK;
}

static enum cp_status read_merges_beside(const char *path, size_t most, struct cp_arena *arena,
                                         struct cp_vocabulary *v, struct cp_error *err) {
    const char *slash = strrchr(path, '/');
    const char *merges = cp_arena_printf(arena, "%.*smerges.txt", (int)(slash ? slash + 1 - path : 0), path);
    struct cp_file file;
    CP_TRY(CP_CHECK_ALLOC(merges, err, path, "the vocabulary"));
    CP_TRY(cp_file_read(merges, FILE_MAX, arena, &file, err));
    return read_lines(merges, file.text, most, arena, v, err);
}

/* ---- JSON ---- */

static enum cp_status bad_json(const char *path, const char *what, struct cp_error *err) {
    return cp_fail(err, CP_BAD_INPUT, path, "%s", what),
           cp_expected(err, "vocab.json, token: id, or a tokenizer.json of a byte-pair encoding");
}

static enum cp_status add_token(const char *path, const char *token, const json_t *id,
                                struct cp_vocabulary *v, struct cp_arena *arena, struct cp_error *err) {
    const json_int_t number = json_is_integer(id) ? json_integer_value(id) : -1;
    if (number < 0 || (size_t)number >= v->token_count)
        return cp_fail(err, CP_BAD_INPUT, path, "token '%.60s' has an id that is none of %zu", token,
                       v->token_count),
               cp_expected(err, "ids without gaps, from 0 on");
    const char **slot = &v->tokens[number];
    if (*slot && strcmp(*slot, token) != 0)
        return cp_fail(err, CP_BAD_INPUT, path, "tokens '%.60s' and '%.60s' have one id, %lld", *slot, token,
                       (long long)number),
               cp_expected(err, "ids without gaps, from 0 on");
    *slot = cp_arena_strdup(arena, token);
    return CP_CHECK_ALLOC(*slot, err, path, "the vocabulary");
}

/* Tokens that stand beside the vocabulary, which may name them too: those that it does not. */
static size_t count_added(const json_t *vocabulary, const json_t *added) {
    size_t count = 0, i;
    json_t *token;
    json_array_foreach(added, i, token) {
        const char *content = json_string_value(json_object_get(token, "content"));
        count += content && !json_object_get(vocabulary, content);
    }
    return count;
}

static enum cp_status add_added(const char *path, const json_t *added, struct cp_vocabulary *v,
                                struct cp_arena *arena, struct cp_error *err) {
    size_t i;
    json_t *token;
    json_array_foreach(added, i, token) {
        const char *content = json_string_value(json_object_get(token, "content"));
        if (!content)
            return bad_json(path, "has an added token without content", err);
        CP_TRY(add_token(path, content, json_object_get(token, "id"), v, arena, err));
    }
    return CP_OK;
}

static enum cp_status read_tokens(const char *path, json_t *vocabulary, const json_t *added,
                                  struct cp_arena *arena, struct cp_vocabulary *v, struct cp_error *err) {
    const char *token;
    json_t *id;
    v->token_count = json_object_size(vocabulary) + count_added(vocabulary, added);
    if (v->token_count == 0)
        return bad_json(path, "has no tokens", err);
    CP_TRY(CP_ARENA_CALLOC(arena, v->tokens, v->token_count, err, path, "the vocabulary"));
    json_object_foreach(vocabulary, token, id) {
        CP_TRY(add_token(path, token, id, v, arena, err));
    }
    CP_TRY(add_added(path, added, v, arena, err));
    for (size_t i = 0; i < v->token_count; i++)
        if (!v->tokens[i])
            return cp_fail(err, CP_BAD_INPUT, path, "no token has id %zu, of %zu tokens", i, v->token_count),
                   cp_expected(err, "ids without gaps, from 0 on");
    return CP_OK;
}

/* "left right", or ["left", "right"]. */
static const char *merge_text(const json_t *merge, struct cp_arena *arena) {
    if (json_is_string(merge))
        return cp_arena_strdup(arena, json_string_value(merge));
    const char *left = json_string_value(json_array_get(merge, 0));
    const char *right = json_string_value(json_array_get(merge, 1));
    return left && right && json_array_size(merge) == 2 ? cp_arena_printf(arena, "%s %s", left, right) : "";
}

static enum cp_status read_merges(const char *path, const json_t *merges, struct cp_arena *arena,
                                  struct cp_vocabulary *v, struct cp_error *err) {
    size_t i;
    json_t *merge;
    v->path = path;
    v->unit = "merge";
    v->merge_count = json_array_size(merges);
    CP_TRY(CP_ARENA_ALLOC(arena, v->merges, v->merge_count, err, path, "the vocabulary"));
    json_array_foreach(merges, i, merge) {
        CP_TRY(CP_CHECK_ALLOC(v->merges[i] = merge_text(merge, arena), err, path, "the vocabulary"));
    }
    return CP_OK;
}

static enum cp_status read_tokenizer(const char *path, const json_t *root, const json_t *model,
                                     struct cp_arena *arena, struct cp_vocabulary *v, struct cp_error *err) {
    json_t *vocabulary = json_object_get(model, "vocab");
    const json_t *merges = json_object_get(model, "merges");
    const char *suffix = json_string_value(json_object_get(model, "end_of_word_suffix"));
    if (!json_is_object(vocabulary) || !json_is_array(merges))
        return bad_json(path, "has no model.vocab and model.merges", err);
    if (!suffix || strcmp(suffix, "</w>") != 0)
        return bad_json(path, "has another model.end_of_word_suffix than </w>", err);
    CP_TRY(read_tokens(path, vocabulary, json_object_get(root, "added_tokens"), arena, v, err));
    return read_merges(path, merges, arena, v, err);
}

static enum cp_status read_json(const char *path, const struct cp_file *file, size_t most,
                                struct cp_arena *arena, struct cp_vocabulary *v, struct cp_error *err) {
    json_t *root;
    enum cp_status status;
    CP_TRY(cp_json_parse(path, file->text, file->size, JSON_REJECT_DUPLICATES, "vocab.json or tokenizer.json",
                         &root, err));
    const json_t *model = json_object_get(root, "model");
    if (json_is_object(model))
        status = read_tokenizer(path, root, model, arena, v, err);
    else if ((status = read_tokens(path, root, NULL, arena, v, err)) == CP_OK)
        status = read_merges_beside(path, most, arena, v, err);
    json_decref(root);
    return status;
}

enum cp_status cp_vocabulary_read(const char *path, size_t most, struct cp_arena *arena,
                                  struct cp_vocabulary *vocabulary, struct cp_error *err) {
    struct cp_file file;
    *vocabulary = (struct cp_vocabulary){.path = path};
    CP_TRY(cp_file_read(path, FILE_MAX, arena, &file, err));
    if (cp_is_other_format(file.bytes, file.size))
        return cp_other_format(path, file.bytes, file.size, "a vocabulary", err);
    if (file.text[strspn(file.text, " \t\r\n")] == '{')
        return read_json(path, &file, most, arena, vocabulary, err);
    return read_lines(path, file.text, most, arena, vocabulary, err);
}
