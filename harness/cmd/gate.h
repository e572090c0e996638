/* SPDX-License-Identifier: GPL-3.0-or-later
 * What check and accept have in common: an experiment to run, or the result of one. */
#ifndef CP_CMD_GATE_H
#define CP_CMD_GATE_H

#include "gate/gate.h"
#include "option/common.h"

enum { CP_GATE_WRITES = 2 };

struct cp_gate_source {
    const char *command;  /* "check" */
    const char *path;     /* of the experiment or the result */
    const char *baseline; /* --baseline FILE; NULL: by the experiment's name */
    struct cp_words overrides;
    const char *writes[CP_GATE_WRITES]; /* files of the verdict; NULL: none */
    bool result, resume, force;
    struct cp_common common;
};

/* Their rows, for a command whose arguments are of a type and have the member `source`. */
#define CP_GATE_ARGUMENTS(type)                                                                              \
    {"EXPERIMENT.yaml|RESULT.h5",                                                                            \
     CP_WORD_FILE,                                                                                           \
     "an experiment to run, or the result of a run",                                                         \
     CP_INTO(type, source.path),                                                                             \
     .missing = "no experiment",                                                                             \
     .expected = "a YAML file, or a result that `clip-parity run` wrote"},                                   \
    {                                                                                                        \
        "KEY=VALUE", CP_WORD_KEY, "override a key, as for `clip-parity run`",                                \
            CP_INTO(type, source.overrides), .takes = cp_is_assignment                                       \
    }
#define CP_GATE_OPTIONS(type)                                                                                 \
    {"--baseline",                                                                                            \
     0,                                                                                                       \
     "FILE",                                                                                                  \
     CP_WORD_FILE,                                                                                            \
     "the baseline (default: results/baselines/NAME.yaml)",                                                   \
     CP_INTO(type, source.baseline)},                                                                         \
        {"--resume", 0, NULL, CP_WORD_TEXT, "continue a run that was stopped", CP_INTO(type, source.resume)}, \
    {                                                                                                         \
        "--force", 0, NULL, CP_WORD_TEXT, "overwrite a result that has different settings",                   \
            CP_INTO(type, source.force)                                                                       \
    }
#define CP_GATE_EXCESS .excess = "a second file", .expected = "one experiment or result"

/* After the last argument: reads the experiment, and finds the baseline file. experiment is the caller's to
 * free after CP_OK. */
enum cp_status cp_cmd_gate_open(struct cp_gate_source *source, struct cp_experiment *experiment,
                                struct cp_error *err);
/* Runs the experiment unless its result is given, and takes samples; its output may become another (run/place.h). Free
 * the samples also after a failure. */
enum cp_status cp_cmd_gate_take(const struct cp_gate_source *source, struct cp_experiment *experiment,
                                struct cp_gate_samples *samples, struct cp_error *err);

#endif
