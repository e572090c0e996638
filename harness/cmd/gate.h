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

/* The rows of both, whose arguments begin with a struct cp_gate_source. */
extern const struct cp_argument cp_gate_arguments[];
bool cp_gate_option(size_t index, struct cp_option *option);

/* Reads the experiment, and finds the baseline file. experiment is the caller's to free after CP_OK. */
enum cp_status cp_cmd_gate_open(struct cp_gate_source *source, struct cp_experiment *experiment,
                                struct cp_error *err);
/* Runs the experiment unless its result is given, and takes samples; its output may become another (run/place.h). Free
 * the samples also after a failure. */
enum cp_status cp_cmd_gate_take(const struct cp_gate_source *source, struct cp_experiment *experiment,
                                struct cp_gate_samples *samples, struct cp_error *err);

#endif
