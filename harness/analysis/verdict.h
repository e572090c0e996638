/* SPDX-License-Identifier: GPL-3.0-or-later
 * Verdicts: what a candidate's divergence at a tap amounts to. The first that applies of
 *
 *   unmatched     one side has no such tap
 *   nonfinite     NaN or infinity where the other side has something else
 *   identical     the same bits
 *   semantic      the oracles differ by more than 1e-12 (relative L2): the declared functions differ
 *   degraded      the same declared function; the rounding error is more than k times the baseline's
 *   equivalent    ... is less than k times the baseline's
 *   inconclusive  neither is shown: too few inputs
 *   differs       other bits, and no oracle to tell maths from rounding
 *   contradicted  the operation at the tap, of either side, does not compute what its settings, weights and
 *                 inputs say (analysis/ledger/ledger.h); comes before semantic
 *
 * degraded, equivalent and inconclusive are decided over inputs i by d_i = log((e_C,i + f_i) / (e_B,i + f_i))
 * with e the RMS error against the oracle and f_i = 2^-24 RMS(oracle_i): a t test of the mean of d against
 * log k (num/mean_test.h), with Holm's correction over the taps of a tower. Beside `semantic` that verdict is
 * stored too. e_B is never less than the error of this program's own pass with the baseline's settings
 * (analysis/yardstick.h), so that a reference that is better than its declared type makes nobody degraded.
 *
 * What the mean cannot show: an input fails whose ratio is above CP_VERDICT_FAILS k, and then the tap is
 * degraded, whatever the mean. So is a tap that the mean calls equivalent, where more inputs are above k than
 * legitimate evaluations show: P(F(m, m) > k^2), 30 % where one element carries the error, 2 % at ten and
 * taken for all beyond; m = (sum |e|)^2 / sum e^2, the mean over inputs.
 *
 * Inputs that are the same count once, and prompts by their templates and classes (analysis/units.h). A ratio
 * with a zero in it enters by its sign, as the largest of the others. Nothing behind an operation of the
 * baseline that is contradicted itself is equivalent. */
#ifndef CP_ANALYSIS_VERDICT_H
#define CP_ANALYSIS_VERDICT_H

#include "run/analysis.h"

enum cp_verdict {
    CP_UNMATCHED,
    CP_NONFINITE_VERDICT,
    CP_IDENTICAL,
    CP_SEMANTIC_VERDICT,
    CP_DEGRADED,
    CP_EQUIVALENT,
    CP_INCONCLUSIVE,
    CP_DIFFERS,
    CP_CONTRADICTED_VERDICT,
    CP_VERDICT_COUNT
};
extern const char *const cp_verdict_names[CP_VERDICT_COUNT];

/* Columns of /metrics/CANDIDATE/verdicts (tap, field). */
enum cp_verdict_field {
    CP_FIELD_VERDICT,  /* enum cp_verdict */
    CP_FIELD_ROUNDING, /* degraded, equivalent or inconclusive, whatever the maths */
    CP_FIELD_INPUTS,   /* inputs that have an oracle */
    CP_FIELD_SEMANTIC, /* largest semantic relative L2 of any input; NaN: no oracle */
    CP_FIELD_RATIO,    /* exp(mean d) */
    CP_FIELD_LOW,      /* its one-sided bounds, each at alpha, before Holm */
    CP_FIELD_HIGH,
    CP_FIELD_P_DEGRADED, /* p-values, after Holm */
    CP_FIELD_P_EQUIVALENT,
    CP_FIELD_K,
    CP_FIELD_WEIGHTS,  /* 1: the tensors that feed the tap's operation have other bits than the baseline's */
    CP_FIELD_FAILING,  /* inputs whose ratio is above CP_VERDICT_FAILS k */
    CP_FIELD_WORST,    /* the input with the largest ratio; NaN: none has one */
    CP_FIELD_DISTINCT, /* n: of the inputs, those that are not the same as one before */
    CP_FIELD_INDEPENDENT, /* as many independent inputs would have the mean's error */
    CP_FIELD_DF,          /* degrees of freedom of that error */
    CP_FIELD_ABOVE,       /* of the distinct inputs, the share whose ratio is above k */
    CP_FIELD_ABOVE_LOW,   /* its one-sided limits, each at alpha */
    CP_FIELD_ABOVE_HIGH,
    CP_FIELD_P_MIXED, /* of "no more are above k than legitimate evaluations show", after Holm */
    CP_VERDICT_FIELDS
};
extern const char *const cp_verdict_field_names[CP_VERDICT_FIELDS];

/* Whether the declared functions differ at a tap, whatever else it is; never where the bits are the same. */
bool cp_verdict_is_semantic(const double fields[CP_VERDICT_FIELDS]);

/* What an operation's own divergence is attributed to, from its local verdict. */
enum cp_cause { CP_CAUSE_NONE, CP_CAUSE_SEMANTIC, CP_CAUSE_ROUNDING, CP_CAUSE_WEIGHTS, CP_CAUSE_COUNT };
extern const char *const cp_cause_names[CP_CAUSE_COUNT];
/* fields: of one tap of local_verdicts. Other weights are the cause where they differ, whatever the maths. */
enum cp_cause cp_cause_of(const double fields[CP_VERDICT_FIELDS]);

/* Below so many distinct inputs, or degrees of freedom, no interval is worth its name. */
enum { CP_VERDICT_MIN_INPUTS = 12, CP_VERDICT_MIN_DF = 6 };
/* A single input's ratio beyond so many k fails where CP_VERDICT_ELEMENTS elements or more carry the error:
 * of fewer, the ratio of two legitimate errors has no such limit. */
enum { CP_VERDICT_FAILS = 8, CP_VERDICT_ELEMENTS = 8 };

/* Columns of /metrics/CANDIDATE/failing_images (image, field) and failing_prompts: what of an input fails by
 * itself. */
enum cp_failing_field {
    CP_FAILING_TAPS,  /* at how many taps its ratio is above CP_VERDICT_FAILS k */
    CP_FAILING_TIMES, /* the largest ratio there, in multiples of k; 0: at none */
    CP_FAILING_FIELDS
};
extern const char *const cp_failing_field_names[CP_FAILING_FIELDS];

/* Which inputs are the same, and which belong together (analysis/units.h). */
struct cp_verdict_units {
    const size_t *first;            /* [inputs] the first input that is the same; NULL: all differ */
    const size_t *template, *class; /* [inputs] of prompts; NULL: none */
    size_t templates, classes;
};

/* What a tap's metrics come down to before the statistics. */
struct cp_verdict_facts {
    size_t compared; /* inputs of which both sides have the tensor */
    bool nonfinite, identical;
    double semantic; /* NaN: no oracle */
    double *d;       /* [distinct] */
    size_t *group;   /* (2, capacity) templates, then classes, of each d; NULL: none */
    size_t capacity; /* of d and group */
    size_t inputs;   /* that have an oracle besides */
    size_t distinct;
    double k;
    size_t elements; /* of the tap, for one input */
    double carrying; /* of those, the elements that carry the error */
    size_t failing, worst;
    double most;   /* the d of the worst */
    double *fails; /* (inputs, enum cp_failing_field) over taps; NULL: not to be kept */
    struct cp_verdict_units units;
};
/* metrics: (inputs, part, metric); d and group have room for inputs; they, k, elements and units are given.
 * yardstick: [inputs] rms errors that the baseline's is never taken to be below; NULL: none. */
void cp_verdict_facts(const double *metrics, size_t inputs, const double *yardstick,
                      struct cp_verdict_facts *facts);

/* One input's d, taken in; also what is given by other means than metrics. */
void cp_verdict_add(struct cp_verdict_facts *facts, size_t input, double d);

/* The statistics of one tap: all fields but the two verdicts; p-values not yet corrected. Infinite d are
 * replaced. sums: room for templates + classes. */
void cp_verdict_statistics(const struct cp_verdict_facts *facts, double alpha, double *sums,
                           double fields[CP_VERDICT_FIELDS]);

/* Corrects the p-values of a family of count taps, rows CP_VERDICT_FIELDS apart, and decides. order: room for
 * count. */
void cp_verdict_decide(const struct cp_verdict_facts *facts, double *fields, size_t count, double alpha,
                       size_t *order);

/* Defines a table of verdicts of spec s: CP_SCHEMA_VERDICTS, or CP_SCHEMA_LOCAL_VERDICTS. */
enum cp_status cp_verdicts_define(struct cp_lockstep *lockstep, size_t s, enum cp_schema_id id, int *handle,
                                  struct cp_error *err);

/* After the last batch: reads the metrics back, and stores the verdicts of every candidate. */
extern const struct cp_analysis cp_verdicts_analysis;
/* Of candidate s at one tap of those that are compared. */
enum cp_status cp_verdicts_read(const struct cp_lockstep *lockstep, size_t s, size_t tap,
                                double fields[CP_VERDICT_FIELDS], struct cp_error *err);

#endif
