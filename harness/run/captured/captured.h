/* SPDX-License-Identifier: GPL-3.0-or-later
 * Captures in a study: passes that another system computed. A captured spec is not run; what was recorded of
 * it passes its lane's taps, stage by stage, as if it had been. Its settings say how it was meant to be
 * computed, so that it has an oracle. Without a model all specs are captures, and the sites are what is in
 * them; with one, the sites are the model's, and taps that it has not stand behind them. */
#ifndef CP_RUN_CAPTURED_CAPTURED_H
#define CP_RUN_CAPTURED_CAPTURED_H

#include "run/lockstep.h"

/* Opens one. Close with cp_capture_close. */
enum cp_status cp_captured_choose(const struct cp_capture_choice *choice, struct cp_arena *arena,
                                  struct cp_capture **capture, struct cp_error *err);
/* Opens every capture of the experiment: passes, inputs, graft. */
enum cp_status cp_captured_open(struct cp_study *study, struct cp_error *err);
void cp_captured_close(struct cp_study *study);

/* The capture that spec s comes from; NULL: it is computed. */
static inline struct cp_capture *cp_captured_of(const struct cp_study *study, size_t s) {
    return s < study->captured_count ? study->captured[s].capture : NULL;
}

/* Notes the captures' files for the provenance. */
enum cp_status cp_captured_files(struct cp_study *study, struct cp_error *err);

/* The experiment's inputs where they come from a capture; study->inputs is filled. */
enum cp_status cp_captured_inputs(struct cp_study *study, struct cp_error *err);

/* The ids of captured specs of another tokenizer than the baseline's, from their own taps `tokens`; where
 * that is there by[s], which tokenizer spec s has, becomes the baseline's. */
enum cp_status cp_captured_tokenize(struct cp_study *study, const struct cp_tokenizer_variant **by,
                                    struct cp_error *err);

/* The ids that each captured pass had, where the inputs are a capture's and it says them for all prompts. */
enum cp_status cp_captured_ids(struct cp_study *study, struct cp_error *err);

/* study->sites, and where each is in each capture. Every capture must have the run's inputs and the sites'
 * shapes. */
enum cp_status cp_captured_sites(struct cp_study *study, struct cp_error *err);

/* Whether a site's tensor is to be had of spec s. */
bool cp_captured_has(const struct cp_study *study, size_t s, size_t site);

/* Whether captured spec s has the pixels that it started from, and the inputs are a capture's. */
bool cp_captured_own_pixels(const struct cp_study *study, size_t s);
/* Whether what the image tower starts from is to be had: pixels, or a tensor that is grafted behind them. */
bool cp_captured_has_pixels(const struct cp_study *study);
/* What spec s starts from: its own pixels where it is a capture that has them, else those of the inputs'
 * capture, or zeros where that has none, behind which something is grafted, or no image is computed. */
enum cp_status cp_captured_pixels(const struct cp_study *study, size_t s, size_t first, size_t count,
                                  float *pixels, struct cp_error *err);
/* What a lane of captured spec s leaves at a stage, to its taps. */
enum cp_status cp_captured_stage(struct cp_lockstep *lockstep, struct cp_lane *lane, struct cp_stage stage,
                                 struct cp_error *err);

#endif
