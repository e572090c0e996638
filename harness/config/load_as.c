/* SPDX-License-Identifier: GPL-3.0-or-later
 * mlfoundations/open_clip src/open_clip/factory.py at v2.0.0 to v3.3.0. Up to v2.28.0 the tag openai goes to
 * load_openai_model, whose build_model_from_openai_state_dict has quick_gelu=True whatever the name says.
 * Commit 84f7d2f (v2.29.0) made it a tag like others: the model's config decides, and a warning compares it
 * with the tag's. v3.0.0 reworded the warning. A file's path has never been compared with anything. */
#include "config/load_as.h"

#include "base/nearest.h"
#include "format/json_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct era {
    int major, minor;                          /* the first version */
    bool openai_forces;                        /* pretrained='openai' computes QuickGELU under any name */
    const char *quick_weights, *other_weights; /* the warning where only the weights, or only the config has
                                                  it; NULL: none. %s is the tag */
} eras[] = {
    {3, 0, false,
     "QuickGELU mismatch between final model config (quick_gelu=False) and pretrained tag '%s' "
     "(quick_gelu=True).",
     "QuickGELU mismatch between final model config (quick_gelu=True) and pretrained tag '%s' "
     "(quick_gelu=False)."},
    {2, 29, false,
     "These pretrained weights were trained with QuickGELU activation but the model config does not have "
     "that "
     "enabled. Consider using a model config with a \"-quickgelu\" suffix or enable with a flag.",
     "The pretrained weights were not trained with QuickGELU but this activation is enabled in the model "
     "config, "
     "consider using a model config without QuickGELU or disable override flags."},
    {2, 0, true, NULL, NULL},
};

/* Whole numbers with dots between them; how many, 0 where the text is anything else. */
static int read_numbers(const char *text, long numbers[3]) {
    int count = 0;
    for (char *end = NULL; count < 3; text = end + 1) {
        if (*text < '0' || *text > '9')
            return 0;
        numbers[count++] = strtol(text, &end, 10);
        if (!*end)
            return count;
        if (*end != '.')
            return 0;
    }
    return 0;
}

static const struct era *era_of(const char *version, const char **number) {
    static const char prefix[] = "open_clip-";
    long v[3] = {0};
    if (strncmp(version, prefix, sizeof prefix - 1) != 0)
        return NULL;
    *number = version + sizeof prefix - 1;
    const bool known = read_numbers(*number, v) >= 2;
    for (size_t i = 0; known && i < sizeof eras / sizeof eras[0]; i++)
        if (v[0] > eras[i].major || (v[0] == eras[i].major && v[1] >= eras[i].minor))
            return &eras[i];
    return NULL;
}

/* Tags are words; paths have a dot or a slash. */
static bool is_path(const char *pretrained) {
    return strpbrk(pretrained, "./") != NULL;
}

/* open_clip's _clean_tag: tags are read in lower case and with _ for -. */
static void clean(const char *tag, char cleaned[64]) {
    (void)snprintf(cleaned, 64, "%s", tag);
    for (char *c = cleaned; *c; c++)
        if (*c == '-')
            *c = '_';
        else if (*c >= 'A' && *c <= 'Z')
            *c = "abcdefghijklmnopqrstuvwxyz"[*c - 'A'];
}

/* Whether the tag's weights were trained with QuickGELU. data/model_configs/pretrained.json has the tags of
 * each name; a name with -quickgelu has those of its weights alone. */
static enum cp_status find_tag(const struct cp_load_call *call, const char *tag, struct cp_arena *arena,
                               bool *quick, struct cp_error *err) {
    static const char suffix[] = "-quickgelu";
    const char *at = strstr(call->name, suffix), *names[64];
    const bool suffixed = at && at[sizeof suffix - 1] == '\0';
    const char *name =
        suffixed ? cp_arena_printf(arena, "%.*s", (int)(at - call->name), call->name) : call->name;
    struct cp_json_table table;
    size_t count = 0;
    CP_TRY(CP_CHECK_ALLOC(name, err, "", "a name"));
    CP_TRY(cp_json_table_read("model_configs/pretrained.json", name, arena, &table, err));
    for (size_t i = 0; i < table.count && count < sizeof names / sizeof names[0]; i++) {
        const bool is_quick = strcmp(table.entries[i].value, "true") == 0;
        if (strcmp(table.entries[i].key, tag) == 0 && (is_quick || !suffixed)) {
            *quick = is_quick;
            return CP_OK;
        }
        if (is_quick || !suffixed)
            names[count++] = table.entries[i].key;
    }
    const char *nearest = cp_nearest(tag, names, count);
    (void)cp_fail(err, CP_BAD_INPUT, "", "open_clip has no weights '%.100s' for %.100s", call->pretrained,
                  call->name);
    if (nearest)
        cp_did_you_mean(err, nearest, "");
    return cp_expected(err, "a tag of that model, or the path of a file");
}

static const char *warning_of(const struct era *era, const struct cp_load_answer *answer, const char *tag,
                              struct cp_arena *arena) {
    if (!answer->of_tag || answer->tag_quick_gelu == answer->quick_gelu)
        return NULL;
    const char *text = answer->tag_quick_gelu ? era->quick_weights : era->other_weights;
    const char *hole = text ? strstr(text, "%s") : NULL;
    return hole ? cp_arena_printf(arena, "%.*s%s%s", (int)(hole - text), text, tag, hole + 2) : text;
}

enum cp_status cp_load_as(const struct cp_load_call *call, struct cp_arena *arena,
                          struct cp_load_answer *answer, struct cp_error *err) {
    char tag[64];
    const struct era *era = era_of(call->version, &answer->version);
    if (!era)
        return cp_fail(err, CP_BAD_INPUT, "", "load_as: '%.100s' is no version of open_clip", call->version),
               cp_expected(err, "open_clip-MAJOR.MINOR from 2.0 on, such as open_clip-2.24");
    *answer = (struct cp_load_answer){.version = answer->version};
    CP_TRY(cp_clip_config_named(call->name, &answer->config, err));
    const bool named = answer->config.quick_gelu;
    clean(call->pretrained, tag);
    answer->quick_gelu = named || call->force_quick_gelu;
    answer->why = named                    ? "as the config of that name has it"
                  : call->force_quick_gelu ? "by force_quick_gelu"
                                           : "as the config of that name does not have QuickGELU";
    if (is_path(call->pretrained))
        answer->of_tag = false;
    else if (era->openai_forces && strcmp(tag, "openai") == 0) {
        answer->quick_gelu = true;
        answer->why = "as OpenAI's weights have it under any name";
    } else {
        answer->of_tag = true;
        CP_TRY(find_tag(call, tag, arena, &answer->tag_quick_gelu, err));
    }
    cp_clip_config_activate(&answer->config, answer->quick_gelu ? CP_CONFIG_QUICK : CP_CONFIG_ERF);
    answer->warning = warning_of(era, answer, call->pretrained, arena);
    return CP_OK;
}
