/* SPDX-License-Identifier: GPL-3.0-or-later
 * A study: an experiment made ready to run. Everything that the run needs is resolved and checked here, so
 * that an error in any spec, tap glob or input file is reported before anything is computed or written. */
#ifndef CP_RUN_STUDY_H
#define CP_RUN_STUDY_H

#include "base/pool.h"
#include "capture/capture.h"
#include "experiment/experiment.h"
#include "inputs/inputs.h"
#include "model/pass.h"
#include "run/model_source.h"
#include "tap/record.h"

/* Where a pass that is not computed comes from. */
struct cp_captured {
    struct cp_capture *capture; /* NULL: it is computed */
    size_t *tap;                /* per site: the capture's tap, or its count of taps: it has none */
    int32_t *ids;               /* (prompts, tokens) that it had; NULL: not known */
    int *valid_tokens;          /* [prompts] tokens up to the one that pooling takes, of these ids */
};

/* A capture's tensor that the passes start from (run/captured/graft.h). */
struct cp_graft {
    struct cp_capture *from; /* NULL: none */
    size_t count;            /* of tensors: the one asked for, and the stream's where it does not make it */
    size_t site[2], tap[2];
};

struct cp_analysis;

struct cp_study {
    const struct cp_experiment *experiment;
    const char *path;      /* of the experiment file */
    struct cp_model model; /* without weights where every pass is a capture */
    bool modelled;
    struct cp_notes notes; /* about the config, for standard error */
    const struct cp_ops *ops;
    int threads;
    size_t batch;
    struct cp_run_inputs inputs;
    struct cp_sites sites;
    size_t spec_count;     /* baseline first */
    struct cp_spec **spec; /* [spec_count] */
    /* One oracle for each distinct maths; spec s is served by oracle oracle_of[s]. */
    size_t oracle_count;
    const struct cp_spec **oracle;        /* [oracle_count] the first spec with that maths */
    const struct cp_model **oracle_model; /* [oracle_count] */
    size_t *oracle_of;                    /* [spec_count] */
    size_t oracle_images, oracle_prompts; /* the first of each, for which the oracle runs */
    struct cp_model *own;                 /* [own_count] of passes that have a checkpoint of their own */
    size_t own_count;
    const struct cp_model *
        *spec_weights; /* [spec_count] the weights of its checkpoint: equal bits, equal pointers */
    const struct cp_model **spec_model;     /* [spec_count] the same as the spec has them */
    enum cp_dtype **types;                  /* [spec_count] per site: the arithmetic's type */
    const struct cp_tolerance **tolerances; /* (spec, site) of the metric `beyond`; NULL: of the type */
    size_t captured_count;
    struct cp_captured *captured;   /* [captured_count], that is [spec_count] */
    struct cp_capture *inputs_from; /* NULL: the inputs are no capture's */
    struct cp_graft graft;
    const struct cp_analysis *const *analyses; /* that may be wanted, ending with NULL; NULL: none */
    enum cp_record_mode *modes;                /* per site */
    bool *watched;                             /* per site: compared */
    const char *plan;                          /* the resolved experiment and specs as text: the provenance */
    /* SHA-256 of the plan, but for what no bit depends on, and of every input file: what a resumed run must share */
    char fingerprint[65];
    struct cp_arena arena;
};

/* On failure nothing is kept; on success release with cp_study_free. experiment is borrowed. analyses: what
 * a run of it may find out (cp_analyses); NULL where none is to come. */
enum cp_status cp_study_create(const struct cp_experiment *experiment, const char *path,
                               const struct cp_analysis *const *analyses, struct cp_study *study,
                               struct cp_error *err);
void cp_study_free(struct cp_study *study);
/* Makes plan and fingerprint again, of an experiment whose output was changed. */
enum cp_status cp_study_describe(struct cp_study *study, struct cp_error *err);
/* Bytes of the experiment's own text in a plan, before its specs; 0: it is no plan. */
size_t cp_plan_experiment(const char *plan);
/* Whether a path leads to the experiment's file or to one of its inputs. */
bool cp_study_reads(const struct cp_study *study, const char *path);

/* Bytes of the weights (plain and packed), of all buffers of a run, of the result file, and of the tensors in full in it,
 * estimated from the shapes. flops: multiply-adds of all specs and oracles together, times two; elements: of all recorded tensors. */
struct cp_estimate {
    size_t weights, buffers, file, full;
    double flops, oracle_flops, elements;
};
struct cp_estimate cp_study_estimate(const struct cp_study *study);
/* Seconds that a run will take, roughly, from a product that is timed now; 0: not known. */
double cp_study_seconds(const struct cp_study *study);
/* Floating-point operations of so many images and prompts through both towers. */
double cp_study_flops(const struct cp_study *study, size_t images, size_t prompts);

/* The first images or prompts, for which the oracle runs. */
size_t cp_study_oracle_inputs(const struct cp_study *study, enum cp_tower tower);

#endif
