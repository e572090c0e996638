/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reads what an experiment file has for the rows of field.c: a reader for each kind, and the walk over a
 * section. */
#include "experiment/field.h"

#include "base/nearest.h"
#include "experiment/read.h"

#include <stdlib.h>
#include <string.h>

enum { SECTION_KEYS_MAX = 32 };

const char *cp_key_leaf(const struct cp_key *key) {
    const char *dot = strrchr(key->path, '.');
    return dot ? dot + 1 : key->path;
}

bool cp_key_in(const struct cp_key *key, const char *section) {
    const size_t length = strlen(section);
    const char *leaf = cp_key_leaf(key);
    if (length == 0)
        return leaf == key->path;
    return leaf == key->path + length + 1 && strncmp(key->path, section, length) == 0;
}

/* ---- values ---- */

static bool is_word(const struct cp_yaml *node, const char *word) {
    return word && node->kind == CP_YAML_SCALAR && strcmp(node->text, word) == 0;
}

static enum cp_status read_name(const struct cp_yaml *node, const char *key, const char **to,
                                struct cp_error *err) {
    struct cp_marked_text name = {.text = ""};
    CP_TRY(cp_read_text(node, key, &name, err));
    const size_t length = strlen(name.text);
    if (strspn(name.text, CP_NAME_CHARACTERS ".") != length || name.text[0] == '.' || length > CP_NAME_MAX)
        return (void)cp_yaml_fail(node, key, "is not a name", err),
               cp_expected(err, "at most %d letters, digits, _, - and dots, no dot first", CP_NAME_MAX);
    *to = name.text;
    return CP_OK;
}

static enum cp_status read_integer(const struct cp_key *key, const struct cp_yaml *node, int *to,
                                   struct cp_error *err) {
    if (!is_word(node, key->word))
        return cp_read_int(node, key->path, key->least, key->most, to, err);
    *to = key->other;
    return CP_OK;
}

static enum cp_status out_of_range(const struct cp_key *key, const struct cp_yaml *node,
                                   struct cp_error *err) {
    char text[200] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    if (!out)
        return cp_no_memory(err, node->mark.source, "an experiment");
    cp_key_put_range(out, key);
    (void)fclose(out);
    (void)cp_yaml_fail(node, key->path, "is out of range", err);
    return cp_expected(err, "%s%s%s", text, key->why ? "; " : "", key->why ? key->why : "");
}

static enum cp_status read_number(const struct cp_key *key, const struct cp_yaml *node, double *to,
                                  struct cp_error *err) {
    double number = 0;
    if (!is_word(node, key->word)) {
        CP_TRY(cp_yaml_number(node, key->path, &number, err));
        if (number < key->low || (key->above && number <= key->low) || (key->high > 0 && number > key->high))
            return out_of_range(key, node, err);
    }
    *to = number;
    return CP_OK;
}

static enum cp_status read_count(const struct cp_key *key, const struct cp_yaml *node, int *to,
                                 struct cp_error *err) {
    bool on = true;
    if (is_word(node, key->word)) {
        *to = key->other;
        return CP_OK;
    }
    if (node->kind == CP_YAML_SCALAR && node->text[strspn(node->text, "+-0123456789.")] == '\0')
        return cp_read_int(node, key->path, 1, INT_MAX, to, err);
    if (cp_yaml_boolean(node, key->path, &on, err) != CP_OK)
        return cp_expected(err, "%s%son, off or a number of inputs", key->word ? key->word : "",
                           key->word ? ", " : "");
    *to = on ? CP_ALL : 0;
    return CP_OK;
}

static enum cp_status read_choice(const struct cp_key *key, const struct cp_yaml *node, const char **to,
                                  struct cp_error *err) {
    int index = 0;
    CP_TRY(cp_yaml_choice(node, key->path, key->choices, &index, err));
    *to = key->choices[index];
    return CP_OK;
}

static enum cp_status read_section(const struct cp_key *key, struct cp_experiment *experiment,
                                   const struct cp_yaml *node, struct cp_error *err) {
    CP_TRY(cp_keys_known(node, key->path, key->path, err));
    if (key->before)
        CP_TRY(key->before(experiment, node, err));
    CP_TRY(cp_keys_read(experiment, key->path, node, err));
    return key->after ? key->after(experiment, node, err) : CP_OK;
}

static enum cp_status read_value(const struct cp_key *key, struct cp_experiment *experiment,
                                 const struct cp_yaml *node, struct cp_error *err) {
    void *to = (char *)experiment + key->at;
    switch (key->kind) {
    case CP_KEY_STRING:
        return cp_yaml_string(node, key->path, to, err);
    case CP_KEY_NAME:
        return read_name(node, key->path, to, err);
    case CP_KEY_TEXT:
        return cp_read_text(node, key->path, to, err);
    case CP_KEY_CAPTURE:
        return cp_read_text(node, cp_key_leaf(key), to, err);
    case CP_KEY_INTEGER:
        return read_integer(key, node, to, err);
    case CP_KEY_SEED:
        return cp_yaml_integer(node, key->path, 0, INT64_MAX, to, err);
    case CP_KEY_NUMBER:
        return read_number(key, node, to, err);
    case CP_KEY_BOOLEAN:
        return cp_yaml_boolean(node, key->path, to, err);
    case CP_KEY_COUNT:
        return read_count(key, node, to, err);
    case CP_KEY_CHOICE:
        return read_choice(key, node, to, err);
    case CP_KEY_SECTION:
        return read_section(key, experiment, node, err);
    case CP_KEY_SPECIAL:
        break;
    }
    return CP_OK;
}

/* ---- sections ---- */

enum cp_status cp_keys_initial(struct cp_experiment *experiment, struct cp_error *err) {
    for (size_t k = 0; k < cp_key_count; k++) {
        const struct cp_key *key = &cp_keys[k];
        const struct cp_yaml node = {
            .kind = CP_YAML_SCALAR, .mark = {.source = key->path}, .text = key->initial, .plain = true};
        if (key->initial)
            CP_TRY(read_value(key, experiment, &node, err));
        else if (key->kind == CP_KEY_INTEGER)
            *(int *)((char *)experiment + key->at) = key->other;
    }
    return CP_OK;
}

/* The key of another section that is called so; NULL: none is. */
static const struct cp_key *elsewhere(const char *leaf, const char *section) {
    for (size_t k = 0; k < cp_key_count; k++)
        if (!cp_key_in(&cp_keys[k], section) && strcmp(cp_key_leaf(&cp_keys[k]), leaf) == 0)
            return &cp_keys[k];
    return NULL;
}

static bool is_one_of(const char *name, const char *const *names) {
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

/* A key without its section, as in limit=2, is told where it belongs. */
static enum cp_status check_sections(const struct cp_yaml *node, const char *section, const char *name,
                                     const char *const *names, struct cp_error *err) {
    for (size_t i = 0; node->kind == CP_YAML_MAPPING && i < node->count; i++) {
        const struct cp_yaml_entry *entry = &node->entries[i];
        const struct cp_key *key = is_one_of(entry->key, names) ? NULL : elsewhere(entry->key, section);
        if (key)
            return cp_mark_fail(&entry->mark, err, "unknown key '%.100s' in %s", entry->key, name),
                   cp_did_you_mean(err, key->path, ""), cp_expected(err, "%s: %s", key->path, key->help);
    }
    return CP_OK;
}

enum cp_status cp_keys_known(const struct cp_yaml *node, const char *section, const char *name,
                             struct cp_error *err) {
    const char *names[SECTION_KEYS_MAX + 1] = {NULL};
    size_t count = 0;
    for (size_t k = 0; k < cp_key_count && count < SECTION_KEYS_MAX; k++)
        if (cp_key_in(&cp_keys[k], section))
            names[count++] = cp_key_leaf(&cp_keys[k]);
    CP_TRY(check_sections(node, section, name, names, err));
    return cp_yaml_keys(node, name, names, err);
}

enum cp_status cp_keys_read(struct cp_experiment *experiment, const char *section, const struct cp_yaml *node,
                            struct cp_error *err) {
    for (size_t k = 0; k < cp_key_count; k++) {
        const struct cp_key *key = &cp_keys[k];
        if (!cp_key_in(key, section))
            continue;
        const struct cp_yaml *value = cp_yaml_get(node, cp_key_leaf(key));
        if (key->read)
            CP_TRY(key->read(experiment, node, value, err));
        else if (value)
            CP_TRY(read_value(key, experiment, value, err));
    }
    return CP_OK;
}
