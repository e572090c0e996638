/* SPDX-License-Identifier: GPL-3.0-or-later
 * One stage of a study's forward passes: the stem, a block or the head of a tower, the zero-shot classifier
 * or the logits. */
#ifndef CP_RUN_STAGE_H
#define CP_RUN_STAGE_H

#include "run/lockstep.h"

/* Position among its tower's: the stem is 0, block n is n + 1, the head is the last. */
static inline size_t cp_stage_index(const struct cp_lockstep *ls, struct cp_stage stage) {
    const size_t layers = cp_tower_shape(&ls->study->model.config, stage.tower).layers;
    return stage.kind == CP_STAGE_HEAD ? layers + 1 : (size_t)(stage.layer + 1);
}

/* Sets an oracle to the tower and batch of a pass. */
void cp_stage_place_oracle(struct cp_oracle *oracle, const struct cp_pass *as);

/* Runs a lane, or an oracle, through a stage; its taps are visited. */
enum cp_status cp_stage_run(struct cp_lockstep *ls, struct cp_lane *lane, struct cp_stage stage,
                            struct cp_error *err);
enum cp_status cp_stage_run_oracle(struct cp_lockstep *ls, struct cp_oracle_lane *lane, struct cp_stage stage,
                                   struct cp_error *err);

/* Whether spec s, given the baseline's input, computes the baseline's bits at a stage; whether oracle o,
 * given the first oracle's input, computes what that does. Never for what joins the towers. */
bool cp_stage_same(const struct cp_lockstep *ls, size_t s, struct cp_stage stage);
bool cp_stage_same_maths(const struct cp_lockstep *ls, size_t o, struct cp_stage stage);

/* Instead of a run that would only repeat what `leader` did: its tensors, as they were kept, pass the lane's
 * taps, and its result becomes the lane's. */
enum cp_status cp_stage_follow(struct cp_lockstep *ls, struct cp_lane *lane, const struct cp_lane *leader,
                               struct cp_stage stage, struct cp_error *err);
enum cp_status cp_stage_follow_oracle(struct cp_lockstep *ls, struct cp_oracle_lane *lane,
                                      const struct cp_oracle_lane *leader, struct cp_stage stage,
                                      struct cp_error *err);

/* What a stage leaves for the next: the stream (inputs, tokens, width), or the head's features. */
struct cp_stage_output {
    const float *data;
    size_t tokens, width;
    const int *valid_tokens; /* per input: tokens that count; NULL: all */
};
struct cp_stage_output cp_stage_output(const struct cp_lockstep *ls, const struct cp_lane *lane,
                                       struct cp_stage stage);

#endif
