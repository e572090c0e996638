/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/ledger_cases.h"

#include <math.h>

static float *normal_weights(struct instance *in, size_t count, float centre, float scale) {
    float *w = instance_alloc(in, count, sizeof *w);
    const float *z = draw_normals(count);
    for (size_t i = 0; i < count; i++)
        w[i] = centre + scale * z[i];
    return w;
}

void scale_operand(struct instance *in, int operand, double centre, double scale) {
    for (size_t i = 0; i < cp_case_operand_size(&in->c, operand); i++)
        in->had[operand][i] = centre + scale * in->had[operand][i];
    record_operand(in, operand, false);
}

static void case_norm(struct instance *in, size_t width, int variant) {
    static const double eps[] = {1e-5, 1e-6, 1e-12};
    in->c.weight = normal_weights(in, width, 1, 0.3f);
    in->c.bias = normal_weights(in, width, 0.1f, 0.2f);
    in->c.maths.norm = variant == 3 ? "rms_norm" : "layer_norm";
    in->c.maths.eps = eps[variant % 3];
    set_operand(in, 0, NORMAL, width, false);
    scale_operand(in, 0, 0.5, 0.3 + 0.05 * variant);
}

/* Square in variant 1, with a bias; a patch embedding in variant 2; q, k or v in the last three. */
static void case_linear(struct instance *in, size_t width, int variant) {
    const size_t square = width < 256 ? width : 256;
    in->c.in = variant == 1 || variant > 2 ? square : variant == 2 ? width - width % 3 : width;
    in->c.out = variant == 1 || variant > 2 ? square : 24;
    in->c.operand_rows = variant == 2 ? in->c.rows : 0;
    in->c.maths.in_out = variant == 1;
    for (size_t i = 0; i < 3 && variant > 2; i++) {
        in->c.qkv[i] = normal_weights(in, in->c.in * in->c.out, 0, 1 / sqrtf((float)width));
        in->c.qkv_bias[i] = normal_weights(in, in->c.out, 0, 0.2f);
    }
    in->c.weight = variant > 2 ? in->c.qkv[variant - 3]
                               : normal_weights(in, in->c.in * in->c.out, 0, 1 / sqrtf((float)width));
    in->c.bias = variant > 2    ? in->c.qkv_bias[variant - 3]
                 : variant == 1 ? normal_weights(in, in->c.out, 0, 0.2f)
                                : NULL;
    set_operand(in, 0, NORMAL, in->c.in, false);
}

static void case_scores(struct instance *in, size_t width) {
    in->c.groups = width / 64;
    in->c.out = in->c.rows;
    const size_t head_width = in->c.in / in->c.groups;
    in->c.maths.scale = 1 / sqrt((double)head_width);
    set_operand(in, 0, NORMAL, width, false);
    set_operand(in, 1, NORMAL, width, false);
}

static void case_softmax(struct instance *in, int variant) {
    in->c.groups = 2;
    in->c.out = in->c.rows;
    in->c.in = 64;
    in->c.maths.mask = variant % 2 ? CP_MASK_CAUSAL : CP_MASK_NONE;
    set_operand(in, 0, NORMAL, in->c.out, false);
}

static void case_context(struct instance *in, size_t width) {
    in->c.in = width / 64;
    const size_t rows = in->c.inputs * in->c.in * in->c.rows, keys = in->c.rows;
    in->had[0] = instance_alloc(in, rows * keys, sizeof(double));
    for (size_t row = 0; row < rows; row++) {
        const float *z = draw_normals(keys);
        double sum = 0;
        for (size_t j = 0; j < keys; j++)
            sum += exp((double)z[j]);
        for (size_t j = 0; j < keys; j++)
            in->had[0][row * keys + j] = exp((double)z[j]) / sum;
    }
    record_operand(in, 0, false);
    set_operand(in, 1, NORMAL, width, false);
}

static void case_pool(struct instance *in, size_t width, int variant) {
    int *at = instance_alloc(in, in->c.inputs, sizeof *at);
    in->c.operand_rows = in->c.rows + 4;
    in->c.rows = 1;
    for (size_t n = 0; n < in->c.inputs; n++)
        at[n] = 3;
    in->c.maths.at = at;
    in->c.maths.pooled = (enum cp_pooled)(variant % 3);
    set_operand(in, 0, NORMAL, width, false);
}

static void case_logits(struct instance *in, int variant) {
    in->c.rows = 1;
    in->c.operand_rows = in->c.out = 40;
    in->c.maths.scale = 14.3;
    in->c.maths.shift = variant % 2 ? -2.5 : 0;
    set_operand(in, 0, NORMAL, in->c.in, false);
    set_operand(in, 1, NORMAL, in->c.in, false);
    scale_operand(in, 0, 0, 1 / sqrt((double)in->c.in));
    scale_operand(in, 1, 0, 1 / sqrt((double)in->c.in));
}

static void case_embed(struct instance *in, size_t width, int variant) {
    in->c.lead = variant % 2 == 0;
    in->c.operand_rows = in->c.rows - in->c.lead;
    in->c.weight = normal_weights(in, in->c.rows * width, 0, 0.3f);
    in->c.lead_row = normal_weights(in, width, 0, 0.5f);
    set_operand(in, 0, NORMAL, width, false);
}

static void case_gather(struct instance *in, size_t width) {
    int32_t *ids = instance_alloc(in, in->c.inputs * in->c.rows, sizeof *ids);
    in->c.vocabulary = 20;
    in->c.weight = normal_weights(in, in->c.vocabulary * width, 0, 0.3f);
    for (size_t i = 0; i < in->c.inputs * in->c.rows; i++)
        ids[i] = (int32_t)draw_below(in->c.vocabulary);
    in->c.ids = ids;
}

static void case_pixels(struct instance *in) {
    in->c.groups = 3;
    for (size_t g = 0; g < 3; g++) {
        in->c.maths.mean[g] = 0.4 + 0.03 * (double)g;
        in->c.maths.std[g] = 0.25 + 0.01 * (double)g;
    }
    set_operand(in, 0, NORMAL, in->c.out, false);
    scale_operand(in, 0, 120, 40);
}

static void case_rest(struct instance *in, size_t width, int variant) {
    static const char *const activations[] = {"quick_gelu", "gelu_erf", "gelu_tanh"};
    in->c.maths.activation = in->c.kind == CP_OPERATION_ACTIVATION ? activations[variant % 3] : NULL;
    in->c.maths.templates = 3;
    if (in->c.kind == CP_OPERATION_GAIN)
        in->c.weight = normal_weights(in, width, 0.3f, 0.2f);
    if (in->c.kind == CP_OPERATION_UNIT || in->c.kind == CP_OPERATION_CLASSES)
        in->c.rows = 1;
    set_operand(in, 0, NORMAL, width, false);
    if (in->c.kind == CP_OPERATION_ADD)
        set_operand(in, 1, NORMAL, width, false);
}

void make_case(struct instance *in, enum cp_operation_kind kind, const struct arithmetic *a, size_t inputs,
               size_t rows, size_t width, int variant) {
    *in = (struct instance){
        .c = {.kind = kind, .inputs = inputs, .groups = 1, .rows = rows, .in = width, .out = width}};
    set_arithmetic(&in->c, a);
    switch (kind) {
    case CP_OPERATION_NORM:
        case_norm(in, width, variant);
        break;
    case CP_OPERATION_LINEAR:
        case_linear(in, width, variant);
        break;
    case CP_OPERATION_SCORES:
        case_scores(in, width);
        break;
    case CP_OPERATION_SOFTMAX:
        case_softmax(in, variant);
        break;
    case CP_OPERATION_CONTEXT:
        case_context(in, width);
        break;
    case CP_OPERATION_POOL:
        case_pool(in, width, variant);
        break;
    case CP_OPERATION_LOGITS:
        case_logits(in, variant);
        break;
    case CP_OPERATION_EMBED:
        case_embed(in, width, variant);
        break;
    case CP_OPERATION_GATHER:
        case_gather(in, width);
        break;
    case CP_OPERATION_NORMALIZE:
        case_pixels(in);
        break;
    default:
        case_rest(in, width, variant);
        break;
    }
    prepare_instance(in);
}
