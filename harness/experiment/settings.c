/* SPDX-License-Identifier: GPL-3.0-or-later
 * Baseline, candidates and what to record. */
#include "experiment/read.h"

#include <string.h>

enum cp_status cp_read_setting(const struct cp_yaml_entry *entry, const struct cp_yaml *value,
                               const char *key, struct cp_setting *setting, struct cp_error *err) {
    const char *address = entry->key;
    const size_t name = strspn(address, CP_NAME_CHARACTERS "."), length = strlen(address);
    const size_t layers = address[name] == '@' ? strspn(address + name + 1, CP_NAME_CHARACTERS ".*") : 0;
    if (name == 0 || length > CP_NAME_MAX || (name < length && (layers == 0 || name + 1 + layers < length)))
        return (void)cp_mark_fail(&entry->mark, err, "%s: malformed address '%.100s'", key, address),
               cp_expected(err, "component[.knob][@layers], such as attention.compute@visual.4-5");
    setting->address = address;
    setting->mark = entry->mark;
    setting->value_mark = value->mark;
    return cp_yaml_string(value, address, &setting->value, err);
}

enum cp_status cp_check_map(const struct cp_yaml *node, struct cp_error *err) {
    const struct cp_yaml *map = cp_yaml_get(node, "map");
    if (map && !cp_yaml_get(node, "capture"))
        return (void)cp_mark_fail(&map->mark, err, "map without capture"),
               cp_expected(err, "the file that it is of");
    return CP_OK;
}

/* `capture` and `map` of a pass, as far as they are there. */
static enum cp_status read_capture(const struct cp_yaml *node, struct cp_capture_choice *choice,
                                   struct cp_error *err) {
    const struct cp_yaml *path = cp_yaml_get(node, "capture"), *map = cp_yaml_get(node, "map");
    if (path)
        CP_TRY(cp_read_text(path, "capture", &choice->file, err));
    CP_TRY(cp_check_map(node, err));
    return map ? cp_read_text(map, "map", &choice->map, err) : CP_OK;
}

/* A pass that is not computed, whose settings say how it was, and a pass's own weights. */
static bool is_pass_key(const struct cp_candidate *pass, const char *key) {
    if (pass->checkpoint.text && strcmp(key, "checkpoint") == 0)
        return true;
    return pass->capture.file.text && (strcmp(key, "capture") == 0 || strcmp(key, "map") == 0);
}

static enum cp_status read_pass(struct cp_experiment *experiment, const struct cp_yaml *node, const char *key,
                                struct cp_candidate *candidate, struct cp_error *err) {
    CP_TRY(cp_yaml_keys(node, key, NULL, err));
    const struct cp_yaml *checkpoint = cp_yaml_get(node, "checkpoint");
    CP_TRY(read_capture(node, &candidate->capture, err));
    if (checkpoint)
        CP_TRY(cp_read_text(checkpoint, "checkpoint", &candidate->checkpoint, err));
    return cp_read_settings(experiment, node, key, candidate, err);
}

enum cp_status cp_read_baseline(struct cp_experiment *experiment, const struct cp_yaml *root,
                                const struct cp_yaml *baseline, struct cp_error *err) {
    experiment->baseline = (struct cp_candidate){.name = "baseline", .mark = root->mark};
    return baseline ? read_pass(experiment, baseline, "baseline", &experiment->baseline, err) : CP_OK;
}

enum cp_status cp_read_settings(struct cp_experiment *experiment, const struct cp_yaml *node, const char *key,
                                struct cp_candidate *candidate, struct cp_error *err) {
    CP_TRY(cp_yaml_keys(node, key, NULL, err));
    CP_TRY(CP_ARENA_CALLOC(&experiment->arena, candidate->settings, node->count, err, node->mark.source,
                           "an experiment"));
    for (size_t i = 0; i < node->count; i++) {
        const struct cp_yaml_entry *entry = &node->entries[i];
        if (is_pass_key(candidate, entry->key))
            continue;
        CP_TRY(cp_read_setting(entry, entry->value, key, &candidate->settings[candidate->count++], err));
    }
    return CP_OK;
}

/* A name that people give has no dots, so that it can be told from the address behind it in an override. A +
 * joins the factors of a factorial's cell. The names of a sweep's cells, ADDRESS=VALUE,..., come back in a
 * printed experiment. */
static bool is_candidate_name(const char *name) {
    const size_t length = strlen(name);
    if (length == 0 || length > CP_NAME_MAX)
        return false;
    if (!strchr(name, '='))
        return strspn(name, CP_NAME_CHARACTERS "+") == length;
    for (const char *c = name; *c; c++)
        if (*c <= ' ' || *c > '~' || *c == '/')
            return false;
    return true;
}

static enum cp_status check_names(const struct cp_experiment *experiment, struct cp_error *err) {
    for (size_t i = 0; i < experiment->candidate_count; i++) {
        const struct cp_candidate *candidate = &experiment->candidates[i];
        if (!is_candidate_name(candidate->name))
            return (void)cp_mark_fail(&candidate->mark, err, "candidates: '%.300s' is not a name",
                                      candidate->name),
                   cp_expected(err, "at most %d %s", CP_NAME_MAX,
                               strchr(candidate->name, '=') ? "printable ASCII characters, no blank and no /"
                                                            : "letters, digits, _, - and +");
        if (strcmp(candidate->name, "baseline") == 0 || strcmp(candidate->name, "oracle") == 0)
            return (void)cp_mark_fail(&candidate->mark, err, "candidates: '%s' is reserved", candidate->name),
                   cp_expected(err, "another name");
        for (size_t j = 0; j < i; j++)
            if (strcmp(candidate->name, experiment->candidates[j].name) == 0)
                return cp_mark_fail(&candidate->mark, err, "candidates: two are named '%s'", candidate->name);
    }
    return CP_OK;
}

enum cp_status cp_read_candidates(struct cp_experiment *experiment, const struct cp_yaml *root,
                                  const struct cp_yaml *candidates, struct cp_error *err) {
    const struct cp_yaml *sweep = cp_yaml_get(root, "sweep");
    const struct cp_yaml *factorial = cp_yaml_get(root, "factorial");
    const struct cp_yaml *layerwise = cp_yaml_get(root, "layerwise");
    if (candidates)
        CP_TRY(cp_yaml_keys(candidates, "candidates", NULL, err));
    if (candidates && candidates->count > CP_CANDIDATES_MAX)
        return (void)cp_mark_fail(&candidates->mark, err, "%zu candidates", candidates->count),
               cp_expected(err, "at most %d", CP_CANDIDATES_MAX);
    CP_TRY(CP_ARENA_CALLOC(&experiment->arena, experiment->candidates, CP_CANDIDATES_MAX, err,
                           experiment->baseline.mark.source, "an experiment"));
    for (size_t i = 0; candidates && i < candidates->count; i++) {
        const struct cp_yaml_entry *entry = &candidates->entries[i];
        struct cp_candidate *candidate = &experiment->candidates[experiment->candidate_count++];
        candidate->name = entry->key;
        candidate->mark = entry->mark;
        CP_TRY(read_pass(experiment, entry->value, entry->key, candidate, err));
    }
    if (sweep)
        CP_TRY(cp_read_sweep(experiment, sweep, err));
    experiment->factorial_first = experiment->candidate_count;
    if (factorial)
        CP_TRY(cp_read_factorial(experiment, factorial, err));
    if (layerwise)
        CP_TRY(cp_read_layerwise(experiment, layerwise, err));
    return check_names(experiment, err);
}

const char *const cp_record_names[] = {[CP_MODE_OFF] = "off",
                                       [CP_MODE_DIGEST] = "digest",
                                       [CP_MODE_STATS] = "stats",
                                       [CP_MODE_FULL] = "full",
                                       NULL};

static enum cp_status read_rule(const struct cp_yaml_entry *entry, struct cp_record_rule *rule,
                                struct cp_error *err) {
    const size_t length = strlen(entry->key);
    int mode = 0;
    if (length == 0 || length > CP_NAME_MAX || strspn(entry->key, CP_NAME_CHARACTERS ".*?") != length)
        return (void)cp_mark_fail(&entry->mark, err, "record: '%.100s' is not a tap glob", entry->key),
               cp_expected(err, "a tap's name, in which * is any run of characters and ? any one");
    CP_TRY(cp_yaml_choice(entry->value, entry->key, cp_record_names, &mode, err));
    *rule = (struct cp_record_rule){entry->key, (enum cp_record_mode)mode, entry->mark};
    return CP_OK;
}

enum cp_status cp_read_record(struct cp_experiment *experiment, const struct cp_yaml *root,
                              const struct cp_yaml *node, struct cp_error *err) {
    const struct cp_mark nowhere = {root->mark.source, 0, 0};
    if (node)
        CP_TRY(cp_yaml_keys(node, "record", NULL, err));
    const size_t count = node ? node->count : 0;
    const struct cp_yaml *limit = node ? cp_yaml_get(node, "limit") : NULL;
    experiment->record_limit = CP_RECORD_LIMIT;
    if (limit)
        CP_TRY(cp_read_bytes(limit, "record.limit", &experiment->record_limit, err));
    CP_TRY(CP_ARENA_CALLOC(&experiment->arena, experiment->record, count + 1, err, nowhere.source,
                           "an experiment"));
    experiment->record[experiment->record_count++] = (struct cp_record_rule){"*", CP_MODE_STATS, nowhere};
    for (size_t i = 0; i < count; i++) {
        if (node->entries[i].value == limit)
            continue;
        if (strcmp(node->entries[i].key, "*") == 0)
            experiment->record_count = 0; /* no rule before this one can win */
        CP_TRY(read_rule(&node->entries[i], &experiment->record[experiment->record_count++], err));
    }
    if (experiment->record_count > CP_YAML_KEYS)
        return (void)cp_mark_fail(&node->mark, err, "record: %zu globs", count),
               cp_expected(err, "fewer than %d", CP_YAML_KEYS);
    return CP_OK;
}

enum cp_status cp_settings_parse(const char *text, const char *where, struct cp_arena *arena,
                                 struct cp_candidate *pass, struct cp_error *err) {
    size_t most = 1;
    for (const char *c = text; *c; c++)
        most += *c == ',';
    CP_TRY(CP_ARENA_CALLOC(arena, pass->settings, most, err, "", "settings"));
    for (size_t i = 0; i < most; i++) {
        const size_t length = strcspn(text, ","), key = strcspn(text, "=,");
        if (key == 0 || key + 1 >= length)
            return (void)cp_fail(err, CP_BAD_INPUT, where, "'%.*s' is not a setting", (int)length, text),
                   cp_expected(err, "ADDRESS=VALUE, such as activation=erf; `clip-parity list` shows them");
        const struct cp_mark mark = {where, 0, 0};
        struct cp_setting *setting = &pass->settings[pass->count++];
        *setting = (struct cp_setting){
            cp_arena_printf(arena, "%.*s", (int)key, text),
            cp_arena_printf(arena, "%.*s", (int)(length - key - 1), text + key + 1), mark, mark};
        CP_TRY(CP_CHECK_ALLOC(setting->address && setting->value, err, "", "settings"));
        text += length + (text[length] != '\0');
    }
    return CP_OK;
}
