/* SPDX-License-Identifier: GPL-3.0-or-later
 * All specs of a study through the forward pass in lockstep: each stage (stem, one block, head) is run by
 * the oracles, then the baseline, then every candidate, whose taps are compared with what the former two just
 * left. So memory holds one stage of taps, however deep the model. A lane that has so far computed what the
 * baseline computes, to the bit, and would do so in the next stage, is not run: it takes the baseline's
 * tensors. A lane of a capture is never run: its tensors are read (run/captured/captured.h). */
#ifndef CP_RUN_LOCKSTEP_H
#define CP_RUN_LOCKSTEP_H

#include "base/progress.h"
#include "inputs/pixel_changes.h"
#include "oracle/oracle.h"
#include "result/schema.h"
#include "run/study.h"
#include "tap/compare.h"

/* What is run in one go: the stem, a block (layer) or the head of a tower; the zero-shot classifier; the
 * logits. */
enum cp_stage_kind { CP_STAGE_STEM, CP_STAGE_BLOCK, CP_STAGE_HEAD, CP_STAGE_CLASSES, CP_STAGE_LOGITS };
struct cp_stage {
    enum cp_stage_kind kind;
    enum cp_tower tower;
    int layer; /* -1 outside the blocks */
};

enum { CP_ORACLE_TAPS = 3 };

/* One spec on its way. */
struct cp_lane {
    struct cp_pass pass;
    struct cp_plan *plan; /* NULL: a capture's */
    struct cp_joint joint;
    struct cp_tap *taps;
    struct cp_recorder recorder;
    struct cp_compare compare; /* candidates */
    float *image_features;     /* (batch, E) */
    bool follows;              /* in this tower it has computed what the baseline has, to the bit */
    const float *pixels;       /* what its vision stem starts from; NULL: its spec's own */
};

struct cp_oracle_lane {
    struct cp_oracle oracle;
    struct cp_tap taps[CP_ORACLE_TAPS];
    struct cp_recorder recorder;
    struct cp_tap_buffer buffer;
    double *image_features, *text_features, *class_features;
    bool follows;        /* in this tower it has computed what the first oracle has */
    const float *pixels; /* as a lane's */
};

/* What specs that preprocess as this one does, and change their pixels in the same way, start from. */
struct cp_lockstep_pixels {
    const struct cp_spec *spec; /* the first of them, */
    size_t of;                  /* and its place among the specs */
    float *values;              /* (batch, 3, size, size) */
    float *replaced;            /* the same, normalised from what the baseline cropped; may be values */
    struct cp_pixel_changes changes;
};

/* Lanes that an analysis feeds the baseline's tensors: the steps of the first images' pictures are shown to
 * them, too. */
struct cp_replaced_lanes {
    struct cp_lane *lanes;          /* [spec_count]; lane 0 unused; NULL: none */
    struct cp_oracle_lane *oracles; /* [oracle_count] */
    size_t images;
};

struct cp_lockstep {
    const struct cp_study *study;
    struct cp_result *result;
    struct cp_pool *pool;
    struct cp_workspace ws;
    struct cp_packed_store store;
    struct cp_record_labels labels;
    struct cp_tap_buffer buffer; /* the baseline's stage */
    struct cp_tap_buffer
        graft; /* of the batch: the tensors that every pass goes on from (run/captured/graft.h) */
    struct cp_arena arena, scratch, joint_scratch;
    struct cp_lane *lanes;          /* [spec_count] */
    struct cp_oracle_lane *oracles; /* [oracle_count] */
    int thumbnails;                 /* handle; unused without images */
    size_t pixels_count;
    struct cp_lockstep_pixels
        *pixels; /* [pixels_count] one for each way to make them, the baseline's first */
    struct cp_preprocess_taps *preprocess_taps; /* NULL: off (run/preprocess_taps.h) */
    size_t residual;  /* floats of one input's residual stream, the larger of both towers */
    bool *every_site; /* per site: true */
    bool with_oracle; /* the batch at hand has one */
    unsigned needs;   /* of the analyses */
    struct cp_replaced_lanes replaced;
    struct cp_progress *progress; /* told of each stage; NULL: nobody is */
    void **state;                 /* of each of the study's analyses (run/analysis.h) */
};

/* Packs the weights, defines every variable of the result. Release with cp_lockstep_free, also after a
 * failure. */
enum cp_status cp_lockstep_create(const struct cp_study *study, struct cp_result *result,
                                  struct cp_pool *pool, struct cp_lockstep *lockstep, struct cp_error *err);
/* The prompts [first, first + count), count <= batch, with the oracle or without. Inputs may be run again, which writes the
 * same bytes, and the oracle's where they had none. */
enum cp_status cp_lockstep_prompts(struct cp_lockstep *lockstep, size_t first, size_t count, bool oracle,
                                   struct cp_error *err);
/* After all prompts: the zero-shot classifier. What joins the towers has an oracle where all prompts have. */
enum cp_status cp_lockstep_classes(struct cp_lockstep *lockstep, struct cp_error *err);
/* The images [first, first + count) in the same way; after the prompts, if there are any. */
enum cp_status cp_lockstep_images(struct cp_lockstep *lockstep, size_t first, size_t count, bool oracle,
                                  struct cp_error *err);
/* Stages of a batch of that tower, with what joins the towers. */
size_t cp_lockstep_stages(const struct cp_lockstep *lockstep, enum cp_tower tower);
/* A batch as a spec has it: its tokenizer's tokens. */
struct cp_pass cp_lockstep_batch(const struct cp_lockstep *lockstep, const struct cp_spec *spec,
                                 struct cp_pass batch);
/* The batch's pixels as a spec has them. */
const struct cp_lockstep_pixels *cp_lockstep_pixels(const struct cp_lockstep *lockstep,
                                                    const struct cp_spec *spec);

/* ---- making lanes, for what runs beside the specs ---- */

/* Puts count elements, cleared, that live as long as the lockstep into a pointer, or returns from the calling
 * function. */
#define CP_LOCKSTEP_TAKE(lockstep, pointer, count)                                                           \
    CP_TRY(CP_CHECK_BATCH_ALLOC((pointer) = cp_arena_calloc(&(lockstep)->arena, (count), sizeof *(pointer)), \
                                err, "", "a batch of %zu", (lockstep)->study->batch))

/* Buffers for one spec's way, with room for its taps, which are put into lane->taps, then cp_lane_wire. */
enum cp_status cp_lane_create(struct cp_lockstep *lockstep, struct cp_plan *plan, size_t taps,
                              struct cp_lane *lane, struct cp_error *err);
void cp_lane_wire(const struct cp_lockstep *lockstep, struct cp_lane *lane, size_t taps);
enum cp_status cp_oracle_lane_create(struct cp_lockstep *lockstep, size_t o, struct cp_oracle_lane *lane,
                                     struct cp_error *err);
/* Defines /metrics/CANDIDATE/TAP/NAME (input, part, metric) of spec s; handles per site, -1: not watched. */
enum cp_status cp_metrics_define(struct cp_lockstep *lockstep, size_t s, enum cp_schema_id id, int *handles,
                                 struct cp_error *err);

void cp_lockstep_free(struct cp_lockstep *lockstep);

#endif
