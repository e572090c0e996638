/* SPDX-License-Identifier: GPL-3.0-or-later
 * What sets two passes apart at each tap, own part beside own part: never one label. From the ledgers of both
 * passes and their comparison; `diff`, `run`, `check` and the reports all ask here.
 *
 *   nonfinite     a side makes NaN or infinity of finite operands
 *   contradicted  a side does not compute what its settings, weights and inputs say
 *   settings      the declared functions differ
 *   weights       the tensors that feed the operation differ in bits
 *   inputs        pixels or token ids differ
 *   rounding      a side has more rounding than its declared arithmetic has (coarse)
 *   unchecked     the sides differ, and an operand or a weight to tell why is not there */
#ifndef CP_ANALYSIS_AGREEMENT_H
#define CP_ANALYSIS_AGREEMENT_H

#include "analysis/ledger/ledger.h"
#include "base/sentence.h"

#include <stdio.h>

enum cp_own_kind {
    CP_OWN_NONFINITE,
    CP_OWN_CONTRADICTED,
    CP_OWN_SETTINGS,
    CP_OWN_WEIGHTS,
    CP_OWN_INPUTS,
    CP_OWN_ROUNDING,
    CP_OWN_UNCHECKED,
    CP_OWN_KINDS
};
extern const char *const cp_own_kind_names[CP_OWN_KINDS];

enum cp_own_side { CP_SIDE_A, CP_SIDE_B, CP_SIDE_BOTH };
extern const char *const cp_own_side_names[3];

/* One tap of both passes. a, b: rows of /ledger/SPEC/operations, NULL where there is none. */
struct cp_agreement_tap {
    const char *name;
    char address[96];
    struct cp_tap_place place;
    bool compared;      /* both sides have it */
    double different;   /* elements, over all inputs */
    double nonfinite;   /* ... that are not finite on one side alone */
    double beyond;      /* inputs with an element outside the tolerance; NaN: no tolerance was given */
    double relative_l2; /* mean over inputs */
    double semantic;    /* of the declared functions alone; NaN: no reference */
    const double *a, *b;
};

struct cp_own_part {
    const struct cp_agreement_tap *tap;
    enum cp_own_kind kind;
    enum cp_own_side side;
    int verdict; /* enum cp_ledger_verdict, of the side */
    enum cp_ledger_basis basis;
    double size;  /* relative L2 of the part */
    double bound; /* contradicted: times the bound; by reruns, coarse: times a plain evaluation; else NaN */
    size_t inputs, checked; /* that have it; that were checked */
    size_t worst;           /* the input where it is largest */
    int alternative;        /* that explains it; -1: none */
    int at;                 /* the point whose operation that is of, where it is another than the tap's; -1 */
    bool tried;             /* whether any was */
    double before, after;   /* residual of one input, and against the alternative */
    double slope, slope_error;
    const double *row;  /* of the ledger; NULL: none */
    const char *tensor; /* weights: the tensors that differ, by name; NULL: not known */
};

struct cp_agreement {
    size_t taps, compared, unmatched;
    size_t recomputed; /* compared, but not observed on one side, so that nothing is concluded from them */
    bool incomplete;   /* taps are unmatched, and that fails */
    size_t parts;
    struct cp_own_part *part; /* [parts] in order of execution */
    bool tolerance;           /* decides, in the place of the parts */
    bool nothing;             /* nothing matched, or nothing could be checked and nothing is identical */
    bool pass;
    const struct cp_own_part
        *shared; /* both sides contradict it alike while they agree: it is not their model; NULL */
};

struct cp_agreement_options {
    bool strict;    /* unmatched taps fail */
    bool tolerance; /* the metric `beyond` is by a tolerance that was given */
    double times;   /* legitimate rounding is a part, too, where it is more than so many times a's; 0: it is
                       none */
};

/* Whether a tap of both sides is outside the tolerance, or not finite. */
bool cp_agreement_is_outside(const struct cp_agreement_tap *tap);
/* The first part that is more than unchecked; else the first; NULL: there is none. */
const struct cp_own_part *cp_agreement_first(const struct cp_agreement *agreement);

/* taps in order of execution. Lives in the arena. */
enum cp_status cp_agreement(const struct cp_agreement_tap *taps, size_t count,
                            const struct cp_agreement_options *options, struct cp_arena *arena,
                            struct cp_agreement *agreement, struct cp_error *err);

/* Words. alternatives: their names, as the file or this program has them. */
struct cp_agreement_words {
    const char *a, *b; /* what the sides are called: "A", "B", or the passes' names */
    const char *const *alternatives;
    size_t alternative_count;
    const char *const *image_names, *const *prompt_names; /* NULL: none */
    size_t images, prompts;
};
/* "no causal mask"; NULL: none. */
const char *cp_own_explanation(const struct cp_own_part *part, const struct cp_agreement_words *words);
/* The name of the operation that part->at is, of a composite one; not for -1. */
const char *cp_own_point(const struct cp_own_part *part);
/* "does not compute what its settings, weights and inputs say: ..." */
void cp_own_append(struct cp_sentence *s, const struct cp_own_part *part,
                   const struct cp_agreement_words *words);
/* Of neighbouring layers with the same part the first stands for all: their name, "visual.0-5.mlp.gelu", and the largest of
 * them. NULL for the others. */
const struct cp_own_part *cp_agreement_gather(const struct cp_agreement *agreement,
                                              const struct cp_own_part *first, char name[128]);
/* Why, in a line: "settings at visual.0-5.mlp.gelu, text.0-3.mlp.gelu; no causal mask at text.0.attn.probs". Of the parts of
 * one side, and of both; what declared rounding explains, and what is unchecked, is no reason. Whether there was any. */
bool cp_agreement_append_reasons(struct cp_sentence *sentence, const struct cp_agreement *agreement,
                                 const struct cp_agreement_words *words, enum cp_own_side side);
/* All parts, neighbouring layers with the same one together, at most `most` lines of 80 columns where names
 * allow; then how many taps are unchecked, and at how many declared rounding is more. */
void cp_agreement_print(const struct cp_agreement *agreement, const struct cp_agreement_words *words,
                        size_t most, FILE *out);
/* What inputs cannot tell: alternatives whose slope is hidden by rounding. */
void cp_agreement_print_hidden(const struct cp_agreement_tap *taps, size_t count,
                               const struct cp_agreement_words *words, FILE *out);

#endif
