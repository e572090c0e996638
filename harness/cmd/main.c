/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of commands and their help, the dispatch by name, and the exit status. */
#include "base/nearest.h"
#include "base/version.h"
#include "cmd/cmd.h"
#include "cmd/stop.h"
#include "ops/ops.h"

#include <gsl/gsl_errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* help: at most 80 columns, the command's own words after its name; more: what it works out, or NULL. */
static const struct command {
    const char *name;
    enum cp_status (*run)(int argc, char **argv, struct cp_error *err);
    const char *help;
    void (*more)(FILE *out);
} commands[] = {
    {"run", cp_cmd_run,
     " EXPERIMENT.yaml...   run experiments; key=value overrides any key\n"
     "      --dry-run            passes, sizes and time, and stop; -v: every setting\n"
     "      -v                   a table of taps for each candidate\n"
     "      --resume             resume a run that was stopped\n"
     "      --force              replace a result of other settings\n"
     "      --from CAPTURE.h5 --at TAP\n"
     "                           start from another system's tensor\n",
     NULL},
    {"diff", cp_cmd_diff,
     " A.h5[:NAME] B.h5[:NAME]\n"
     "                           where two captures first diverge\n"
     "      --model CHECKPOINT --config FILE, --spec-a, --spec-b ADDRESS=VALUE,...\n"
     "                           what they are of, for the oracle, where they do\n"
     "                           not say it; --model-a, --model-b CHECKPOINT where\n"
     "                           their weights differ\n"
     "      --map FILE           where B's taps are, if it is not of our schema;\n"
     "                           --map-a: A's\n"
     "      --environment        what they were made with, side by side\n"
     "      --strict             taps on one side alone fail, too\n"
     "      --rtol R --atol A    |b - a| <= A + R |a| in the place of the verdicts\n"
     "      --json FILE          the verdict for programs; -: standard output\n"
     "      -o RESULT.h5, --resume, --force, --no-oracle, --seed N of weights that\n"
     "                           a seed made, -v: details; key=value as for run\n",
     NULL},
    {"bisect", cp_cmd_bisect,
     " EXPERIMENT.yaml [CANDIDATE]\n"
     "                           which swaps make a candidate diverge: a set of which\n"
     "                           none can be left out; all sets of 1, 2, ... swaps are\n"
     "                           tried too, in at most 200 tests; key=value as for run\n"
     "      --layers | --settings\n"
     "                           try whole layers, or whole settings\n"
     "      --remove             a set whose removal fixes it\n"
     "      --share 0.5          of the divergence; --at OUTPUT says where:\n"
     "                           image_features, ...\n",
     NULL},
    {"report", cp_cmd_report, " RESULT.h5         a page that says where a result diverges, and why\n",
     cp_cmd_report_help},
    {"check", cp_cmd_check,
     " EXPERIMENT.yaml|RESULT.h5\n"
     "                           whether a run still matches its baseline;\n"
     "                           key=value as for run\n"
     "      --baseline FILE      default: results/baselines/NAME.yaml\n"
     "      --no-bits            ignore bit changes; check accuracy only\n"
     "      --all                every tap\n"
     "      --junit FILE, --json FILE, --github\n"
     "                           other forms\n",
     NULL},
    {"accept", cp_cmd_accept,
     " EXPERIMENT.yaml|RESULT.h5\n"
     "                           makes a run the baseline; --reason TEXT where it is\n"
     "                           worse\n",
     NULL},
    {"classify", cp_cmd_classify,
     " --model MODEL --image FILE... --prompt TEXT...\n"
     "                           probabilities of prompts for images, as the model's\n"
     "                           config says\n"
     "      --compare SPEC...    and under other settings, side by side; SPEC is\n"
     "                           [NAME:]ADDRESS=VALUE,...\n"
     "      --config FILE | --name NAME\n"
     "                           where MODEL is no folder with a config\n"
     "      --baseline ADDRESS=VALUE,..., --image-size N, --truncate, --json\n",
     NULL},
    {"inspect", cp_cmd_inspect,
     " CHECKPOINT|FOLDER\n"
     "                           what a checkpoint is, and which activation it was\n"
     "                           trained with\n"
     "      --config FILE | --name NAME\n"
     "      --images GLOB --classes FILE --templates FILE --labels FILE, --limit N\n"
     "                           try the activations on labelled images; --prompts\n"
     "                           FILE without labels: image and prompt are pairs\n"
     "      --json\n",
     NULL},
    {"lint", cp_cmd_lint,
     " FOLDER|CHECKPOINT   whether the files of a model agree, and what each\n"
     "                           loader computes; nothing is run\n"
     "      --name NAME [--pretrained TAG]\n"
     "                           open_clip.create_model(NAME, pretrained=TAG)\n"
     "      --json\n",
     NULL},
    {"convert", cp_cmd_convert,
     " IN|FOLDER OUT.safetensors|OUT.h5\n"
     "                           a checkpoint that says how it must be computed\n"
     "      --config FILE | --name NAME, --activation quick|erf|tanh\n"
     "      --force              replace OUT where it is there already\n",
     NULL},
    {"preprocess", cp_cmd_preprocess,
     " PICTURE       what a picture becomes; preprocess.KNOB=VALUE as in\n"
     "                           experiments\n"
     "      --model-config FILE  whose size, mean and std; else ViT-B/32's\n"
     "      -o FILE.npy          the tensor (1, 3, size, size); --png FILE.png: to\n"
     "                           look at; --force replaces them\n",
     NULL},
    {"tokenize", cp_cmd_tokenize,
     " TEXT...         ids and tokens of texts\n"
     "      --tokenizer openai|open_clip|...\n"
     "      --vocabulary FILE    bpe_simple_vocab_16e6.txt, vocab.json, tokenizer.json\n"
     "      --context 77, --truncate, --pad, --json\n",
     NULL},
    {"list", cp_cmd_list,
     " [taps|families|keys]\n"
     "                           components, variants and knobs; the taps; families of\n"
     "                           models; or the keys of experiments, --markdown: as a\n"
     "                           table\n",
     NULL},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static const char synopsis[] = "Usage: clip-parity COMMAND [ARGUMENTS]\n\n";

static void put_help(const struct command *command, FILE *out) {
    (void)fprintf(out, "  %s%s", command->name, command->help); /* of several lines */
    if (command->more)
        command->more(out);
}

static void print_usage(FILE *out) {
    (void)fputs(synopsis, out);
    for (size_t c = 0; c < COMMANDS; c++)
        put_help(&commands[c], out);
    (void)fputs("  --version                libraries and instruction sets\n"
                "  --help                   this; COMMAND --help: of that command\n"
                "\n"
                "Exit codes: 0 done, 1 parity failure, 2 internal error, 3 bad input, 4 usage,\n"
                "5 nothing compared, 130 and 143 signals.\n",
                out);
}

static const struct command *find(const char *name) {
    for (size_t c = 0; c < COMMANDS; c++)
        if (strcmp(name, commands[c].name) == 0)
            return &commands[c];
    return NULL;
}

static void print_help(const struct command *command) {
    if (!command) {
        print_usage(stdout);
        return;
    }
    printf("%s", synopsis);
    put_help(command, stdout);
}

static void print_version(void) {
    printf("clip-parity %s (%s)\ncompiler  %s\nflags     %s\nlibraries %s\nkernels  ", cp_version(),
           cp_version_commit(), cp_version_compiler(), cp_version_flags(), cp_version_libraries());
    for (const char *const *isa = cp_ops_available(); *isa; isa++)
        printf(" %s", *isa);
    printf("\n");
}

static enum cp_status unknown(const char *name, struct cp_error *err) {
    const char *names[COMMANDS + 3] = {[COMMANDS] = "--version", "--help"};
    for (size_t c = 0; c < COMMANDS; c++)
        names[c] = commands[c].name;
    (void)cp_fail(err, CP_USAGE, "", "unknown command '%s'", name);
    return cp_expect_one_of(err, name, names);
}

static enum cp_status dispatch(int argc, char **argv, struct cp_error *err) {
    if (argc < 2)
        return print_usage(stderr), CP_USAGE;
    const struct command *command = find(argv[1]);
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return print_help(command), CP_OK;
    if (command)
        return command->run(argc - 2, argv + 2, err);
    if (strcmp(argv[1], "--version") == 0)
        return print_version(), CP_OK;
    return unknown(argv[1], err);
}

int main(int argc, char **argv) {
    struct cp_error err = {CP_OK, "", "", ""};
    (void)gsl_set_error_handler_off();
    cp_cmd_stop_at_once();
    (void)signal(SIGXFSZ, SIG_IGN); /* a file-size limit is an error to report, not a death */
    enum cp_status status = dispatch(argc, argv, &err);
    cp_cmd_stop_at_once(); /* what is told below is told once */
    if (status != CP_OK && err.status != CP_OK) {
        char line[2048];
        cp_error_line(&err, line, sizeof line);
        (void)fprintf(stderr, "clip-parity: %s\n", line);
    }
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == CP_OK) {
        (void)fprintf(stderr, "clip-parity: standard output could not be written\n");
        status = CP_BAD_INPUT; /* as where a file cannot be written */
    }
    return (int)status;
}
