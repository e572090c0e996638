/* SPDX-License-Identifier: GPL-3.0-or-later
 * A spec: one choice for every component and every knob, with overrides per layer.
 *
 * One address everywhere, in experiment files, on the command line and in reports:
 *     component[.knob][@layers] = value          layers: visual | text | visual.4-5 | text.0 | *.0 | *
 *                                                        | visual.outer | *.outer | joint
 * A choice is held per slot. Slots are: the joint part (features, logits), then for each tower what is
 * outside its blocks (embedding, ln_pre, ln_post, projection) and each of its blocks. An address without
 * layers, or with *, means every slot; a tower's name alone means all of that tower's slots; .outer means
 * what is outside its blocks. What has no layers (enum cp_reach) is read where its tower begins, in what is
 * outside the blocks, and all slots hold the same. */
#ifndef CP_SPEC_SPEC_H
#define CP_SPEC_SPEC_H

#include "base/arena.h"
#include "base/number.h"
#include "base/status.h"
#include "ops/ops.h"
#include "preprocess/preprocess.h"
#include "spec/component.h"
#include "tap/tap.h"
#include "text/tokenizer.h"

#include <stdbool.h>

struct cp_spec {
    const char *name;
    const struct cp_clip_config *config;
    const struct cp_ops *ops;
    size_t slots;
    struct cp_choice *choice; /* [slots], in the arena */
};

/* Slot of a layer (-1: outside the blocks) of a tower; the joint part is slot 0. */
size_t cp_spec_slot(const struct cp_clip_config *config, enum cp_tower tower, int layer);
static inline const struct cp_choice *cp_spec_at(const struct cp_spec *spec, enum cp_tower tower, int layer) {
    return &spec->choice[cp_spec_slot(spec->config, tower, layer)];
}
static inline enum cp_dtype cp_choice_type(const struct cp_choice *choice, enum cp_knob_id knob) {
    return (enum cp_dtype)choice->option[knob];
}
/* What norms, embeddings and logit_scale are stored in: as the file has them, unless the scope is `all`
 * (open_clip's pure_ precisions). */
static inline enum cp_dtype cp_choice_stored(const struct cp_choice *choice) {
    return choice->option[CP_WEIGHTS_SCOPE] == CP_SCOPE_ALL ? (enum cp_dtype)choice->variant[CP_WEIGHTS]
                                                            : CP_FP32;
}
static inline enum cp_dtype cp_choice_residual(const struct cp_choice *choice) {
    return (enum cp_dtype)choice->variant[CP_RESIDUAL];
}

/* The default spec: what open_clip computes in fp32 for this config. Lives in the arena. */
enum cp_status cp_spec_create(const char *name, const struct cp_clip_config *config, const struct cp_ops *ops,
                              struct cp_arena *arena, struct cp_spec **out, struct cp_error *err);
/* A copy under another name. */
enum cp_status cp_spec_copy(const struct cp_spec *from, const char *name, struct cp_arena *arena,
                            struct cp_spec **out, struct cp_error *err);
/* Applies one setting. `precision` is understood as shorthand for the rows of open_clip's precision table. */
extern const char *const cp_precision_names[]; /* end with NULL */
enum cp_status cp_spec_set(struct cp_spec *spec, const char *address, const char *value,
                           struct cp_error *err);

/* How texts become tokens. */
const struct cp_tokenizer_variant *cp_spec_tokenizer(const struct cp_spec *spec);
/* The slot that a component without layers is read from; SIZE_MAX: it has layers. */
size_t cp_spec_only_slot(const struct cp_clip_config *config, int component);
/* Whether a component is read at a slot; `position` only where there is something to resize. */
bool cp_spec_acts(const struct cp_spec *spec, size_t slot, int component);
/* How pictures become pixels. */
struct cp_preprocess cp_spec_preprocess(const struct cp_spec *spec);
bool cp_spec_same_preprocess(const struct cp_spec *a, const struct cp_spec *b);
/* Whether the pixels are the same too, with what components make of them; whether they are the same function of the
 * pictures. */
bool cp_spec_same_pixels(const struct cp_spec *a, const struct cp_spec *b);
bool cp_spec_same_pixel_maths(const struct cp_spec *a, const struct cp_spec *b);
/* Whether the components that change pixels are set alike. */
bool cp_choice_same_pixel_changes(const struct cp_choice *a, const struct cp_choice *b);
/* Whether a component changes them after they are normalised. */
bool cp_spec_changes_pixels(const struct cp_spec *spec);

/* The type that a spec's arithmetic gives the tensor at a site. */
enum cp_dtype cp_spec_site_type(const struct cp_spec *spec, const struct cp_site *site);

/* The variant of a component that a slot computes with. */
const struct cp_variant *cp_spec_variant(const struct cp_spec *spec, size_t slot, int component);
/* Whether two specs compute the same ideal function, so that one oracle serves both: everywhere, at a
 * slot, or in one component. */
bool cp_spec_same_maths(const struct cp_spec *a, const struct cp_spec *b);
bool cp_spec_same_maths_at(const struct cp_spec *a, const struct cp_spec *b, size_t slot);
bool cp_spec_same_maths_of(const struct cp_spec *a, const struct cp_spec *b, int component);
/* Whether they compute the same bits at a slot. */
bool cp_spec_same_at(const struct cp_spec *a, const struct cp_spec *b, size_t slot);

/* Whether component c, or its knob k if k >= 0, has the same value at a slot of both; always where it does
 * not act there. */
bool cp_spec_same_value(const struct cp_spec *a, const struct cp_spec *b, size_t slot, int c, int k);
/* Gives `to` that value of `from`. */
void cp_spec_take(struct cp_spec *to, const struct cp_spec *from, size_t slot, int c, int k);
/* It as cp_spec_set reads it. */
void cp_spec_value_text(const struct cp_spec *spec, size_t slot, int c, int k, char text[32]);

/* Settings that make one spec of another, as few as say it plainly: neighbouring layers with one value are
 * one setting, and so is a tower, or all slots, where each of them changes. In the order of the tables. */
struct cp_spec_setting {
    const char *address, *value;
};
/* The list lives in the arena. */
enum cp_status cp_spec_difference(const struct cp_spec *from, const struct cp_spec *to,
                                  struct cp_arena *arena, struct cp_spec_setting **settings, size_t *count,
                                  struct cp_error *err);

/* Whether a line of cp_spec_print, "activation: quick, from visual.4 on erf", means the same ideal function
 * with either value. An address that no table has is taken for maths. */
bool cp_spec_same_maths_text(const char *address, const char *a, const char *b);

/* The resolved spec, one component or knob per line, naming the slots where its value changes. In the arena.
 */
char *cp_spec_print(const struct cp_spec *spec, struct cp_arena *arena);

#endif
