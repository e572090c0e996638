/* SPDX-License-Identifier: GPL-3.0-or-later
 * open_clip's model configs, for plain ViTs with open_clip's own text tower. */
#ifndef CP_CONFIG_CLIP_CONFIG_H
#define CP_CONFIG_CLIP_CONFIG_H

#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No size in a config may be larger; the vocabulary's size has its own limit (XLM-V has 901,629 tokens). */
enum { CP_CONFIG_SIZE = 1 << 16, CP_CONFIG_LAYERS = 1 << 10, CP_CONFIG_VOCABULARY = 1 << 21 };

/* Text: ARGMAX is the first position of the largest id, EOS the first position of eos_id, or 0 if there is
 * none (mlfoundations/open_clip src/open_clip/transformer.py text_global_pool). */
enum cp_pool_type { CP_POOL_TOKEN, CP_POOL_AVG, CP_POOL_ARGMAX, CP_POOL_FIRST, CP_POOL_LAST, CP_POOL_EOS };

/* Of preprocess_cfg. What the picture's sides become. SHORTEST: the shorter is the model's size, the longer
 * is cropped. LONGEST: the longer is, the shorter is padded. SQUASH: both are. */
enum cp_resize_mode { CP_SHORTEST, CP_LONGEST, CP_SQUASH };
enum cp_resize_filter { CP_BICUBIC, CP_BILINEAR };
extern const char *const cp_resize_mode_names[],
    *const cp_resize_filter_names[]; /* as preprocess_cfg has them, ending with NULL */

/* How a tower is put together (tap/family.h). */
enum cp_family_id {
    CP_FAMILY_VIT,
#define FAMILY(NAME, object, key) CP_FAMILY_##NAME,
#include "config/families.def"
#undef FAMILY
    CP_FAMILY_COUNT
};
extern const char
    *const cp_family_keys[CP_FAMILY_COUNT]; /* the key that chooses it; NULL: none, the default */

enum cp_config_activation { CP_CONFIG_QUICK, CP_CONFIG_ERF, CP_CONFIG_TANH };
enum { CP_CONFIG_ACTIVATIONS = 3 };
extern const char *const cp_config_activation_names[CP_CONFIG_ACTIVATIONS]; /* "quick", "erf", "tanh" */
/* The one of that name; false: there is none. */
bool cp_config_activation_named(const char *name, enum cp_config_activation *activation);

struct cp_vision_config {
    int image_size,
        patch_size; /* as a convolution, patches leave out what is less than one at the right and below */
    int layers, width, heads, mlp_width;
    enum cp_family_id family;
    enum cp_config_activation activation;
    bool no_ln_pre;
    bool no_proj; /* of a checkpoint of this tower alone, without its projection: embed_dim is the width */
    enum cp_pool_type pool_type; /* TOKEN or AVG */
    double eps;
    bool layer_scale; /* each branch is multiplied by a gain for each channel: ls_init_value */
    double ls_init_value;
    int stored_grid; /* of a checkpoint whose position embeddings were resized when it was loaded; 0: not */
};

struct cp_text_config {
    int context_length, vocab_size, layers, width, heads, mlp_width;
    enum cp_family_id family;
    enum cp_config_activation activation;
    bool no_causal_mask;
    bool no_proj;                /* as the vision tower's */
    enum cp_pool_type pool_type; /* ARGMAX, FIRST, LAST or EOS */
    int32_t eos_id;              /* EOS only */
    bool foreign_tokenizer;      /* not OpenAI's BPE: prompts can only be given as token ids */
    char hf_tokenizer_name[128]; /* that tokenizer on the Hugging Face hub, or "" */
    double eps;
    bool layer_scale;
    double ls_init_value;
    bool proj_bias; /* the text projection is an nn.Linear with a bias */
};

struct cp_clip_config {
    int embed_dim;
    bool activation_unknown; /* made from shapes, which do not tell it */
    struct cp_vision_config vision;
    struct cp_text_config text;
    double mean[3], std[3]; /* preprocess_cfg; OpenAI's by default */
    enum cp_resize_mode resize_mode;
    enum cp_resize_filter filter;
    int fill;               /* of padded pixels, 0 to 255 */
    char pictures_from[32]; /* the file of a Hugging Face folder that says so; "": none */
    double init_logit_scale, init_logit_bias;
    bool has_logit_bias;
};

/* A checkpoint of one tower alone has no layers of the other. */
static inline bool cp_has_vision(const struct cp_clip_config *config) {
    return config->vision.layers > 0;
}
static inline bool cp_has_text(const struct cp_clip_config *config) {
    return config->text.layers > 0;
}

/* Reads open_clip_config.json ({"model_cfg", "preprocess_cfg"}), a bare model config, or the config.json of
 * Hugging Face's CLIPModel or of one of its towers; absent fields get open_clip's defaults
 * (src/open_clip/model.py CLIPVisionCfg, CLIPTextCfg; src/open_clip/transform.py PreprocessCfg), or
 * transformers'. The size that pictures are brought to is the vision tower's, whatever preprocess_cfg says
 * (src/open_clip/factory.py). Beside a config.json of Hugging Face, preprocessor_config.json, processor_config.json and
 * tokenizer_config.json count as well. A field of open_clip that this program does not compute is refused by name
 * unless it has its default value, an unknown one with the nearest known. */
enum cp_status cp_clip_config_load(const char *path, struct cp_clip_config *config, struct cp_error *err);
/* The same from size bytes of text said to come from source. */
enum cp_status cp_clip_config_parse(const char *source, const char *text, size_t size,
                                    struct cp_clip_config *config, struct cp_error *err);

/* preprocess_cfg.size of an open_clip_config.json, its first side; 0: none. What is computed has the model's own. */
enum cp_status cp_clip_config_picture_size(const char *path, long *size, struct cp_error *err);

/* Whether both have the same mean and std. */
bool cp_clip_config_same_colours(const struct cp_clip_config *a, const struct cp_clip_config *b);
/* Whether both make the same pixels of a picture, apart from their number. */
bool cp_clip_config_same_preprocessing(const struct cp_clip_config *a, const struct cp_clip_config *b);

/* Takes over mean, std, filter, resize_mode and fill. */
void cp_clip_config_take_preprocessing(struct cp_clip_config *to, const struct cp_clip_config *from);

/* Whether two configs of the same shapes compute the same but for the activation: in the towers that the first has. */
bool cp_clip_config_same_function(const struct cp_clip_config *a, const struct cp_clip_config *b);

/* "image tower: heads 12, eps 1e-05, pooling tok; pictures bicubic, shortest, mean ..., std ...; text tower: ...": what
 * tensors do not say. In the arena; NULL: out of memory. */
const char *cp_clip_config_words(const struct cp_clip_config *config, struct cp_arena *arena);

/* What is doubtful about a stored logit_scale, the logarithm of the factor; NULL: nothing. Training clamps the factor to
 * 100 (CLIP), and lets it reach some 120 (SigLIP). */
const char *cp_logit_scale_doubt(double logit_scale);

/* All defaults, no tower. */
struct cp_clip_config cp_clip_config_default(void);

/* As open_clip_config.json, so that reading it gives an equal config. In the arena; NULL: out of memory. */
char *cp_clip_config_print(const struct cp_clip_config *config, struct cp_arena *arena);

/* Of the vision tower, or of the text tower where there is no other: what a pass computes by the config. */
enum cp_config_activation cp_clip_config_activation(const struct cp_clip_config *config);
/* Sets both towers'. */
void cp_clip_config_activate(struct cp_clip_config *config, enum cp_config_activation activation);

/* A config of data/model_configs by open_clip's name for it; CP_BAD_INPUT, with the nearest, for no such
 * name. */
enum cp_status cp_clip_config_named(const char *name, struct cp_clip_config *config, struct cp_error *err);
/* All their names, sorted, in the arena. */
enum cp_status cp_clip_config_names(struct cp_arena *arena, const char ***names, size_t *count,
                                    struct cp_error *err);
/* Whether two make tensors of the same names and shapes, in the towers of the first. */
bool cp_clip_config_same_shapes(const struct cp_clip_config *a, const struct cp_clip_config *b);

#endif
