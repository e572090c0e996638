/* SPDX-License-Identifier: GPL-3.0-or-later
 * A CLIP model: its config and its weights, widened exactly to float32. The oracle reads these; the forward
 * pass reads copies of them that are rounded and packed for a spec (model/packed.h). Keys and shapes:
 * open_clip's class CLIP, which is OpenAI's layout. nn.Linear weights are (out, in); visual.proj and
 * text_projection are (in, out). */
#ifndef CP_MODEL_MODEL_H
#define CP_MODEL_MODEL_H

#include "base/notes.h"
#include "base/status.h"
#include "config/tower_shape.h"
#include "preprocess/position.h"
#include "torch/random.h"

#include <stdint.h>

struct cp_norm_weights {
    const float *weight, *bias; /* (width) */
};

struct cp_linear_weights {
    const float *weight; /* (out, in) */
    const float *bias;   /* (out) or NULL */
};

struct cp_block_weights {
    struct cp_norm_weights ln_1, ln_2;
    struct cp_linear_weights in_proj; /* (3 width, width): rows q, k, v */
    struct cp_linear_weights out_proj, c_fc, c_proj;
    const float *ls_1, *ls_2; /* (width): gamma of LayerScale, NULL: none */
};

/* What a tower does not have is NULL. */
struct cp_tower_weights {
    const float *class_embedding;      /* (width) */
    const float *positional_embedding; /* (tokens, width), row 0: the class token, if there is one */
    /* Where the file's are of another grid: they as each variant resizes them; else NULL. */
    const float *positions[CP_POSITIONS];
    const float *conv1;                     /* (width, 3, patch, patch) */
    const float *token_embedding;           /* (vocab_size, width) */
    struct cp_norm_weights ln_pre, ln_post; /* ln_post: the text tower's ln_final */
    struct cp_block_weights *blocks;        /* [layers] */
    struct cp_linear_weights proj;          /* its weight is (width, embed_dim) */
};

struct cp_model {
    struct cp_clip_config config;
    struct cp_tower_weights tower[CP_TOWERS];
    const float *logit_scale; /* (1): natural logarithm of the factor; NULL with one tower alone */
    const float *logit_bias;  /* (1) or NULL */
    size_t bytes;             /* of all weights as float32 */
    struct cp_notes notes;    /* what was left out of its file or renamed, and values that are not finite */
    struct cp_arena arena;
};

/* From a checkpoint of any format (checkpoint/checkpoint.h) and layout (model/layout/layout.h); every tensor of the
 * config must be there with its shape, and no other, but visual.positional_embedding may be of another square
 * grid: it is resized, as open_clip does on load, and config.vision.stored_grid says from which; and a causal text tower
 * may have fewer positions or token embeddings, which model->config then says. Of a file of
 * one tower alone, the other tower in model->config has no layers. Free with cp_model_free, also after a
 * failure. */
enum cp_status cp_model_load(const char *checkpoint, const struct cp_clip_config *config,
                             struct cp_model *model, struct cp_error *err);

/* The same, but a tower of the config that the file lacks is an error. */
enum cp_status cp_model_load_whole(const char *checkpoint, const struct cp_clip_config *config,
                                   struct cp_model *model, struct cp_error *err);

/* Patches a side: beyond it one head's scores alone would take 17 GB, so a config of that is a slip. */
enum { CP_GRID_MOST = 256 };

/* A seeded model for tests and benchmarks: element i of tensor `name` is centre + spread * sqrt(3) * u
 * rounded to float32, with u = cp_counter_unit(seed, cp_name_hash(name), i) and open_clip's initialisation as
 * spread. The same rule in Python: reference/pytorch/counter.py. */
enum cp_status cp_model_counter(const struct cp_clip_config *config, uint64_t seed, struct cp_model *model,
                                struct cp_error *err);

/* The weights that open_clip's class CLIP has after torch.manual_seed(seed), to the bit. */
enum cp_status cp_model_open_clip(const struct cp_clip_config *config, uint64_t seed,
                                  enum cp_torch_capability capability, struct cp_model *model,
                                  struct cp_error *err);

void cp_model_free(struct cp_model *model);

#endif
