/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/version.h"
#include "cmd/cmd.h"
#include "ops/ops.h"

#include <gsl/gsl_errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "Usage: clip-parity COMMAND [ARGUMENTS]\n"
    "\n"
    "  run EXPERIMENT.yaml...   run experiments; key=value overrides any key\n"
    "      --dry-run            show what would be computed, and stop\n"
    "      --resume             go on with a run that was stopped\n"
    "      --from CAPTURE.h5 --at TAP\n"
    "                           start from another system's tensor\n"
    "  diff A.h5[:NAME] B.h5[:NAME]\n"
    "                           where two captures leave each other\n"
    "      --model CHECKPOINT --config FILE, --spec-a, --spec-b ADDRESS=VALUE,...\n"
    "                           what they are of, where they do not say it: for the oracle\n"
    "      --map FILE           where B's taps are, if it is not of our schema; --map-a: A's\n"
    "      --environment        what they were made with, side by side\n"
    "      -o RESULT.h5, --no-oracle\n"
    "  bisect EXPERIMENT.yaml [CANDIDATE]\n"
    "                           the fewest swaps that make a candidate diverge; key=value as for run\n"
    "      --layers | --settings  try whole layers, or whole settings\n"
    "      --remove             the fewest whose removal cures it\n"
    "      --share 0.5          of the divergence; --at OUTPUT says where: image_features, ...\n"
    "  report RESULT.h5         a page that says where a result diverges, and why\n"
    "      --html | --md | --csv | --json | --term\n"
    "                           the form, else by FILE's ending; beside the result (--term: to\n"
    "                           standard output), or to -o FILE, - is standard output\n"
    "  check EXPERIMENT.yaml|RESULT.h5\n"
    "                           whether a run is what was accepted; key=value as for run\n"
    "      --baseline FILE      what was accepted; else results/baselines/NAME.yaml\n"
    "      --no-bits            other bits may be, other accuracy may not\n"
    "      --all                every tap; --junit FILE, --json FILE, --github: other forms\n"
    "  accept EXPERIMENT.yaml|RESULT.h5\n"
    "                           makes a run the baseline; --reason TEXT where it is worse\n"
    "  classify --model MODEL --image FILE... --prompt TEXT... [--compare SPEC...]\n"
    "                           probabilities of prompts for images, as the model's config says and\n"
    "                           under other settings; SPEC is [NAME:]ADDRESS=VALUE,...\n"
    "      --config FILE | --name NAME, where MODEL is no folder with a config\n"
    "      --baseline ADDRESS=VALUE,..., --image-size N, --truncate, --json\n"
    "  inspect CHECKPOINT       what a checkpoint is, and which activation it was trained with\n"
    "      --config FILE | --name NAME\n"
    "      --images GLOB --classes FILE --templates FILE --labels FILE, --limit N\n"
    "                           try the activations on labelled images; --prompts FILE without\n"
    "                           labels: image and prompt are pairs\n"
    "      --json\n"
    "  convert IN OUT.safetensors|OUT.h5\n"
    "                           a checkpoint that says how it must be computed\n"
    "      --config FILE | --name NAME, --activation quick|erf|tanh\n"
    "  preprocess PICTURE       what a picture becomes; preprocess.KNOB=VALUE as in experiments\n"
    "      --model-config FILE  whose size, mean and std; else ViT-B/32's\n"
    "      -o FILE.npy          the tensor (1, 3, size, size); --png FILE.png: to look at\n"
    "  tokenize TEXT...         ids and tokens of texts, by --tokenizer openai, open_clip, ...\n"
    "      --vocabulary FILE    bpe_simple_vocab_16e6.txt, vocab.json, tokenizer.json\n"
    "      --context 77, --truncate, --pad, --json\n"
    "  list [taps]              components, variants and knobs; or the taps\n"
    "  --version                libraries and instruction sets\n"
    "  --help\n"
    "\n"
    "Exit codes: 0 done, 1 parity failure, 2 internal error, 3 bad input, 4 usage,\n"
    "5 nothing compared, 130 and 143 signals.\n";

static void print_version(void) {
    printf("clip-parity %s (%s)\ncompiler  %s\nflags     %s\nlibraries %s\nkernels  ", cp_version(),
           cp_version_commit(), cp_version_compiler(), cp_version_flags(), cp_version_libraries());
    for (const char *const *isa = cp_ops_available(); *isa; isa++)
        printf(" %s", *isa);
    printf("\n");
}

static enum cp_status dispatch(int argc, char **argv, struct cp_error *err) {
    if (argc < 2) {
        (void)fputs(usage, stderr);
        return CP_USAGE;
    }
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return (void)fputs(usage, stdout), CP_OK;
    if (strcmp(argv[1], "run") == 0)
        return cp_cmd_run(argc - 2, argv + 2, err);
    if (strcmp(argv[1], "bisect") == 0)
        return cp_cmd_bisect(argc - 2, argv + 2, err);
    if (strcmp(argv[1], "check") == 0)
        return cp_cmd_check(argc - 2, argv + 2, err);
    if (strcmp(argv[1], "accept") == 0)
        return cp_cmd_accept(argc - 2, argv + 2, err);
    if (strcmp(argv[1], "report") == 0)
        return cp_cmd_report(argc - 2, argv + 2, err);
    if (strcmp(argv[1], "diff") == 0)
        return cp_cmd_diff(argc - 2, argv + 2, err);
    if (strcmp(argv[1], "classify") == 0)
        return cp_cmd_classify(argc - 2, argv + 2, err);
    if (strcmp(argv[1], "inspect") == 0)
        return cp_cmd_inspect(argc - 2, argv + 2, err);
    if (strcmp(argv[1], "convert") == 0)
        return cp_cmd_convert(argc - 2, argv + 2, err);
    if (strcmp(argv[1], "preprocess") == 0)
        return cp_cmd_preprocess(argc - 2, argv + 2, err);
    if (strcmp(argv[1], "tokenize") == 0)
        return cp_cmd_tokenize(argc - 2, argv + 2, err);
    if (strcmp(argv[1], "list") == 0)
        return cp_cmd_list(argc - 2, argv + 2, err);
    if (strcmp(argv[1], "--version") == 0)
        return print_version(), CP_OK;
    return (void)cp_fail(err, CP_USAGE, "", "unknown command '%s'", argv[1]),
           cp_expected(err, "run, diff, bisect, report, check, accept, classify, inspect, convert, "
                            "preprocess, tokenize, list, --version or --help");
}

int main(int argc, char **argv) {
    struct cp_error err = {CP_OK, "", "", ""};
    (void)gsl_set_error_handler_off();
    (void)signal(SIGXFSZ, SIG_IGN); /* a file-size limit is an error to report, not a death */
    enum cp_status status = dispatch(argc, argv, &err);
    if (status != CP_OK && err.status != CP_OK) {
        char line[2048];
        cp_error_line(&err, line, sizeof line);
        (void)fprintf(stderr, "clip-parity: %s\n", line);
    }
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == CP_OK) {
        (void)fprintf(stderr, "clip-parity: standard output could not be written\n");
        status = CP_INTERNAL;
    }
    return (int)status;
}
