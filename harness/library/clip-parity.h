/* SPDX-License-Identifier: GPL-3.0-or-later
 * libclip-parity: the forward pass of a CLIP model under chosen settings, with every tensor on the way.
 *
 *     clip_parity_model   a checkpoint with its config, read once
 *     clip_parity_pass    a model under settings: how texts, pictures and tensors are computed
 *
 * Tensors are contiguous float32 in row-major order; the caller allocates what a function fills. A function that can
 * fail returns a status and fills *error, which may be NULL; on failure *out is NULL and what it fills is undefined.
 * Nothing is printed. No bit depends on threads, batches or the instruction set: results are those of `clip-parity run`.
 *
 * Threads: a model may be shared. A pass is for one thread at a time; passes of one model may run side by side. No
 * function may be called from an observer but clip_parity_compare.
 *
 * docs/library.md has an example. Until 1.0 a new minor version may change this interface. */
#ifndef CLIP_PARITY_H
#define CLIP_PARITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum clip_parity_status {
    CLIP_PARITY_OK = 0,
    CLIP_PARITY_INTERNAL = 2,     /* out of memory */
    CLIP_PARITY_BAD_INPUT = 3,    /* a file, a setting or a value that is not as it must be */
    CLIP_PARITY_INTERRUPTED = 130 /* the observer ended the call */
};

struct clip_parity_error {
    enum clip_parity_status status;
    char message
        [2048]; /* one line without an end: "where: what (expected ...)"; control characters are escaped */
};

/* "0.1.0". A string of the library's. */
const char *clip_parity_version(void);

/* ---- models ---- */

struct clip_parity_model;

struct clip_parity_shape {
    size_t image_size;     /* pixels a side; 0: no image tower */
    size_t context_length; /* tokens of a text; 0: no text tower */
    size_t embed_dim;      /* of the features of both */
};

/* Reads a checkpoint (safetensors, PyTorch, TorchScript, npz or HDF5; FILE#KEY names one of several models in it), or a
 * folder of one with its config, as `clip-parity classify --model` does. config: a file of open_clip's or Hugging
 * Face's; NULL: the folder's, or what the checkpoint says of itself. Close *out with clip_parity_model_close.
 * CLIP_PARITY_BAD_INPUT: a file is missing, damaged or of something else. */
enum clip_parity_status clip_parity_model_open(const char *path, const char *config,
                                               struct clip_parity_model **out,
                                               struct clip_parity_error *error);
/* After the last of its passes. NULL is allowed. */
void clip_parity_model_close(struct clip_parity_model *model);
struct clip_parity_shape clip_parity_model_shape(const struct clip_parity_model *model);
/* What was assumed or is doubtful about the model, a sentence each from index 0 on; NULL past the last. The model's. */
const char *clip_parity_model_note(const struct clip_parity_model *model, size_t index);

/* ---- passes ---- */

struct clip_parity_pass;

/* A model under settings: ADDRESS=VALUE,... as in `clip-parity classify --compare`, such as
 * "activation=erf,attention.compute@visual.4-5=fp16"; NULL: what the model's config says. `clip-parity list` shows them.
 * threads: 0 is one for each processor. The model must outlive the pass. Free *out with clip_parity_pass_free.
 * CLIP_PARITY_BAD_INPUT: no such setting, or nothing says which activation the weights were trained with. */
enum clip_parity_status clip_parity_pass_create(const struct clip_parity_model *model, const char *settings,
                                                int threads, struct clip_parity_pass **out,
                                                struct clip_parity_error *error);
/* NULL is allowed. */
void clip_parity_pass_free(struct clip_parity_pass *pass);

/* Texts in UTF-8 to token ids (count, context_length), by the pass's tokenizer. OpenAI's vocabulary is opened once a call:
 * give it all texts. It is looked for in $CLIP_PARITY_DATA, in ./data and in the installation. truncate: cut texts that
 * are longer than the context. CLIP_PARITY_BAD_INPUT: otherwise they are refused; so are bytes that are not text, and
 * models of another tokenizer. */
enum clip_parity_status clip_parity_tokenize(const struct clip_parity_pass *pass, const char *const *texts,
                                             size_t count, bool truncate, int32_t *ids,
                                             struct clip_parity_error *error);

/* A picture (PNG, JPEG or WebP) to normalised pixels (3, image_size, image_size), as the pass preprocesses.
 * CLIP_PARITY_BAD_INPUT: it cannot be read, or the model has no image tower. */
enum clip_parity_status clip_parity_preprocess(const struct clip_parity_pass *pass, const char *picture,
                                               float *pixels, struct clip_parity_error *error);

/* ---- the forward pass ---- */

/* A tensor that the pass has just computed, for the duration of the call. */
struct clip_parity_tap {
    const char *name;    /* as `clip-parity list taps` has it: "visual.transformer.resblocks.0.mlp.gelu" */
    size_t first;        /* the input of the call that row 0 is of: inputs come in batches */
    size_t rank;         /* 2 to 4 */
    const size_t *shape; /* [rank]; shape[0]: inputs of this batch */
    const float *data;
};

/* Sees every tap in order of execution. visit returns 0 to go on; anything else ends the call with
 * CLIP_PARITY_INTERRUPTED. It is called in the caller's thread. Observing changes no bit. */
struct clip_parity_observer {
    int (*visit)(void *user, const struct clip_parity_tap *tap);
    void *user;
};

/* Pixels (count, 3, image_size, image_size) to normalised features (count, embed_dim). Settings with a seed see them as
 * the images of one run, from the first on. observer: NULL for none. CLIP_PARITY_BAD_INPUT: no image tower. */
enum clip_parity_status clip_parity_encode_images(struct clip_parity_pass *pass, const float *pixels,
                                                  size_t count, const struct clip_parity_observer *observer,
                                                  float *features, struct clip_parity_error *error);

/* Token ids (count, context_length) likewise. CLIP_PARITY_BAD_INPUT: no text tower, or an id outside the vocabulary. */
enum clip_parity_status clip_parity_encode_texts(struct clip_parity_pass *pass, const int32_t *ids,
                                                 size_t count, const struct clip_parity_observer *observer,
                                                 float *features, struct clip_parity_error *error);

/* Features of images and of texts to probabilities (images, texts): softmax over the texts of exp(logit_scale) times the
 * cosine, plus logit_bias. At least one text. CLIP_PARITY_BAD_INPUT: the model has one tower. */
enum clip_parity_status clip_parity_probabilities(struct clip_parity_pass *pass, const float *image_features,
                                                  size_t images, const float *text_features, size_t texts,
                                                  const struct clip_parity_observer *observer,
                                                  float *probabilities, struct clip_parity_error *error);

/* ---- comparing ---- */

/* x against the reference y, summed in float64 in a fixed order. Pairs that are not finite are counted and left out. */
struct clip_parity_difference {
    double max_abs;          /* largest |x - y| */
    double mean_abs;         /* mean |x - y| */
    double rms;              /* root of the mean of (x - y)^2 */
    double rel_l2;           /* ||x - y|| / ||y|| */
    double cosine;           /* x . y / (||x|| ||y||) */
    double snr_db;           /* 20 log10(||y|| / ||x - y||) */
    double ulp_max;          /* largest distance in units of last place */
    double worst_row_rel_l2; /* largest relative L2 of one row */
    size_t worst_row;        /* 0 where that is NaN */
    size_t nonfinite;        /* elements where one side is not finite and the two are not the same */
    size_t different;        /* elements with other bits; all NaN are one value */
};

/* Of arrays (rows, width), neither of which is 0. Ratios are NaN where there is nothing to divide.
 * CLIP_PARITY_BAD_INPUT: no elements. */
enum clip_parity_status clip_parity_compare(const float *x, const float *y, size_t rows, size_t width,
                                            struct clip_parity_difference *difference,
                                            struct clip_parity_error *error);

#ifdef __cplusplus
}
#endif

#endif
