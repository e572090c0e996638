/* SPDX-License-Identifier: GPL-3.0-or-later
 * The forward pass of one plan over one batch of one tower, in stages: stem, block 0 .. L-1, head, each of the steps
 * that the tower's family has (tap/family.h). A study runs the same stage of several plans one after the other, so that their taps can be compared without
 * storing more than a stage. Layout is (input, token, channel) throughout; every tensor is float32, rounded
 * as the plan's spec says. */
#ifndef CP_MODEL_PASS_H
#define CP_MODEL_PASS_H

#include "base/pool.h"
#include "model/packed.h"
#include "model/permute.h"
#include "tap/family.h"

/* Buffers for one stage at a time, shared by all passes of a run. B: batch, T: tokens, W: width, H: heads,
 * M: mlp. */
struct cp_workspace {
    size_t batch;
    float *patches;    /* (B, patches, 3 * patch * patch); also the pixels of the batch */
    float *pixels;     /* (B, 3, size, size) */
    float *h;          /* (B, T, W): a norm's output */
    float *q, *k, *v;  /* (B, T, W) */
    float *scaled;     /* (B, T, W): q, then k, after scaling */
    float *scores;     /* (B, H, T, T): scores, then probs */
    float *context;    /* (B, T, W) */
    float *branch;     /* (B, T, W): a branch's output before the residual addition */
    float *mlp, *gelu; /* (B, T, M) */
    float *pooled;     /* (B, W) */
    float *permuted;   /* (B, T, max(2 W, M)) or the patches: operands in another order (linear.permute) */
    uint32_t *order;   /* that order, of the summed index */
    float *projected;  /* (B, embed_dim) */
    float *worker;     /* threads x worker_stride: packing for the matrix product */
    size_t worker_stride;
    struct cp_arena arena;
};

enum cp_status cp_workspace_create(const struct cp_clip_config *config, const struct cp_ops *ops,
                                   size_t batch, int threads, struct cp_workspace *ws, struct cp_error *err);
void cp_workspace_free(struct cp_workspace *ws);
/* Bytes that cp_workspace_create would take. */
size_t cp_workspace_bytes(const struct cp_clip_config *config, size_t batch, int threads);

struct cp_pass {
    const struct cp_plan *plan;
    struct cp_taps taps;
    struct cp_pool *pool;
    struct cp_workspace *ws;
    enum cp_tower tower;
    size_t first, inputs;    /* the batch: inputs [first, first + inputs) of the run */
    const int *valid_tokens; /* text: tokens up to and including EOT, per input of the batch; vision: NULL */
    const int32_t *tokens;   /* text: (inputs, context_length) */
    const float *pixels;     /* images: (inputs, 3, size, size), normalised, for the stem */
    float *features;         /* (inputs, embed_dim): where the head puts them, normalised */
    float *x;                /* (inputs, T, W): the residual stream, kept between stages */
};

/* Sets `pass` to the tower and batch of another. */
void cp_pass_place(struct cp_pass *pass, const struct cp_pass *as);

/* One part of the tower, by its family's steps: the stem, a block (layer -1 outside the blocks), the head. */
enum cp_status cp_pass_part(struct cp_pass *pass, enum cp_tower_part part, int layer, struct cp_error *err);
/* A whole tower; pixels: NULL for texts. */
enum cp_status cp_tower_run(struct cp_pass *pass, const float *pixels, float *features, struct cp_error *err);

/* The joint part. text_features: (prompts, E); classes > 0: prompts are class-major, templates = prompts /
 * classes, and class_features (classes, E) is filled. */
struct cp_joint {
    const struct cp_plan *plan;
    struct cp_taps taps;
    struct cp_pool *pool;
    size_t prompts, classes;
    float *text_features, *class_features;
    float *packed_text, *packed_class; /* packed_size(E, prompts), packed_size(E, classes) */
    float *scratch;                    /* threads x scratch */
};
enum cp_status cp_joint_classes(struct cp_joint *joint, struct cp_error *err);
/* Logits and probabilities of images [first, first + inputs): image_features (inputs, E); memory for (inputs,
 * prompts) twice is taken from the arena. */
enum cp_status cp_joint_images(struct cp_joint *joint, const float *image_features, size_t first,
                               size_t inputs, struct cp_arena *arena, struct cp_error *err);

/* Position of the token that text pooling takes, from the ids, by the config's pool_type. */
int cp_text_pool_position(const struct cp_clip_config *config, const int32_t *ids);

/* ---- used by the stages ---- */

static inline const struct cp_tower_shape *cp_pass_shape(const struct cp_pass *pass) {
    return &pass->plan->shape[pass->tower];
}
size_t cp_pass_tokens(const struct cp_pass *pass);
/* The tokens of input n of the batch that are seen, and how many; NULL: all of them. */
const uint32_t *cp_pass_visible(const struct cp_pass *pass, size_t n, size_t *count);
enum cp_status cp_pass_visit(struct cp_pass *pass, enum cp_point point, int layer, float *data,
                             struct cp_error *err);
/* y = x W^T + b over rows, by the choice's linear variant, compute and accumulate types. */
void cp_pass_linear(struct cp_pass *pass, const struct cp_choice *choice,
                    const struct cp_packed_linear *linear, const float *x, size_t rows, float *y);
/* The norm at a point (layer -1: outside the blocks) over rows of the tower's width; y == x is allowed. */
void cp_pass_norm(struct cp_pass *pass, enum cp_point point, int layer, const float *x, size_t rows,
                  float *y);
/* Where an operand, or a step's result, is kept; NULL: nowhere. Points that share a place
 * overwrite each other; the scores overwrite ln_1 and ln_2, too. */
float *cp_pass_value(const struct cp_pass *pass, int operand);

#endif
