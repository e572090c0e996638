/* SPDX-License-Identifier: GPL-3.0-or-later
 * An operation of a model as a case: its shape, what its settings say, its weights. */
#include "analysis/ledger/ledger.h"
#include "model/fault.h"
#include "model/patch_dropout.h"
#include "model/tap_weights.h"

#include <math.h>
#include <string.h>

size_t cp_ledger_site(const struct cp_ledger_at *at, enum cp_point point) {
    const bool block = cp_points[point].in_block;
    const bool joint = point >= CP_LOGITS_PER_IMAGE;
    return cp_sites_find(&at->ls->study->sites, joint ? CP_JOINT : at->tower, point,
                         block ? at->stage.layer : -1);
}

static size_t patches_of(const struct cp_ledger_at *at) {
    return at->shape->tokens - 1;
}

/* ---- shape ---- */

static void set_shape(const struct cp_ledger_at *at, enum cp_point point, struct cp_case *c) {
    const struct cp_tower_shape *s = at->shape;
    const struct cp_vision_config *vision = &at->ls->study->model.config.vision;
    const size_t patch = (size_t)vision->patch_size;
    struct cp_step step;
    (void)cp_family_step(s, at->tower, point, &step);
    const bool pooled = step.pooled;
    c->inputs = at->inputs;
    c->groups = 1;
    c->rows = pooled ? 1 : s->tokens;
    c->in = c->out = s->width;
    c->valid = pooled || point >= CP_LOGITS_PER_IMAGE ? NULL : at->valid;
    switch (point) {
    case CP_PIXELS_NORMALIZED:
        c->groups = 3;
        c->rows = c->out = (size_t)vision->image_size;
        break;
    case CP_CONV1:
        c->rows = c->operand_rows = patches_of(at);
        c->in = 3 * patch * patch;
        break;
    case CP_EMBED:
        c->lead = at->tower == CP_VISUAL;
        c->operand_rows = s->tokens - c->lead;
        break;
    case CP_ATTN_SCORES:
    case CP_ATTN_PROBS:
        c->groups = s->heads;
        c->out = s->tokens;
        c->in = point == CP_ATTN_SCORES ? s->width : s->width / s->heads;
        break;
    case CP_ATTN_CONTEXT:
        c->in = s->heads;
        break;
    case CP_MLP_C_FC:
    case CP_MLP_GELU:
        c->out = s->mlp;
        break;
    case CP_MLP_C_PROJ:
        c->in = s->mlp;
        break;
    case CP_POOLED:
        c->operand_rows = s->tokens;
        break;
    case CP_PROJECTED:
    case CP_FEATURES:
        c->out = s->embed;
        break;
    default:
        break;
    }
}

static void set_joint_shape(const struct cp_ledger_at *at, enum cp_point point, struct cp_case *c) {
    const struct cp_run_inputs *in = &at->ls->study->inputs;
    const bool classes = point == CP_CLASS_LOGITS || point == CP_CLASS_PROBS;
    c->rows = 1;
    c->in = c->out = at->shape->embed;
    if (point == CP_CLASS_FEATURES) {
        c->maths.templates = in->classes ? in->prompts / in->classes : 1;
        return;
    }
    c->out = c->operand_rows = classes ? in->classes : in->prompts;
}

/* ---- arithmetic ---- */

static enum cp_dtype operand_type(enum cp_dtype compute, enum cp_dtype accumulate) {
    return accumulate == CP_FP16 ? CP_FP16 : compute; /* a sum held in fp16 is of fp16 operands */
}

static bool is_attention(enum cp_point point) {
    return point == CP_ATTN_SCORES || point == CP_ATTN_PROBS || point == CP_ATTN_CONTEXT;
}

static bool is_matrix(enum cp_operation_kind kind) {
    return kind == CP_OPERATION_LINEAR;
}

static void set_types(const struct cp_ledger_at *at, enum cp_point point, const struct cp_choice *choice,
                      struct cp_case *c) {
    const size_t site = cp_ledger_site(at, point);
    const struct cp_study *study = at->ls->study;
    const enum cp_dtype accumulate =
        cp_choice_type(choice, is_attention(point) ? CP_ATTENTION_ACCUMULATE : CP_LINEAR_ACCUMULATE);
    const enum cp_dtype compute =
        cp_choice_type(choice, is_attention(point) ? CP_ATTENTION_COMPUTE : CP_LINEAR_COMPUTE);
    c->types.accumulate = accumulate;
    c->types.compute = operand_type(compute, accumulate);
    c->types.stats =
        c->kind == CP_OPERATION_NORM ? cp_choice_type(choice, CP_NORM_STATS) : cp_fault_softmax(choice);
    if (point == CP_PROBS || point == CP_CLASS_PROBS)
        c->types.stats = CP_FP32;
    c->types.weights =
        is_matrix(c->kind) ? (enum cp_dtype)choice->variant[CP_WEIGHTS] : cp_choice_stored(choice);
    if (site < study->sites.count)
        c->types.output = at->value[point].recorded
                              ? study->types[at->s][site]
                              : cp_spec_site_type(at->side->spec, &study->sites.list[site]);
}

/* ---- weights ---- */

static bool needs_weights(enum cp_operation_kind kind) {
    return kind == CP_OPERATION_NORM || kind == CP_OPERATION_LINEAR || kind == CP_OPERATION_GAIN ||
           kind == CP_OPERATION_EMBED || kind == CP_OPERATION_GATHER || kind == CP_OPERATION_LOGITS;
}

static struct cp_tap_weights weights_at(const struct cp_ledger_at *at, enum cp_point point,
                                        const struct cp_model *model) {
    const struct cp_site site = {.tower = point < CP_LOGITS_PER_IMAGE ? at->tower : CP_JOINT,
                                 .point = point,
                                 .layer = cp_points[point].in_block ? at->stage.layer : -1};
    return cp_tap_weights(model, &site);
}

/* All of q, k and v: another of them may have been taken. */
static void set_parts(const struct cp_ledger_at *at, const struct cp_model *model, struct cp_case *c) {
    for (int part = 0; part < 3; part++) {
        const struct cp_tap_weights w = weights_at(at, (enum cp_point)(CP_ATTN_Q + part), model);
        c->qkv[part] = w.tensor[0].values;
        c->qkv_bias[part] = w.count > 1 ? w.tensor[1].values : NULL;
    }
}

static bool set_weights(const struct cp_ledger_at *at, enum cp_point point, const struct cp_model *model,
                        struct cp_case *c) {
    if (!needs_weights(c->kind))
        return true;
    if (!model)
        return false;
    const struct cp_tap_weights w = weights_at(at, point, model);
    const float *second = w.count > 1 ? w.tensor[1].values : NULL;
    if (w.count == 0)
        return false;
    if (c->kind == CP_OPERATION_LOGITS)
        return true; /* the scale and the bias are part of the function */
    c->weight = c->lead ? second : w.tensor[0].values;
    c->lead_row = c->lead ? w.tensor[0].values : NULL;
    c->bias = c->lead ? NULL : second;
    c->maths.in_out = point == CP_PROJECTED;
    if (point == CP_ATTN_Q || point == CP_ATTN_K || point == CP_ATTN_V)
        set_parts(at, model, c);
    if (c->kind == CP_OPERATION_GATHER)
        c->vocabulary = (size_t)model->config.text.vocab_size;
    return true;
}

/* ---- the function ---- */

/* Factors of single heads, where a fault is declared. */
static void set_head_factors(const struct cp_choice *choice, struct cp_case *c) {
    double *factor = cp_arena_alloc(c->scratch, c->groups, sizeof *factor);
    for (size_t h = 0; h < c->groups && factor; h++)
        factor[h] = (double)cp_fault_head_factor(choice, h, c->groups);
    c->maths.head = factor;
}

static bool set_pooling(const struct cp_ledger_at *at, const struct cp_spec *spec, struct cp_case *c) {
    const struct cp_ledger_side *side = at->side;
    const struct cp_clip_config *config = spec->config;
    if (!at->ls->study->modelled || (at->tower == CP_TEXT && !side->tokens))
        return false; /* which token, or whether their mean, the config says */
    int *position = cp_arena_calloc(c->scratch, at->inputs + 1, sizeof *position);
    if (!position)
        return false;
    if (at->tower == CP_VISUAL && config->vision.pool_type == CP_POOL_AVG)
        c->maths.pooled = CP_POOLED_MEAN;
    for (size_t n = 0; n < at->inputs && at->tower == CP_TEXT; n++)
        position[n] = cp_text_pool_position(config, side->tokens + (at->first + n) * at->shape->tokens);
    c->maths.at = position;
    return true;
}

static void set_visible(const struct cp_ledger_at *at, struct cp_case *c) {
    const struct cp_patch_mask *patch_mask = at->tower == CP_VISUAL ? at->side->patch_mask : NULL;
    if (!patch_mask)
        return;
    c->maths.visible = cp_patch_mask_of(patch_mask, at->first);
    c->maths.visible_count = patch_mask->count;
}

static void set_logits(const struct cp_choice *choice, const struct cp_model *model, struct cp_case *c) {
    const enum cp_dtype stored = cp_choice_stored(choice);
    c->maths.scale = exp((double)cp_round_to(stored, *model->logit_scale));
    c->maths.shift = model->logit_bias ? (double)cp_round_to(stored, *model->logit_bias) : 0;
}

/* What a component makes of the pixels then is no part of it, and has no bound. */
static bool set_normalization(const struct cp_spec *spec, struct cp_case *c) {
    const struct cp_preprocess how = cp_spec_preprocess(spec);
    memcpy(c->maths.mean, how.mean, sizeof c->maths.mean);
    memcpy(c->maths.std, how.std, sizeof c->maths.std);
    return !cp_spec_changes_pixels(spec);
}

static bool set_maths(const struct cp_ledger_at *at, enum cp_point point, const struct cp_spec *spec,
                      const struct cp_choice *choice, const struct cp_model *model, struct cp_case *c) {
    switch (c->kind) {
    case CP_OPERATION_NORMALIZE:
        return set_normalization(spec, c);
    case CP_OPERATION_ACTIVATION:
        if (!at->side->says_activation)
            return false;
        c->maths.activation = spec->ops->activations[cp_fault_activation(spec->ops, choice)]->info.maths;
        return true;
    case CP_OPERATION_NORM:
        c->maths.norm = spec->ops->norms[choice->variant[CP_NORM]]->info.maths;
        c->maths.eps = cp_fault_eps(choice, point);
        return true;
    case CP_OPERATION_LINEAR:
        c->maths.in_out = c->maths.in_out || (point == CP_ATTN && cp_fault_transposes(choice));
        return true;
    case CP_OPERATION_SCORES:
        c->maths.scale = 1 / sqrt((double)c->in / (double)c->groups);
        set_head_factors(choice, c);
        return c->maths.head != NULL;
    case CP_OPERATION_SOFTMAX:
        if (point == CP_ATTN_PROBS && at->tower == CP_TEXT && !at->ls->study->modelled)
            return false; /* whether there is a mask, the config says */
        if (point == CP_ATTN_PROBS) {
            c->maths.mask = at->shape->causal ? CP_MASK_CAUSAL : CP_MASK_NONE;
            set_visible(at, c);
        }
        return true;
    case CP_OPERATION_POOL:
        set_visible(at, c);
        return set_pooling(at, spec, c);
    case CP_OPERATION_GATHER:
        c->ids = at->side->tokens ? at->side->tokens + at->first * at->shape->tokens : NULL;
        return c->ids != NULL;
    case CP_OPERATION_LOGITS:
        set_logits(choice, model, c);
        return true;
    default:
        return true;
    }
}

bool cp_ledger_case(const struct cp_ledger_at *at, enum cp_point point, const struct cp_spec *spec,
                    const struct cp_model *model, struct cp_case *c) {
    const bool joint = point >= CP_LOGITS_PER_IMAGE;
    const struct cp_choice *choice =
        cp_spec_at(spec, joint ? CP_JOINT : at->tower, cp_points[point].in_block ? at->stage.layer : -1);
    *c = (struct cp_case){.kind = cp_points[point].kind, .pool = at->ls->pool, .scratch = at->scratch};
    set_shape(at, point, c);
    if (joint)
        set_joint_shape(at, point, c);
    if (!set_weights(at, point, model, c))
        return false;
    set_types(at, point, choice, c);
    return set_maths(at, point, spec, choice, model, c);
}
