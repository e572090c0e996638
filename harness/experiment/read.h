/* SPDX-License-Identifier: GPL-3.0-or-later
 * The parts of the experiment's reader and printer, one per file; used in this folder alone.
 * Each takes the mapping of its key, fills its fields of the experiment (strings stay where they are: in its
 * arena), and fails with CP_BAD_INPUT at the offending mark. */
#ifndef CP_EXPERIMENT_READ_H
#define CP_EXPERIMENT_READ_H

#include "experiment/experiment.h"

enum cp_status cp_read_inputs(struct cp_experiment *experiment, const struct cp_yaml *node,
                              struct cp_error *err);
/* settings of `candidate`, whose name in errors is key. */
enum cp_status cp_read_settings(struct cp_experiment *experiment, const struct cp_yaml *node, const char *key,
                                struct cp_candidate *candidate, struct cp_error *err);
enum cp_status cp_read_baseline(struct cp_experiment *experiment, const struct cp_yaml *root,
                                struct cp_error *err);
/* candidates, sweep, factorial and layerwise of the experiment; each may be missing. */
enum cp_status cp_read_candidates(struct cp_experiment *experiment, const struct cp_yaml *root,
                                  struct cp_error *err);
/* Appends the sweep's cells to candidates, which has room for CP_CANDIDATES_MAX; names are not checked. */
enum cp_status cp_read_sweep(struct cp_experiment *experiment, const struct cp_yaml *node,
                             struct cp_error *err);
/* Likewise those of the factorial. */
enum cp_status cp_read_factorial(struct cp_experiment *experiment, const struct cp_yaml *node,
                                 struct cp_error *err);
enum cp_status cp_read_layerwise(struct cp_experiment *experiment, const struct cp_yaml *node,
                                 struct cp_error *err);
enum cp_status cp_read_record(struct cp_experiment *experiment, const struct cp_yaml *node,
                              struct cp_error *err);

/* check, behind its defaults; node NULL: those alone. */
enum cp_status cp_read_check(struct cp_experiment *experiment, const struct cp_yaml *node,
                             struct cp_error *err);

/* "off", "digest", ... by enum cp_record_mode; ends with NULL. */
extern const char *const cp_record_names[];

/* `capture` (or what the file is called there) and `map` of a mapping, as far as they are there. */
enum cp_status cp_read_capture(const struct cp_yaml *node, const char *file, struct cp_capture_choice *choice,
                               struct cp_error *err);
/* One setting from an address and the value for it; key is the mapping's name in errors. */
enum cp_status cp_read_setting(const struct cp_yaml_entry *entry, const struct cp_yaml *value,
                               const char *key, struct cp_setting *setting, struct cp_error *err);
/* Text that is not empty, with its mark. */
enum cp_status cp_read_text(const struct cp_yaml *node, const char *key, struct cp_text *text,
                            struct cp_error *err);
/* An integer that an int holds. */
enum cp_status cp_read_int(const struct cp_yaml *node, const char *key, int min, int max, int *value,
                           struct cp_error *err);
/* `check:` with its rules. */
void cp_print_check(FILE *out, const struct cp_experiment *experiment);

#endif
