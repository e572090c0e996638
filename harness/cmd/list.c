/* SPDX-License-Identifier: GPL-3.0-or-later
 * Prints the tables of components, knobs, taps, families and keys of experiments, so that what it shows is what is accepted. */
#include "base/escape.h"
#include "base/sentence.h"
#include "cmd/cmd.h"
#include "experiment/field.h"
#include "spec/spec.h"
#include "tap/family.h"

#include <stdio.h>
#include <string.h>

struct arguments {
    const char *what; /* NULL: components */
    bool markdown;
};

static void list_knobs(int component) {
    for (int k = 0; k < CP_KNOB_COUNT; k++) {
        const struct cp_knob *knob = cp_knob(k);
        if ((int)cp_knob_component(k) != component)
            continue;
        cp_print(stdout, "  .%s: ", knob->name);
        if (!knob->options)
            cp_print(stdout, "%s", cp_number_kinds[knob->number].name);
        for (int o = 0; knob->options && knob->options[o]; o++)
            cp_print(stdout, "%s%s", o ? " | " : "", knob->options[o]);
        cp_print(stdout, " (default %s; %s)\n      %s\n", knob->initial ? knob->initial : "from the config",
                 knob->maths ? "maths" : "arithmetic", knob->what);
    }
}

static void list_reach(void) {
    char text[512] = "";
    struct cp_sentence s = {text, sizeof text, 0};
    int without = 0, said = 0;
    for (int c = 0; c < CP_COMPONENT_COUNT; c++)
        without += cp_components[c]->reach != CP_EACH_LAYER;
    cp_append(&s, "Any of these but ");
    for (int c = 0; c < CP_COMPONENT_COUNT; c++)
        if (cp_components[c]->reach != CP_EACH_LAYER && ++said)
            cp_append(&s, "%s%s", said == 1 ? "" : said == without ? " and " : ", ", cp_components[c]->name);
    cp_append(&s, " takes layers: activation@visual.4-5, norm.eps@text, attention.compute@*.0");
    printf("\n");
    cp_print_wrapped(text, 0, 0, stdout);
}

static void list_components(void) {
    const struct cp_ops *ops = cp_ops_find(NULL);
    for (int c = 0; c < CP_COMPONENT_COUNT; c++) {
        const struct cp_component *component = cp_components[c];
        const struct cp_variant *v;
        cp_print(stdout, c ? "\n%s (default %s): %s\n" : "%s (default %s): %s\n", component->name,
                 component->initial, component->what);
        if (component->automatic)
            cp_print(stdout, "  auto\n      %s\n", component->automatic);
        for (int i = 0; (v = component->variant(ops, i)) != NULL; i++)
            cp_print(stdout, "  %s  [maths: %s]\n      %s\n      as %s; %s\n", v->name, v->maths, v->formula,
                     v->imitates, v->source);
        list_knobs(c);
    }
    printf("\nprecision:");
    for (const char *const *name = cp_precision_names; *name; name++)
        cp_print(stdout, name == cp_precision_names ? " %s" : " | %s", *name);
    printf("\n      shorthand for weights, linear, activation, attention and residual, as open_clip's "
           "precision=\n");
    list_reach();
}

static void list_taps(void) {
    for (int p = 0; p < CP_POINT_COUNT; p++) {
        const struct cp_point_row *row = &cp_points[p];
        const char *names[] = {row->visual, row->text, row->joint};
        static const char *const prefix[] = {"visual.transformer.resblocks.N", "transformer.resblocks.N", ""};
        for (int t = 0; t < 3; t++) {
            if (!names[t])
                continue;
            cp_print(stdout, "%s%s%s  (", row->in_block ? prefix[t] : "",
                     row->in_block && names[t][0] ? "." : "", names[t]);
            for (int d = 0; d < row->rank; d++)
                cp_print(stdout, "%s%s", d ? ", " : "",
                         row->dims[d] == CP_DIM_INPUT ? (t ? "prompt" : "image") : cp_dim_name(row->dims[d]));
            cp_print(stdout, ")\n      %s; Hugging Face: %s\n", row->what, row->hugging_face);
        }
    }
}

static void list_families(void) {
    for (int f = 0; f < CP_FAMILY_COUNT; f++) {
        const struct cp_family *family = cp_families[f];
        cp_print(stdout, "%s  (%s%s)\n      %s\n      %s\n", family->name,
                 cp_family_keys[f] ? "vision_cfg, text_cfg: " : "default",
                 cp_family_keys[f] ? cp_family_keys[f] : "", family->what, family->source);
    }
}

static enum cp_status run(void *arguments, struct cp_error *err) {
    const struct arguments *a = arguments;
    const char *what = a->what ? a->what : "components";
    const bool keys = strcmp(what, "keys") == 0;
    if (a->markdown && !keys)
        return cp_fail(err, CP_USAGE, "", "list: --markdown with %s", what),
               cp_expected(err, "keys --markdown");
    if (keys)
        (a->markdown ? cp_keys_markdown : cp_keys_list)(stdout);
    else if (strcmp(what, "taps") == 0)
        list_taps();
    else if (strcmp(what, "families") == 0)
        list_families();
    else
        list_components();
    return CP_OK;
}

/* ---- the table ---- */

static const char *const lists[] = {"components", "taps", "families", "keys", NULL};

static const struct cp_argument words[] = {
    {"WHAT", CP_WORD_CHOICE, "components (the default), taps, families or keys",
     CP_INTO(struct arguments, what), .choices = lists},
    {0},
};

static const struct cp_option options[] = {
    {"--markdown", 0, NULL, CP_WORD_TEXT, "print keys as a Markdown table",
     CP_INTO(struct arguments, markdown)},
    {0},
};

static const struct cp_example examples[] = {
    {"Components, their variants and knobs", "clip-parity list"},
    {"Keys of experiment files", "clip-parity list keys"},
    {0},
};

const struct cp_command cp_cmd_list = {
    .name = "list",
    .group = CP_COMMANDS_REFERENCE,
    .summary = "list components, taps, families of models, or experiment keys",
    .about = "Lists what experiments, settings and options can name.\n",
    .example = examples,
    .argument = words,
    .excess = "a second argument",
    .expected = "one of components, taps, families, keys",
    .option = options,
    .size = sizeof(struct arguments),
    .run = run,
};
