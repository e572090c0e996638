/* SPDX-License-Identifier: GPL-3.0-or-later
 * Prints the set it found, with a command that runs just that set. */
#include "task/bisect.h"
#include "analysis/analyses.h"
#include "base/escape.h"
#include "base/sentence.h"
#include "cmd/cmd.h"
#include "format/yaml.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
    const char *experiment, *candidate;
    struct cp_bisect_options options;
    bool layers, settings;
    struct cp_words overrides;
    struct cp_common common;
};

/* The study's spec of that name; without a name the only one. */
static enum cp_status find_candidate(const struct cp_study *study, const char *name, size_t *candidate,
                                     struct cp_error *err) {
    char list[400] = "";
    size_t used = 0;
    for (size_t s = 1; s < study->spec_count; s++) {
        *candidate = s;
        if (name ? strcmp(study->spec[s]->name, name) == 0 : study->spec_count == 2)
            return CP_OK;
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", s > 1 ? ", " : "",
                                     study->spec[s]->name);
    }
    if (study->spec_count == 1)
        return cp_fail(err, CP_NOTHING_COMPARED, study->path, "no candidate"),
               cp_expected(err, "candidates: {NAME: {ADDRESS: VALUE, ...}}");
    return (void)cp_fail(err, CP_USAGE, study->path, name ? "no candidate '%s'" : "several candidates%s",
                         name ? name : ""),
           cp_expected(err, "one of %s", list);
}

/* ---- the answer ---- */

static void print_settings(const struct cp_spec_setting *settings, size_t count) {
    for (size_t i = 0; i < count; i++)
        cp_print(stdout, i ? "\n  %s: %s" : "%s: %s", settings[i].address, settings[i].value);
}

static void print_count(size_t count, const char *of) {
    cp_print(stdout, " %zu %s%s", count, of, cp_plural(count));
}

static void print_share(const struct cp_bisect_result *r, int output, const char *label) {
    const double share = r->reached[output] / r->full[output];
    cp_print(stdout, "%-8s%-16s", label, r->name[output]);
    if (r->full[output] == 0)
        printf("the same bits\n");
    else if (isfinite(share))
        printf("%6.1f %% of %.2e\n", 100 * share, r->full[output]);
    else
        printf("%.2e of %.2e\n", r->reached[output], r->full[output]);
}

/* The output that was judged first. */
static void print_shares(const struct cp_bisect_result *r, const char *label) {
    print_share(r, (int)r->at, label);
    for (int o = 0; o < CP_OUTPUT_COUNT; o++)
        if (r->name[o] && o != (int)r->at)
            print_share(r, o, "");
}

/* "candidates={bisected: {ADDRESS: VALUE, ...}}" */
static char *print_candidate(const struct cp_spec_setting *settings, size_t count) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    (void)fputs("candidates={bisected: {", out);
    for (size_t i = 0; i < count; i++) {
        (void)fputs(i ? ", " : "", out);
        cp_yaml_put_text(out, settings[i].address);
        (void)fputs(": ", out);
        cp_yaml_put_text(out, settings[i].value);
    }
    (void)fputs("}}", out);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

/* The command that runs what reached the share, beside the experiment's own cells if it has any. */
static enum cp_status print_command(const struct cp_study *study, const struct arguments *a,
                                    const struct cp_spec_setting *settings, size_t count,
                                    struct cp_error *err) {
    char *candidate = print_candidate(settings, count);
    CP_TRY(CP_CHECK_ALLOC(candidate, err, a->experiment, "a command"));
    printf("run     clip-parity run ");
    cp_put_shell(stdout, a->experiment);
    for (size_t i = 0; i < a->overrides.count; i++) {
        (void)putchar(' ');
        cp_put_shell(stdout, a->overrides.word[i]);
    }
    (void)putchar(' ');
    cp_put_shell(stdout, candidate);
    cp_print(stdout, " output=results/runs/%s-bisected.h5\n", study->experiment->name);
    free(candidate);
    return CP_OK;
}

/* What the word before "set" rests on: the sets that were tried and are not enough. */
static void print_tried(const struct cp_bisect_result *r, const char *unit) {
    const bool smallest = r->tried + 1 == r->answer;
    if (r->answer < 2)
        return;
    printf("tried   ");
    if (!smallest)
        cp_print(stdout,
                 r->tried ? "no %s of the set can be left out; not every smaller set was tried,\n        but "
                          : "no %s of the set can be left out; not every smaller set was tried",
                 unit);
    if (r->tried == 1)
        cp_print(stdout, "no single %s is enough", unit);
    else if (r->tried == 2)
        cp_print(stdout, "no single %s and no pair is enough", unit);
    else if (r->tried > 2)
        cp_print(stdout, "no set of up to %zu %ss is enough", r->tried, unit);
    (void)putchar('\n');
}

static enum cp_status print_answer(const struct cp_study *study, const struct arguments *a, size_t candidate,
                                   struct cp_bisect_result *r, struct cp_error *err) {
    static const char *const units[] = {"swap", "layer", "setting"};
    struct cp_spec_setting *set = NULL, *run = NULL;
    size_t set_count = 0, run_count = 0;
    CP_TRY(cp_spec_difference(study->spec[0], r->set, &r->arena, &set, &set_count, err));
    CP_TRY(cp_spec_difference(study->spec[0], r->run, &r->arena, &run, &run_count, err));
    cp_print(stdout, "%s, %s: %zu images, %zu prompts; differs in", study->experiment->name,
             study->spec[candidate]->name, r->images, r->prompts);
    print_count(r->swaps, "swap");
    if (a->options.unit != CP_UNIT_SWAP) {
        (void)putchar(',');
        print_count(r->units, units[a->options.unit]);
    }
    printf(";");
    print_count(r->tests, "test");
    printf("\n");
    cp_print(stdout,
             "%s set %s %.3g %% of the divergence:", r->tried + 1 == r->answer ? "smallest" : "1-minimal",
             a->options.remove ? "without which less is left than" : "that reaches", 100 * a->options.share);
    print_count(r->answer, units[a->options.unit]);
    printf("\n  ");
    print_settings(set, set_count);
    (void)putchar('\n');
    print_tried(r, units[a->options.unit]);
    print_shares(r, a->options.remove ? "left" : "reached");
    return print_command(study, a, run, run_count, err);
}

static enum cp_status bisect(const struct arguments *a, const struct cp_experiment *experiment,
                             struct cp_error *err) {
    struct cp_study study;
    struct cp_bisect_result result = {0};
    size_t candidate = 0;
    enum cp_status status;
    CP_TRY(cp_study_create(experiment, a->experiment, cp_analyses, &study, err));
    CP_TRY_DONE(find_candidate(&study, a->candidate, &candidate, err));
    CP_TRY_DONE(cp_bisect(&study, candidate, &a->options, &result, err));
    status = print_answer(&study, a, candidate, &result, err);
done:
    cp_bisect_free(&result);
    cp_study_free(&study);
    return status;
}

static enum cp_status run(void *arguments, struct cp_error *err) {
    struct arguments *a = arguments;
    struct cp_experiment experiment;
    if (a->layers && a->settings)
        return cp_fail(err, CP_USAGE, "", "bisect: both --layers and --settings"),
               cp_expected(err, "one of them");
    a->options.unit = a->layers ? CP_UNIT_LAYER : a->settings ? CP_UNIT_SETTING : CP_UNIT_SWAP;
    a->options.progress = cp_common_progress(&a->common);
    CP_TRY(cp_experiment_load(a->experiment, a->overrides.word, a->overrides.count, &experiment, err));
    const enum cp_status status = bisect(a, &experiment, err);
    cp_experiment_free(&experiment);
    return status;
}

/* ---- the table ---- */

/* Not a candidate of a sweep or of layerwise, "norm.eps=1e-6@visual.3": no key of an experiment is named like a
 * component. */
static bool is_override(const char *word) {
    const size_t length = strcspn(word, ".=@");
    for (int c = 0; c < CP_COMPONENT_COUNT; c++)
        if (strlen(cp_components[c]->name) == length && strncmp(word, cp_components[c]->name, length) == 0)
            return false;
    return strchr(word, '=') && !(length == strlen("precision") && strncmp(word, "precision", length) == 0);
}

static enum cp_status read_share(void *arguments, const struct cp_option *option, const char *value,
                                 struct cp_error *err) {
    struct arguments *a = arguments;
    char *end;
    a->options.share = strtod(value, &end);
    if (end == value || *end || !(a->options.share > 0 && a->options.share <= 1))
        return cp_fail(err, CP_USAGE, "", "bisect: %s '%s'", option->name, value),
               cp_expected(err, "a number above 0, at most 1");
    return CP_OK;
}

static const struct cp_argument words[] = {
    {"EXPERIMENT.yaml", CP_WORD_FILE, "the experiment", CP_INTO(struct arguments, experiment),
     .missing = "no experiment", .expected = "a YAML file"},
    {"CANDIDATE", CP_WORD_TEXT, "one of its candidates; optional if there is only one",
     CP_INTO(struct arguments, candidate)},
    {"KEY=VALUE", CP_WORD_KEY, "override a key, as for `clip-parity run`",
     CP_INTO(struct arguments, overrides), .takes = is_override},
    {0},
};

static const struct cp_option options[] = {
    {"--layers", 0, NULL, CP_WORD_TEXT, "swap whole layers", CP_INTO(struct arguments, layers)},
    {"--settings", 0, NULL, CP_WORD_TEXT, "swap whole settings", CP_INTO(struct arguments, settings)},
    {"--remove", 0, NULL, CP_WORD_TEXT, "find a set whose removal fixes the candidate",
     CP_INTO(struct arguments, options.remove)},
    {"--share", 0, "X", CP_WORD_TEXT, "share of the divergence to reach (default: 0.5)", .take = read_share},
    {"--at", 0, "OUTPUT", CP_WORD_OUTPUT, "measure the divergence at this output",
     CP_INTO(struct arguments, options.at)},
    {0},
};

static const struct cp_example examples[] = {
    {"Which layers make GELU diverge?",
     "clip-parity bisect experiments/quickgelu-vs-gelu.yaml erf inputs.limit=16"},
    {"Which swaps must go to fix it?",
     "clip-parity bisect experiments/quickgelu-vs-gelu.yaml erf inputs.limit=16 \\\n    --remove --layers"},
    {0},
};

const struct cp_command cp_cmd_bisect = {
    .name = "bisect",
    .group = CP_COMMANDS_EXPERIMENT,
    .summary = "find which swaps make a candidate diverge",
    .about = "Searches for a set of swaps that reaches a share of a candidate's divergence and of which none "
             "can be left out. All sets of 1, 2, ... swaps are tried too, in at most 200 tests.\n",
    .example = examples,
    .argument = words,
    .excess = "a second candidate",
    .expected = "one experiment and one of its candidates",
    .option = options,
    .common = CP_COMMON_RUN,
    .common_at = offsetof(struct arguments, common),
    .size = sizeof(struct arguments),
    .initial = &(const struct arguments){.options = {.share = 0.5}},
    .run = run,
};
