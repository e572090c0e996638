/* SPDX-License-Identifier: GPL-3.0-or-later
 * Taps: named points of the forward pass where a tensor can be observed or replaced.
 *
 * Names are open_clip's module paths. A tap is asked first whether it wants the tensor at a site and given it
 * second, so nothing is copied or laid out if nobody wants it. What visit leaves in `data` is what the pass
 * goes on with: observing leaves it alone, and replacing (teacher forcing, grafting, faults) writes to it. */
#ifndef CP_TAP_TAP_H
#define CP_TAP_TAP_H

#include "base/arena.h"
#include "base/number.h"
#include "base/status.h"
#include "config/tower_shape.h"
#include "tap/operation.h"

#include <stdbool.h>
#include <stddef.h>

enum cp_dim_kind {
    CP_DIM_IMAGE,
    CP_DIM_PROMPT,
    CP_DIM_TOKEN,
    CP_DIM_CHANNEL,
    CP_DIM_HEAD,
    CP_DIM_QUERY,
    CP_DIM_KEY,
    CP_DIM_CLASS,
    CP_DIM_COLOUR,
    CP_DIM_Y,
    CP_DIM_X,
    CP_DIM_INPUT /* in the table only: image or prompt, by tower */
};
const char *cp_dim_name(enum cp_dim_kind kind);

/* A plain ViT's order of execution; block points repeat for each layer. Those before CP_LN_1 are a stem's. */
enum cp_point {
    CP_PIXELS_DECODED, /* the steps of preprocessing, where the inputs are pictures */
    CP_PIXELS_RESIZED,
    CP_PIXELS_CROPPED,
    CP_PIXELS_NORMALIZED,
    CP_CONV1,
    CP_TOKENS,
    CP_TOKEN_EMBEDDING,
    CP_EMBED,
    CP_LN_PRE,
    CP_LN_1,
    CP_ATTN_Q,
    CP_ATTN_K,
    CP_ATTN_V,
    CP_ATTN_SCORES,
    CP_ATTN_PROBS,
    CP_ATTN_CONTEXT,
    CP_ATTN,
    CP_LS_1,
    CP_RESID_MID,
    CP_LN_2,
    CP_MLP_C_FC,
    CP_MLP_GELU,
    CP_MLP_C_PROJ,
    CP_LS_2,
    CP_BLOCK,
    CP_LN_POST,
    CP_POOLED,
    CP_PROJECTED,
    CP_FEATURES,
    CP_LOGITS_PER_IMAGE,
    CP_PROBS,
    CP_CLASS_FEATURES,
    CP_CLASS_LOGITS,
    CP_CLASS_PROBS,
    CP_POINT_COUNT
};

/* One row of the table of all points. */
struct cp_point_row {
    const char *visual, *text, *joint; /* name in each tower (after the block's prefix), NULL: not there */
    const char *hugging_face;          /* module path in transformers' CLIPModel, or "-" */
    bool in_block;
    enum cp_dim_kind dims[4]; /* first: the input; unused ones repeat CP_DIM_INPUT */
    int rank;
    enum cp_operation_kind kind; /* what is computed there, */
    enum cp_operation_type type; /* the type of its result, */
    const char *words;           /* and what it is called: "norm before attention" */
    const char *what;            /* what the tensor is */
};
extern const struct cp_point_row cp_points[CP_POINT_COUNT];

/* A point's name in a tower, after the block's prefix; NULL: it is not there. */
const char *cp_point_name(enum cp_point point, enum cp_tower tower);

/* What a tower, and its inputs, are called; what joins them is of the images. */
struct cp_tower_word {
    const char *name, *prefix; /* in addresses; before the names of its blocks */
    const char *input, *inputs;
    enum cp_dim_kind dim;
};
extern const struct cp_tower_word cp_tower_words[CP_TOWERS + 1];

/* A point of one model over one run's inputs. */
struct cp_site {
    char name[80];
    enum cp_tower tower;
    enum cp_point point;
    int layer; /* -1 outside the blocks */
    int rank;
    enum cp_dim_kind dims[4];
    size_t shape[4]; /* shape[0]: all inputs of the run (images, prompts or classes) */
    bool ragged;     /* y and x differ from input to input, and are 0 here; an event is of one input, and its
                        site says how large that is */
};

struct cp_sites {
    const struct cp_site *list; /* visual, then text, then joint, each in execution order */
    size_t count;
    size_t text_start;
};

/* classes may be 0: then the class points do not exist. */
enum cp_status cp_sites_create(const struct cp_clip_config *config, size_t images, size_t prompts,
                               size_t classes, struct cp_arena *arena, struct cp_sites *sites,
                               struct cp_error *err);
/* The site of a point; the count of sites if the model has none. */
size_t cp_sites_find(const struct cp_sites *sites, enum cp_tower tower, enum cp_point point, int layer);
/* A tap's name as settings and tables shorten it: "visual.0.mlp.gelu" for
 * "visual.transformer.resblocks.0.mlp.gelu". */
void cp_tap_address(const char *name, char address[96]);
/* Where a tap of that name is. A name that is none of ours has the point CP_POINT_COUNT, and is of the text
 * tower unless it starts as the other ones' names do. */
struct cp_tap_place {
    enum cp_tower tower;
    enum cp_point point;
    int layer; /* -1 outside the blocks */
};
struct cp_tap_place cp_tap_place(const char *name);
enum cp_tower cp_tap_tower(const char *name);
/* Elements of one input at a site. */
size_t cp_site_row(const struct cp_site *site);

struct cp_tap_event {
    const struct cp_site *site; /* NULL when it is visited: the one in cp_sites */
    size_t index;               /* of the site in cp_sites */
    size_t first, inputs;       /* which rows of the run's inputs this batch holds */
    const int *valid_tokens;    /* per input: tokens up to and including EOT; NULL: all count */
    enum cp_dtype dtype;        /* fp32 from the forward pass, fp64 from the oracle */
    void *data; /* (inputs, shape[1], ...) contiguous, canonical layout (input, token, channel) */
    bool fixed; /* what another pass left, shown again: not to be replaced */
};

struct cp_tap {
    bool (*wants)(void *self, const struct cp_site *site, size_t index);
    enum cp_status (*visit)(void *self, const struct cp_tap_event *event, struct cp_error *err);
    void *self;
};

/* Taps are visited in order: replacing ones come before observing ones. */
struct cp_taps {
    const struct cp_tap *list;
    size_t count;
    const struct cp_sites *sites;
};

enum cp_status cp_taps_visit(const struct cp_taps *taps, struct cp_tap_event event, struct cp_error *err);

#endif
