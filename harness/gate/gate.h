/* SPDX-License-Identifier: GPL-3.0-or-later
 * The gate: whether a run is still what was accepted. Samples of a run, one set for each tap of each subject
 * (the baseline and every candidate), are taken from its result file (samples.c), kept in a baseline file
 * (baseline_write.c, baseline_read.c), and judged against those kept earlier by the rules of the experiment
 * (judge.c). docs/gate.md says what every number means. */
#ifndef CP_GATE_GATE_H
#define CP_GATE_GATE_H

#include "experiment/experiment.h"
#include "gate/kept.h"
#include "report/data/report.h"

enum { CP_GATE_BITS = 17, CP_GATE_FILE_MOST = 1 << 24 };

/* Where a tap's error is largest: one row (token) of one input, and one channel of it, each with the own
 * value and the oracle's where they are furthest apart. */
struct cp_gate_place {
    size_t input; /* SIZE_MAX: nothing was measured */
    double token, token_value, token_oracle;
    double channel, channel_value, channel_oracle;
    double ulp; /* largest error of any element of that input, in ULPs */
};

/* What shows that an operation is contradicted. */
enum cp_gate_evidence { CP_GATE_BY_BOUND, CP_GATE_BY_RERUNS, CP_GATE_BY_SLOPE };

struct cp_gate_tap {
    const char *name;
    enum cp_dtype type;      /* of the arithmetic */
    char bits[CP_GATE_BITS]; /* of SHA-256 over the digests of all inputs; "": not recorded */
    size_t inputs;           /* whose errors are kept */
    double *error, *oracle;  /* [inputs] RMS of the rounding error, and of the oracle */
    double worst_token; /* largest rounding error of one token of any input, relative L2; NaN: no oracle */
    double ulp;         /* largest error of the operation by itself, in ULPs; NaN: not measured */
    double nonfinite;   /* elements that are finite on one side alone */
    double beyond;      /* largest share of one input's elements beyond the tolerance to the baseline */
    size_t beyond_inputs, compared_inputs; /* that have any; that were compared; of a candidate's run alone */
    double apart;                          /* largest |candidate - baseline|; of a candidate's run alone */
    double contradicted; /* times the bound that the operation is beyond, or what reruns show; 0: it is not */
    enum cp_gate_evidence evidence;      /* of that; of a run alone */
    const char *explained;               /* what explains that; of a run alone, NULL: nothing */
    struct cp_gate_place place;          /* of a run alone */
    const struct cp_reader_texts *names; /* of its inputs; of a run alone */
    enum cp_point point;                 /* of a run alone */
};

/* Settings as the resolved spec prints them: "norm.eps: 1e-05". */
struct cp_gate_setting {
    const char *address, *value;
};

struct cp_gate_subject {
    const char *name;
    size_t settings;
    struct cp_gate_setting
        *setting; /* all of the baseline; of a candidate those that are not the baseline's */
    size_t taps;
    struct cp_gate_tap *tap; /* [taps] in execution order */
    bool decided;
    size_t images, flips; /* of decisions */
    double kl_mean, kl_worst, max_dp;
};

struct cp_gate_file {
    const char *name;
    char digest[CP_GATE_BITS]; /* of SHA-256 */
};

struct cp_gate_samples {
    const char *path;   /* of the result, or of the baseline file */
    const char *name;   /* of the experiment */
    const char *reason; /* of a baseline file: why it was accepted; NULL: none was needed */
    size_t facts;
    struct cp_report_fact fact[12]; /* version, commit, processor, ... */
    size_t images, prompts;
    bool first_prompts; /* of a baseline file of version 1: the errors kept are of the first prompts */
    size_t files;
    struct cp_gate_file *file;
    size_t subjects;
    struct cp_gate_subject *subject; /* baseline first */
    struct cp_report report;         /* of a run alone */
    struct cp_gate_kept kept;        /* of a run alone */
    struct cp_arena arena;
};

/* Samples of a finished run. experiment: the one it ran. Free with cp_gate_samples_free, also after a
 * failure. */
enum cp_status cp_gate_take(const char *result, const struct cp_experiment *experiment,
                            struct cp_gate_samples *samples, struct cp_error *err);
void cp_gate_samples_free(struct cp_gate_samples *samples);
/* The experiment that a result tells it ran, with overrides of `check` applied. No override gives a tolerance: the run has
 * counted by its own. */
enum cp_status cp_gate_experiment(const char *result, const char *const *overrides, size_t count,
                                  struct cp_experiment *experiment, struct cp_error *err);

/* The baseline file. Written whole or not at all. */
enum cp_status cp_gate_write(const char *path, const struct cp_gate_samples *samples, const char *reason,
                             struct cp_error *err);
enum cp_status cp_gate_read(const char *path, struct cp_gate_samples *samples, struct cp_error *err);

const struct cp_gate_subject *cp_gate_subject(const struct cp_gate_samples *samples, const char *name);
const struct cp_gate_tap *cp_gate_tap(const struct cp_gate_subject *subject, const char *name);
/* A setting's value, of a candidate the baseline's where it has none of its own; NULL: none. */
const char *cp_gate_value(const struct cp_gate_samples *samples, const struct cp_gate_subject *subject,
                          const char *address);
/* Where a result is made of one or two operands, an error in ULPs has a bound that does not depend on the
 * data; elsewhere cancellation makes it any size, and it is neither kept nor judged unless a rule says so. */
bool cp_gate_is_elementwise(enum cp_point point);
/* Whether a candidate's tap is the baseline's, number for number. */
bool cp_gate_same(const struct cp_gate_tap *a, const struct cp_gate_tap *b);

/* ---- the judgement ---- */

enum cp_gate_kind {
    CP_GATE_UNMATCHED, /* there on one side alone */
    CP_GATE_NONFINITE,
    CP_GATE_CONTRADICTED, /* the operation does not compute what its own settings say, and was not accepted
                             so */
    CP_GATE_BITS_KIND,
    CP_GATE_MATHS,
    CP_GATE_RATIO,
    CP_GATE_WORST_TOKEN,
    CP_GATE_ULP,
    CP_GATE_TOLERANCE, /* of a candidate against the run's own baseline */
    CP_GATE_FLIPS,
    CP_GATE_KL,
    CP_GATE_KINDS
};
extern const char *const cp_gate_kind_names[CP_GATE_KINDS];

struct cp_gate_measure {
    enum cp_gate_outcome { CP_GATE_UNCHECKED, CP_GATE_PASSED, CP_GATE_ALLOWED, CP_GATE_FAILED } outcome;
    double value, accepted, limit;
    const struct cp_check_rule *rule; /* that set the limit; NULL: none can */
};

/* A tap of a subject, or the subject's decisions (tap and accepted NULL, decisions true). */
struct cp_gate_finding {
    const struct cp_gate_tap *tap, *accepted; /* NULL: not there */
    bool decisions;
    const char *name;
    enum cp_tower tower;
    struct cp_gate_measure measure[CP_GATE_KINDS];
    enum cp_verdict verdict; /* of the ratio */
    size_t inputs, needed;   /* of the ratio; needed: would decide, SIZE_MAX: none would */
    double low, high;        /* one-sided bounds of the ratio */
    bool failed;
};

struct cp_gate_judged {
    const struct cp_gate_subject *subject, *accepted; /* NULL: not there */
    const char *name;
    size_t findings, failed;
    struct cp_gate_finding *finding; /* [findings] */
    const char *other_settings;      /* "activation: erf, accepted quick; ..."; "" where none differ */
    bool other_maths;                /* one of them changes the ideal function */
};

struct cp_gate_verdict {
    const struct cp_experiment *experiment;
    const struct cp_gate_samples *samples, *accepted;
    size_t subjects;
    struct cp_gate_judged *judged;
    size_t inputs; /* what is other about the inputs */
    const char **input;
    size_t rules; /* what is looser than accepted, without a reason */
    const char **rule;
    size_t compared, failed; /* taps and decisions */
    struct cp_arena arena;
};

/* bits: whether other bits fail. Free with cp_gate_verdict_free, also after a failure. */
enum cp_status cp_gate_judge(const struct cp_experiment *experiment, const struct cp_gate_samples *samples,
                             const struct cp_gate_samples *accepted, bool bits,
                             struct cp_gate_verdict *verdict, struct cp_error *err);
void cp_gate_verdict_free(struct cp_gate_verdict *verdict);
bool cp_gate_passed(const struct cp_gate_verdict *verdict);
/* The first tap of a run that contradicts its own settings; NULL: none. */
const struct cp_gate_tap *cp_gate_contradicted(const struct cp_gate_samples *samples);
/* Whether a finding fails against what was accepted, in another kind than its bits. */
bool cp_gate_worse(const struct cp_gate_finding *finding);
/* Whether it failed in a kind that is to be told: other bits go without saying where it is worse as well. */
bool cp_gate_tells(const struct cp_gate_finding *finding, enum cp_gate_kind kind);
/* Whether a spec fails from the same taps on as the baseline, in every tower and kind: what the baseline's failure makes. */
bool cp_gate_follows(const struct cp_gate_judged *judged, const struct cp_gate_judged *baseline);
/* A bit for each kind in which a finding is the first of its tower to fail; most: findings that fail in one of them. */
unsigned cp_gate_first_kinds(const struct cp_gate_judged *judged, const struct cp_gate_finding *finding,
                             size_t *most);
/* The first of its tower that fails in the first kind that it fails in, which may be itself; NULL: it does not fail. */
const struct cp_gate_finding *cp_gate_begins(const struct cp_gate_judged *judged,
                                             const struct cp_gate_finding *finding);
/* Whether any finding is worse, or nothing could be compared: what must not be accepted without a reason. */
bool cp_gate_needs_reason(const struct cp_gate_verdict *verdict);

/* ---- forms of it ---- */

/* "error 3.2 times the accepted, at most 2 (auto)": one kind of a finding in words. */
enum { CP_GATE_WORDS = 512 };
void cp_gate_append(const struct cp_gate_judged *judged, const struct cp_gate_finding *finding,
                    enum cp_gate_kind kind, char text[CP_GATE_WORDS]);
/* Where a tap's error is largest, with both values; "" where that is not known. */
void cp_gate_append_place(const struct cp_gate_finding *finding, char text[CP_GATE_WORDS]);

void cp_gate_summary(const struct cp_gate_verdict *verdict, bool all, FILE *out);
/* Failures are where something begins; a tap behind it that fails is skipped. seconds: all of it took. */
void cp_gate_junit(const struct cp_gate_verdict *verdict, double seconds, FILE *out);
void cp_gate_json(const struct cp_gate_verdict *verdict, FILE *out);
/* What accepting a run did. verdict: of the run by what the file held before; NULL: there was none, or it was not reached. */
enum cp_gate_acceptance { CP_GATE_REFUSED, CP_GATE_UNCHANGED, CP_GATE_ACCEPTED };
void cp_gate_acceptance_json(enum cp_gate_acceptance outcome, const char *baseline, const char *reason,
                             const struct cp_gate_samples *samples, const struct cp_gate_verdict *verdict,
                             FILE *out);
/* ::error lines for a log of GitHub Actions; file: the experiment's. */
void cp_gate_github(const struct cp_gate_verdict *verdict, const char *file, FILE *out);
/* A table in Markdown for $GITHUB_STEP_SUMMARY. */
void cp_gate_markdown(const struct cp_gate_verdict *verdict, FILE *out);
/* Whether accepting would change anything, and what, in a few lines. */
bool cp_gate_changed(const struct cp_gate_verdict *verdict);
void cp_gate_changes(const struct cp_gate_verdict *verdict, FILE *out);

#endif
