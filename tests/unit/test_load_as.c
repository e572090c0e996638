/* SPDX-License-Identifier: GPL-3.0-or-later
 * What each version of open_clip makes of a call, and what it says. The expectations were read in
 * src/open_clip/factory.py at v2.24.0, v2.28.0, v2.29.0, v2.32.0, v3.0.0 and v3.3.0; of all tags, with their
 * preprocessing, they are reference/golden/open_clip_tags. */
#include "support/scratch.h"
#include "support/test.h"

#include "ops/ops.h"
#include "run/load_call.h"

#include <stdio.h>
#include <string.h>

#define WITHOUT                                                                                              \
    "These pretrained weights were trained with QuickGELU activation but the model config does not have "    \
    "that "                                                                                                  \
    "enabled. Consider using a model config with a \"-quickgelu\" suffix or enable with a flag."
#define WITH                                                                                                 \
    "The pretrained weights were not trained with QuickGELU but this activation is enabled in the model "    \
    "config, "                                                                                               \
    "consider using a model config without QuickGELU or disable override flags."
#define MISMATCH(model, tag, weights)                                                                        \
    "QuickGELU mismatch between final model config (quick_gelu=" model ") and pretrained tag '" tag          \
    "' (quick_gelu=" weights ")."

static void answers(void **state) {
    static const struct {
        struct cp_load_call call;
        bool quick;
        const char *warning;
    } rows[] = {
        /* The founding case: the same weights by their tag and from a file. */
        {{"open_clip-2.24", "ViT-L-14-336", "openai", false}, true, NULL},
        {{"open_clip-2.24", "ViT-L-14-336", "tmp.pt", false}, false, NULL},
        {{"open_clip-2.24.0", "ViT-L-14-336-quickgelu", "tmp.pt", false}, true, NULL},
        {{"open_clip-2.24", "ViT-L-14-336", "tmp.pt", true}, true, NULL},
        {{"open_clip-2.28", "ViT-L/14", "OpenAI", false}, true, NULL},
        {{"open_clip-3.3", "ViT-H/14-quickgelu", "dfn5b", false}, true, NULL},
        {{"open_clip-2.0", "ViT-B-32", "laion400m_e32", false}, false, NULL},
        {{"open_clip-2.28", "ViT-B-32-quickgelu", "laion400m_e32", false}, true, NULL},
        {{"open_clip-2.29", "ViT-L-14-336", "openai", false}, false, WITHOUT},
        {{"open_clip-2.32", "ViT-L-14-336", "openai", true}, true, NULL},
        {{"open_clip-2.30", "ViT-L-14-336-quickgelu", "openai", false}, true, NULL},
        {{"open_clip-2.29", "ViT-B-32", "laion2b_s34b_b79k", true}, true, WITH},
        {{"open_clip-2.29", "ViT-B-32", "laion2b-s34b-b79k", false}, false, NULL},
        {{"open_clip-2.29", "ViT-L-14-336", "./tmp", false}, false, NULL},
        {{"open_clip-3.0", "ViT-L-14-336", "openai", false}, false, MISMATCH("False", "openai", "True")},
        {{"open_clip-3.3.0", "ViT-H-14", "dfn5b", false}, false, MISMATCH("False", "dfn5b", "True")},
        {{"open_clip-3.0", "ViT-H-14", "laion2b_s32b_b79k", true},
         true,
         MISMATCH("True", "laion2b_s32b_b79k", "False")},
        {{"open_clip-3.1", "ViT-L-14-336", "tmp.pt", true}, true, NULL},
        {{"open_clip-4.2", "ViT-L-14-336-quickgelu", "openai", false}, true, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cp_arena arena = {0};
        struct cp_load_answer answer;
        struct cp_error err = {0};
        if (cp_load_as(&rows[i].call, &arena, &answer, &err) != CP_OK)
            fail_msg("row %zu: %s (expected %s)", i, err.what, err.expected);
        if (answer.quick_gelu != rows[i].quick ||
            (answer.config.vision.activation == CP_CONFIG_QUICK) != rows[i].quick)
            fail_msg("row %zu: %d", i, answer.quick_gelu);
        if ((answer.warning == NULL) != (rows[i].warning == NULL) ||
            (answer.warning && strcmp(answer.warning, rows[i].warning) != 0))
            fail_msg("row %zu warns: %s", i, answer.warning ? answer.warning : "nothing");
        cp_arena_free(&arena);
    }
}

/* A row of tags.csv: version, name, tag, quick_gelu, mean, std, interpolation, resize_mode. */
static void write_row(const char *version, const char *name, const char *tag,
                      const struct cp_load_answer *answer, char *row, size_t size) {
    const struct cp_clip_config *c = &answer->config;
    (void)snprintf(row, size, "%s,%s,%s,%d,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%s,%s\n", version, name, tag,
                   answer->quick_gelu, c->mean[0], c->mean[1], c->mean[2], c->std[0], c->std[1], c->std[2],
                   cp_resize_filter_names[c->filter], cp_resize_mode_names[c->resize_mode]);
}

static void every_tag_as_open_clip_loads_it(void **state) {
    char line[512], row[512], version[64], of[48], name[64], tag[64];
    size_t rows = 0;
    FILE *file = fopen("reference/golden/open_clip_tags/tags.csv", "r");
    (void)state;
    assert_non_null(file);
    for (; fgets(line, sizeof line, file); rows++) {
        const struct cp_load_call call = {version, name, tag, false};
        struct cp_arena arena = {0};
        struct cp_load_answer answer;
        struct cp_error err = {0};
        assert_int_equal(sscanf(line, "%31[^,],%63[^,],%63[^,],", of, name, tag), 3);
        (void)snprintf(version, sizeof version, "open_clip-%s", of);
        if (cp_load_as(&call, &arena, &answer, &err) != CP_OK)
            fail_msg("%s: %s", line, err.what);
        write_row(of, name, tag, &answer, row, sizeof row);
        assert_string_equal(row, line);
        cp_arena_free(&arena);
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rows, 45 + 56 + 69 + 73 + 73);
}

/* A pass's own call: its pictures as well as its activation, or a refusal. */
static void passes(void **state) {
    static const struct {
        const char *name, *pretrained, *of_pass; /* the model's call, and the pass's pretrained */
        const char *filter, *mode, *says;        /* says: of a refusal */
    } rows[] = {
        {"ViT-H-14", "laion2b_s32b_b79k", "dfn5b", "bicubic", "squash", NULL},
        {"ViT-H-14", "dfn5b", "weights.pt", "bicubic", "shortest", NULL},
        {"ViT-H-14-CLIPA-336", "datacomp1b", "laion2b", "bilinear", "squash", NULL},
        {"ViT-L-14", "openai", "laion2b_s32b_b82k", NULL, NULL,
         "pretrained: that call normalises pictures by another mean and std than the model's (expected mean "
         "0.481455 "},
        {"ViT-L-14", "openai", "datacomp_xl_s13b_b90k", "bicubic", "shortest", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct cp_model_source source = {.load_as = {.text = "open_clip-3.3"},
                                               .name = {.text = rows[i].name},
                                               .pretrained = {.text = rows[i].pretrained}};
        struct cp_setting setting = {.address = "pretrained", .value = rows[i].of_pass};
        const struct cp_candidate pass = {.name = "other", .count = 1, .settings = &setting};
        const struct cp_load_call call = cp_load_call_of(&source);
        struct cp_arena arena = {0};
        struct cp_load_answer answer;
        struct cp_notes notes = {0};
        struct cp_spec *spec;
        struct cp_error err = {0};
        char line[1600];
        assert_int_equal(cp_load_as(&call, &arena, &answer, &err), CP_OK);
        assert_int_equal(cp_spec_create("s", &answer.config, cp_ops_find(NULL), &arena, &spec, &err), CP_OK);
        const enum cp_status status = cp_load_call_apply(&source, &pass, spec, &arena, &notes, &err);
        cp_error_line(&err, line, sizeof line);
        assert_int_equal(status, rows[i].says ? CP_BAD_INPUT : CP_OK);
        if (rows[i].says) {
            assert_non_null(strstr(line, rows[i].says));
        } else {
            const struct cp_preprocess how = cp_spec_preprocess(spec);
            assert_string_equal(cp_resize_filter_names[how.filter], rows[i].filter);
            assert_string_equal(cp_resize_mode_names[how.mode], rows[i].mode);
        }
        cp_arena_free(&arena);
    }
}

static void refusals(void **state) {
    static const struct {
        struct cp_load_call call;
        const char *line;
    } rows[] = {
        {{"open_clip-1.3", "ViT-B-32", "openai", false},
         "load_as: 'open_clip-1.3' is not a version of open_clip (expected open_clip-MAJOR.MINOR from 2.0 "
         "on, "
         "such as "
         "open_clip-2.24)"},
        {{"open_clip-2.24x", "ViT-B-32", "openai", false},
         "load_as: 'open_clip-2.24x' is not a version of open_clip (expected open_clip-MAJOR.MINOR from 2.0 "
         "on, "
         "such "
         "as open_clip-2.24)"},
        {{"open_clip-2.24", "ViT-B-33", "openai", false},
         "no model is named 'ViT-B-33'; did you mean 'ViT-B-32'? (expected a plain ViT of open_clip's, such "
         "as "
         "ViT-B-32 or ViT-L-14-336-quickgelu)"},
        {{"open_clip-3.0", "ViT-B-32", "laion400m_e33", false},
         "open_clip has no weights 'laion400m_e33' for ViT-B-32; did you mean 'laion400m_e31'? (expected a "
         "tag of "
         "that model, or the path of a file)"},
        {{"open_clip-3.0", "ViT-L-14-336-quickgelu", "laion2b", false},
         "open_clip has no weights 'laion2b' for ViT-L-14-336-quickgelu (expected a tag of that model, or "
         "the path "
         "of a file)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cp_arena arena = {0};
        struct cp_load_answer answer;
        struct cp_error err = {0};
        char line[1600];
        assert_int_equal(cp_load_as(&rows[i].call, &arena, &answer, &err), CP_BAD_INPUT);
        cp_error_line(&err, line, sizeof line);
        assert_string_equal(line, rows[i].line);
        cp_arena_free(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers),
                                       cmocka_unit_test(every_tag_as_open_clip_loads_it),
                                       cmocka_unit_test(passes), cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
