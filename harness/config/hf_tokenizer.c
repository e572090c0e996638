/* SPDX-License-Identifier: GPL-3.0-or-later
 * tokenizer_config.json and tokenizer.json: how long texts may be, how many ids there are, and which one ends a text. */
#include "config/hf_folder.h"
#include "format/file.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = 64 << 20 };
enum { NO_LIMIT = 1 << 30 }; /* transformers writes 1e30 where nothing limits the length */

/* The object in a file beside the config; NULL where there is none. */
static enum cp_status read_beside(const char *config, const char *name, struct cp_arena *arena, json_t **root,
                                  struct cp_error *err) {
    const char *slash = strrchr(config, '/');
    const char *path = cp_arena_printf(arena, "%.*s%s", slash ? (int)(slash - config + 1) : 0, config, name);
    struct cp_file file;
    json_error_t at;
    *root = NULL;
    CP_TRY(CP_CHECK_ALLOC(path, err, "", "a path"));
    if (access(path, F_OK) != 0)
        return CP_OK;
    CP_TRY(cp_file_read(path, FILE_MAX, arena, &file, err));
    *root = json_loadb(file.text, file.size, 0, &at);
    if (!*root)
        return cp_fail(err, CP_BAD_INPUT, path, "line %d, column %d: %s", at.line, at.column, at.text),
               cp_expected(err, "what transformers' save_pretrained writes");
    return CP_OK;
}

/* A token of tokenizer_config.json: a string, or an object with its content. */
static const char *token_text(const json_t *token) {
    return json_string_value(json_is_object(token) ? json_object_get(token, "content") : token);
}

/* The id of a token that tokenizer.json added, or -1. */
static json_int_t id_of(const json_t *tokenizer, const char *text) {
    size_t i;
    json_t *token;
    json_array_foreach(json_object_get(tokenizer, "added_tokens"), i, token) {
        const char *content = json_string_value(json_object_get(token, "content"));
        if (content && strcmp(content, text) == 0)
            return json_integer_value(json_object_get(token, "id"));
    }
    return -1;
}

/* One more than the largest id. */
static json_int_t ids_of(const json_t *tokenizer) {
    const char *key;
    size_t i;
    json_t *value;
    json_int_t most = -1;
    json_object_foreach(json_object_get(json_object_get(tokenizer, "model"), "vocab"), key, value) {
        if (json_integer_value(value) > most)
            most = json_integer_value(value);
    }
    json_array_foreach(json_object_get(tokenizer, "added_tokens"), i, value) {
        if (json_integer_value(json_object_get(value, "id")) > most)
            most = json_integer_value(json_object_get(value, "id"));
    }
    return most + 1;
}

static struct cp_hf_tokenizer facts_of(const json_t *settings, const json_t *tokenizer) {
    const json_t *length = json_object_get(settings, "model_max_length");
    const char *eos = token_text(json_object_get(settings, "eos_token"));
    const bool limited = json_is_integer(length) && json_integer_value(length) < NO_LIMIT;
    return (struct cp_hf_tokenizer){.max_length = limited ? (long)json_integer_value(length) : -1,
                                    .ids = tokenizer ? (long)ids_of(tokenizer) : -1,
                                    .eos = tokenizer && eos ? (long)id_of(tokenizer, eos) : -1};
}

enum cp_status cp_hf_tokenizer_read(const char *path, struct cp_hf_tokenizer *facts, struct cp_error *err) {
    json_t *settings = NULL, *tokenizer = NULL;
    struct cp_arena arena = {0};
    enum cp_status status = read_beside(path, "tokenizer_config.json", &arena, &settings, err);
    if (status == CP_OK)
        status = read_beside(path, "tokenizer.json", &arena, &tokenizer, err);
    *facts = facts_of(settings, tokenizer);
    json_decref(settings);
    json_decref(tokenizer);
    cp_arena_free(&arena);
    return status;
}
