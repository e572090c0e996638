/* SPDX-License-Identifier: GPL-3.0-or-later
 * An operation of a model as a case: its shape, what its settings say, its weights. */
#include "model/fault.h"
#include "model/patch_dropout.h"
#include "study/ledger.h"

#include <math.h>
#include <string.h>

size_t cp_ledger_site(const struct cp_ledger_at *at, enum cp_point point) {
    const bool block = cp_points[point].in_block;
    const bool joint = point >= CP_LOGITS_PER_IMAGE;
    return cp_sites_find(&at->ls->study->sites, joint ? CP_JOINT : at->tower, point,
                         block ? at->segment.layer : -1);
}

static size_t patches_of(const struct cp_ledger_at *at) {
    return at->shape->tokens - 1;
}

/* ---- shape ---- */

static void set_shape(const struct cp_ledger_at *at, enum cp_point point, struct cp_case *c) {
    const struct cp_ledger_shape *s = at->shape;
    const bool pooled = point == CP_POOLED || point == CP_PROJECTED || point == CP_FEATURES ||
                        (point == CP_LN_POST && s->layout.norm_after_pool);
    c->inputs = at->inputs;
    c->groups = 1;
    c->rows = pooled ? 1 : s->tokens;
    c->in = c->out = s->width;
    c->valid = pooled || point >= CP_LOGITS_PER_IMAGE ? NULL : at->valid;
    switch (point) {
    case CP_PIXELS_NORMALIZED:
        c->groups = 3;
        c->rows = c->out = (size_t)at->ls->study->model.config.vision.image_size;
        break;
    case CP_CONV1:
        c->rows = c->operand_rows = patches_of(at);
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

static void set_norm(struct cp_norm_weights norm, struct cp_case *c) {
    c->weight = norm.weight;
    c->bias = norm.bias;
}

static void set_linear(struct cp_linear_weights linear, struct cp_case *c) {
    c->weight = linear.weight;
    c->bias = linear.bias;
}

static void set_part(const struct cp_block_weights *block, size_t width, size_t part, struct cp_case *c) {
    for (size_t i = 0; i < 3; i++) {
        c->qkv[i] = block->in_proj.weight + i * width * width;
        c->qkv_bias[i] = block->in_proj.bias ? block->in_proj.bias + i * width : NULL;
    }
    c->weight = c->qkv[part];
    c->bias = c->qkv_bias[part];
}

static void set_block_weights(const struct cp_ledger_at *at, enum cp_point point,
                              const struct cp_block_weights *block, struct cp_case *c) {
    switch (point) {
    case CP_LN_1:
        set_norm(block->ln_1, c);
        break;
    case CP_LN_2:
        set_norm(block->ln_2, c);
        break;
    case CP_ATTN_Q:
    case CP_ATTN_K:
    case CP_ATTN_V:
        set_part(block, at->shape->width, (size_t)point - CP_ATTN_Q, c);
        break;
    case CP_ATTN:
        set_linear(block->out_proj, c);
        break;
    case CP_MLP_C_FC:
        set_linear(block->c_fc, c);
        break;
    case CP_MLP_C_PROJ:
        set_linear(block->c_proj, c);
        break;
    case CP_LS_1:
        c->weight = block->ls_1;
        break;
    case CP_LS_2:
        c->weight = block->ls_2;
        break;
    default:
        break;
    }
}

static void set_vision_weights(const struct cp_model *model, enum cp_point point, struct cp_case *c) {
    const struct cp_vision_weights *v = &model->vision;
    const size_t patch = (size_t)model->config.vision.patch_size;
    switch (point) {
    case CP_CONV1:
        c->weight = v->conv1;
        c->in = 3 * patch * patch;
        break;
    case CP_EMBED:
        c->weight = v->positional_embedding;
        c->lead_row = v->class_embedding;
        break;
    case CP_LN_PRE:
        set_norm(v->ln_pre, c);
        break;
    case CP_LN_POST:
        set_norm(v->ln_post, c);
        break;
    case CP_PROJECTED:
        c->weight = v->proj;
        c->maths.in_out = true;
        break;
    default:
        break;
    }
}

static void set_text_weights(const struct cp_model *model, enum cp_point point, struct cp_case *c) {
    const struct cp_text_weights *t = &model->text;
    switch (point) {
    case CP_TOKEN_EMBEDDING:
        c->weight = t->token_embedding;
        c->vocabulary = (size_t)model->config.text.vocab_size;
        break;
    case CP_EMBED:
        c->weight = t->positional_embedding;
        break;
    case CP_LN_POST:
        set_norm(t->ln_final, c);
        break;
    case CP_PROJECTED:
        c->weight = t->text_projection;
        c->bias = t->text_projection_bias;
        c->maths.in_out = true;
        break;
    default:
        break;
    }
}

static bool needs_weights(enum cp_point point, enum cp_operation_kind kind) {
    return kind == CP_OPERATION_NORM || kind == CP_OPERATION_LINEAR || kind == CP_OPERATION_GAIN ||
           kind == CP_OPERATION_EMBED || kind == CP_OPERATION_GATHER || kind == CP_OPERATION_LOGITS ||
           point == CP_CONV1;
}

static bool set_weights(const struct cp_ledger_at *at, enum cp_point point, const struct cp_model *model,
                        struct cp_case *c) {
    if (!needs_weights(point, c->kind))
        return true;
    if (!model)
        return false;
    if (cp_points[point].in_block)
        set_block_weights(at, point,
                          at->tower == CP_VISUAL ? &model->vision.blocks[at->segment.layer]
                                                 : &model->text.blocks[at->segment.layer],
                          c);
    else if (at->tower == CP_VISUAL && point < CP_LOGITS_PER_IMAGE)
        set_vision_weights(model, point, c);
    else if (point < CP_LOGITS_PER_IMAGE)
        set_text_weights(model, point, c);
    return c->weight || (c->kind == CP_OPERATION_LOGITS && model->logit_scale);
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
    struct cp_clip_config argmax = {
        .text = {.context_length = (int)at->shape->tokens, .pool_type = CP_POOL_ARGMAX}};
    const struct cp_clip_config *config = at->ls->study->modelled ? spec->config : &argmax;
    int *position = cp_arena_calloc(c->scratch, at->inputs + 1, sizeof *position);
    if (!position || (at->tower == CP_TEXT && !side->tokens))
        return false;
    if (at->tower == CP_VISUAL && at->ls->study->modelled && config->vision.pool_type == CP_POOL_AVG)
        c->maths.pooled = CP_POOLED_MEAN;
    for (size_t n = 0; n < at->inputs && at->tower == CP_TEXT; n++)
        position[n] = cp_text_pool_position(config, side->tokens + (at->first + n) * at->shape->tokens);
    c->maths.at = position;
    return true;
}

static void set_kept(const struct cp_ledger_at *at, struct cp_case *c) {
    const struct cp_kept *kept = at->tower == CP_VISUAL ? at->side->kept : NULL;
    if (!kept)
        return;
    c->maths.kept = cp_kept_of(kept, at->first);
    c->maths.kept_count = kept->count;
}

static void set_logits(const struct cp_choice *choice, const struct cp_model *model, struct cp_case *c) {
    const enum cp_dtype stored = cp_choice_stored(choice);
    c->maths.scale = exp((double)cp_round_to(stored, *model->logit_scale));
    c->maths.shift = model->logit_bias ? (double)cp_round_to(stored, *model->logit_bias) : 0;
}

/* Noise that is declared is no part of it, and has no bound. */
static bool set_normalization(const struct cp_spec *spec, const struct cp_choice *choice, struct cp_case *c) {
    const struct cp_preprocess how = cp_spec_preprocess(spec);
    memcpy(c->maths.mean, how.mean, sizeof c->maths.mean);
    memcpy(c->maths.std, how.std, sizeof c->maths.std);
    return choice->number[CP_PIXEL_NOISE_SIGMA] == 0;
}

static bool set_maths(const struct cp_ledger_at *at, enum cp_point point, const struct cp_spec *spec,
                      const struct cp_choice *choice, const struct cp_model *model, struct cp_case *c) {
    switch (c->kind) {
    case CP_OPERATION_NORMALIZE:
        return set_normalization(spec, choice, c);
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
        if (point == CP_ATTN_PROBS) {
            c->maths.mask = at->shape->causal ? CP_MASK_CAUSAL : CP_MASK_NONE;
            set_kept(at, c);
        }
        return true;
    case CP_OPERATION_POOL:
        set_kept(at, c);
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
        cp_spec_at(spec, joint ? CP_JOINT : at->tower, cp_points[point].in_block ? at->segment.layer : -1);
    *c = (struct cp_case){.kind = cp_operations[point].kind, .pool = at->ls->pool, .scratch = at->scratch};
    set_shape(at, point, c);
    if (joint)
        set_joint_shape(at, point, c);
    if (!set_weights(at, point, model, c))
        return false;
    set_types(at, point, choice, c);
    return set_maths(at, point, spec, choice, model, c);
}
