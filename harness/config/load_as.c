/* SPDX-License-Identifier: GPL-3.0-or-later
 * mlfoundations/open_clip src/open_clip/factory.py at v2.0.0 to v3.3.0 and 89fb801 (4.2.0.dev0). Up to v2.28.0 the tag openai goes to
 * load_openai_model, whose build_model_from_openai_state_dict has quick_gelu=True whatever the name says.
 * Commit 84f7d2f (v2.29.0) made it a tag like others: the model's config decides, and a warning compares it
 * with the tag's. v3.0.0 reworded the warning. A file's path has never been compared with anything. A tag also brings
 * its preprocessing: mean and std from the start, the whole PreprocessCfg since v2.23.0. */
#include "config/load_as.h"

#include "config/open_clip_tag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct era {
    int major, minor;                          /* the first version */
    bool openai_forces;                        /* pretrained='openai' computes QuickGELU under any name */
    bool merges;                               /* a tag's filter and resize mode, too, are applied */
    const char *quick_weights, *other_weights; /* the warning where only the weights, or only the config has
                                                  it; NULL: none. %s is the tag */
} eras[] = {
    {3, 0, false, true,
     "QuickGELU mismatch between final model config (quick_gelu=False) and pretrained tag '%s' "
     "(quick_gelu=True).",
     "QuickGELU mismatch between final model config (quick_gelu=True) and pretrained tag '%s' "
     "(quick_gelu=False)."},
    {2, 29, false, true,
     "These pretrained weights were trained with QuickGELU activation but the model config does not have "
     "that "
     "enabled. Consider using a model config with a \"-quickgelu\" suffix or enable with a flag.",
     "The pretrained weights were not trained with QuickGELU but this activation is enabled in the model "
     "config, "
     "consider using a model config without QuickGELU or disable override flags."},
    {2, 23, true, true, NULL, NULL},
    {2, 0, true, false, NULL, NULL},
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

static const char *warning_of(const struct era *era, const struct cp_load_answer *answer, const char *tag,
                              struct cp_arena *arena) {
    if (!answer->of_tag || answer->tag_quick_gelu == answer->quick_gelu)
        return NULL;
    const char *text = answer->tag_quick_gelu ? era->quick_weights : era->other_weights;
    const char *hole = text ? strstr(text, "%s") : NULL;
    return hole ? cp_arena_printf(arena, "%.*s%s%s", (int)(hole - text), text, tag, hole + 2) : text;
}

/* How a tag's pictures are made: before 2.23 by its mean and std alone. */
static void take_preprocessing(const struct era *era, struct cp_clip_config of_tag,
                               struct cp_clip_config *config) {
    if (!era->merges) {
        of_tag.filter = config->filter;
        of_tag.resize_mode = config->resize_mode;
        of_tag.fill = config->fill;
    }
    cp_clip_config_take_preprocessing(config, &of_tag);
}

/* The activation that a tag's weights were trained with, and their preprocessing. */
static enum cp_status ask_tag(const struct cp_load_call *call, const struct era *era,
                              struct cp_load_answer *answer, struct cp_error *err) {
    struct cp_open_clip_tag known;
    CP_TRY(cp_open_clip_tag(call->name, call->pretrained, &known, err));
    answer->of_tag = true;
    answer->tag_quick_gelu = known.quick_gelu;
    take_preprocessing(era, known.preprocessed, &answer->config);
    return CP_OK;
}

enum cp_status cp_load_as(const struct cp_load_call *call, struct cp_arena *arena,
                          struct cp_load_answer *answer, struct cp_error *err) {
    char tag[64];
    const struct era *era = era_of(call->version, &answer->version);
    if (!era)
        return cp_fail(err, CP_BAD_INPUT, "", "load_as: '%.100s' is not a version of open_clip",
                       call->version),
               cp_expected(err, "open_clip-MAJOR.MINOR from 2.0 on, such as open_clip-2.24");
    *answer = (struct cp_load_answer){.version = answer->version};
    CP_TRY(cp_clip_config_named(call->name, &answer->config, err));
    const bool named = (cp_clip_config_activation(&answer->config) == CP_CONFIG_QUICK);
    cp_open_clip_clean_tag(call->pretrained, tag);
    answer->quick_gelu = named || call->force_quick_gelu;
    answer->why = named                    ? "as the config of that name has it"
                  : call->force_quick_gelu ? "by force_quick_gelu"
                                           : "as the config of that name does not have QuickGELU";
    if (is_path(call->pretrained))
        answer->of_tag = false;
    else if (era->openai_forces && strcmp(tag, "openai") == 0) {
        answer->quick_gelu = true;
        answer->why = "as OpenAI's weights have it under any name";
    } else
        CP_TRY(ask_tag(call, era, answer, err));
    cp_clip_config_activate(&answer->config, answer->quick_gelu ? CP_CONFIG_QUICK : CP_CONFIG_ERF);
    answer->warning = warning_of(era, answer, call->pretrained, arena);
    return CP_OK;
}
