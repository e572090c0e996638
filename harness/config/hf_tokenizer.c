/* SPDX-License-Identifier: GPL-3.0-or-later
 * tokenizer_config.json and tokenizer.json: how long texts may be, how many ids there are, and which one ends a text. */
#include "config/hf_folder.h"

#include "format/json_file.h"

#include <stdio.h>
#include <string.h>

enum { FILE_MAX = 64 << 20 };
enum { NO_LIMIT = 1 << 30 }; /* transformers writes 1e30 where nothing limits the length */

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

bool cp_hf_tokenizer_is_clip(const char *class) {
    return strncmp(class, "CLIPTokenizer", strlen("CLIPTokenizer")) == 0;
}

/* Whether a normalizer, or one in its sequence, lowers case. */
static bool lowers(const json_t *normalizer) {
    const char *type = json_string_value(json_object_get(normalizer, "type"));
    size_t i;
    json_t *part;
    json_array_foreach(json_object_get(normalizer, "normalizers"), i, part) {
        const char *of_part = json_string_value(json_object_get(part, "type"));
        if (of_part && strcmp(of_part, "Lowercase") == 0)
            return true;
    }
    return type && strcmp(type, "Lowercase") == 0;
}

static void copy(char *to, size_t size, const char *text) {
    (void)snprintf(to, size, "%s", text ? text : "");
}

static void read_settings(const json_t *settings, struct cp_hf_tokenizer *facts) {
    const json_t *length = json_object_get(settings, "model_max_length");
    facts->settings = settings != NULL;
    copy(facts->class, sizeof facts->class, json_string_value(json_object_get(settings, "tokenizer_class")));
    copy(facts->eos, sizeof facts->eos, token_text(json_object_get(settings, "eos_token")));
    copy(facts->bos, sizeof facts->bos, token_text(json_object_get(settings, "bos_token")));
    if (json_is_number(length) && json_number_value(length) < NO_LIMIT)
        facts->max_length = (long)json_number_value(length);
}

static void read_tokenizer(const json_t *tokenizer, struct cp_hf_tokenizer *facts) {
    const json_t *length = json_object_get(json_object_get(tokenizer, "truncation"), "max_length");
    facts->file = true;
    facts->ids = (long)ids_of(tokenizer);
    facts->eos_id = (long)id_of(tokenizer, facts->eos);
    facts->bos_id = (long)id_of(tokenizer, facts->bos);
    facts->lowers = lowers(json_object_get(tokenizer, "normalizer"));
    copy(facts->model, sizeof facts->model,
         json_string_value(json_object_get(json_object_get(tokenizer, "model"), "type")));
    if (json_is_integer(length))
        facts->truncates = (long)json_integer_value(length);
}

enum cp_status cp_hf_tokenizer_read(const char *path, struct cp_hf_tokenizer *facts, struct cp_error *err) {
    json_t *settings = NULL, *tokenizer = NULL;
    struct cp_arena arena = {0};
    const char *where;
    enum cp_status status = cp_json_beside(path, "tokenizer_config.json", FILE_MAX, JSON_DECODE_INT_AS_REAL,
                                           &arena, &where, &settings, err);
    if (status == CP_OK)
        status = cp_json_beside(path, "tokenizer.json", FILE_MAX, 0, &arena, &where, &tokenizer, err);
    *facts =
        (struct cp_hf_tokenizer){.max_length = -1, .ids = -1, .eos_id = -1, .bos_id = -1, .truncates = -1};
    read_settings(settings, facts);
    if (tokenizer)
        read_tokenizer(tokenizer, facts);
    json_decref(settings);
    json_decref(tokenizer);
    cp_arena_free(&arena);
    return status;
}
