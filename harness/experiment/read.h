/* SPDX-License-Identifier: GPL-3.0-or-later
 * The parts of the experiment's reader and printer, one per file; used in this folder alone.
 * Each takes the mapping of its key, fills its fields of the experiment (strings stay where they are: in its
 * arena), and fails with CP_BAD_INPUT at the offending mark. */
#ifndef CP_EXPERIMENT_READ_H
#define CP_EXPERIMENT_READ_H

#include "experiment/experiment.h"

/* ---- of rows of field.c: see struct cp_key ---- */

enum cp_status cp_check_model_keys(struct cp_experiment *experiment, const struct cp_yaml *node,
                                   struct cp_error *err);
enum cp_status cp_finish_model(struct cp_experiment *experiment, const struct cp_yaml *node,
                               struct cp_error *err);
enum cp_status cp_check_inputs_keys(struct cp_experiment *experiment, const struct cp_yaml *node,
                                    struct cp_error *err);
enum cp_status cp_finish_synthetic(struct cp_experiment *experiment, const struct cp_yaml *node,
                                   struct cp_error *err);
enum cp_status cp_check_graft_keys(struct cp_experiment *experiment, const struct cp_yaml *node,
                                   struct cp_error *err);

enum cp_status cp_read_images(struct cp_experiment *experiment, const struct cp_yaml *section,
                              const struct cp_yaml *node, struct cp_error *err);
enum cp_status cp_read_prompts(struct cp_experiment *experiment, const struct cp_yaml *section,
                               const struct cp_yaml *node, struct cp_error *err);
enum cp_status cp_read_baseline(struct cp_experiment *experiment, const struct cp_yaml *root,
                                const struct cp_yaml *baseline, struct cp_error *err);
/* candidates, sweep, factorial and layerwise of the experiment; each may be missing. */
enum cp_status cp_read_candidates(struct cp_experiment *experiment, const struct cp_yaml *root,
                                  const struct cp_yaml *candidates, struct cp_error *err);
enum cp_status cp_read_record(struct cp_experiment *experiment, const struct cp_yaml *root,
                              const struct cp_yaml *node, struct cp_error *err);
/* Without a value results/runs/NAME.h5, for which the name must have been read. */
enum cp_status cp_read_output(struct cp_experiment *experiment, const struct cp_yaml *root,
                              const struct cp_yaml *value, struct cp_error *err);
/* rtol and atol. */
enum cp_status cp_read_tolerance(struct cp_experiment *experiment, const struct cp_yaml *verdict,
                                 const struct cp_yaml *rtol, struct cp_error *err);
/* Behind the rules that are the defaults. */
enum cp_status cp_read_check(struct cp_experiment *experiment, const struct cp_yaml *root,
                             const struct cp_yaml *node, struct cp_error *err);

void cp_print_images(FILE *out, const struct cp_experiment *experiment);
void cp_print_prompts(FILE *out, const struct cp_experiment *experiment);
void cp_print_baseline(FILE *out, const struct cp_experiment *experiment);
void cp_print_candidates(FILE *out, const struct cp_experiment *experiment);
void cp_print_factorial(FILE *out, const struct cp_experiment *experiment);
void cp_print_layerwise(FILE *out, const struct cp_experiment *experiment);
void cp_print_record(FILE *out, const struct cp_experiment *experiment);
void cp_print_record_limit(FILE *out, const struct cp_experiment *experiment);
void cp_print_output(FILE *out, const struct cp_experiment *experiment);
void cp_print_tolerance(FILE *out, const struct cp_experiment *experiment);
void cp_print_check(FILE *out, const struct cp_experiment *experiment);

/* ---- of the whole ---- */

/* Finds the files that it reads; source: the experiment's own path. */
enum cp_status cp_experiment_find(struct cp_experiment *experiment, const char *source, struct cp_error *err);

/* ---- what they share ---- */

/* "500 MB", bytes without a unit, or off: INFINITY; and the same back. */
enum cp_status cp_read_bytes(const struct cp_yaml *node, const char *key, double *bytes,
                             struct cp_error *err);
void cp_put_bytes(FILE *out, double bytes);

/* settings of `candidate`, whose name in errors is key. */
enum cp_status cp_read_settings(struct cp_experiment *experiment, const struct cp_yaml *node, const char *key,
                                struct cp_candidate *candidate, struct cp_error *err);
/* Appends the sweep's cells to candidates, which has room for CP_CANDIDATES_MAX; names are not checked. */
enum cp_status cp_read_sweep(struct cp_experiment *experiment, const struct cp_yaml *node,
                             struct cp_error *err);
/* Likewise those of the factorial. */
enum cp_status cp_read_factorial(struct cp_experiment *experiment, const struct cp_yaml *node,
                                 struct cp_error *err);
enum cp_status cp_read_layerwise(struct cp_experiment *experiment, const struct cp_yaml *node,
                                 struct cp_error *err);

/* "off", "digest", ... by enum cp_record_mode; ends with NULL. */
extern const char *const cp_record_names[];

/* Fails where a mapping has `map` without `capture`. */
enum cp_status cp_check_map(const struct cp_yaml *node, struct cp_error *err);
/* One setting from an address and the value for it; key is the mapping's name in errors. */
enum cp_status cp_read_setting(const struct cp_yaml_entry *entry, const struct cp_yaml *value,
                               const char *key, struct cp_setting *setting, struct cp_error *err);
/* Text that is not empty, with its mark. */
enum cp_status cp_read_text(const struct cp_yaml *node, const char *key, struct cp_marked_text *text,
                            struct cp_error *err);
/* An integer that an int holds. */
enum cp_status cp_read_int(const struct cp_yaml *node, const char *key, int min, int max, int *value,
                           struct cp_error *err);

#endif
