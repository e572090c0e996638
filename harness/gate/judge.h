/* SPDX-License-Identifier: GPL-3.0-or-later
 * The parts of the judgement, one per file: what is compared with what (judge.c), one tap and one set of
 * decisions (limits.c), the statistics of error ratios (ratio.c), the inputs (inputs.c). */
#ifndef CP_GATE_JUDGE_H
#define CP_GATE_JUDGE_H

#include "gate/gate.h"

struct cp_judging {
    struct cp_gate_verdict *verdict;
    bool bits;
    struct cp_error *err;
};

/* A line for people, in the verdict's arena. */
enum cp_status cp_judge_note(const struct cp_judging *judging, const char ***list, size_t *count,
                             const char *line);

/* Whether both sides have the same bits and the oracle its accepted values: then the error is the same too.
 */
bool cp_judge_unchanged(const struct cp_gate_tap *now, const struct cp_gate_tap *accepted);
/* All kinds of a tap but the ratio. */
enum cp_status cp_judge_tap(const struct cp_judging *judging, const struct cp_gate_judged *judged,
                            struct cp_gate_finding *finding);
enum cp_status cp_judge_decisions(const struct cp_judging *judging, const struct cp_gate_judged *judged,
                                  struct cp_gate_finding *finding);
/* The ratios of all taps of a subject; each tower's are one family. */
enum cp_status cp_judge_ratios(const struct cp_judging *judging, struct cp_gate_judged *judged);
/* What is other about experiment, images, prompts and files. */
enum cp_status cp_judge_inputs(const struct cp_judging *judging);

/* The rule of a kind, and the limit: the automatic one unless it is a number. Notes where it is looser
 * without a reason. Whether the kind is to be checked at all. */
enum cp_status cp_judge_limit(const struct cp_judging *judging, const char *subject,
                              const struct cp_gate_finding *finding, enum cp_check_kind kind,
                              double automatic, struct cp_gate_measure *measure, bool *checked);

#endif
