/* SPDX-License-Identifier: GPL-3.0-or-later
 * What else is done with configs: printing, comparing, their activation, and open_clip's named ones. */
#include "config/clip_config.h"

#include "base/nearest.h"
#include "format/file.h"

#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

const char *const cp_config_activation_names[CP_CONFIG_ACTIVATIONS] = {"quick", "erf", "tanh"};

bool cp_config_activation_named(const char *name, enum cp_config_activation *activation) {
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++)
        if (strcmp(cp_config_activation_names[a], name) == 0) {
            *activation = (enum cp_config_activation)a;
            return true;
        }
    return false;
}

enum cp_config_activation cp_clip_config_activation(const struct cp_clip_config *config) {
    return cp_has_vision(config) ? config->vision.activation : config->text.activation;
}

void cp_clip_config_activate(struct cp_clip_config *config, enum cp_config_activation activation) {
    config->activation_unknown = false;
    config->vision.activation = config->text.activation = activation;
}

/* Both towers, or the one that is there. */
static bool is_quick(const struct cp_clip_config *c) {
    return (!cp_has_vision(c) || c->vision.activation == CP_CONFIG_QUICK) &&
           (!cp_has_text(c) || c->text.activation == CP_CONFIG_QUICK);
}

const char *const cp_resize_mode_names[] = {
    [CP_SHORTEST] = "shortest", [CP_LONGEST] = "longest", [CP_SQUASH] = "squash", NULL};
const char *const cp_resize_filter_names[] = {[CP_BICUBIC] = "bicubic", [CP_BILINEAR] = "bilinear", NULL};

bool cp_clip_config_same_colours(const struct cp_clip_config *a, const struct cp_clip_config *b) {
    for (size_t i = 0; i < 3; i++)
        if (a->mean[i] != b->mean[i] || a->std[i] != b->std[i])
            return false;
    return true;
}

bool cp_clip_config_same_preprocessing(const struct cp_clip_config *a, const struct cp_clip_config *b) {
    return cp_clip_config_same_colours(a, b) && a->filter == b->filter && a->resize_mode == b->resize_mode &&
           a->fill == b->fill;
}

void cp_clip_config_take_preprocessing(struct cp_clip_config *to, const struct cp_clip_config *from) {
    memcpy(to->mean, from->mean, sizeof to->mean);
    memcpy(to->std, from->std, sizeof to->std);
    to->filter = from->filter;
    to->resize_mode = from->resize_mode;
    to->fill = from->fill;
}

const char *cp_logit_scale_doubt(double logit_scale) {
    if (!(logit_scale < 88))
        return "its exponential is not finite in float32; is it stored as the factor itself?";
    if (logit_scale > 7)
        return "its exponential is far above the 100 that training stops at; is it stored as the factor "
               "itself?";
    return logit_scale < -7 ? "its exponential makes all logits alike; is it the logarithm of the factor?"
                            : NULL;
}

/* ---- printing ---- */

static const char *const pool_names[] = {
    [CP_POOL_TOKEN] = "tok",   [CP_POOL_AVG] = "avg",   [CP_POOL_ARGMAX] = "argmax",
    [CP_POOL_FIRST] = "first", [CP_POOL_LAST] = "last", [CP_POOL_EOS] = "eos"};

const char *cp_clip_config_words(const struct cp_clip_config *c, struct cp_arena *arena) {
    const struct cp_vision_config *v = &c->vision;
    const struct cp_text_config *t = &c->text;
    const char *vision = "", *text = "";
    if (cp_has_vision(c))
        vision = cp_arena_printf(
            arena,
            "image tower: heads %d, eps %g, pooling %s; pictures %s, %s, mean %g %g %g, std %g %g %g%s",
            v->heads, v->eps, pool_names[v->pool_type], cp_resize_filter_names[c->filter],
            cp_resize_mode_names[c->resize_mode], c->mean[0], c->mean[1], c->mean[2], c->std[0], c->std[1],
            c->std[2], cp_has_text(c) ? "; " : "");
    if (cp_has_text(c))
        text = cp_arena_printf(arena, "text tower: heads %d, eps %g, pooling %s, %s", t->heads, t->eps,
                               pool_names[t->pool_type], t->no_causal_mask ? "no mask" : "causal mask");
    return vision && text ? cp_arena_printf(arena, "%s%s", vision, text) : NULL;
}

/* A ratio whose product with the width is the hidden width again after open_clip's int(). */
static double mlp_ratio(int mlp_width, int width) {
    return mlp_width % width ? (mlp_width + 0.5) / width : (double)mlp_width / width;
}

static void set(json_t *object, const char *key, json_t *value) {
    (void)json_object_set_new(object, key, value);
}

static void set_layer_scale(json_t *object, bool layer_scale, double ls_init_value) {
    if (layer_scale)
        set(object, "ls_init_value", json_real(ls_init_value));
}

static void set_tower(json_t *object, int width, int layers, int mlp_width, double eps,
                      enum cp_config_activation activation, bool quick, enum cp_family_id family) {
    set(object, "width", json_integer(width));
    set(object, "layers", json_integer(layers));
    set(object, "mlp_ratio", json_real(mlp_ratio(mlp_width, width)));
    if (eps != 1e-5)
        set(object, "norm_kwargs", json_pack("{s:f}", "eps", eps));
    if (activation == CP_CONFIG_QUICK && !quick) /* in one tower alone, which open_clip cannot say */
        set(object, "clip_parity_activation", json_string("quick"));
    if (activation == CP_CONFIG_TANH)
        set(object, "act_kwargs", json_pack("{s:s}", "approximate", "tanh"));
    if (cp_family_keys[family])
        set(object, cp_family_keys[family], json_true());
}

static json_t *vision_of(const struct cp_vision_config *v, bool quick) {
    json_t *object = json_object();
    if (v->width == 0) /* a text tower alone */
        return object;
    set(object, "image_size", json_integer(v->image_size));
    set(object, "patch_size", json_integer(v->patch_size));
    set_tower(object, v->width, v->layers ? v->layers : 1, v->mlp_width, v->eps, v->activation, quick,
              v->family);
    set(object, "head_width", json_integer(v->width / v->heads));
    set_layer_scale(object, v->layer_scale, v->ls_init_value);
    if (v->no_ln_pre)
        set(object, "no_ln_pre", json_true());
    if (v->pool_type == CP_POOL_AVG)
        set(object, "pool_type", json_string(pool_names[v->pool_type]));
    return object;
}

static json_t *text_of(const struct cp_text_config *t, bool quick) {
    json_t *object = json_object();
    if (t->width == 0)
        return object;
    set(object, "context_length", json_integer(t->context_length));
    set(object, "vocab_size", json_integer(t->vocab_size));
    set_tower(object, t->width, t->layers ? t->layers : 1, t->mlp_width, t->eps, t->activation, quick,
              t->family);
    set(object, "heads", json_integer(t->heads));
    set_layer_scale(object, t->layer_scale, t->ls_init_value);
    if (t->proj_bias)
        set(object, "proj_bias", json_true());
    if (t->no_causal_mask)
        set(object, "no_causal_mask", json_true());
    if (t->pool_type != CP_POOL_ARGMAX)
        set(object, "pool_type", json_string(pool_names[t->pool_type]));
    if (t->pool_type == CP_POOL_EOS)
        set(object, "eos_id", json_integer(t->eos_id));
    if (t->foreign_tokenizer)
        set(object, "hf_tokenizer_name",
            json_string(t->hf_tokenizer_name[0] ? t->hf_tokenizer_name : "unknown"));
    return object;
}

char *cp_clip_config_print(const struct cp_clip_config *c, struct cp_arena *arena) {
    json_t *model = json_object(), *root = json_object();
    set(model, "embed_dim", json_integer(c->embed_dim));
    set(model, "quick_gelu", json_boolean(is_quick(c)));
    set(model, "vision_cfg", vision_of(&c->vision, is_quick(c)));
    set(model, "text_cfg", text_of(&c->text, is_quick(c)));
    set(model, "init_logit_scale", json_real(c->init_logit_scale));
    if (c->has_logit_bias)
        set(model, "init_logit_bias", json_real(c->init_logit_bias));
    set(root, "model_cfg", model);
    set(root, "preprocess_cfg",
        json_pack("{s:[f,f,f],s:[f,f,f],s:s,s:s,s:i}", "mean", c->mean[0], c->mean[1], c->mean[2], "std",
                  c->std[0], c->std[1], c->std[2], "interpolation", cp_resize_filter_names[c->filter],
                  "resize_mode", cp_resize_mode_names[c->resize_mode], "fill_color", c->fill));
    char *text = json_dumps(root, JSON_COMPACT);
    char *kept = text ? cp_arena_strdup(arena, text) : NULL;
    free(text);
    json_decref(root);
    return kept;
}

/* ---- by name ---- */

static bool is_config(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && strcmp(dot, ".json") == 0 && strcmp(name, "published.json") != 0 &&
           strcmp(name, "pretrained.json") != 0;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum { NAMES_MAX = 256 };

enum cp_status cp_clip_config_names(struct cp_arena *arena, const char ***names, size_t *count,
                                    struct cp_error *err) {
    const char *folder = cp_data_path("model_configs", arena);
    *names = cp_arena_alloc(arena, NAMES_MAX, sizeof **names);
    *count = 0;
    CP_TRY(CP_CHECK_ALLOC(folder && *names, err, "", "the names of the models"));
    DIR *directory = opendir(folder);
    if (!directory)
        return cp_fail(err, CP_BAD_INPUT, folder, "cannot be read"),
               cp_expected(err, "the folder of open_clip's named configs");
    for (const struct dirent *entry; (entry = readdir(directory)) && *count < NAMES_MAX;)
        if (is_config(entry->d_name))
            (*names)[(*count)++] = cp_arena_printf(
                arena, "%.*s", (int)(strrchr(entry->d_name, '.') - entry->d_name), entry->d_name);
    (void)closedir(directory);
    for (size_t i = 0; i < *count; i++)
        CP_TRY(CP_CHECK_ALLOC((*names)[i], err, "", "the names of the models"));
    qsort(*names, *count, sizeof **names, by_text);
    return CP_OK;
}

/* open_clip reads ViT-B/32 as ViT-B-32. */
static enum cp_status find_named(const char *name, struct cp_arena *arena, struct cp_clip_config *config,
                                 struct cp_error *err) {
    const char **names;
    size_t count;
    char *dashed = cp_arena_strdup(arena, name);
    CP_TRY(CP_CHECK_ALLOC(dashed, err, "", "a model's name"));
    CP_TRY(cp_clip_config_names(arena, &names, &count, err));
    for (char *slash = dashed; (slash = strchr(slash, '/')) != NULL;)
        *slash = '-';
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], dashed) == 0) {
            const char *file = cp_arena_printf(arena, "model_configs/%s.json", dashed);
            const char *path = file ? cp_data_path(file, arena) : NULL;
            return path ? cp_clip_config_load(path, config, err) : cp_no_memory(err, "", "a path");
        }
    const char *nearest = cp_nearest(name, names, count);
    (void)cp_fail(err, CP_BAD_INPUT, "", "no model is named '%.100s'", name);
    if (nearest)
        cp_did_you_mean(err, nearest, "");
    return cp_expected(err, "a plain ViT of open_clip's, such as ViT-B-32 or ViT-L-14-336-quickgelu");
}

enum cp_status cp_clip_config_named(const char *name, struct cp_clip_config *config, struct cp_error *err) {
    struct cp_arena arena = {0};
    const enum cp_status status = find_named(name, &arena, config, err);
    cp_arena_free(&arena);
    return status;
}

bool cp_clip_config_same_function(const struct cp_clip_config *a, const struct cp_clip_config *b) {
    const struct cp_vision_config *v = &a->vision, *w = &b->vision;
    const struct cp_text_config *t = &a->text, *u = &b->text;
    const bool vision = v->heads == w->heads && v->eps == w->eps && v->pool_type == w->pool_type &&
                        v->family == w->family && v->image_size == w->image_size;
    const bool text = t->heads == u->heads && t->eps == u->eps && t->pool_type == u->pool_type &&
                      t->family == u->family && t->eos_id == u->eos_id &&
                      t->no_causal_mask == u->no_causal_mask && t->foreign_tokenizer == u->foreign_tokenizer;
    return (!cp_has_vision(a) || vision) && (!cp_has_text(a) || text);
}

static int grid(const struct cp_vision_config *v) {
    return v->patch_size ? v->image_size / v->patch_size : 0;
}

static bool same_vision(const struct cp_vision_config *a, const struct cp_vision_config *b) {
    return grid(a) == grid(b) && a->patch_size == b->patch_size && a->layers == b->layers &&
           a->width == b->width && a->mlp_width == b->mlp_width && a->no_ln_pre == b->no_ln_pre &&
           a->layer_scale == b->layer_scale;
}

static bool same_text(const struct cp_text_config *a, const struct cp_text_config *b) {
    return a->context_length == b->context_length && a->vocab_size == b->vocab_size &&
           a->layers == b->layers && a->width == b->width && a->mlp_width == b->mlp_width &&
           a->layer_scale == b->layer_scale && a->proj_bias == b->proj_bias;
}

bool cp_clip_config_same_shapes(const struct cp_clip_config *a, const struct cp_clip_config *b) {
    const bool projected = !a->vision.no_proj && !a->text.no_proj, both = cp_has_vision(a) && cp_has_text(a);
    return (!projected || a->embed_dim == b->embed_dim) &&
           (!both || a->has_logit_bias == b->has_logit_bias) &&
           (!cp_has_vision(a) || same_vision(&a->vision, &b->vision)) &&
           (!cp_has_text(a) || same_text(&a->text, &b->text));
}
